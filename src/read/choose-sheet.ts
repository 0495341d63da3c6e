import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/shape.js';
import { HEADER_SEARCH_LINES } from './find-header.js';
import type { InputLimits } from './limits.js';
import { type InputNote, Notebook } from './notebook.js';
import { readSheetLines } from './sheet-reader.js';
import type { Sheet, Workbook } from './workbook.js';

/** A sheet and its first rows. */
export interface ChosenSheet {
  readonly sheet: Sheet;
  readonly lines: readonly SheetLine[];
}

/** The sheet that was asked for by its name or number, else the first that can be seen and has a table. */
export async function chooseSheet(
  workbook: Workbook,
  wish: string | undefined,
  limits: InputLimits,
): Promise<ChosenSheet> {
  const visible = workbook.sheets.filter((sheet) => !sheet.isHidden);
  const wanted = wish === undefined ? visible : [findSheet(workbook, wish)];
  let first: ChosenSheet | null = null;
  for (const sheet of wanted) {
    const chosen = { sheet, lines: await readFirstLines(workbook, sheet, limits) };
    if (chosen.lines.length > 1) return chosen;
    if (first === null || first.lines.length === 0) first = chosen;
  }
  if (first !== null) return first;
  throw createUsageError(
    'INPUT_EMPTY',
    `${workbook.archive.name} has no sheet that is not hidden`,
    `Name one with --sheet: ${listSheets(workbook.sheets)}.`,
  );
}

function findSheet({ archive, sheets }: Workbook, wish: string): Sheet {
  const plain = (text: string) => text.trim().toLowerCase();
  const found =
    sheets.find(({ name }) => name === wish) ??
    sheets.find(({ name }) => plain(name) === plain(wish)) ??
    (/^\d{1,5}$/.test(wish) ? sheets[Number(wish) - 1] : undefined);
  if (found !== undefined) return found;
  throw createUsageError(
    'UNKNOWN_SHEET',
    `${archive.name} has no sheet ${JSON.stringify(wish)}`,
    `It has ${listSheets(sheets)}.`,
  );
}

async function readFirstLines(
  workbook: Workbook,
  sheet: Sheet,
  limits: InputLimits,
): Promise<readonly SheetLine[]> {
  const lines: SheetLine[] = [];
  for await (const chunk of readSheetLines(workbook, sheet, limits, new Notebook())) {
    lines.push(...chunk.slice(0, HEADER_SEARCH_LINES));
    if (lines.length >= HEADER_SEARCH_LINES) break;
  }
  return lines.slice(0, HEADER_SEARCH_LINES);
}

const MAX_LISTED = 10;

/** What a person should know about the parts of a workbook that are not read. */
export function describeChoice({ sheets, hasMacros }: Workbook, sheet: Sheet): InputNote[] {
  const others = sheets.filter((other) => other !== sheet);
  const choice = {
    code: 'SHEET_CHOSEN',
    message: `The sheet ${JSON.stringify(sheet.name)} is read and written; left out: ${listSheets(others)}. Name another with --sheet.`,
  };
  const macros = {
    code: 'MACROS_LEFT_OUT',
    message: 'The macros of the workbook are left out of the output.',
  };
  return [...(others.length > 0 ? [choice] : []), ...(hasMacros ? [macros] : [])];
}

function listSheets(sheets: readonly Sheet[]): string {
  const named = sheets.slice(0, MAX_LISTED).map(({ name }) => JSON.stringify(name));
  const more = sheets.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
