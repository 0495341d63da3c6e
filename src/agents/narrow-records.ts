import type { JsonValue } from '../model/json.js';
import { normaliseText } from '../model/plain-text.js';
import { type InputRecord, listInputKeys, listInputNames } from './input-record.js';
import { foldName, listKeys, listNames, type TableIndex } from './table-index.js';

/**
 * Narrows records that share a key down to the ones that agree with the input record in more than that: its name, then every other
 * column that both have. Records that are equal in every cell count as one.
 */
export function narrowRecords(
  index: TableIndex,
  input: InputRecord,
  records: readonly number[],
): readonly number[] {
  if (records.length < 2) return records;
  let left = keepIfAny(records, (record) => hasSameName(index, input, record));
  for (const [at, column] of input.table.columns.entries()) {
    if (left.length < 2) return left;
    const theirs = index.table.columns.findIndex((other) => other.key === column.key && column.key !== '');
    const keys = new Set(listInputKeys(input, at));
    if (theirs < 0 || keys.size === 0) continue;
    left = keepIfAny(left, (record) => listKeys(index.table, theirs, record).some((key) => keys.has(key)));
  }
  return dropTwins(index, left);
}

function keepIfAny(records: readonly number[], test: (record: number) => boolean): readonly number[] {
  const kept = records.filter(test);
  return kept.length > 0 ? kept : records;
}

function hasSameName(index: TableIndex, input: InputRecord, record: number): boolean {
  return (['person', 'company'] as const).some((kind) => {
    const ours = new Set(listInputNames(input, kind).map((name) => foldName(kind, name)));
    return listNames(index.table, index.roles, kind, record).some((name) => ours.has(foldName(kind, name)));
  });
}

function dropTwins(index: TableIndex, records: readonly number[]): readonly number[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const text = JSON.stringify((index.table.records[record]?.values ?? []).map(foldValue));
    const isNew = !seen.has(text);
    seen.add(text);
    return isNew;
  });
}

function foldValue(value: JsonValue): JsonValue {
  return typeof value === 'string' ? normaliseText(value) : value;
}
