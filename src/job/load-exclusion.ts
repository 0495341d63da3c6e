import { createUsageError } from '../errors.js';
import type { ExclusionPlace } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { Doubt } from '../model/events.js';
import { formatCount, formatNumber, showName } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { type FaultyRow, getValue, type Row } from '../model/row.js';
import type { EnrichOptions } from '../options.js';
import type { InputWarning } from '../read/input.js';
import { type Input, openInput } from '../read/open-input.js';
import type { Exclusion, ListedExclusion, RecordCount } from '../select/exclusion.js';
import type { KeyColumn, MatchMode } from '../select/exclusion-keys.js';
import { NO_EXCLUSION } from '../select/select-rows.js';
import type { SharedDomain } from '../select/shared-domains.js';
import { describeKeyColumn, type ExclusionColumns, resolveExclusionColumns } from './exclusion-columns.js';
import type { Warning } from './warnings.js';

/** An exclusion list and warnings about it. */
export interface LoadedExclusion extends Exclusion {
  /** The number of records, the compared columns, and irregularities of the file. */
  readonly notes: readonly Warning[];
  /** Doubts about the file of the list. */
  readonly doubts: readonly Doubt[];
  /** Reports what comparing all rows showed about the list. Empty if it is compared with answers only. */
  describeMatches(): readonly Warning[];
}

const WORKBOOK = /\.xls[xm]$/i;

/** A list is held in memory, so limit what is read from a pipe, which may never end. */
const MAX_STREAM_BYTES = 1024 * 1024 * 1024;

/** Reads the exclusion file of a job. Without one, returns a list that excludes nothing. */
export async function loadExclusion(
  options: Pick<EnrichOptions, 'exclude' | 'excludeOn' | 'sheet' | 'origins'> & { readonly blanks: Blanks },
  ask: Ask,
  input: Pick<Input, 'columns' | 'shape' | 'readColumns' | 'openRows'>,
  signal?: AbortSignal,
): Promise<LoadedExclusion> {
  const { exclude: path, excludeOn: wanted } = options;
  if (path === undefined) {
    if (wanted === undefined) return { ...NO_EXCLUSION, notes: [], doubts: [], describeMatches: () => [] };
    throw createUsageError(
      'NO_EXCLUSION_FILE',
      '--exclude-on needs --exclude FILE',
      'Add --exclude, or remove --exclude-on.',
    );
  }
  const { openExclusion } = await import('../select/exclusion.js');
  // The sheet is meant for the input, unless only the list is a workbook.
  const isSheetOptional = input.shape.format === 'xlsx' || !WORKBOOK.test(path);
  const file = await openInput({
    path,
    sheet: options.sheet,
    isSheetOptional,
    limits: { maxSpoolBytes: MAX_STREAM_BYTES },
    signal,
  });
  try {
    const fields = ask.fields.map((field) => field.name);
    await readLateColumns(wanted, fields, input, file);
    const columns = resolveExclusionColumns(options, {
      path,
      input: input.columns,
      list: file.columns,
      fields,
    });
    checkSent(columns, ask.send);
    const told = [...new Set([...ask.send, ...fields])];
    const compared = [...columns.on, ...columns.onAnswer, ...(columns.names === null ? [] : [columns.names])];
    const used = new Set([...compared.flatMap(({ theirs }) => theirs.flat()), ...told]);
    // New keys may appear anywhere in a JSON list, so look for unknown columns in every record.
    const tell = [...new Set([...file.columns.filter((column) => told.includes(column)), ...told])];
    // A JSON document may be one line.
    const unit = file.shape.format === 'json' ? 'record' : 'line';
    const list = openExclusion({ ...columns, tell, unit, blanks: options.blanks });
    for await (const rows of file.openRows()) {
      for (const row of rows) {
        if (row.skip !== undefined) continue;
        if (row.kind === 'faulty') throw refuseLine(path, row);
        list.add({ line: unit === 'line' ? row.line : row.ordinal + 1, values: createRecord(row, used) });
      }
      if (list.size > MAX_RECORDS || list.toldBytes > MAX_TOLD_BYTES) throw refuseSize(path);
    }
    const exclusion = list.finish();
    const notes = describeList(path, list.count, columns, exclusion, file.notes, unit);
    // Which domains several companies use has to be known before the first row is compared.
    if (columns.onAnswer.length === 0 && columns.on.some(({ kind }) => kind === 'domain')) {
      for await (const rows of input.openRows(signal)) for (const row of rows) exclusion.observeRow(row);
    }
    return {
      ...exclusion,
      notes: [...notes, ...describeSharedDomains(path, exclusion, unit)],
      doubts: listDoubts(path, file.doubts),
      describeMatches: () =>
        columns.onAnswer.length > 0 ? [] : describeMatches(path, list.count, columns, exclusion, unit),
    };
  } finally {
    await file.close();
  }
}

/**
 * Doubts about a list. The options that settle them are meant for the input, so the list has to be corrected. A customer
 * in a hidden row is a customer.
 */
