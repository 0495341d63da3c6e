import { RowfillError } from '../../errors.js';
import type { Ask } from '../../model/ask.js';
import type { Batch } from '../../model/batch.js';
import type { BookedCost } from '../../model/format.js';
import type { JsonValue } from '../../model/json.js';
import {
  type BlockKind,
  formatFailures,
  formatRunContent,
  formatValues,
  keepOnePerKey,
  type PackedSettlement,
  packKeys,
  SPAN,
} from '../blocks.js';
import { createStateError, pickSpend } from '../job-records.js';
import type {
  Cell,
  HumanAnswer,
  OpenBatch,
  OpenBatchState,
  Reservation,
  ReserveVerdict,
  RowFailure,
  Settled,
  SpendLimits,
} from '../ledger.js';
import { READ_ALL, type Reading, type RowState } from '../row-state.js';
import { addYield } from '../yields.js';
import type { Database } from './database.js';
import type { JobState, OwnBatch, Store } from './store.js';
import type { AskView } from './view.js';

interface BatchRow {
  readonly number: number;
  readonly job: number;
  readonly holder: number;
  readonly state: OpenBatchState;
  readonly runId: string | null;
  readonly reserveMicros: number;
  readonly intendedAt: number;
}

/** Reserves batches in order. */
export function reserveBatches(
  store: Store,
  reservations: readonly Reservation[],
  limits: SpendLimits,
  nowMs: number,
): ReserveVerdict[] {
  return reservations.map((reservation) => reserveBatch(store, reservation, limits, nowMs));
}

function reserveBatch(
  store: Store,
  { batch, seen, invocation }: Reservation,
  { jobMicros, day }: SpendLimits,
  nowMs: number,
): ReserveVerdict {
  const job = store.job(batch.jobId);
  const view = store.view(job);
  const own = invocation !== undefined ? view.listOwnKeys(store.holder) : null;
  const taken: string[] = [];
  for (let index = 0; index < batch.rows.length; index += 1) {
    const key = batch.rows[index]?.key ?? '';
    const seenAt = seen[index] ?? 0;
    const isTaken =
      view.isTaken(key, seenAt) || (own !== null && (own.has(key) || view.isAnsweredSince(key, seenAt)));
    if (isTaken) taken.push(key);
  }
  // Its process has ended, so nothing knows what else it has planned.
  if (invocation !== undefined && invocation !== job.invocation) return { status: 'withdrawn' };
  if (taken.length > 0) return { status: 'changed', keys: taken };
  const budget = store.findFull(job, jobMicros, day, batch.reserveMicros);
  if (budget !== null) return { status: 'over_budget', budget };
  openBatch(store, job, view, batch, { state: 'intended', runId: null, nowMs });
  return { status: 'reserved' };
}

