import type { SheetCell } from './sheet-cells.js';
import { HEADER_STYLE, type SheetStyles } from './sheet-styles.js';
import { clipText, escapeText } from './sheet-text.js';

const NAMESPACE = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';

/** What stands before the rows of a sheet; the header stays in sight when the rows are scrolled. */
export function formatSheetHead(headerLine: number | null): string {
  const below = `A${(headerLine ?? 0) + 1}`;
  const pane =
    headerLine === null
      ? ''
      : `<pane ySplit="${headerLine}" topLeftCell="${below}" activePane="bottomLeft" state="frozen"/>`;
  return `<worksheet xmlns="${NAMESPACE}"><sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews><sheetData>`;
}

export const SHEET_TAIL = '</sheetData></worksheet>';

/** The header as a row of texts. */
export function formatHeader(titles: readonly string[], line: number): string {
  const cells = titles.map((text, at) => formatText(text, formatPlace(at, line), ` s="${HEADER_STYLE}"`));
  return `<row r="${line}">${cells.join('')}</row>`;
}

/** A row; blank cells are left out of it. */
export function formatRow(cells: readonly SheetCell[], line: number, styles: SheetStyles): string {
  let text = `<row r="${line}">`;
  for (let at = 0; at < cells.length; at += 1) {
    const cell = cells[at];
    if (cell !== undefined && cell.text !== '') text += formatCell(cell, formatPlace(at, line), styles);
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
  }
}

/** The errors that a cell can hold; a file with another one would be taken for damaged. */
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

const LETTERS: string[] = [];

/** `A1` for the first column of the first row. */
function formatPlace(column: number, line: number): string {
  LETTERS[column] ??= formatColumn(column);
  return LETTERS[column] + line;
}

function formatColumn(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : formatColumn(Math.floor(column / 26) - 1) + last;
}