function listDoubts(path: string, doubts: readonly Doubt[]): Doubt[] {
  const hint =
    'A list that is read wrong excludes nobody. Correct the file: one row with the names of the columns, then the rows.';
  return doubts
    .filter(({ code }) => code !== 'HIDDEN_ROWS')
    .map(({ code, message }) => ({
      code,
      message: message.startsWith(path) ? message : `${path}: ${message}`,
      hint,
    }));
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
  { on, onAnswer, mode }: ExclusionColumns,
  exclusion: ListedExclusion,
  fileNotes: readonly InputWarning[],
  unit: ExclusionPlace['unit'],
): Warning[] {
  const columns = describeColumns([...on, ...onAnswer], mode);
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
      : ` ${formatRecords(blank, unit)} no value there and ${blank.count === 1 ? 'excludes' : 'exclude'} nothing.`;
  const read = `${path}: ${formatNumber(count, 'record')} read, compared by ${columns}.${holes}`;
  const strange = fileNotes.flatMap(({ code, message, fact = message }) =>
    fact === null ? [] : [{ code, message: `${path}: ${fact}` }],
  );
  return [...strange, { code: 'EXCLUSION_READ', message: read }];
}

/** In mode `any`, people and phones are compared only to keep persons apart. */
function describeColumns(columns: readonly KeyColumn[], mode: MatchMode): string {
  if (mode === 'all') return columns.map(describeKeyColumn).join(', ');
  const deciding = columns.filter(({ kind }) => kind !== 'person' && kind !== 'phone');
  const persons = columns.filter(({ kind }) => kind === 'person').map(describeKeyColumn);
  const names = deciding.map(describeKeyColumn);
  if (names.length === 0) return persons.join(', ');
  const list = [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ');
  return persons.length === 0 ? list : `${list}, if ${persons.join(', ')} does not differ`;
}

const MAX_NAMED = 3;

function listSome(texts: readonly string[]): string {
  return texts.slice(0, MAX_NAMED).join(', ') + (texts.length > MAX_NAMED ? ', …' : '');
}

function describeSharedDomains(
  path: string,
  exclusion: ListedExclusion,
  unit: ExclusionPlace['unit'],
): Warning[] {
  const { inList, inInput } = exclusion.listSharedDomains();
  const show = (where: string, places: string, found: readonly SharedDomain[]): string[] =>
    found.map(({ domain, lines }) => `${domain} (${where}, ${places} ${lines.join(', ')})`);
  const all = [...show('input', 'lines', inInput), ...show(path, `${unit}s`, inList)];
  if (all.length === 0) return [];
  const verb = all.length === 1 ? 'has' : 'have';
  const message = `${path}: ${formatNumber(all.length, 'domain')} ${verb} pages of several companies, so the whole address is compared: ${listSome(all)}.`;
  return [{ code: 'EXCLUSION_SHARED_DOMAINS', message }];
}

function describeMatches(
  path: string,
  count: number,
  { names }: ExclusionColumns,
  exclusion: ListedExclusion,
  unit: ExclusionPlace['unit'],
): Warning[] {
  const broad = exclusion.listBroadRecords().map(({ line, names: found }) => ({
    code: 'EXCLUSION_BROAD',
    message: `${path}: ${unit} ${line} excludes rows of ${found.length} different names (${listSome(found)}). If they are not one company, correct the ${unit}.`,
  }));
  const namesakes = exclusion.listNamesakes().map(({ name, line }) => `${showName(name)} (${unit} ${line})`);
  const verb = namesakes.length === 1 ? 'is' : 'are';
  const known = `${path}: ${formatNumber(namesakes.length, 'name')} of the list ${verb} in the input with another domain, and not excluded: ${listSome(namesakes)}.`;
  const hint = names === null ? '' : ` To exclude by name, use --exclude-on ${describeKeyColumn(names)}.`;
  return [
    describeUnmatched(path, count, exclusion, unit),
    ...broad,
    ...(namesakes.length === 0 ? [] : [{ code: 'EXCLUSION_NAMESAKES', message: known + hint }]),
  ];
}

function describeUnmatched(
  path: string,
  count: number,
  exclusion: ListedExclusion,
  unit: ExclusionPlace['unit'],
): Warning {
  const unmatched = exclusion.countUnmatched();
  const records = formatNumber(count, 'record');
  const message =
    unmatched.count === 0
      ? `Every record of ${path} matched a row.`
      : unmatched.count === count
        ? `No record of ${path} matched a row.`
        : `${formatCount(unmatched.count)} of ${records} of ${path} matched no row: ${formatPlaces(unmatched, unit)}.`;
  return { code: 'EXCLUSION_MATCHED', message };
}

function formatRecords(records: RecordCount, unit: ExclusionPlace['unit']): string {
  const verb = records.count === 1 ? 'has' : 'have';
  return `${formatNumber(records.count, 'record')} (${formatPlaces(records, unit)}) ${verb}`;
}

function formatPlaces({ count, lines }: RecordCount, unit: ExclusionPlace['unit']): string {
  const more = count > lines.length ? ', …' : '';
  return `${count === 1 ? unit : `${unit}s`} ${lines.join(', ')}${more}`;
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

/**
 * An answer is compared with a record through the sent columns of its row, because rows with equal sent columns share
 * the answer.
 */
function checkSent({ on, onAnswer }: ExclusionColumns, send: readonly string[]): void {
  const kept = on.flatMap(({ ours }) => ours.flat()).find((column) => !send.includes(column));
  if (onAnswer.length === 0 || kept === undefined) return;
  throw createUsageError(
    'EXCLUSION_COLUMN_NOT_SENT',
    `answers cannot be compared with column ${kept} of the exclusion list, because it is not sent`,
    `Add ${kept} to --send, or remove it from --exclude-on.`,
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
