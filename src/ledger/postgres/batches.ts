import type { Ask } from '../../model/ask.js';
import type { Batch } from '../../model/batch.js';
import type { JsonValue } from '../../model/json.js';
import {
  type FieldIds,
  formatFailures,
  formatRunContent,
  formatValues,
  keepOnePerKey,
  type PackedSettlement,
} from '../blocks.js';
import { createStateError, createUnknownJobError } from '../job-records.js';
import type {
  Cell,
  HumanAnswer,
  OpenBatch,
  OverBudget,
  Reservation,
  ReserveVerdict,
  RowFailure,
  Settled,
  SpendLimits,
} from '../ledger.js';
import { foldRows, READ_ALL, type Reading } from '../row-state.js';
import { addYield, type StoredYields } from '../yields.js';
import { selectBlocks, toBlocks } from './answers.js';
import type { Connection, Row } from './connection.js';
import { selectAsks, toAsk } from './jobs.js';
import { keyArray, keyText, numberArray, Sql, sql, textArray } from './sql.js';

/** What a block says of a row, as bits. */
const HAS_CELLS = 1;
const ANSWERS = 2;
const FAILS = 4;

/** Reserves a batch. `isOwn` if this process has reserved it before. */
export function createReserve(
  holder: number,
  { batch, seen, invocation }: Reservation,
  { jobMicros, day }: SpendLimits,
  isRepeated: boolean,
): Sql {
  const { id, jobId, rows, reserveMicros } = batch;
  const keys = rows.map(({ key }) => key);
  const folderMicros = day?.folderMicros ?? null;
  const ledgerMicros = day?.ledgerMicros ?? null;
  return sql`select * from reserve(${holder}, ${id}, ${jobId}, ${keyArray(keys)}, ${numberArray(seen)},
    ${reserveMicros}, ${JSON.stringify(batch)}, ${jobMicros}, ${folderMicros}, ${ledgerMicros}, ${isRepeated}, ${invocation ?? null})`;
}

export function toReserveVerdict(batch: Batch, row: Row | undefined): ReserveVerdict {
  const status = String(row?.status);
  switch (status) {
    case 'reserved':
    case 'withdrawn':
    case 'holder_lost':
      return { status };
    case 'changed':
      return { status, keys: String(row?.taken).split(',') };
    case 'unknown_job':
      throw createUnknownJobError(batch.jobId);
    case 'twice':
      throw createStateError(batch.id, 'reserved twice');
    default:
      return { status: 'over_budget', budget: status as OverBudget };
  }
}

/** Links a batch to its run. If the batch was released, it is reserved again. */
export async function markStarted(
  connection: Connection,
  holder: number,
  batch: Batch,
  runId: string,
): Promise<void> {
  const { id, jobId, askId, rows, reserveMicros } = batch;
  const started = await connection.submit({
    statements: [sql`select * from mark_started(${id}, ${runId})`],
    isWrite: true,
    // A batch whose run is not known is looked for at the agent, and settled like any other.
    isLazy: true,
    askIds: [],
    read: ([found]) => {
      if (found?.[0]?.status === 'other') throw createOtherRunError(id, runId, found[0].known);
      return found?.[0]?.status === 'done';
    },
  });
  if (started) return;
  const keys = keyArray(rows.map(({ key }) => key));
  const again = sql`select open_again(${holder}, ${id}, ${jobId}, ${runId}, ${reserveMicros}, ${keys},
    ${JSON.stringify(batch)}) as status`;
  await connection.write(
    [again],
    ([found]) => {
      if (found?.[0]?.status === 'unknown_job') throw createUnknownJobError(jobId);
      if (found?.[0]?.status === 'other') throw createOtherRunError(id, runId, null);
    },
    [askId],
  );
}

function createOtherRunError(batchId: string, runId: string, known: unknown): Error {
  return createStateError(batchId, `started as run ${runId} while it has run ${known ?? 'another one'}`);
}

/** Keeps a batch and its reservation, because it is unknown whether it has a run. False if it is not open. */
export function markUnknown(
  connection: Connection,
  holder: number,
  id: string,
  reason: string,
): Promise<boolean> {
  return connection.write(
    [sql`select mark_unknown(${holder}, ${id}, ${reason}) as open`],
    ([rows]) => rows?.[0]?.open === true,
  );
}

