import type { JsonValue } from '../model/json.js';
import type { FilledRow } from '../model/outcome.js';
import type { Row, StoredCell } from '../model/row.js';
import { type CellLayout, formatInput, readPath } from './fill-cells.js';

/** A cell of the output; `stored` is null for a text. */
export interface SheetCell {
  readonly text: string;
  readonly stored: StoredCell | null;
}

/** Excel keeps 15 digits of a number: a longer one is an id, and stays whole as a text. */
const MAX_EXACT = 1e15;

/**
 * The cells of a row with what each of them is: what came with the input is what it was there, numbers and booleans of the
 * agent are such, and everything else is text.
 */
export function createSheetCells(
  layout: CellLayout,
  columns: readonly string[],
): (filled: FilledRow) => SheetCell[] {
  const { titles, inputWidth, costAt } = layout;
  return (filled) => {
    const { row, outcome } = filled;
    const cells: { text: string; stored: StoredCell | null }[] = layout.fill(filled).map((text, at) => {
      const isInput = at < inputWidth || at >= titles.length;
      const from = at < inputWidth ? at : at - titles.length + inputWidth;
      return { text, stored: isInput ? readStored(row, from, columns, text) : null };
    });
    for (const { name, values } of layout.fields) {
      const answer = outcome.fields.get(name);
      if (answer === undefined) continue;
      for (const { at, path } of values) {
        const cell = cells[at];
        if (cell !== undefined && cell.stored === null && !isOwnText(row, at, inputWidth, cell.text)) {
          cell.stored = storeValue(readPath(answer.value, path), cell.text);
        }
      }
    }
    const cost = cells[costAt];
    if (cost !== undefined) cost.stored = { kind: 'number', raw: cost.text, format: null };
    return cells;
  };
}

/** What a cell of the input is, as long as its text was left as it was. */
function readStored(row: Row, at: number, columns: readonly string[], text: string): StoredCell | null {
  if (row.kind === 'cells') return row.cells[at] === text ? (row.stored?.[at] ?? null) : null;
  const column = columns[at];
  if (row.kind === 'faulty' || column === undefined || !Object.hasOwn(row.object, column)) return null;
  return storeValue(row.object[column], text);
}

/** True for a cell that stands as it came with a table: its type is known already. */
function isOwnText(row: Row, at: number, inputWidth: number, text: string): boolean {
  return row.kind === 'cells' && at < inputWidth && row.cells[at] === text;
}

/** The value as it is stored, if it is what the text says. */
function storeValue(value: JsonValue | undefined, text: string): StoredCell | null {
  if (formatInput(value) !== text) return null;
  if (typeof value === 'boolean') return { kind: 'boolean', raw: value ? '1' : '0', format: null };
  if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) >= MAX_EXACT)) return null;
  return { kind: 'number', raw: text, format: null };
}
