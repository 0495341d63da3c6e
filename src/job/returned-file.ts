import { createUsageError } from '../errors.js';
import type { Ledger, PreviousJob } from '../ledger/ledger.js';
import { ROW_STATUSES } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import { hasHeader } from '../model/file-format.js';
import { isJsonObject } from '../model/json.js';
import { findFieldNames, isOwnColumn, OUTCOME_KEY } from '../model/output-columns.js';
import { getValue, type Row } from '../model/row.js';
import type { Input } from '../read/open-input.js';
import { identifyFile } from '../write/file-identity.js';
import { listOutcomeFields, listRunIds, RUN_COLUMN } from './returned-row.js';
import type { Warning } from './warnings.js';

/** A filled file that was returned as input. */
export interface ReturnedFile {
  /** The fields that it was filled with. */
  readonly fieldNames: readonly string[];
  /** What was asked when it was filled, its own ask last. Empty if this ledger does not know. */
  readonly asks: readonly Ask[];
  readonly note: Warning | null;
  /** True if it was filled by asks that are not known, and names no run that would tell. */
  readonly namesNoRun?: boolean;
  /** True if only columns beside its values look like rowfill's: a plain file, unless its rows show answers. */
  readonly isUnsure?: boolean;
}

const STATUS_COLUMN = 'enrichment_status';
/** Chunks of rows that are searched for a run of this ledger. */
const MAX_CHUNKS = 20;
/** Run ids looked up in each chunk. */
const MAX_IDS = 200;

/**
 * Recognizes an output of rowfill by its columns, and by the runs that it names, or by its path if it names none. Null
 * for any other file; `isUnsure` if only its rows can tell. Throws a usage error for a file that has a column of rowfill's name for something else.
 */
export async function recognizeReturned(
  file: Pick<Input, 'name' | 'shape' | 'columns' | 'openRows'>,
  path: string,
  openLedger: () => Promise<Pick<Ledger, 'findRuns' | 'listAsks' | 'findWritten' | 'getJob'>>,
): Promise<ReturnedFile | null> {
  const own = file.columns.filter((column) => isOwnColumn(column, []));
  const fieldNames = findFieldNames(file.columns);
  if (own.length === 0) {
    await refuseHeaderless(file, openLedger);
    // Somebody may have deleted all result columns, but not those beside the values.
    if (fieldNames.length === 0) return null;
    const asks = await findAsksByPath(path, await openLedger());
    if (asks.length > 0) return createReturned(fieldNames, asks);
    return { fieldNames, asks, note: null, namesNoRun: true, isUnsure: true };
  }
  checkOwnColumns(file.name, own);
  let outcomeFields: string[] = [];
  let seenId: string | null = null;
  let chunks = 0;
  for await (const rows of file.openRows()) {
    if (chunks === 0) checkStatuses(file.name, own, rows);
    const ids = [...new Set(rows.flatMap(listRunIds))].slice(0, MAX_IDS);
    seenId ??= ids[0] ?? null;
    if (ids.length > 0) {
      const ledger = await openLedger();
      const askIds = new Set([...(await ledger.findRuns(ids)).values()].map(({ askId }) => askId));
      const asks = (await Promise.all([...askIds].map((id) => ledger.listAsks(id)))).flat();
      if (asks.length > 0) return createReturned(fieldNames, asks, listOutcomeFields(rows));
    }
    if (chunks === 0) outcomeFields = listOutcomeFields(rows);
    chunks += 1;
    if (chunks >= MAX_CHUNKS) break;
  }
  if (seenId === null) {
    const asks = await findAsksByPath(path, await openLedger());
    if (asks.length > 0) return createReturned(fieldNames, asks, outcomeFields);
  }
  const message =
    seenId === null
      ? `${file.name} was filled before, but not with this ledger as far as it can tell: the file names no run (column ${RUN_COLUMN}), was written to no such path, and shows no answer of it. Its filled cells are kept with the confidence and citations beside them, also where somebody changed a value or a key. To have changes recognized, give the file with its column ${RUN_COLUMN}.`
      : `${file.name} was filled before, but this ledger does not know its run ${seenId}. Its filled cells are kept as they are. With the ledger of that job (--ledger FILE), corrected and cleared cells are recognized.`;
  return {
    fieldNames: [...new Set([...outcomeFields, ...fieldNames])],
    asks: [],
    note: { code: 'FILLED_ELSEWHERE', message },
    namesNoRun: seenId === null,
  };
}

/** Recognizes a filled file that only has its values left, by its path. Null if it has no column to fill. */
export async function recognizeValues(
  file: Pick<Input, 'columns'>,
  path: string,
  { fields }: Pick<Ask, 'fields'>,
  openLedger: () => Promise<Pick<Ledger, 'listAsks' | 'findWritten' | 'getJob'>>,
): Promise<ReturnedFile | null> {
  const hasField = fields.some(({ name }) =>
    file.columns.some((column) => column === name || column.startsWith(`${name}.`)),
  );
  if (!hasField) return null;
  const asks = await findAsksByPath(path, await openLedger());
  return asks.length > 0 ? createReturned([], asks) : null;
}

/** A filled file whose asks are known; `others` are fields that its rows name besides. */
export function createReturned(
  fieldNames: readonly string[],
  asks: readonly Ask[],
  others: readonly string[] = [],
): ReturnedFile {
  const asked = asks.flatMap(({ fields }) => fields.map(({ name }) => name));
  const beside = fieldNames.filter((name) => !asked.includes(name));
  return { fieldNames: [...new Set([...asked, ...others, ...beside])], asks, note: null };
}