/** Ends a batch that has no run, and releases its reservation. */
export function releaseBatch(
  connection: Connection,
  holder: number,
  id: string,
  reason: string,
): Promise<void> {
  const content = JSON.stringify({ reason });
  return connection.write([sql`select release(${holder}, ${id}, ${content})`], () => undefined);
}

/** Settles a batch with its run. `ids` are those of the fields that it asks. */
export function createSettle(holder: number, settlement: PackedSettlement, ids: FieldIds): Sql {
  const { batch, runId, namedBatch, cost, rawRun } = settlement;
  const keys = [...new Set(batch.rows.map(({ key }) => key))];
  const isPlain = keys.length === batch.rows.length;
  const { answers, failures } = isPlain ? settlement : keepOnePerKey(settlement);
  const yields: StoredYields = [];
  addYield(yields, batch.effort, answers);
  // The rows as a field without a name.
  const found = yields.flatMap(([, rows, fields]) => [
    ['', rows] as const,
    ...fields.map(([name, cells]) => [JSON.stringify(name), cells] as const),
  ]);
  return sql`select * from settle(${holder}, ${batch.id}, ${batch.jobId}, ${keyText(keys)},
    ${createMarks(keys, answers, failures)}, ${runId === '' ? null : runId}, ${namedBatch === batch.id},
    ${cost.micros}, ${cost.isEstimated ? 1 : 0}, ${batch.effort}, ${batch.refresh === true ? 1 : 0},
    ${formatRunContent(keys, answers, failures, ids)}, ${rawRun}, ${textArray(found.map(([name]) => name))},
    ${numberArray(found.map(([, [answered]]) => answered))}, ${numberArray(found.map(([, [, filled]]) => filled))})`;
}

function createMarks(
  keys: readonly string[],
  answers: readonly { readonly key: string }[],
  failures: readonly { readonly key: string }[],
): Sql {
  const [answered, failed] = [
    new Set(answers.map(({ key }) => key)),
    new Set(failures.map(({ key }) => key)),
  ];
  return toMarks(
    keys.map((key) => (answered.has(key) ? HAS_CELLS | ANSWERS : 0) | (failed.has(key) ? FAILS : 0)),
  );
}

function toMarks(marks: readonly number[]): Sql {
  return new Sql(`'{${marks.join(',')}}'::smallint[]`);
}

/** A settlement as the store has it, and the rows that had other blocks before. */
export interface SettledRow {
  readonly settled: Settled;
  readonly repeated: readonly string[];
}

export function toSettled(
  { batch }: PackedSettlement,
  row: Row | undefined,
  isRepeated: boolean,
): SettledRow {
  if (row?.status === 'unknown_job') throw createUnknownJobError(batch.jobId);
  const number = (name: string): number => Number(row?.[name]);
  return {
    settled: {
      // If the reply was lost, this call has settled it.
      status: isRepeated && row?.own === true ? 'settled' : (row?.status as Settled['status']),
      micros: number('micros'),
      isEstimated: row?.estimated === 1,
      spend: {
        spentMicros: number('spent'),
        reservedMicros: number('reserved'),
        estimatedMicros: number('estimated_sum'),
      },
      merged: new Map(),
      seen: number('change'),
    },
    repeated: typeof row?.repeated === 'string' ? row.repeated.split(',') : [],
  };
}

/** The fields as stored by a change, for rows that had an answer before. */
export function readMerged(
  connection: Connection,
  askId: string,
  keys: readonly string[],
  change: number,
  reading: Reading,
): Promise<Settled['merged']> {
  return connection.read([selectBlocks(askId, keys, change)], ([rows = []]) => {
    const blocks = toBlocks(rows);
    const before = foldRows(
      keys,
      blocks.filter(({ row }) => row.number < change),
      -1,
      READ_ALL,
    );
    const merged = new Map<string, ReadonlyMap<string, never>>() as Map<string, never>;
    for (const [key, { fields }] of foldRows(keys, blocks, -1, reading)) {
      if ((before.get(key)?.answeredAtMs ?? null) !== null) merged.set(key, fields as never);
    }
    return merged as Settled['merged'];
  });
}