function openBatch(
  store: Store,
  job: JobState,
  view: AskView,
  batch: Batch,
  { state, runId, nowMs }: { state: OpenBatchState; runId: string | null; nowMs: number },
): void {
  const number = view.draw();
  const isNew = store.database.run(
    `insert into batch (number, id, job, holder, state, run_id, reserve_micros, intended_at, keys, content)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    ...[number, batch.id, job.number, store.holder, state, runId, batch.reserveMicros, nowMs],
    packKeys(batch.rows.map(({ key }) => key)),
    JSON.stringify(batch),
  );
  if (isNew === 0) throw createStateError(batch.id, 'reserved twice');
  store.reserve(job, batch.reserveMicros);
  store.ownBatches.set(batch.id, { number, intendedAt: nowMs, reserveMicros: batch.reserveMicros });
}

/** Links a batch to its run. If the batch was released, it is reserved again. */
export function markStarted(store: Store, batch: Batch, runId: string, nowMs: number): void {
  const own = store.ownBatches.get(batch.id);
  const set = "update batch set state = 'sent', run_id = ?, reason = null where run_id is null and";
  if (own !== undefined && store.database.run(`${set} number = ?`, runId, own.number) === 1) return;
  if (store.database.run(`${set} id = ?`, runId, batch.id) === 1) return;
  const known = findBatch(store, batch.id);
  if (known !== undefined) {
    if (known.runId === runId) return;
    throw createStateError(batch.id, `started as run ${runId} while it has run ${known.runId}`);
  }
  const job = store.job(batch.jobId);
  const view = store.view(job);
  const ended = findEnded(store, view, batch.id);
  if (ended?.kind === 'run') return;
  openBatch(store, job, view, batch, { state: 'sent', runId, nowMs: ended?.intendedAt ?? nowMs });
}

/** Keeps a batch and its reservation, because it is unknown whether it has a run. False if it is not open. */
export function markUnknown(store: Store, batchId: string, reason: string): boolean {
  store.database.run(
    "update batch set state = 'unknown', reason = ? where id = ? and run_id is null",
    reason,
    batchId,
  );
  return findBatch(store, batchId) !== undefined;
}

/** Ends a batch that has no run, and releases its reservation. Others who wait for its rows are told by a block. */
export function releaseBatch(
  store: Store,
  batchId: string,
  reason: string,
  nowMs: number,
  isLost = false,
): void {
  const batch = findBatch(store, batchId);
  // The process that took a batch over decides what becomes of it.
  if (batch === undefined || (isLost && batch.holder !== store.holder)) return;
  const job = jobOf(store, batch);
  const view = store.view(job);
  closeBatch(store, job, view, batchId, batch);
  addOwnBlock(store, job, view, {
    kind: 'released',
    keys: null,
    batchId,
    intendedAt: batch.intendedAt,
    content: JSON.stringify({ reason }),
    nowMs,
  });
}

/** Settles batches with their runs. */
export function settleBatches(
  store: Store,
  settlements: readonly PackedSettlement[],
  nowMs: number,
): Settled[] {
  return settlements.map((settlement) => settleBatch(store, settlement, nowMs));
}

function settleBatch(store: Store, settlement: PackedSettlement, nowMs: number): Settled {
  const { batch, runId, namedBatch, cost, rawRun } = settlement;
  const job = store.job(batch.jobId);
  const view = store.view(job);
  const end = (
    status: Settled['status'],
    cost: BookedCost,
    merged: Settled['merged'] = new Map(),
  ): Settled => ({
    status,
    ...cost,
    spend: pickSpend(job),
    merged,
    seen: view.change,
  });
  const own = store.ownBatches.get(batch.id);
  const open = own ?? findBatch(store, batch.id);
  const ended = open === undefined ? findEnded(store, view, batch.id) : null;
  if (ended?.kind === 'run') return end('known', toCost(ended));
  const keys = [...new Set(batch.rows.map(({ key }) => key))];
  const isPlain = keys.length === batch.rows.length;
  const { answers, failures } = isPlain ? settlement : keepOnePerKey(settlement);
  const block: NewBlock = {
    kind: 'run',
    keys,
    batchId: batch.id,
    runId: runId === '' ? null : runId,
    cost,
    effort: batch.effort,
    isRefresh: batch.refresh === true,
    intendedAt: open?.intendedAt ?? ended?.intendedAt ?? nowMs,
    content: formatRunContent(keys, answers, failures, store.reading(job, batch).ids ?? new Map()),
    rawRun,
    nowMs,
  };
  let number = addBlock(store, job, view, block);
  if (number === null) {
    const user = findRunUser(store, runId, job.agent);
    if (user?.batch === batch.id) return end('known', toCost(user));
    if (namedBatch !== batch.id) return end('foreign', NOTHING);
    number = addOwnBlock(store, job, view, { ...block, isReused: true });
  }
  if (open !== undefined && !closeBatch(store, job, view, batch.id, open) && own !== undefined) {
    // Another process has ended it since.
    const earlier = findEnded(store, view, batch.id, number);
    if (earlier?.kind === 'run') {
      store.database.run('delete from block where number = ?', number);
      return end('known', toCost(earlier));
    }
  }
  if (own === undefined && open !== undefined) view.markForeign(number);
  store.bill(job, cost.micros, cost.isEstimated, nowMs);
  view.settledRuns += 1;
  const reading = store.reading(job, batch);
  const merged = addRows(job, view, number, { keys, answers, failures, isRun: true }, reading);
  addYield(job.yields, batch.effort, answers);
  job.isChanged = true;
  return end('settled', cost, merged);
}

const NOTHING: BookedCost = { micros: 0, isEstimated: false };

/** The rows of a new block, and which of them it answers or fails. */
interface NewRows {
  readonly keys: readonly string[];
  readonly answers: readonly { readonly key: string }[];
  readonly failures: readonly { readonly key: string }[];
  readonly isRun: boolean;
}

/**
 * Adds a block to the view, and updates the counts of rows. Returns the fields of rows that had an answer before, as
 * `reading` has them.
 */
function addRows(
  job: JobState,
  view: AskView,
  number: number,
  { keys, answers, failures, isRun }: NewRows,
  reading: Reading | null = null,
): Map<string, RowState['fields']> {
  const repeated = view.add(number, keys);
  const merged = new Map<string, RowState['fields']>();
  // Most rows are new, and need not be read back.
  const old = new Set(repeated);
  const countNew = (rows: readonly { readonly key: string }[]): number =>
    old.size === 0 ? rows.length : rows.filter(({ key }) => !old.has(key)).length;
  view.answered += countNew(answers);
  if (isRun) job.answered += countNew(answers);
  job.failed += countNew(failures);
  if (repeated.length === 0) return merged;
  const before = view.read(repeated, job.number, READ_ALL, number);
  const own = reading === null ? null : view.read(repeated, job.number, reading);
  for (const [key, state] of view.read(repeated, job.number, READ_ALL)) {
    const known = before.get(key);
    const difference = (is: (state: RowState) => boolean): number =>
      (is(state) ? 1 : 0) - (known !== undefined && is(known) ? 1 : 0);
    view.answered += difference((each) => each.answeredAtMs !== null);
    job.answered += difference((each) => each.isAnsweredByJob);
    job.failed += difference((each) => each.failure !== null);
    const fields = own?.get(key)?.fields;
    if (fields !== undefined && known !== undefined && known.answeredAtMs !== null) merged.set(key, fields);
  }
  return merged;
}

interface NewBlock {
  readonly kind: BlockKind;
  readonly keys: readonly string[] | null;
  readonly batchId?: string;
  readonly runId?: string | null;
  /** The agent has given the id to two runs, as after a restart. */
  readonly isReused?: boolean;
  readonly cost?: BookedCost;
  readonly effort?: string;
  readonly isRefresh?: boolean;
  readonly intendedAt?: number;
  readonly content: string;
  readonly rawRun?: Uint8Array;
  readonly nowMs: number;
}

/** Stores a block. Returns its number, or null if its run has settled another batch of the same agent. */
function addBlock(store: Store, job: JobState, view: AskView, block: NewBlock): number | null {
  const {
    kind,
    keys,
    batchId,
    runId = null,
    isReused = false,
    cost,
    effort,
    isRefresh,
    intendedAt,
    content,
    rawRun,
    nowMs,
  } = block;
  const number = view.draw();
  const isNew = store.database.run(
    `insert into block (number, keys, kind, batch, job, invocation, agent, run_id, cost_micros, is_estimated, effort,
       is_refresh, intended_at, settled_at, content, raw_run)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    ...[number, keys === null ? null : packKeys(keys), kind, batchId ?? null, job.number, job.invocation],
    ...[
      runId === null || isReused ? null : job.agent,
      runId,
      cost?.micros ?? 0,
      cost?.isEstimated === true ? 1 : 0,
    ],
    ...[effort ?? '', isRefresh === true ? 1 : 0, intendedAt ?? nowMs, nowMs, content, rawRun ?? null],
  );
  return isNew === 1 ? number : null;
}

