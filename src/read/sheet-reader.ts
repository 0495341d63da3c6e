import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/file-format.js';
import type { StoredCell } from '../model/row.js';
import { type CellRange, formatColumn, parseColumn, parseRange } from '../model/workbook-file.js';
import { findLink, readConstant } from './constant-formula.js';
import type { InputLimits, Warnings } from './input.js';
import { QuickRows } from './quick-rows.js';
import { createCellReader } from './sheet-cell.js';
import type { MergedColumn, SheetExtras } from './sheet-extras.js';
import { isTrue, type Sheet, type Workbook } from './workbook.js';
import { openXml, type XmlHandler } from './zip-archive.js';

/** Texts of warnings about a sheet: singular, plural, consequence. */
export const SHEET_NOTES = {
  BLANK_LINE: [
    'blank row',
    'blank rows',
    'Blank rows are kept in .xlsx output and dropped from other formats.',
  ],
  FORMULAS: [
    'row has formulas',
    'rows have formulas',
    'Their last calculated values are used. Only .xlsx output keeps the formulas.',
  ],
  FORMULA_WITHOUT_VALUE: [
    'cell has a formula that was never calculated',
    'cells have a formula that was never calculated',
    'A row that would send such a cell is not sent. To fix that, open the workbook in a spreadsheet program and save it.',
  ],
  ROWS_BELOW_TABLE: [
    'row below the Excel table is not part of the list',
    'rows below the Excel table are not part of the list',
    'Only .xlsx output keeps them, unchanged.',
  ],
  HIDDEN_ROWS: ['hidden row', 'hidden rows', 'Hidden rows are read like all others.'],
  ARRAY_CELLS: [
    'blank cell is part of an array formula',
    'blank cells are part of an array formula',
    'They are not filled, because no program lets one cell of it be changed alone.',
  ],
  LINKS: [
    'row has links',
    'rows have links',
    'If the text is not an address, the address is sent too. Workbook output keeps both.',
  ],
  MERGED_CELLS: [
    'merged range',
    'merged ranges',
    'Cells merged down a column all have its value; of cells merged across, only the first has it.',
  ],
} as const;

const CHUNK_ROWS = 1_000;
/** Wide rows come in small chunks, because what lives for long is costly to clean up. */
const CHUNK_CELLS = 2_000;

/** The note about hidden rows that are left alone. */
export const SKIPPED_HIDDEN = [
  'hidden row',
  'hidden rows',
  'Hidden rows are not sent. They are kept in the output with the status “skipped”.',
] as const;

/** A sheet, and what it says after its rows. */
export interface OpenSheet {
  readonly sheet: Sheet;
  readonly extras: SheetExtras;
  /** Last row of the list. Absent if it ends with the sheet. */
  readonly lastLine?: number;
}

/** Reads the non-empty rows of a sheet, each up to its last value. */
export async function* readSheetLines(
  workbook: Workbook,
  { sheet, extras, lastLine = Number.POSITIVE_INFINITY }: OpenSheet,
  limits: InputLimits,
  warnings: Warnings,
  signal?: AbortSignal,
): AsyncGenerator<readonly SheetLine[]> {
  const { archive } = workbook;
  const row = new SheetRow(workbook, extras, limits, lastLine);
  const chunks = new LineChunks();
  const takeRow = () => {
    const line = row.close(warnings);
    if (line !== null) chunks.add(line);
  };
  const openBytes = () => archive.openPart(sheet.path, signal);
  const handler = createHandler(row, takeRow, warnings, lastLine);
  const { parser, texts } = openXml({ name: archive.name, path: sheet.path, openBytes }, handler);
  const quick = new QuickRows(parser, row, takeRow);
  for await (const text of texts) {
    quick.write(text);
    yield* chunks.takeFull();
  }
  quick.close();
  yield* chunks.takeAll();
}

/** Collects rows in chunks, since a piece of XML may contain many. */
class LineChunks {
  #full: (readonly SheetLine[])[] = [];
  #open: SheetLine[] = [];
  #cellCount = 0;