/** Records rows that failed in the job's current invocation without their own run. */
export function recordFailures(
  connection: Connection,
  holder: number,
  jobId: string,
  failures: readonly RowFailure[],
): Promise<boolean> {
  const keys = [...new Set(failures.map(({ key }) => key))];
  const marks = keys.map(() => FAILS);
  return putRows(connection, holder, jobId, {
    kind: 'failures',
    keys,
    marks,
    content: formatFailures(keys, failures),
    seen: null,
  });
}

/** Stores values that a person gave. False if a row has changed since a change. */
export function putHumanAnswers(
  connection: Connection,
  holder: number,
  jobId: string,
  answers: readonly HumanAnswer[],
  ids: FieldIds,
  seen: number | null,
): Promise<boolean> {
  const values = new Map<string, Map<string, JsonValue>>();
  for (const { key, values: own } of answers) {
    values.set(key, new Map([...(values.get(key) ?? []), ...Object.entries(own)]));
  }
  return putValues(connection, holder, jobId, 'human', values, ids, seen);
}

/** Marks the values of cells as rejected. False if a row has changed since a change. */
export function rejectAnswers(
  connection: Connection,
  holder: number,
  jobId: string,
  cells: readonly Cell[],
  ids: FieldIds,
  seen: number | null,
): Promise<boolean> {
  const values = new Map<string, Map<string, boolean>>();
  for (const { key, field, mayComeBack = false } of cells) {
    const row = values.get(key) ?? new Map<string, boolean>();
    values.set(key, row.set(field, !mayComeBack));
  }
  return putValues(connection, holder, jobId, 'rejected', values, ids, seen);
}

function putValues(
  connection: Connection,
  holder: number,
  jobId: string,
  kind: 'human' | 'rejected',
  values: ReadonlyMap<string, ReadonlyMap<string, JsonValue>>,
  ids: FieldIds,
  seen: number | null,
): Promise<boolean> {
  const keys = [...values.keys()];
  const marks = keys.map(() => (kind === 'human' ? HAS_CELLS | ANSWERS : HAS_CELLS));
  return putRows(connection, holder, jobId, {
    kind,
    keys,
    marks,
    content: formatValues([...values.values()], ids),
    seen,
  });
}

interface NewRows {
  readonly kind: string;
  readonly keys: readonly string[];
  readonly marks: readonly number[];
  readonly content: string;
  /** The change after which the rows may not have changed; null if they may. */
  readonly seen: number | null;
}

/** Returns false if a row has changed. */
function putRows(
  connection: Connection,
  holder: number,
  jobId: string,
  { kind, keys, marks, content, seen }: NewRows,
): Promise<boolean> {
  const statement = sql`select put_rows(${holder}, ${jobId}, ${kind}, ${keyArray(keys)}, ${toMarks(marks)},
    ${content}, ${seen}::bigint) as done`;
  return connection.write([statement], ([rows]) => {
    const done = rows?.[0]?.done;
    if (typeof done !== 'boolean') throw createUnknownJobError(jobId);
    return done;
  });
}

/** Open batches of the ask, oldest first, from any job and process; or those that a holder has taken over. */
export function selectOpenBatches(askId: string, adopter: number | null = null): readonly Sql[] {
  return [
    sql`select batch.content, batch.state, batch.run_id as "runId", batch.intended_at as "intendedAtMs"
      from ask join job on job.ask = ask.number join batch on batch.job = job.number
      where ask.id = ${askId}
        and (${adopter}::bigint is null or (batch.holder = ${adopter} and batch.reserver <> ${adopter}))
      order by batch.number`,
    selectAsks(askId),
  ];
}

/** The run that settled each of these batches of an ask. */
export function selectSettledRuns(askId: string, batchIds: readonly string[]): Sql {
  return sql`select block.batch, block.run_id as "runId" from block join job on job.number = block.job
    join ask on ask.number = job.ask
    where ask.id = ${askId} and block.kind = 'run' and block.batch = any(${textArray(batchIds)})`;
}

export function toOpenBatches([batches = [], asks = []]: readonly (readonly Row[])[]): OpenBatch[] {
  const versions = new Map(
    asks.map(({ content }) => toAsk(content)).map((ask): [string, Ask] => [ask.version, ask]),
  );
  return (batches as unknown as readonly (Omit<OpenBatch, 'batch' | 'ask'> & { content: string })[]).map(
    ({ content, ...row }) => {
      const batch = JSON.parse(content) as Batch;
      return { batch, ask: versions.get(batch.version ?? '') ?? null, ...row };
    },
  );
}
