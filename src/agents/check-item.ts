import type { JsonObject, JsonValue } from '../model/json.js';
import { escapeToken } from '../model/pointer.js';
import type { CompiledSchema, SchemaIssue } from '../model/schema.js';
import { type Cell, createItem } from './answer-record.js';

const MAX_ROUNDS = 5;

/**
 * Takes out the cells that break the schema, so that what is left is valid or null. Null itself is never a fault: it says
 * "not found", also where the schema demands a value.
 */
export function checkItem(schema: CompiledSchema, answer: readonly Cell[]): readonly Cell[] {
  let cells = answer;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const issues = schema.validate(dropNulls(createItem(cells)));
    const faults = new Map(cells.flatMap((cell) => findFault(cell, issues)));
    const whole = issues.find((issue) => isWhole(cells, issue, issues));
    if (faults.size === 0 && whole === undefined) return cells;
    const reason = faults.size > 0 ? null : `together the values break the schema: ${whole?.message}`;
    cells = cells.map((cell) => clearCell(cell, faults.get(cell) ?? reason));
  }
  return cells.map((cell) => clearCell(cell, 'the schema cannot be met'));
}

function findFault(cell: Cell, issues: readonly SchemaIssue[]): [Cell, string][] {
  const pointer = formatPointer(cell);
  const fault = issues.find(({ path }) => path === pointer || path.startsWith(`${pointer}/`));
  return fault === undefined || cell.value === null || cell.path[0] === 'row_id'
    ? []
    : [[cell, `the value found ${fault.message}`]];
}

/**
 * True for an issue of an object around cells, as `anyOf` over several properties gives. What comes of a value that was not found
 * is no fault of those that were.
 */
function isWhole(cells: readonly Cell[], issue: SchemaIssue, issues: readonly SchemaIssue[]): boolean {
  if (issues.some(({ keyword, path }) => keyword === 'required' && path === issue.path)) return false;
  return cells.some(
    (cell) =>
      cell.value !== null && cell.origin === 'tables' && formatPointer(cell).startsWith(`${issue.path}/`),
  );
}

function formatPointer(cell: Cell): string {
  return cell.path.map((key) => `/${escapeToken(key)}`).join('');
}

function clearCell(cell: Cell, issue: string | null): Cell {
  if (issue === null || cell.value === null || cell.path[0] === 'row_id') return cell;
  return { ...cell, value: null, grounding: [], issue };
}

function dropNulls(item: JsonObject): JsonObject {
  const entries = Object.entries(item).flatMap(([key, value]): [string, JsonValue][] => {
    if (value === null) return [];
    return [[key, key === 'fields' ? dropNullProperties(value) : value]];
  });
  return Object.fromEntries(entries);
}

function dropNullProperties(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
}
