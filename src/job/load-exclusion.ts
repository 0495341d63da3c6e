import { createUsageError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { formatCount, formatNumber, showName, suggestSimilar } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { type FaultyRow, getValue, type Row } from '../model/row.js';
import type { EnrichOptions } from '../options.js';
import type { InputWarning } from '../read/input.js';
import { type Input, openInput } from '../read/open-input.js';
import type { Exclusion, RecordCount } from '../select/exclusion.js';
import { NO_EXCLUSION } from '../select/select-rows.js';
import { describeOrigin } from './resolve-ask.js';
import type { Warning } from './warnings.js';

/** An exclusion list and warnings about it. */
export interface LoadedExclusion extends Exclusion {
  /** The number of records, the compared columns, and irregularities of the file. */
  readonly notes: readonly Warning[];
  /**
   * Reports records that matched no row, once all rows were compared. Null if the list is compared with answers only.
   */
  describeUnmatched(): Warning | null;
}

/** A list is held in memory, so limit what is read from a pipe, which may never end. */
const MAX_STREAM_BYTES = 1024 * 1024 * 1024;

/** Reads the exclusion file of a job. Without one, returns a list that excludes nothing. */
export async function loadExclusion(
  options: Pick<EnrichOptions, 'exclude' | 'excludeOn' | 'origins'> & { readonly blanks: Blanks },
  ask: Ask,
  input: Pick<Input, 'columns' | 'readColumns'>,
  signal?: AbortSignal,
): Promise<LoadedExclusion> {
  const { exclude: path, excludeOn: wanted } = options;
  if (path === undefined) {
    if (wanted === undefined) return { ...NO_EXCLUSION, notes: [], describeUnmatched: () => null };
    throw createUsageError(
      'NO_EXCLUSION_FILE',
      '--exclude-on needs --exclude FILE',
      'Add --exclude, or remove --exclude-on.',
    );
  }
  const { openExclusion } = await import('../select/exclusion.js');
  const file = await openInput({ path, limits: { maxSpoolBytes: MAX_STREAM_BYTES }, signal });
  try {
    const fields = ask.fields.map((field) => field.name);
    await readLateColumns(wanted, fields, input, file);
    const columns = resolveColumns(options, path, input.columns, file.columns, fields);
    checkSent(columns, ask.send);
    const told = [...new Set([...ask.send, ...fields])];
    const used = new Set([...columns.on, ...columns.onAnswer, ...told]);
    // New keys may appear anywhere in a JSON list, so look for unknown columns in every record.
    const tell = [...new Set([...file.columns.filter((column) => told.includes(column)), ...told])];
    const list = openExclusion({ ...columns, tell, blanks: options.blanks });
    for await (const rows of file.openRows()) {
      for (const row of rows) {
        if (row.kind === 'faulty') throw refuseLine(path, row);
        list.add({ line: row.line, values: createRecord(row, used) });
      }
      if (list.size > MAX_RECORDS || list.toldBytes > MAX_TOLD_BYTES) throw refuseSize(path);
    }
    const exclusion = list.finish();
    return {
      ...exclusion,
      notes: describeList(path, list.count, columns, exclusion, file.notes),
      describeUnmatched: () =>
        columns.onAnswer.length > 0 ? null : describeUnmatched(path, list.count, exclusion),
    };
  } finally {
    await file.close();
  }
}

/** Scans a file for columns that appear late, as in JSON, unless all wanted columns are already known. */
async function readLateColumns(
  wanted: readonly string[] | undefined,
  fields: readonly string[],
  input: Pick<Input, 'columns' | 'readColumns'>,
  file: Pick<Input, 'columns' | 'readColumns'>,
): Promise<void> {
  if (wanted?.every((name) => fields.includes(name) || input.columns.includes(name)) !== true) {
    await input.readColumns();
  }
  if (wanted?.every((name) => file.columns.includes(name)) !== true) await file.readColumns();
}

/**
 * Describes how a list is compared. Throws if it has no values to compare, because every listed company would be sent
 * and paid for.
 */
function describeList(
  path: string,
  count: number,
  { on, onAnswer }: KeyColumns,
  exclusion: Exclusion,
  fileNotes: readonly InputWarning[],
): Warning[] {
  const columns = [...on, ...onAnswer].join(', ');
  const blank = exclusion.countBlank();
  if (blank.count === count) {
    throw createUsageError(
      'EXCLUSION_BLANK',
      `${path}: none of its ${formatNumber(count, 'record')} has a value in ${columns}, so it would exclude nothing`,
      'Set --exclude-on to columns that have values.',
    );
  }
  const holes =
    blank.count === 0
      ? ''
      : ` ${formatRecords(blank)} no value there and ${blank.count === 1 ? 'excludes' : 'exclude'} nothing.`;
  const read = `${path}: ${formatNumber(count, 'record')} read, compared by ${columns}.${holes}`;
  const strange = fileNotes.flatMap(({ code, message, fact = message }) =>
    fact === null ? [] : [{ code, message: `${path}: ${fact}` }],
  );
  return [...strange, { code: 'EXCLUSION_READ', message: read }];
}

function describeUnmatched(path: string, count: number, exclusion: Exclusion): Warning {
  const unmatched = exclusion.countUnmatched();
  const lines = formatLines(unmatched);
  const message =
    unmatched.count === 0
      ? `${path}: every record matched a row.`
      : unmatched.count === count
        ? `${path}: none of its ${formatNumber(count, 'record')} matched a row.`
        : `${path}: ${formatCount(unmatched.count)} of ${formatNumber(count, 'record')} matched no row (${lines}).`;
  return { code: 'EXCLUSION_MATCHED', message };
}

function formatRecords(records: RecordCount): string {
  const verb = records.count === 1 ? 'has' : 'have';
  return `${formatNumber(records.count, 'record')} (${formatLines(records)}) ${verb}`;
}

function formatLines({ count, lines }: RecordCount): string {
  const more = count > lines.length ? ', …' : '';
  return `${count === 1 ? 'line' : 'lines'} ${lines.join(', ')}${more}`;
}

/** At both limits, a list needs one to two gigabytes of memory. */
const MAX_RECORDS = 10_000_000;
const MAX_TOLD_BYTES = 512 * 1024 * 1024;

function refuseSize(path: string) {
  return createUsageError(
    'EXCLUSION_TOO_LARGE',
    `${path} has more than ${formatNumber(MAX_RECORDS, 'different record')}, or more than 512 MB to compare`,
    'Keep only the columns to compare, or split the job.',
  );
}

/** Throws for a faulty line. If it were skipped, a customer would be sent and paid for. */
function refuseLine(path: string, { fault }: FaultyRow) {
  const hint = 'Correct or remove this line.';
  return createUsageError('EXCLUSION_UNREADABLE', `${path}, ${fault}`, hint);
}

interface KeyColumns {
  readonly on: readonly string[];
  readonly onAnswer: readonly string[];
}

/**
 * Resolves the columns to compare. If a field to fill is among them, the list excludes answers instead of rows, such as
 * "for this company, not this person".
 */
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
      'Rename a column so that the files have one in common.',
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

/**
 * An answer is compared with a record through the sent columns of its row, because rows with equal sent columns share
 * the answer.
 */
function checkSent({ on, onAnswer }: KeyColumns, send: readonly string[]): void {
  const kept = on.find((column) => !send.includes(column));
  if (onAnswer.length === 0 || kept === undefined) return;
  throw createUsageError(
    'EXCLUSION_COLUMN_NOT_SENT',
    `answers cannot be compared with column ${kept} of the exclusion list, because it is not sent`,
    `Add ${kept} to --send, or remove it from --exclude-on.`,
  );
}

function checkColumn(where: string, column: string, file: string, columns: readonly string[]): void {
  if (columns.includes(column)) return;
  const nearest = suggestSimilar(column, columns);
  const hint =
    nearest.length > 0
      ? `Did you mean ${nearest.map(showName).join(' or ')}?`
      : `Its columns are ${columns.map(showName).join(', ')}.`;
  throw createUsageError(
    'UNKNOWN_COLUMN',
    `${where} names ${showName(column)}, which ${file} does not have`,
    hint,
  );
}

function createRecord(row: Row, columns: ReadonlySet<string>): JsonObject {
  const record: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = getValue(row, column);
    if (value !== undefined) record[column] = value;
  }
  return record;
}
