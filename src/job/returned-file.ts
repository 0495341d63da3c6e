import { createUsageError } from '../errors.js';
import type { Ledger, PreviousJob } from '../ledger/ledger.js';
import { ROW_STATUSES } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { findFieldNames, isOwnColumn, OUTCOME_KEY } from '../model/output-columns.js';
import { getValue, type Row } from '../model/row.js';
import type { Input } from '../read/open-input.js';
import type { Warning } from './warnings.js';

/** A filled file that was returned as input. */
export interface ReturnedFile {
  /** The fields that it was filled with. */
  readonly fieldNames: readonly string[];
  /** What was asked when it was filled. Empty if this ledger does not know. */
  readonly asks: readonly Ask[];
  readonly note: Warning | null;
}

const RUN_COLUMN = 'enrichment_run_id';
const STATUS_COLUMN = 'enrichment_status';
/** Chunks of rows that are searched for a run of this ledger. */
const MAX_CHUNKS = 20;
/** Run ids looked up in each chunk. */
const MAX_IDS = 200;

/**
 * Recognizes an output of rowfill by its columns, and by the runs that it names. Null for any other file. Throws a usage
 * error for a file that has a column of rowfill's name for something else.
 */
export async function recognizeReturned(
  file: Pick<Input, 'name' | 'columns' | 'openRows'>,
  openLedger: () => Promise<Pick<Ledger, 'findRuns' | 'listAsks'>>,
): Promise<ReturnedFile | null> {
  const own = file.columns.filter((column) => isOwnColumn(column, []));
  if (own.length === 0) return null;
  checkOwnColumns(file.name, own);
  const fieldNames = findFieldNames(file.columns);
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
      if (asks.length > 0) {
        const names = asks.flatMap(({ fields }) => fields.map(({ name }) => name));
        return { fieldNames: [...new Set([...names, ...listOutcomeFields(rows)])], asks, note: null };
      }
    }
    chunks += 1;
    if (chunks >= MAX_CHUNKS) break;
  }
  const message = `${file.name} was filled before, but this ledger does not know ${seenId === null ? 'by which runs' : `its run ${seenId}`}. Its filled cells are kept as they are. With the ledger of that job (--ledger FILE), corrected and cleared cells are recognized.`;
  return { fieldNames, asks: [], note: { code: 'FILLED_ELSEWHERE', message } };
}

/** Throws if a file that is not an output of rowfill has a column with one of its names. */
export function refuseOwnColumns(name: string, columns: readonly string[]): void {
  const own = columns.find((column) => isOwnColumn(column, []));
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

/** Throws if an input has a confidence of its own beside a column to fill. Reads its first rows. */
export async function checkConfidences(
  file: Pick<Input, 'name' | 'columns' | 'openRows'>,
  { fields }: Pick<Ask, 'fields'>,
): Promise<void> {
  const columns = fields
    .map(({ name }) => `${name}_confidence`)
    .filter((name) => file.columns.includes(name));
  if (columns.length === 0) return;
  for await (const rows of file.openRows()) {
    for (const column of columns) {
      const texts = rows.map((row) =>
        String(getValue(row, column) ?? '')
          .trim()
          .toLowerCase(),
      );
      const filled = texts.filter((text) => text !== '');
      const known = filled.filter((text) => CONFIDENCES.has(text));
      if (known.length * 2 < filled.length) refuseColumn(file.name, column);
    }
    return;
  }
}

const CONFIDENCES: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'human']);

function refuseColumn(name: string, column: string): never {
  throw createUsageError(
    'COLUMN_RESERVED',
    `${name} has a column ${column}, which rowfill writes itself`,
    'Rename the column.',
  );
}

export function getOutcome(row: Row): JsonObject | null {
  if (row.kind !== 'object') return null;
  const outcome = row.object[OUTCOME_KEY];
  return isJsonObject(outcome) ? outcome : null;
}

/** What a row of a JSON file says of a field; null if nothing. */
export function getFieldOutcome(row: Row, field: string): JsonObject | null {
  const fields = getOutcome(row)?.fields;
  const outcome = isJsonObject(fields) && Object.hasOwn(fields, field) ? fields[field] : undefined;
  return isJsonObject(outcome) ? outcome : null;
}

export function listOutcomeFields(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const fields = getOutcome(row)?.fields;
    return isJsonObject(fields) ? Object.keys(fields) : [];
  });
}

/** Ids of the runs whose answers a row of a filled file shows. */
export function listRunIds(row: Row): string[] {
  const outcome = getOutcome(row);
  const texts: (JsonValue | undefined)[] = outcome === null ? [getValue(row, RUN_COLUMN)] : [outcome.run_id];
  return texts.flatMap((text) =>
    typeof text === 'string' ? text.split(/\s+/).filter((id) => id !== '') : [],
  );
}

/** Addresses that a row of a filled file cites for a field. */
export function listCited(row: Row, field: string): string[] {
  if (row.kind !== 'object') return String(getValue(row, `${field}_citations`) ?? '').split(/\s+/);
  const citations = getFieldOutcome(row, field)?.citations;
  return (Array.isArray(citations) ? citations : []).flatMap((each) =>
    isJsonObject(each) && typeof each.url === 'string' ? [each.url] : [],
  );
}

/** What was asked when a returned file was filled, if its question was another one. */
export function findFormerJob({ asks }: ReturnedFile, ask: Ask): PreviousJob | null {
  const former = asks.at(-1);
  if (former === undefined || asks.some(({ id }) => id === ask.id)) return null;
  return { id: '', ask: former, answered: Number.POSITIVE_INFINITY };
}