/** Stores a block that cannot conflict with the run of another one. */
function addOwnBlock(store: Store, job: JobState, view: AskView, block: NewBlock): number {
  const number = addBlock(store, job, view, block);
  if (number === null) throw new RowfillError('defect', 'LEDGER_BLOCK', 'A block conflicts with another one');
  return number;
}

/** Records rows that failed in the job's current invocation without their own run. */
export function recordFailures(
  store: Store,
  jobId: string,
  failures: readonly RowFailure[],
  nowMs: number,
): void {
  const job = store.job(jobId);
  const view = store.view(job);
  const keys = [...new Set(failures.map(({ key }) => key))];
  const content = formatFailures(keys, failures);
  const rows = { keys, answers: [], failures: keys.map((key) => ({ key })), isRun: false };
  addRows(job, view, addOwnBlock(store, job, view, { kind: 'failures', keys, content, nowMs }), rows);
  job.isChanged = true;
}

/** Stores values that a person gave. False if a row has changed since a change. */
export function putHumanAnswers(
  store: Store,
  jobId: string,
  answers: readonly HumanAnswer[],
  nowMs: number,
  seen?: number,
): boolean {
  const values = new Map<string, Map<string, JsonValue>>();
  for (const { key, values: own } of answers) {
    values.set(key, new Map([...(values.get(key) ?? []), ...Object.entries(own)]));
  }
  return putValues(store, jobId, 'human', values, nowMs, seen);
}

