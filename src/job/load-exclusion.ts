import { createUsageError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { readNearest } from '../model/nearest.js';
import { type Row, readValue } from '../model/row.js';
import type { EnrichOptions } from '../options.js';
import { openInput } from '../read/open-input.js';
import { createExclusion, type Exclusion, type ExclusionRecord } from '../select/exclusion.js';

/** Reads the exclusion file of a job; one that excludes nothing where none was given. */
export async function loadExclusion(
  options: Pick<EnrichOptions, 'exclude' | 'excludeOn'>,
  ask: Ask,
  inputColumns: readonly string[],
): Promise<Exclusion> {
  const { exclude: path, excludeOn: wanted } = options;
  if (path === undefined) {
    if (wanted === undefined) return createExclusion([], { on: [], tell: [] });
    throw createUsageError('NO_EXCLUSION_FILE', '--exclude-on was given without --exclude FILE');
  }
  const file = await openInput({ path });
  try {
    const on = resolveColumns(path, wanted, inputColumns, file.columns);
    const told = new Set([...ask.send, ...ask.fields.map((field) => field.name)]);
    const records: ExclusionRecord[] = [];
    for await (const rows of file.openRows()) {
      for (const row of rows) {
        if (row.kind !== 'faulty') records.push({ line: row.line, values: readRecord(row, file.columns) });
      }
    }
    return createExclusion(records, { on, tell: file.columns.filter((column) => told.has(column)) });
  } finally {
    await file.close();
  }
}

function resolveColumns(
  path: string,
  wanted: readonly string[] | undefined,
  inputColumns: readonly string[],
  fileColumns: readonly string[],
): readonly string[] {
  if (wanted === undefined) {
    const shared = inputColumns.filter((column) => fileColumns.includes(column));
    if (shared.length > 0) return shared;
    throw createUsageError(
      'NO_SHARED_COLUMN',
      `the input and ${path} have no column of the same name`,
      'Rename a column, so that rows can be compared.',
    );
  }
  for (const column of wanted) {
    checkColumn(column, 'the input', inputColumns);
    checkColumn(column, path, fileColumns);
  }
  return wanted;
}

function checkColumn(column: string, where: string, columns: readonly string[]): void {
  if (columns.includes(column)) return;
  const nearest = readNearest(column, columns);
  const hint = nearest.length > 0 ? `Did you mean ${nearest.join(' or ')}?` : `It has ${columns.join(', ')}.`;
  throw createUsageError(
    'UNKNOWN_COLUMN',
    `--exclude-on names ${column}, which ${where} does not have`,
    hint,
  );
}

function readRecord(row: Row, columns: readonly string[]): JsonObject {
  const record: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = readValue(row, column);
    if (value !== undefined) record[column] = value;
  }
  return record;
}
