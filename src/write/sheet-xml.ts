import type { FilledRow } from '../model/answer.js';
import { BUILT_IN_FORMATS } from '../model/file-format.js';
import { isJsonObject, type JsonValue } from '../model/json.js';
import type { Row, StoredCell } from '../model/row.js';
import { formatColumn } from '../model/workbook-file.js';
import { type CellLayout, formatInput, getPath } from './cells.js';
import type { SheetLinks } from './sheet-links.js';

const NAMESPACE = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/**
 * XML before the rows of a sheet. The header row is frozen, so it stays visible when scrolling. `widths` are those of
 * the columns, in characters.
 */
export function formatSheetHead(headerLine: number | null, widths: readonly number[]): string {
  const below = `A${(headerLine ?? 0) + 1}`;
  const pane =
    headerLine === null
      ? ''
      : `<pane ySplit="${headerLine}" topLeftCell="${below}" activePane="bottomLeft" state="frozen"/>`;
  const cols = widths.map(
    (width, at) => `<col min="${at + 1}" max="${at + 1}" width="${width}" customWidth="1"/>`,
  );
  const columns = cols.length === 0 ? '' : `<cols>${cols.join('')}</cols>`;
  return `<worksheet xmlns="${NAMESPACE}" xmlns:r="${RELATIONS}"><sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews>${columns}<sheetData>`;
}

/** XML after the rows of a sheet. */
export function formatSheetTail(links: SheetLinks): string {
  const inner = links.formatLinks();
  return `</sheetData>${inner === '' ? '' : `<hyperlinks>${inner}</hyperlinks>`}</worksheet>`;
}

const MIN_WIDTH = 9;
const MAX_WIDTH = 50;

/** Widths that show the header and the first rows, within limits. */
export function computeWidths(
  titles: readonly string[],
  rows: readonly (readonly { readonly text: string }[])[],
): number[] {
  return titles.map((title, at) => {
    const longest = rows.reduce((most, cells) => Math.max(most, cells[at]?.text.length ?? 0), title.length);
    return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, longest + 2));
  });
}

/** Formats the header row. */
export function formatHeader(titles: readonly string[], line: number): string {
  const cells = titles.map((text, at) => formatText(text, formatColumn(at) + line, ` s="${HEADER_STYLE}"`));
  return `<row r="${line}">${cells.join('')}</row>`;
}

/** Formats a row without its blank cells. */
export function formatRow(
  cells: readonly SheetCell[],
  line: number,
  styles: SheetStyles,
  links: SheetLinks | null = null,
): string {
  let text = `<row r="${line}">`;
  for (let at = 0; at < cells.length; at += 1) {
    const cell = cells[at];
    if (cell === undefined || cell.text === '') continue;
    const place = formatColumn(at) + line;
    if (cell.stored?.link !== undefined) links?.keep(place, cell.stored.link);
    const isLink = cell.isCitation === true && links?.add(place, cell.text) === true;
    text += isLink
      ? formatText(cell.text, place, ` s="${styles.findLink()}"`)
      : formatCell(cell, place, styles);
  }
  return `${text}</row>`;
}

function formatCell({ text, stored }: SheetCell, place: string, styles: SheetStyles): string {
  if (stored === null) return formatText(text, place, '');
  switch (stored.kind) {
    case 'number': {
      const style = stored.format === null ? '' : ` s="${styles.find(stored.format)}"`;
      return `<c r="${place}"${style}><v>${stored.raw}</v></c>`;
    }
    case 'boolean':
      return `<c r="${place}" t="b"><v>${stored.raw === '0' || stored.raw === 'false' ? 0 : 1}</v></c>`;
    case 'error':
      return ERRORS.has(stored.raw)
        ? `<c r="${place}" t="e"><v>${stored.raw}</v></c>`
        : formatText(text, place, '');
    case 'text':
      return formatText(stored.raw, place, '');
  }
}

/** Valid error values; with any other, Excel reports the file as damaged. */
const ERRORS: ReadonlySet<string> = new Set([
  '#NULL!',
  '#DIV/0!',
  '#VALUE!',
  '#REF!',
  '#NAME?',
  '#NUM!',
  '#N/A',
]);

function formatText(text: string, place: string, style: string): string {
  if (text === '') return '';
  return `<c r="${place}"${style} t="inlineStr"><is><t xml:space="preserve">${escapeText(clipText(text))}</t></is></c>`;
}

/** Maximum length of a cell in a workbook, in characters. */
export const MAX_CELL_LENGTH = 32_767;

