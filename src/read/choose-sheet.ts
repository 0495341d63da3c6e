import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/file-format.js';
import { OUTCOME_COLUMNS } from '../model/output-columns.js';
import { type InputLimits, type InputOptions, type InputWarning, Warnings } from './input.js';
import { readSheetExtras, type SheetExtras } from './sheet-extras.js';
import { findHeader, HEADER_SEARCH_LINES, hasTable } from './sheet-header.js';
import { type OpenSheet, readSheetLines } from './sheet-reader.js';
import type { Sheet, Workbook } from './workbook.js';

/** A sheet, its first rows, and which of them is the header. */
export interface ChosenSheet extends OpenSheet {
  readonly lines: readonly SheetLine[];
  readonly headerAt: number;
}

/** Sheets about the workbook, next to those with tables. */
const ABOUT =
  /^(?:info|about|read ?me|cover|title|deckblatt|(?:export |document )?summary|instructions?|anleitung|help|legend|legende|notes?|contents|index|toc|overview|übersicht|change ?log|changes)$/i;

/**
 * Returns the sheet with the given name or number, else the visible one that rowfill has filled, else the first visible
 * one with a table.
 */
export async function chooseSheet(
  workbook: Workbook,
  options: Pick<InputOptions, 'sheet' | 'isSheetOptional' | 'headerRow'>,
  limits: InputLimits,
): Promise<ChosenSheet> {
  const visible = workbook.sheets.filter((sheet) => !sheet.isHidden);
  const named = findSheet(workbook, options);
  const filled = named === null ? await findFilled(workbook, visible, options.headerRow, limits) : null;
  const only = named ?? filled;
  const wanted = only === null ? visible : [only];
  let best: ChosenSheet | null = null;
  for (const sheet of wanted) {
    const chosen = await openSheet(workbook, sheet, options.headerRow, limits);
    const isBetter = best === null || rateSheet(chosen) > rateSheet(best);
    if (isBetter) best = chosen;
    if (rateSheet(chosen) === BEST) break;
  }
  if (best !== null) return best;
  throw createUsageError(
    'INPUT_EMPTY',
    `${workbook.archive.name} has only hidden sheets`,
    `Choose one with --sheet: ${listSheets(workbook.sheets)}.`,
  );
}

const BEST = 4;

/** A table, a table in a sheet about the workbook, rows of any kind, one row, nothing. */
function rateSheet({ sheet, lines, headerAt }: ChosenSheet): number {
  if (lines.length < 2) return lines.length === 0 ? 0 : 1;
  if (!hasTable(lines, headerAt)) return 2;
  return ABOUT.test(sheet.name.trim()) ? 3 : BEST;
}

/**
 * The sheet with the most result columns; null if none has any. Such columns are partly blank until a job is done, so
 * how full a sheet is does not tell.
 */
async function findFilled(
  workbook: Workbook,
  sheets: readonly Sheet[],
  headerRow: number | undefined,
  limits: InputLimits,
): Promise<Sheet | null> {
  if (sheets.length < 2) return null;
  let best: { readonly sheet: Sheet; readonly count: number } | null = null;
  for (const sheet of sheets) {
    const opened = { sheet, extras: NO_EXTRAS };
    // A sheet that cannot be read is refused only if it is chosen.
    const lines = await readFirstLines(workbook, opened, countSearched(headerRow), limits).catch(() => []);
    const count = Math.max(0, ...lines.map(countResultColumns));
    if (count > (best?.count ?? 0)) best = { sheet, count };
    if (count === OUTCOME_COLUMNS.length) break;
  }
  return best?.sheet ?? null;
}

const NO_EXTRAS: SheetExtras = { mergedColumns: [], mergedAcross: new Map(), links: new Map(), tables: [] };

function countResultColumns({ cells }: SheetLine): number {
  return OUTCOME_COLUMNS.filter((name) => cells.some((text) => text.trim() === name)).length;
}

function countSearched(headerRow = 0): number {
  return headerRow + HEADER_SEARCH_LINES;
}

async function openSheet(
  workbook: Workbook,
  sheet: Sheet,
  headerRow: number | undefined,
  limits: InputLimits,
): Promise<ChosenSheet> {
  const extras = await readSheetExtras(workbook, sheet, limits);
  const opened = { sheet, extras };
  const lines = await readFirstLines(workbook, opened, countSearched(headerRow), limits);
  if (headerRow === undefined) return { ...opened, lines, headerAt: findHeader(lines, extras.mergedAcross) };
  const headerAt = lines.findIndex(({ line }) => line === headerRow);
  return { ...opened, lines, headerAt };
}

function findSheet(
  { archive, sheets }: Workbook,
  { sheet: wish, isSheetOptional = false }: Pick<InputOptions, 'sheet' | 'isSheetOptional'>,
): Sheet | null {
  if (wish === undefined) return null;
  const plain = (text: string) => text.trim().toLowerCase();
  const found =
    sheets.find(({ name }) => name === wish) ??
    sheets.find(({ name }) => plain(name) === plain(wish)) ??
    // A number means a place in one workbook only.
    (/^\d{1,5}$/.test(wish) && !isSheetOptional ? sheets[Number(wish) - 1] : undefined);
  if (found !== undefined) return found;
  if (isSheetOptional) return null;
  throw createUsageError(
    'UNKNOWN_SHEET',
    `${archive.name} has no sheet ${JSON.stringify(wish)}`,
    `It has ${listSheets(sheets)}.`,
  );
}

async function readFirstLines(
  workbook: Workbook,
  sheet: OpenSheet,
  count: number,
  limits: InputLimits,
): Promise<readonly SheetLine[]> {
  const lines: SheetLine[] = [];
  for await (const chunk of readSheetLines(workbook, sheet, limits, new Warnings())) {
    lines.push(...chunk.slice(0, count));
    if (lines.length >= count) break;
  }
  return lines.slice(0, count);
}

const MAX_LISTED = 10;

/** Says which sheet is read, if there are others. */
export function describeChoice({ sheets }: Workbook, sheet: Sheet): InputWarning[] {
  const others = sheets.filter((other) => other !== sheet);
  if (others.length === 0) return [];
  const fact = `Using sheet ${JSON.stringify(sheet.name)}; --sheet chooses another: ${listSheets(others)}.`;
  return [{ code: 'SHEET_CHOSEN', message: `${fact} Only .xlsx output keeps the others.`, fact }];
}

function listSheets(sheets: readonly Sheet[]): string {
  const named = sheets.slice(0, MAX_LISTED).map(({ name }) => JSON.stringify(name));
  const more = sheets.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
