import { getFormatDateInfo, tokenize } from 'numfmt';
import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/file-format.js';
import type { StoredCell } from '../model/row.js';
import type { InputLimits, Warnings } from './input.js';
import { isTrue, type Sheet, type Workbook } from './workbook.js';
import { readXml, type XmlHandler } from './zip-archive.js';

/** Texts of warnings about a sheet: singular, plural, consequence. */
export const SHEET_NOTES = {
  BLANK_LINE: ['blank row', 'blank rows', 'Blank rows are dropped.'],
  FORMULAS: [
    'row has formulas',
    'rows have formulas',
    'Their last calculated values are used, and the output has values instead of formulas.',
  ],
  FORMULA_WITHOUT_VALUE: [
    'row has a formula that was never calculated',
    'rows have a formula that was never calculated',
    'Its cell counts as empty. To fix that, open the workbook in a spreadsheet program and save it.',
  ],
  HIDDEN_ROWS: ['hidden row', 'hidden rows', 'Hidden rows are read like all others.'],
  MERGED_CELLS: ['merged range', 'merged ranges', 'Only the top-left cell of a merged range has a value.'],
} as const;

const CHUNK_ROWS = 1_000;
/** Rows with a single cell far to the right are long, so put fewer into a chunk. */
const CHUNK_CELLS = 200_000;