/**
 * Escapes text for workbook XML. Text cells never run as formulas, so no apostrophe is needed. Characters
 * that XML cannot represent become `_x0001_`, and text that looks like such a code is escaped.
 */
export function escapeText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return (
    text
      // A workbook ends lines with a line feed. Many programs would show a carriage return as _x000D_.
      .replace(/\r\n?/g, '\n')
      .replace(/_(?=x[\da-f]{4}_)/gi, '_x005F_')
      .replace(UNFIT, (char) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

// Half of a surrogate pair is not a character; in `u` mode, only unpaired halves match.
const UNFIT = /[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const SPECIAL = /[&<>"]|_x[\da-f]{4}_|[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/iu;

/** Cuts text that is too long for a cell, never inside a character. `room` is what else the cell holds. */
export function clipText(text: string, room = 0): string {
  if (text.length <= MAX_CELL_LENGTH - room) return text;
  const end = MAX_CELL_LENGTH - room - 1;
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}

const FIRST_OWN_FORMAT = 164;
/** Excel accepts about 200 custom formats; further ones are shown as plain numbers. */
const MAX_OWN_FORMATS = 200;
/** Style index of the header; 0 is no style. */
const HEADER_STYLE = 1;

/** Collects the cell styles of a sheet: one per number format. */
export class SheetStyles {
  readonly #styles = new Map<string | number, number>();
  readonly #builtIn = new Map([...BUILT_IN_FORMATS].map(([id, code]) => [code, id]));
  readonly #ids: number[] = [0, 0];
  readonly #own: string[] = [];
  #link: number | null = null;

  /** Returns the style index of a link. */
  findLink(): number {
    this.#link ??= this.#ids.push(0) - 1;
    return this.#link;
  }

  /** Returns the style index for a number format. */
  find(format: string | number): number {
    const known = this.#styles.get(format);
    if (known !== undefined) return known;
    const id = typeof format === 'number' ? format : this.#findId(format);
    const style = id === 0 ? 0 : this.#ids.push(id) - 1;
    this.#styles.set(format, style);
    return style;
  }

  #findId(format: string): number {
    const builtIn = this.#builtIn.get(format);
    if (builtIn !== undefined) return builtIn;
    if (this.#own.length >= MAX_OWN_FORMATS) return 0;
    return FIRST_OWN_FORMAT + this.#own.push(format) - 1;
  }

  /** Formats the styles part; call this after the sheet is written. */
  format(): string {
    const formats = this.#own.map(
      (code, index) => `<numFmt numFmtId="${FIRST_OWN_FORMAT + index}" formatCode="${escapeText(code)}"/>`,
    );
    const styles = this.#ids.map((id, index) => {
      const font = index === HEADER_STYLE ? 1 : index === this.#link ? 2 : 0;
      return `<xf numFmtId="${id}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="${id === 0 ? 0 : 1}" applyFont="${font === 0 ? 0 : 1}"/>`;
    });
    const font = '<sz val="11"/><name val="Calibri"/><family val="2"/>';
    return [
      '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">',
      formats.length === 0 ? '' : `<numFmts count="${formats.length}">${formats.join('')}</numFmts>`,
      `<fonts count="3"><font>${font}</font><font><b/>${font}</font><font><u/>${LINK_FONT}</font></fonts>`,
      '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
      '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>',
      '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
      `<cellXfs count="${styles.length}">${styles.join('')}</cellXfs>`,
      '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
      '</styleSheet>',
    ].join('');
  }
}

/** Excel expects size, color, name and family in this order. */
const LINK_FONT = '<sz val="11"/><color rgb="FF0563C1"/><name val="Calibri"/><family val="2"/>';

/** A cell of the output; `stored` is null for text. */
export interface SheetCell {
  readonly text: string;
  readonly stored: StoredCell | null;
  /** True for citations, of which the first is a link. */
  readonly isCitation?: boolean;
}

/** Excel keeps 15 digits of a number, so longer ones are ids and stay text. */
const MAX_EXACT = 1e15;

/**
 * Creates the function that converts a row to typed cells: input cells keep their type, the agent's numbers
 * and booleans are stored as such, everything else is text.
 */
export function createSheetCells(
  layout: CellLayout,
  columns: readonly string[],
  date1904 = false,
): (filled: FilledRow) => SheetCell[] {
  const { titles, inputWidth } = layout;
  const readCell = createAnswerCells(layout, date1904);
  return (filled) =>
    layout.fill(filled).map((text, at) => {
      const { row } = filled;
      const isExtra = at >= titles.length;
      const from = isExtra ? at - titles.length + inputWidth : at;
      const stored = isExtra || at < inputWidth ? findStored(row, from, columns, text) : null;
      const isOwn = isExtra || isOwnText(row, at, inputWidth, text);
      return stored !== null || isOwn ? { text, stored } : readCell(filled, at, text);
    });
}

/** What a column of the output holds, besides text. */
type ColumnRole =
  | {
      readonly kind: 'value';
      readonly field: string;
      readonly path: readonly string[];
      readonly isMoment: boolean;
    }
  | { readonly kind: 'citations'; readonly field: string }
  | { readonly kind: 'cost' }
  | { readonly kind: 'date' };

/** Creates the function that types a cell that is not an unchanged cell of the input, by the column and the row. */
export function createAnswerCells(
  { fields, costAt, dateAt }: CellLayout,
  date1904 = false,
): (filled: FilledRow, at: number, text: string) => SheetCell {
  const roles = new Map<number, ColumnRole>([
    [costAt, { kind: 'cost' }],
    [dateAt, { kind: 'date' }],
  ]);
  for (const { name, values, citationsAt } of fields) {
    roles.set(citationsAt, { kind: 'citations', field: name });
    for (const { at, path, schema } of values)
      roles.set(at, { kind: 'value', field: name, path, isMoment: isMomentSchema(schema) });
  }
  return ({ outcome }, at, text) => {
    const role = roles.get(at);
    if (role === undefined) return { text, stored: null };
    if (role.kind === 'cost') return { text, stored: { kind: 'number', raw: text, format: null } };
    if (role.kind === 'date') return { text, stored: storeMoment(text, date1904) };
    const answer = outcome.fields.get(role.field);
    if (answer === undefined) return { text, stored: null };
    if (role.kind === 'citations') return { text, stored: null, isCitation: true };
    const { path, isMoment } = role;
    return {
      text,
      stored: isMoment ? storeMoment(text, date1904) : storeValue(getPath(answer.value, path), text),
    };
  };
}

/** The stored type of an input cell, if its text is unchanged. */
function findStored(row: Row, at: number, columns: readonly string[], text: string): StoredCell | null {
  if (row.kind === 'cells') return row.cells[at] === text ? (row.stored?.[at] ?? null) : null;
  const column = columns[at];
  if (row.kind === 'faulty' || column === undefined || !Object.hasOwn(row.object, column)) return null;
  return storeValue(row.object[column], text);
}

/** True for an unchanged cell of an input table: its type is already known. */
function isOwnText(row: Row, at: number, inputWidth: number, text: string): boolean {
  return row.kind === 'cells' && at < inputWidth && row.cells[at] === text;
}

function isMomentSchema(schema: JsonValue | undefined): boolean {
  return isJsonObject(schema) && (schema.format === 'date' || schema.format === 'date-time');
}

/** Built-in formats of dates, without and with a time, shown as the reader's country writes them. */
export const DATE_FORMAT = 14;
export const DATE_TIME_FORMAT = 22;
const DAY_MS = 86_400_000;
/** Excel takes 1900 for a leap year, so earlier days have other numbers in other programs. */
const FIRST_DAY = '1900-03-01';
const FIRST_DAY_1904 = '1904-01-01';
// Workbooks know no time zones and no fractions below a millisecond.
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(?:Z|[+-]00:00)?)?$/i;

/**
 * A date such as `2024-03-01`, or one with a time in UTC, as workbooks store it: the number of its day. Null for what they
 * cannot hold.
 */
function storeMoment(text: string, date1904: boolean): StoredCell | null {
  const [, day = '', time] = MOMENT.exec(text) ?? [];
  const ms = Date.parse(`${day}T${time ?? '00:00'}Z`);
  // `Date.parse` reads February 30 as a day in March.
  const isReal = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
  if (!isReal || day < (date1904 ? FIRST_DAY_1904 : FIRST_DAY)) return null;
  const origin = date1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30);
  const format = time === undefined ? DATE_FORMAT : DATE_TIME_FORMAT;
  return { kind: 'number', raw: String((ms - origin) / DAY_MS), format };
}

/** The typed value, if it matches the text. */
function storeValue(value: JsonValue | undefined, text: string): StoredCell | null {
  if (formatInput(value) !== text) return null;
  if (typeof value === 'boolean') return { kind: 'boolean', raw: value ? '1' : '0', format: null };
  if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) >= MAX_EXACT)) return null;
  return { kind: 'number', raw: text, format: null };
}