/**
 * Throws for a filled file without a header: nothing names its columns, so answers and corrections cannot be told apart.
 * A file whose first row was taken for the header is one too.
 */
async function refuseHeaderless(
  file: Pick<Input, 'name' | 'shape' | 'columns' | 'openRows'>,
  openLedger: () => Promise<Pick<Ledger, 'findRuns'>>,
): Promise<void> {
  const first = findOutcomeRuns(file.columns);
  if (hasHeader(file.shape) && first.length === 0) return;
  for await (const rows of file.openRows()) {
    const others = rows.flatMap((row) => (row.kind === 'cells' ? findOutcomeRuns(row.cells) : []));
    const ids = [...new Set([...first, ...others])].slice(0, MAX_IDS);
    if (ids.length === 0 || (await (await openLedger()).findRuns(ids)).size === 0) return;
    throw createUsageError(
      'FILLED_WITHOUT_HEADER',
      `${file.name} was filled before, and has no header that names its columns, so that answers and corrections cannot be told apart`,
      'Give the list that it was made from: what is answered costs nothing. To correct cells, add a header to that list, and fill it anew.',
    );
  }
}

/** Ids of runs in a row that has the result columns side by side: a status, two others, a cost and the runs. */
function findOutcomeRuns(cells: readonly string[]): string[] {
  return cells.flatMap((cell, at) => {
    const isOutcome =
      (ROW_STATUSES as readonly string[]).includes(cell) && /^\d+(?:[.,]\d+)?$/.test(cells[at + 3] ?? '');
    return isOutcome ? (cells[at + 4] ?? '').split(/\s+/).filter((id) => id !== '') : [];
  });
}

/** What was asked by the jobs that wrote a file at this path. */
async function findAsksByPath(
  path: string,
  ledger: Pick<Ledger, 'findWritten' | 'getJob' | 'listAsks'>,
): Promise<Ask[]> {
  if (path === '-') return [];
  const written = await ledger.findWritten(identifyFile(path).path);
  // Newest first, while the ask that is sent again is the last one.
  const jobs = await Promise.all(
    written.toReversed().map(({ jobId }) => ledger.getJob(jobId).catch(() => null)),
  );
  const askIds = new Set(jobs.flatMap((job) => (job === null ? [] : [job.askId])));
  return (await Promise.all([...askIds].map((id) => ledger.listAsks(id)))).flat();
}

/** Throws if a file that is not an output of rowfill has a column with one of its names, or one of `others`. */
export function refuseOwnColumns(
  name: string,
  columns: readonly string[],
  others: ReadonlySet<string>,
): void {
  const own = columns.find((column) => isOwnColumn(column, []) || others.has(column));
  if (own !== undefined) refuseColumn(name, own);
}

/** A single column with one of rowfill's names may be the user's own. */
function checkOwnColumns(name: string, own: readonly string[]): void {
  const [first = ''] = own;
  if (own.length > 1 || first === OUTCOME_KEY || first === RUN_COLUMN) return;
  refuseColumn(name, first);
}

/** Throws if most of what the file has as statuses are not rowfill’s. */
function checkStatuses(name: string, own: readonly string[], rows: readonly Row[]): void {
  const column = [OUTCOME_KEY, STATUS_COLUMN].find((each) => own.includes(each));
  if (column === undefined) return;
  const statuses = rows.flatMap((row): unknown[] => {
    const value = getValue(row, column);
    if (value === undefined || value === '') return [];
    return [isJsonObject(value) ? value.status : value];
  });
  const known = statuses.filter((status) => (ROW_STATUSES as readonly unknown[]).includes(status));
  if (known.length * 2 < statuses.length) refuseColumn(name, column);
}

/** Throws if an input has a confidence or citations of its own beside a column to fill. Reads its first rows. */
export async function checkSources(
  file: Pick<Input, 'name' | 'columns' | 'openRows'>,
  { fields }: Pick<Ask, 'fields'>,
): Promise<void> {
  const checks = fields.flatMap(({ name }) => [
    { column: `${name}_confidence`, isOurs: isConfidence },
    { column: `${name}_citations`, isOurs: isSource },
  ]);
  const present = checks.filter(({ column }) => file.columns.includes(column));
  if (present.length === 0) return;
  for await (const rows of file.openRows()) {
    for (const { column, isOurs } of present) {
      const texts = rows.map((row) => String(getValue(row, column) ?? '').trim());
      const filled = texts.filter((text) => text !== '');
      if (filled.filter(isOurs).length * 2 < filled.length) refuseColumn(file.name, column);
    }
    return;
  }
}

/** True for a row that has both a confidence and citations like rowfill's beside one of these fields. */
export function looksFilled(row: Row, fieldNames: readonly string[]): boolean {
  const read = (column: string): string => String(getValue(row, column) ?? '').trim();
  return fieldNames.some(
    (name) => isConfidence(read(`${name}_confidence`)) && isSource(read(`${name}_citations`)),
  );
}

function isConfidence(text: string): boolean {
  return CONFIDENCES.has(text.toLowerCase());
}

function isSource(text: string): boolean {
  return text.includes('://');
}

const CONFIDENCES: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'human']);

function refuseColumn(name: string, column: string): never {
  throw createUsageError(
    'COLUMN_RESERVED',
    `${name} has a column ${column}, which rowfill writes itself`,
    'Rename the column.',
  );
}

/** What was asked when a returned file was filled, if its question was another one. */
export function findFormerJob({ asks }: ReturnedFile, ask: Ask): PreviousJob | null {
  const former = asks.at(-1);
  if (former === undefined || asks.some(({ id }) => id === ask.id)) return null;
  return { id: '', ask: former, answered: Number.POSITIVE_INFINITY };
}