/** Reads the non-empty rows of a sheet, each up to its last value. */
export async function* readSheetLines(
  workbook: Workbook,
  sheet: Sheet,
  limits: InputLimits,
  warnings: Warnings,
  signal?: AbortSignal,
): AsyncGenerator<readonly SheetLine[]> {
  const { archive } = workbook;
  const row = new SheetRow(workbook, limits);
  const chunks = new LineChunks();
  const takeRow = () => {
    const line = row.close(warnings);
    if (line !== null) chunks.add(line);
  };
  const openBytes = () => archive.openPart(sheet.path, signal);
  const handler = createHandler(row, takeRow, warnings);
  for await (const _ of readXml({ name: archive.name, path: sheet.path, openBytes }, handler)) {
    yield* chunks.takeFull();
  }
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

function createHandler(row: SheetRow, takeRow: () => void, warnings: Warnings): XmlHandler {
  let isText = false;
  // Phonetic guides are not part of the text.
  let isPhonetic = false;
  return {
    open(name, attributes) {
      if (name === 'c') row.openCell(attributes);
      else if (name === 'v' || name === 't') isText = !isPhonetic;
      else if (name === 'row') row.open(attributes.r, isTrue(attributes.hidden));
      else if (name === 'f') row.noteFormula();
      else if (name === 'rPh') isPhonetic = true;
      else if (name === 'mergeCell') warnings.add('MERGED_CELLS', parseFirstLine(attributes.ref));
    },
    text(text) {
      if (isText) row.addText(text);
    },
    close(name) {
      if (name === 'v' || name === 't') isText = false;
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

/** Builds one row of a sheet, cell by cell. */
class SheetRow {
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
  /** The current cell; columns count from 0. */
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

  /** A row without a number follows the previous one. */
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
    this.#column = place === undefined ? this.#column + 1 : parseColumn(place);
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
      'Check that this is a table: an Excel cell holds up to 32767 characters.',
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

  /** Returns the row, or null if it has only formatting. */
  close(warnings: Warnings): SheetLine | null {
    if (this.#hasFormula) warnings.add('FORMULAS', this.#line);
    if (this.#isUncomputed) warnings.add('FORMULA_WITHOUT_VALUE', this.#line);
    if (this.#cells.every((text) => text === '')) return null;
    if (this.#isHidden) warnings.add('HIDDEN_ROWS', this.#line);
    return { line: this.#line, cells: this.#cells, stored: this.#stored };
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

/** `A1` → 0; NaN or a negative number if it is not a cell reference. */
function parseColumn(place: string): number {
  let column = 0;
  for (let at = 0; at < place.length; at += 1) {
    const code = place.charCodeAt(at) & ~0x20;
    if (code < 65 || code > 90) return at === 0 ? Number.NaN : column - 1;
    column = column * 26 + (code - 64);
  }
  return column - 1;
}

/** A cell as stored in the XML. */
interface RawCell {
  /** Its type: `s` for a shared string, `n` for a number, … */
  readonly type: string;
  /** Its style index. */
  readonly style: number;
  readonly value: string;
}

/** A cell's text and stored value; `stored` is null for text. */
interface ReadCell {
  readonly text: string;
  readonly stored: StoredCell | null;
}

/**
 * Creates the function that converts cells to text: numbers in their shortest exact form, dates in ISO
 * format.
 */
function createCellReader({ texts, formats, date1904 }: Workbook): (cell: RawCell) => ReadCell {
  const kinds = formats.map((format) => (format === null ? 'number' : classifyNumberFormat(format)));
  return ({ type, style, value }) => {
    switch (type) {
      case 's':
        // Without an index the cell is blank; `Number('')` would give the first string.
        return value.trim() === ''
          ? BLANK
          : { text: unescapeText(texts.read(Number(value)) ?? ''), stored: null };
      case 'str':
      case 'inlineStr':
        return { text: unescapeText(value), stored: null };
      case 'b': {
        const text = value === '1' || value === 'true' ? 'TRUE' : 'FALSE';
        return value === '' ? BLANK : { text, stored: { kind: 'boolean', raw: value, format: null } };
      }
      case 'e':
        return value === '' ? BLANK : { text: value, stored: { kind: 'error', raw: value, format: null } };
      case 'd':
        return { text: value, stored: null };
      default: {
        const number = value.trim();
        if (!NUMBER.test(number) || !Number.isFinite(Number(number))) return { text: value, stored: null };
        const format = formats[style] ?? null;
        const text = formatNumber(number, format, kinds[style] ?? 'number', date1904);
        return { text, stored: { kind: 'number', raw: number, format } };
      }
    }
  };
}

/** What a number means under a format: a day, a time, both, a length of time, or just a number. */
type NumberKind = 'number' | 'date' | 'datetime' | 'time' | 'duration';

/** Classifies by the first section of the format, the one for positive numbers. An invalid format means plain numbers. */
export function classifyNumberFormat(format: string): NumberKind {
  try {
    const tokens = tokenize(format);
    const end = tokens.findIndex(({ type }) => type === 'break');
    const section = end < 0 ? tokens : tokens.slice(0, end);
    if (section.some(({ type }) => type === 'duration')) return 'duration';
    const { year, month, day, hours, minutes, seconds } = getFormatDateInfo(format);
    const hasTime = hours || minutes || seconds;
    // The `mm` of `mm:ss` is reported as a month.
    const hasDate = year || day || (month && !hasTime);
    if (hasDate) return hasTime ? 'datetime' : 'date';
    return hasTime ? 'time' : 'number';
  } catch {
    return 'number';
  }
}

// A number in XML Schema format; JavaScript accepts more.
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

const BLANK: ReadCell = { text: '', stored: null };

/**
 * Decodes `_x0001_`, which stands for a character that XML cannot represent (`_x005F_` escapes the pattern
 * itself).
 */
function unescapeText(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([\da-f]{4})_/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function formatNumber(raw: string, format: string | null, kind: NumberKind, date1904: boolean): string {
  const value = Number(raw);
  const text = kind === 'number' ? null : formatMoment(value, kind, date1904);
  if (text !== null) return text;
  // An integer may have more digits than a JavaScript number can keep.
  const plain = /^-?(?:0|[1-9]\d*)$/.test(raw) ? raw : String(value);
  const hasZeros = format !== null && /^0{2,}$/.test(format) && /^\d+$/.test(plain);
  return hasZeros ? plain.padStart(format.length, '0') : plain;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The last day of year 9999, Excel's maximum. */
const MAX_DAY = 2_958_465;

/** Returns null for a number outside the date range, even if its format is a date. */
function formatMoment(value: number, kind: NumberKind, date1904: boolean): string | null {
  if (value < 0 || value > MAX_DAY + 1) return null;
  const totalMs = Math.round(value * DAY_MS);
  if (kind === 'duration') return formatTime(totalMs);
  const day = Math.floor(totalMs / DAY_MS);
  const time = formatTime(totalMs % DAY_MS);
  if (day === 0 && !date1904) return kind === 'date' ? null : time;
  if (day === 0 && kind === 'time') return time;
  const date = date1904 ? formatDay(Date.UTC(1904, 0, 1), day) : formatDay1900(day);
  return kind === 'date' && totalMs % DAY_MS === 0 ? date : `${date}T${time}`;
}

/** Excel counts February 29, 1900, which did not exist. */
function formatDay1900(day: number): string {
  if (day === 60) return '1900-02-29';
  return formatDay(Date.UTC(1899, 11, day < 60 ? 31 : 30), day);
}

function formatDay(firstMs: number, day: number): string {
  return new Date(firstMs + day * DAY_MS).toISOString().slice(0, 10);
}

function formatTime(lengthMs: number): string {
  const seconds = Math.floor(lengthMs / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
  const restMs = lengthMs % 1_000;
  return restMs === 0 ? time : `${time}.${String(restMs).padStart(3, '0')}`;
}
