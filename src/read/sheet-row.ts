import { createUsageError } from '../errors.js';
import type { StoredCell } from '../model/row.js';
import type { SheetLine } from '../model/shape.js';
import type { InputLimits } from './limits.js';
import type { Notebook } from './notebook.js';
import { createCellReader } from './sheet-cell.js';
import type { Workbook } from './workbook.js';

const MAX_LINE = 1_048_576;

/** The row of a sheet that is being read, cell by cell. */
export class SheetRow {
  readonly #name: string;
  readonly #limits: InputLimits;
  readonly #readCell: ReturnType<typeof createCellReader>;
  #line = 0;
  #blankCount = 0;
  #isHidden = false;
  #cells: string[] = [];
  #stored: (StoredCell | null)[] = [];
  #length = 0;
  #hasFormula = false;
  #isUncomputed = false;
  /** The cell at hand; its column counts from 0. */
  #column = -1;
  #type = '';
  #style = -1;
  #value = '';
  #isFormula = false;

  constructor(workbook: Workbook, limits: InputLimits) {
    this.#name = workbook.archive.name;
    this.#limits = limits;
    this.#readCell = createCellReader(workbook);
  }

  /** A row that does not say which it is follows the one before. */
  open(line: string | undefined, isHidden: boolean): void {
    this.#line = line === undefined ? this.#line + 1 : Number(line);
    if (!Number.isInteger(this.#line) || this.#line < 1 || this.#line > MAX_LINE) this.#refuseLine();
    this.#isHidden = isHidden;
    this.#cells = [];
    this.#stored = [];
    this.#length = 0;
    this.#column = -1;
    this.#hasFormula = false;
    this.#isUncomputed = false;
  }

  openCell({ r: place, t: type = 'n', s: style = '0' }: Readonly<Record<string, string>>): void {
    this.#column = place === undefined ? this.#column + 1 : readColumn(place);
    if (!(this.#column >= 0 && this.#column < this.#limits.maxColumns)) this.#refuseColumn();
    this.#type = type;
    this.#style = Number(style);
    this.#value = '';
    this.#isFormula = false;
  }

  addText(text: string): void {
    this.#value += text;
    this.#length += text.length;
    if (this.#length <= this.#limits.maxRowLength) return;
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${this.#name}, row ${this.#line}: a row of more than ${this.#limits.maxRowLength} characters`,
      'Check that this is a table: a cell of Excel holds 32767 characters.',
    );
  }

  noteFormula(): void {
    this.#isFormula = true;
    this.#hasFormula = true;
  }

  closeCell(): void {
    const { text, stored } = this.#readCell({ type: this.#type, style: this.#style, value: this.#value });
    if (this.#isFormula && this.#value === '' && this.#type !== 'str') this.#isUncomputed = true;
    if (text === '' && this.#column >= this.#cells.length) return;
    this.#blankCount += Math.max(0, this.#column - this.#cells.length);
    if (this.#blankCount > this.#limits.maxBlankCells) this.#refuseBlanks();
    while (this.#cells.length < this.#column) {
      this.#cells.push('');
      this.#stored.push(null);
    }
    this.#cells[this.#column] = text;
    this.#stored[this.#column] = stored;
  }

  /** The row as it was read; null for one that has nothing in it but its looks. */
  close(notebook: Notebook): SheetLine | null {
    if (this.#hasFormula) notebook.add('FORMULAS', this.#line);
    if (this.#isUncomputed) notebook.add('FORMULA_WITHOUT_VALUE', this.#line);
    if (this.#cells.every((text) => text === '')) return null;
    if (this.#isHidden) notebook.add('HIDDEN_ROWS', this.#line);
    return { line: this.#line, cells: this.#cells, stored: this.#stored };
  }

  #refuseLine(): never {
    throw createUsageError(
      'INPUT_TOO_MANY_ROWS',
      `${this.#name} claims a row ${this.#line}; a sheet has up to ${MAX_LINE}`,
      'Open it in a spreadsheet program and save it anew, or save the sheet as CSV.',
    );
  }

  #refuseBlanks(): never {
    throw createUsageError(
      'INPUT_INFLATES_TOO_MUCH',
      `${this.#name} has more than ${this.#limits.maxBlankCells} blank cells before others: it is taken for a bomb`,
      'If it is a table all the same, save it as CSV and give that file.',
    );
  }

  #refuseColumn(): never {
    throw createUsageError(
      'INPUT_TOO_MANY_COLUMNS',
      `${this.#name}, row ${this.#line}: a cell stands beyond column ${this.#limits.maxColumns}`,
      'Open it in a spreadsheet program and save it anew, or save the sheet as CSV.',
    );
  }
}

/** `A1` is column 0; what is no place is none. */
function readColumn(place: string): number {
  let column = 0;
  for (let at = 0; at < place.length; at += 1) {
    const code = place.charCodeAt(at) & ~0x20;
    if (code < 65 || code > 90) return at === 0 ? Number.NaN : column - 1;
    column = column * 26 + (code - 64);
  }
  return column - 1;
}