  add(line: SheetLine): void {
    this.#open.push(line);
    this.#cellCount += line.cells.length;
    if (this.#open.length >= CHUNK_ROWS || this.#cellCount >= CHUNK_CELLS) this.#close();
  }

  takeFull(): readonly (readonly SheetLine[])[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  takeAll(): readonly (readonly SheetLine[])[] {
    if (this.#open.length > 0) this.#close();
    return this.takeFull();
  }

  #close(): void {
    this.#full.push(this.#open);
    this.#open = [];
    this.#cellCount = 0;
  }
}

function createHandler(row: SheetRow, takeRow: () => void, warnings: Warnings, lastLine: number): XmlHandler {
  let isText = false;
  let isFormula = false;
  // Phonetic guides are not part of the text.
  let isPhonetic = false;
  return {
    open(name, attributes) {
      if (name === 'c') row.openCell(attributes);
      else if (name === 'v' || name === 't') {
        isText = !isPhonetic;
        row.openText(name);
      } else if (name === 'r') row.dropPlainText();
      else if (name === 'row') row.open(attributes.r, isTrue(attributes.hidden));
      else if (name === 'f') {
        isFormula = true;
        row.noteFormula(attributes.t, attributes.ref);
      } else if (name === 'rPh') isPhonetic = true;
      else if (name === 'mergeCell') {
        const line = parseFirstLine(attributes.ref);
        if (line <= lastLine) warnings.add('MERGED_CELLS', line);
      }
    },
    text(text) {
      if (isText) row.addText(text);
      else if (isFormula) row.addFormula(text);
    },
    close(name) {
      if (name === 'v' || name === 't') isText = false;
      else if (name === 'f') isFormula = false;
      else if (name === 'c') row.closeCell();
      else if (name === 'row') takeRow();
      else if (name === 'rPh') isPhonetic = false;
    },
  };
}

/** Row of the first cell of a range such as `A2:B3`. */
function parseFirstLine(range = ''): number {
  return Number(/\d+/.exec(range)?.[0] ?? 0);
}

const MAX_LINE = 1_048_576;

/** True for a range that begins above a line. One that begins there is found again if the row is opened again. */
function reachesInto({ firstLine, lastLine }: CellRange, line: number): boolean {
  return firstLine < line && lastLine >= line;
}

/** Builds one row of a sheet, cell by cell. */
class SheetRow {
  readonly #name: string;
  readonly #limits: InputLimits;
  readonly #readCell: ReturnType<typeof createCellReader>;
  readonly #links: SheetExtras['links'];
  readonly #merged: MergedValues;
  readonly #lastLine: number;
  #line = 0;
  /** Blank cells before others, in the rows above and in this one. */
  #blankCount = 0;
  #rowBlanks = 0;
  #isHidden = false;
  #cells: string[] = [];
  #stored: (StoredCell | null)[] = [];
  #length = 0;
  #hasFormula = false;
  #hasLinks = false;
  #sums: number[] = [];
  #formulas: number[] = [];
  #uncomputed: number[] = [];
  /** Ranges that array formulas and data tables fill, down to this row or below. */
  #arrays: CellRange[] = [];
  /** The current cell; columns count from 0. */
  #column = -1;
  #type = '';
  #style = -1;
  #rich = 0;
  #value = '';
  #isFormula = false;
  /** True if other cells have the formula too. */
  #isShared = false;
  #formula = '';
  /** The text in place, inside `<is>`. */
  #inline = '';
  #isInline = false;
  #hasRuns = false;

  constructor(
    workbook: Workbook,
    { links, mergedColumns }: SheetExtras,
    limits: InputLimits,
    lastLine: number,
  ) {
    this.#lastLine = lastLine;
    this.#name = workbook.archive.name;
    this.#limits = limits;
    this.#links = links;
    this.#merged = new MergedValues(mergedColumns);
    this.#readCell = createCellReader(workbook);
  }

  /** A row without a number follows the previous one. */
  open(line: string | undefined, isHidden: boolean): void {
    this.#line = line === undefined ? this.#line + 1 : Number(line);
    if (!Number.isInteger(this.#line) || this.#line < 1 || this.#line > MAX_LINE) this.#refuseLine();
    this.#isHidden = isHidden;
    this.#cells = [];
    this.#stored = [];
    this.#rowBlanks = 0;
    this.#length = 0;
    this.#column = -1;
    this.#hasFormula = false;
    this.#hasLinks = false;
    this.#sums = [];
    this.#formulas = [];
    this.#uncomputed = [];
    if (this.#arrays.length > 0)
      this.#arrays = this.#arrays.filter((range) => reachesInto(range, this.#line));
  }

  openCell({ r: place, t: type = 'n', s: style = '0', vm = '0' }: Readonly<Record<string, string>>): void {
    const column = place === undefined ? this.#column + 1 : parseColumn(place);
    this.startCell(column, type, Number(style), Number(vm));
  }

  /** `rich` is the index of a rich value, from 1; 0 for none. */
  startCell(column: number, type: string, style: number, rich = 0): void {
    this.#column = column;
    if (!(this.#column >= 0 && this.#column < this.#limits.maxColumns)) this.#refuseColumn();
    this.#type = type;
    this.#style = style;
    this.#rich = rich;
    this.#value = '';
    this.#inline = '';
    this.#hasRuns = false;
    this.#isFormula = false;
    this.#isShared = false;
    this.#formula = '';
  }

  /** Formulas are never computed; only constants, links and sums are recognized by their text. */
  addFormula(text: string): void {
    if (this.#formula.length < MAX_FORMULA) this.#formula += text;
  }

  addText(text: string): void {
    if (this.#isInline) this.#inline += text;
    else this.#value += text;
    this.#length += text.length;
    if (this.#length <= this.#limits.maxRowLength) return;
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${this.#name}, row ${this.#line}: a row of more than ${this.#limits.maxRowLength} characters`,
      'Check that this is a table: an Excel cell holds up to 32767 characters.',
    );
  }

  /** Starts a value, or a text in place: some programs write both. */
  openText(name: 'v' | 't'): void {
    this.#isInline = name === 't';
  }

  /** The parts of a rich text replace a plain one that is written before them. */
  dropPlainText(): void {
    if (!this.#hasRuns) this.#inline = '';
    this.#hasRuns = true;
  }

  noteFormula(kind?: string, ref?: string): void {
    this.#isFormula = true;
    this.#isShared = kind !== undefined && kind !== 'normal';
    const range = kind === 'array' || kind === 'dataTable' ? parseRange(ref) : null;
    if (range !== null) this.#arrays.push(range);
  }

  closeCell(): void {
    const isInline = this.#inline !== '' && (this.#type === 'inlineStr' || this.#value === '');
    const constant = this.#formula === '' || this.#isShared ? null : readConstant(this.#formula);
    const { text, stored } = this.#readCell({
      type: isInline ? 'inlineStr' : this.#type,
      style: this.#style,
      value: isInline ? this.#inline : this.#value,
      rich: this.#rich,
      ...constant,
    });
    if (this.#isFormula && constant === null) {
      this.#hasFormula = true;
      this.#formulas.push(this.#column);
      if (this.#value === '' && this.#type !== 'str') this.#uncomputed.push(this.#column);
    }
    if (this.#formula !== '' && isSumFormula(this.#formula, this.#column)) this.#sums.push(this.#column);
    if (text === '' && this.#column >= this.#cells.length) return;
    this.#rowBlanks += Math.max(0, this.#column - this.#cells.length);
    if (this.#blankCount + this.#rowBlanks > this.#limits.maxBlankCells) this.#refuseBlanks();
    while (this.#cells.length < this.#column) {
      this.#cells.push('');
      this.#stored.push(null);
    }
    this.#cells[this.#column] = text;
    this.#stored[this.#column] = this.#addLink(text, stored);
  }

  #addLink(text: string, stored: StoredCell | null): StoredCell | null {
    if (this.#formula === '' && this.#links.size === 0) return stored;
    const link = this.#links.get(this.#line)?.get(this.#column) ?? findLink(this.#formula);
    if (link === undefined || text === '' || !LINK.test(link)) return stored;
    this.#hasLinks = true;
    return stored === null ? { kind: 'text', raw: text, format: null, link } : { ...stored, link };
  }

  /** Returns the row, or null if it has only formatting. */
  close(warnings: Warnings): SheetLine | null {
    this.#blankCount += this.#rowBlanks;
    if (this.#line > this.#lastLine) {
      if (this.#cells.some((text) => text !== '')) warnings.add('ROWS_BELOW_TABLE', this.#line);
      return null;
    }
    if (this.#hasFormula) warnings.add('FORMULAS', this.#line);
    for (const column of this.#uncomputed)
      warnings.add('FORMULA_WITHOUT_VALUE', `${formatColumn(column)}${this.#line}`);
    if (this.#cells.every((text) => text === '')) return null;
    if (this.#isHidden) warnings.add('HIDDEN_ROWS', this.#line);
    if (this.#hasLinks) warnings.add('LINKS', this.#line);
    const line = {
      line: this.#line,
      cells: this.#cells,
      stored: this.#stored,
      ...(this.#isHidden ? { isHidden: true } : {}),
      ...(this.#sums.length > 0 ? { sums: this.#sums } : {}),
      ...(this.#formulas.length > 0 ? { formulas: this.#formulas } : {}),
      ...(this.#uncomputed.length > 0 ? { uncomputed: this.#uncomputed } : {}),
      ...(this.#arrays.length > 0 ? { arrays: this.#arrays } : {}),
    };
    this.#merged.fill(line);
    return line;
  }

  #refuseLine(): never {
    throw createUsageError(
      'INPUT_TOO_MANY_ROWS',
      `${this.#name} has a row numbered ${this.#line}; a sheet has at most ${MAX_LINE} rows`,
      'Open it in a spreadsheet program and save it again, or save the sheet as CSV.',
    );
  }

  #refuseBlanks(): never {
    throw createUsageError(
      'INPUT_INFLATES_TOO_MUCH',
      `${this.#name} has more than ${this.#limits.maxBlankCells} blank cells before others, which looks like a zip bomb`,
      'If it really is a table, save it as CSV and use that file.',
    );
  }

  #refuseColumn(): never {
    throw createUsageError(
      'INPUT_TOO_MANY_COLUMNS',
      `${this.#name}, row ${this.#line}: a cell is beyond column ${this.#limits.maxColumns}`,
      'Open it in a spreadsheet program and save it again, or save the sheet as CSV.',
    );
  }
}

/** Links that are sent and kept: to pages, files of a server, mailboxes and phones. */
const LINK = /^(?:https?|ftp|mailto|tel):/i;
const MAX_FORMULA = 8_192;

/** True for a formula such as `SUM(D2:D9)` in column D, or one that names a column of a table. */
function isSumFormula(formula: string, column: number): boolean {
  if (!/^\s*=?\s*(?:SUM|SUBTOTAL)\(/i.test(formula)) return false;
  if (formula.includes('[')) return true;
  const range = /\(\s*(?:\d+\s*,\s*)?\$?([a-z]{1,3})\$?\d+:\$?([a-z]{1,3})\$?\d+\s*\)/i.exec(formula);
  return range !== null && [range[1], range[2]].every((letters) => parseColumn(`${letters}1`) === column);
}

type OpenLine = Pick<SheetLine, 'line'> & {
  readonly cells: string[];
  readonly stored: (StoredCell | null)[];
};

/** Gives blank cells that are merged down a column the value of the first. */
class MergedValues {
  readonly #columns: readonly MergedColumn[];
  #next = 0;
  #open: { readonly range: MergedColumn; text: string; stored: StoredCell | null }[] = [];

  constructor(columns: readonly MergedColumn[]) {
    this.#columns = columns;
  }

  fill({ line, cells, stored }: OpenLine): void {
    for (let range = this.#columns[this.#next]; range !== undefined && range.firstLine <= line; ) {
      this.#open.push({ range, text: '', stored: null });
      this.#next += 1;
      range = this.#columns[this.#next];
    }
    if (this.#open.length === 0) return;
    this.#open = this.#open.filter(({ range }) => range.lastLine >= line);
    for (const entry of this.#open) {
      const { column, firstLine } = entry.range;
      const text = cells[column] ?? '';
      if (firstLine === line) {
        entry.text = text;
        entry.stored = stored[column] ?? null;
      } else if (text === '' && entry.text !== '') {
        while (cells.length < column) {
          cells.push('');
          stored.push(null);
        }
        cells[column] = entry.text;
        stored[column] = entry.stored;
      }
    }
  }
}
