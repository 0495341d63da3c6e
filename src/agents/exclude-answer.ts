import { splitColumnName } from '../model/column-kind.js';
import { createEntityKey } from '../model/entity-key.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { isEmpty } from '../model/row.js';
import type { Cell } from './answer-record.js';

/** An exclusion record by the words of its column names, each with the key of its value. */
type ExclusionKeys = ReadonlyMap<string, string>;

/** The records that must not be returned, made ready to be compared. */
export function createExclusionKeys(records: readonly JsonObject[]): readonly ExclusionKeys[] {
  return records.map(readKeys).filter((keys) => keys.size > 0);
}

/**
 * Takes out what would return an excluded entity: an answer, seen together with its input record, in which every key of an
 * exclusion record has an equal value. If the input record is itself the excluded entity, nothing at all is told about it.
 */
export function excludeAnswer(
  exclusions: readonly ExclusionKeys[],
  record: JsonObject,
  cells: readonly Cell[],
): readonly Cell[] {
  if (exclusions.length === 0) return cells;
  const given = readKeys(record);
  let left = cells;
  for (const exclusion of exclusions) {
    const found = readKeys(Object.fromEntries(left.map((cell) => [cell.path.at(-1) ?? '', cell.value])));
    const isGiven = (key: string, value: string): boolean => given.get(key) === value;
    const pairs = [...exclusion];
    if (!pairs.every(([key, value]) => isGiven(key, value) || found.get(key) === value)) continue;
    const isInput = pairs.every(([key, value]) => isGiven(key, value));
    left = left.map((cell) => {
      const key = splitColumnName(cell.path.at(-1) ?? '').join('_');
      const isNamed = isInput || (exclusion.has(key) && !isGiven(key, exclusion.get(key) ?? ''));
      return cell.origin === 'tables' && cell.value !== null && isNamed ? clearCell(cell) : cell;
    });
  }
  return left;
}

function clearCell(cell: Cell): Cell {
  return { ...cell, value: null, grounding: [], issue: 'it is on the exclusion list' };
}

function readKeys(record: JsonObject): Map<string, string> {
  const keys = new Map<string, string>();
  for (const [name, value] of Object.entries(record)) {
    const key = isEmpty(value) || isNested(value) ? null : createEntityKey(name, value);
    if (key !== null && name !== 'row_id') keys.set(splitColumnName(name).join('_'), key);
  }
  return keys;
}

function isNested(value: JsonValue): boolean {
  return isJsonObject(value) || Array.isArray(value);
}