/** Marks the values of cells as rejected. False if a row has changed since a change. */
export function rejectAnswers(
  store: Store,
  jobId: string,
  cells: readonly Cell[],
  nowMs: number,
  seen?: number,
): boolean {
  const values = new Map<string, Map<string, boolean>>();
  for (const { key, field, mayComeBack = false } of cells) {
    const row = values.get(key) ?? new Map<string, boolean>();
    values.set(key, row.set(field, !mayComeBack));
  }
  return putValues(store, jobId, 'rejected', values, nowMs, seen);
}

function putValues(
  store: Store,
  jobId: string,
  kind: 'human' | 'rejected',
  values: ReadonlyMap<string, ReadonlyMap<string, JsonValue>>,
  nowMs: number,
  seen: number | undefined,
): boolean {
  const job = store.job(jobId);
  const view = store.view(job);
  const keys = [...values.keys()];
  if (seen !== undefined && view.hasChanged(keys, seen)) return false;
  const content = formatValues([...values.values()], store.reading(job).ids ?? new Map());
  const answers = kind === 'human' ? keys.map((key) => ({ key })) : [];
  // Answers may have changed, as by a run.
  view.settledRuns += 1;
  const rows = { keys, answers, failures: [], isRun: false };
  addRows(job, view, addOwnBlock(store, job, view, { kind, keys, content, nowMs }), rows);
  job.isChanged = true;
  return true;
}

/** Open batches of the ask, oldest first: from any job and process, or those of one holder. */
export function listOpenBatches(
  database: Database,
  askId: string,
  holder: number | null = null,
): OpenBatch[] {
  const rows = database.all<Omit<OpenBatch, 'batch' | 'ask'> & { content: string; ask: string | null }>(
    `select batch.content, ask_version.content as ask, batch.state, batch.run_id as runId, batch.intended_at as intendedAtMs
     from ask join batch on batch.number > ask.number * ${SPAN} and batch.number < (ask.number + 1) * ${SPAN}
       left join ask_version on ask_version.ask = ask.number and ask_version.version = batch.content ->> '$.version'
     where ask.id = ?1 and (?2 is null or batch.holder = ?2) order by batch.number`,
    askId,
    holder,
  );
  return rows.map(({ content, ask, ...row }) => ({
    batch: JSON.parse(content) as Batch,
    ask: ask === null ? null : (JSON.parse(ask) as Ask),
    ...row,
  }));
}

function findBatch(store: Store, batchId: string): BatchRow | undefined {
  return store.database.get<BatchRow>(
    `select number, job, holder, state, run_id as runId, reserve_micros as reserveMicros, intended_at as intendedAt
     from batch where id = ?`,
    batchId,
  );
}

function jobOf(store: Store, batch: BatchRow): JobState {
  const job = store.findJob(batch.job);
  if (job === null) throw new RowfillError('defect', 'LEDGER_JOB', `No job ${batch.job} for an open batch`);
  return job;
}

/** Deletes an open batch. Returns false if it was not open any more. */
function closeBatch(
  store: Store,
  job: JobState,
  view: AskView,
  batchId: string,
  { number, reserveMicros }: OwnBatch,
): boolean {
  store.ownBatches.delete(batchId);
  if (view.release(number)) store.adoptedEnds += 1;
  store.onBatchEnd();
  if (store.database.run('delete from batch where number = ?', number) === 0) return false;
  store.reserve(job, -reserveMicros);
  return true;
}

/** A block that ended a batch. */
interface EndedRow {
  readonly kind: 'run' | 'released';
  readonly batch: string;
  readonly micros: number;
  readonly estimated: number;
  readonly intendedAt: number;
}

const SELECT_ENDED = `
  select kind, batch, cost_micros as micros, is_estimated as estimated, intended_at as intendedAt from block`;

/** The block of the same agent that a run has settled. */
function findRunUser(store: Store, runId: string, agent: number): EndedRow | null {
  const sql = `${SELECT_ENDED} where run_id = ? and agent = ?`;
  return store.database.get<EndedRow>(sql, runId, agent) ?? null;
}

/** The block that ended a batch: with a run, if any has settled it. */
function findEnded(store: Store, view: AskView, batchId: string, except = 0): EndedRow | null {
  const sql = `${SELECT_ENDED} where ${view.range} and batch = ? and number <> ? order by kind = 'run' desc limit 1`;
  return store.database.get<EndedRow>(sql, batchId, except) ?? null;
}

function toCost({ micros, estimated }: EndedRow): BookedCost {
  return { micros, isEstimated: estimated === 1 };
}
