import { createUsageError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { readNearest } from '../model/nearest.js';
import { type FaultyRow, type Row, readValue } from '../model/row.js';
import type { EnrichOptions } from '../options.js';
import { openInput } from '../read/open-input.js';
import type { Exclusion, ExclusionRecord } from '../select/exclusion.js';
import { NO_EXCLUSION } from '../select/no-exclusion.js';
import { describeOrigin } from './describe-origin.js';

/** Reads the exclusion file of a job; one that excludes nothing where none was given. */
export async function loadExclusion(
  options: Pick<EnrichOptions, 'exclude' | 'excludeOn' | 'origins'>,
  ask: Ask,
  inputColumns: readonly string[],
): Promise<Exclusion> {
  const { exclude: path, excludeOn: wanted } = options;
  if (path === undefined) {
    if (wanted === undefined) return NO_EXCLUSION;
    throw createUsageError(
      'NO_EXCLUSION_FILE',
      '--exclude-on was given without --exclude FILE',
      'Name the list with --exclude, or leave --exclude-on out.',
    );
  }
  const { createExclusion } = await import('../select/exclusion.js');
  const file = await openInput({ path });
  try {
    const fields = ask.fields.map((field) => field.name);
    const columns = resolveColumns(options, path, inputColumns, file.columns, fields);
    checkSent(columns, ask.send);
    const told = new Set([...ask.send, ...fields]);
    const records: ExclusionRecord[] = [];
    for await (const rows of file.openRows()) {
      for (const row of rows) {
        if (row.kind === 'faulty') throw refuseLine(path, row);
        records.push({ line: row.line, values: readRecord(row, file.columns) });
      }
    }
    return createExclusion(records, { ...columns, tell: file.columns.filter((column) => told.has(column)) });
  } finally {
    await file.close();
  }
}

/** A line that is passed over would be a customer who is asked about, and paid for. */
function refuseLine(path: string, { fault }: FaultyRow) {
  const hint = 'Correct this line, or take it out of the list.';
  return createUsageError('EXCLUSION_UNREADABLE', `${path}, ${fault}`, hint);
}

interface KeyColumns {
  readonly on: readonly string[];
  readonly onAnswer: readonly string[];
}

/** A field among the columns makes the file one of answers that are not wanted: for this company, not this person. */
function resolveColumns(
  { excludeOn: wanted, origins }: Pick<EnrichOptions, 'excludeOn' | 'origins'>,
  path: string,
  inputColumns: readonly string[],
  fileColumns: readonly string[],
  fields: readonly string[],
): KeyColumns {
  if (wanted === undefined) {
    const shared = inputColumns.filter((column) => fileColumns.includes(column) && !fields.includes(column));
    if (shared.length > 0) return { on: shared, onAnswer: [] };
    throw createUsageError(
      'NO_SHARED_COLUMN',
      `the input and ${path} have no column of the same name`,
      'Rename a column, so that rows can be compared.',
    );
  }
  const [onAnswer, on] = [
    wanted.filter((name) => fields.includes(name)),
    wanted.filter((name) => !fields.includes(name)),
  ];
  for (const [index, column] of wanted.entries()) {
    const where = describeOrigin(origins, `excludeOn/${index}`, '--exclude-on');
    if (on.includes(column)) checkColumn(where, column, 'the input', inputColumns);
    checkColumn(where, column, path, fileColumns);
  }
  return { on, onAnswer };
}

/** An answer is held against a record by what was sent of its row, and rows that are sent alike share it. */
function checkSent({ on, onAnswer }: KeyColumns, send: readonly string[]): void {
  const kept = on.find((column) => !send.includes(column));
  if (onAnswer.length === 0 || kept === undefined) return;
  throw createUsageError(
    'EXCLUSION_COLUMN_NOT_SENT',
    `answers cannot be held against the column ${kept} of the exclusion list, since it is not sent`,
    `Add ${kept} to --send, or take it out of --exclude-on.`,
  );
}

function checkColumn(where: string, column: string, file: string, columns: readonly string[]): void {
  if (columns.includes(column)) return;
  const nearest = readNearest(column, columns);
  const hint = nearest.length > 0 ? `Did you mean ${nearest.join(' or ')}?` : `It has ${columns.join(', ')}.`;
  throw createUsageError('UNKNOWN_COLUMN', `${where} names ${column}, which ${file} does not have`, hint);
}

function readRecord(row: Row, columns: readonly string[]): JsonObject {
  const record: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = readValue(row, column);
    if (value !== undefined) record[column] = value;
  }
  return record;
}
