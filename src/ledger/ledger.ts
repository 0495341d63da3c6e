import { randomUUID } from 'node:crypto';
import type { RowfillError } from '../errors.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { type Clock, systemClock } from '../model/clock.js';
import { bookCost, formatMicros } from '../model/format.js';
import type { AgentRun } from '../model/run.js';
import { AnswerKeys } from './answer-keys.js';
import { failRows, findAnswers, findOlderAnswers } from './answers.js';
import {
  findOpenBatches,
  findPassedBudget,
  intendBatch,
  isRunUsed,
  markSent,
  type OpenRecord,
  type OverBudget,
  suspectBatch,
  voidBatch,
} from './batches.js';
import { checkLedger } from './check-ledger.js';
import { Database, type SavedLedger } from './database.js';
import { enterFolder, moveFolder, readFolderPath } from './folders.js';
import { type Holder, readHolder } from './holder.js';
import {
  closeJob,
  dropUnusedJob,
  findJob,
  isUnusedJob,
  openJob,
  placeJobs,
  readAnswerState,
  readEstimate,
  readJob,
  readSpend,
  resolveJob,
} from './jobs.js';
import { acquireLease, type Lease, type LeaseResult, releaseLease, renewLease } from './leases.js';
import { createMovedError } from './ledger-file.js';
import { countJobs, listJobs } from './list-jobs.js';
import { createSchema, migrate } from './migrations.js';
import { countOld, type PruneLimits, type PruneResult, pruneLedger } from './prune.js';
import type {
  AnswerState,
  DayCaps,
  JobEnd,
  JobHandle,
  JobParts,
  JobPlace,
  JobRecord,
  JobStatus,
  OlderAnswer,
  OpenBatch,
  OpenedJob,
  RowFailure,
  Spend,
  StoredAnswer,
  WatchedFolder,
} from './records.js';
import { readLastRun, readRun, type Settled, settleBatch } from './settle.js';
import { readSpendSince, WHOLE_LEDGER } from './spend.js';
import { findWritten, moveWritten, noteWritten, type WrittenFile } from './written.js';
import { type EffortClimb, type JobYield, keepGoing, readClimbs, readYield } from './yields.js';

export type { OverBudget } from './batches.js';
export type { SavedLedger } from './database.js';
export type { LeaseResult } from './leases.js';
export { findLedgerPath, resolveLedgerPath } from './ledger-path.js';
export type { WrittenFile } from './written.js';

export interface LedgerOptions {
  readonly clock?: Pick<Clock, 'now'>;
  /** Called when waiting longer than two seconds for another program's write. */
  readonly onWait?: (message: string) => void;
  /** Refuses writes and never waits for a writer. @default false */
  readonly isReadOnly?: boolean;
}

/** Opens the ledger. Creates it if there is none, with folder and file accessible only by their owner. */
export function openLedger(path: string, options: LedgerOptions = {}): Ledger {
  const database = new Database(path, createSchema());
  try {
    if (options.onWait !== undefined) database.onWait = options.onWait;
    migrate(database);
    if (options.isReadOnly === true) database.refuseWrites();
    return new Ledger(database, options.clock ?? systemClock);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Record of what was intended, sent, answered and billed. Each method is atomic and visible to all later
 * calls. The batch steps (`intend`, `sent`, `settle`, `void`, `suspect`, `fail`) of one turn of the event
 * loop share a transaction; at its end they survive a crash of this process. Every other method is its own
 * transaction. Everything before a `flush` survives a crash of the machine once the flush has resolved.
 */
export class Ledger {
  readonly #database: Database;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keys: AnswerKeys;
  /** Cache of open batches that this process intended. */
  readonly #open = new Map<string, OpenRecord>();
  /** Runs sent or settled since the files were last found in place, by batch. */
  readonly #recentRuns = new Map<string, RecentRun>();
  /** True if the files were found in place in this turn of the event loop. */
  #isInPlace = false;

  constructor(database: Database, clock: Pick<Clock, 'now'>, keys = new AnswerKeys(database)) {
    this.#database = database;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** Returns the job that `openJob` would store, for a preview before the user agrees. */
  resolveJob(job: JobParts): OpenedJob {
    return resolveJob(this.#database, job);
  }

  /** Path of its file, with links resolved. */
  get path(): string {
    return this.#database.file;
  }

  /**
   * Returns LEDGER_MOVED if the ledger's files are no longer the ones that were opened, else null. The
   * message lists runs that may be missing in the file now in their place.
   */
  findMove(): RowfillError | null {
    if (this.#database.findDisplaced() !== null) {
      return createMovedError(this.#database.path, this.listRecentRuns());
    }
    for (const [batchId, { isWritten }] of this.#recentRuns) if (isWritten) this.#recentRuns.delete(batchId);
    return null;
  }

  /** Runs of this process that the file may not have, each with its cost, as text. */
  listRecentRuns(): string[] {
    return [...this.#recentRuns.values()].filter(({ runId }) => runId !== '').map(describeRun);
  }

  /**
   * Throws LEDGER_MOVED if `findMove` returns it. Checks once per turn of the event loop, in which many
   * batches may start.
   */
  refuseMove(): void {
    if (this.#isInPlace) return;
    const moved = this.findMove();
    if (moved !== null) throw moved;
    this.#isInPlace = true;
    setImmediate(() => {
      this.#isInPlace = false;
    });
  }

  /**
   * After LEDGER_MOVED: writes what only this process knows back to the file if no other program has used it,
   * else to a copy next to it.
   */
  save(): SavedLedger {
    return this.#database.save(this.#clock.now());
  }

  /**
   * Stores the job. The same ask on the same input is the same job, with its `invocation` incremented. Throws
   * if the disk is almost full.
   */
  openJob(job: JobParts): OpenedJob {
    this.refuseMove();
    this.#database.checkFreeSpace();
    return this.#database.transact(() => openJob(this.#database, job, this.#clock.now()));
  }

  /** The job of an ask on an input after its last invocation, or null. */
  findJob(askId: string, input: string): JobRecord | null {
    return findJob(this.#database, askId, input);
  }

  /** True for a job in its first invocation without any batch or failure. */
  isUnusedJob(jobId: string): boolean {
    return isUnusedJob(this.#database, jobId);
  }

  /** Deletes a job if it is unused. Returns false if it is not. */
  dropUnusedJob(job: JobHandle): boolean {
    return this.#database.transact(() => dropUnusedJob(this.#database, job));
  }

  /** Records how the invocation ended. */
  closeJob(jobId: string, end: JobEnd): void {
    this.#database.transact(() => closeJob(this.#database, jobId, end, this.#clock.now()));
  }

  /** What the runs of a job have found so far, and whether the user let it continue without results. */
  readYield(jobId: string): JobYield {
    return this.#database.read(() => readYield(this.#database, jobId));
  }

  /** Number of rows that each effort left incomplete for the next one, from the stored answers. */
  readClimbs(ask: Ask): ReadonlyMap<string, EffortClimb> {
    return this.#database.read(() => readClimbs(this.#database, ask));
  }

  /** Lets a job continue although nothing was found, now and in later invocations. */
  keepGoing(jobId: string): void {
    this.#database.transact(() => keepGoing(this.#database, jobId));
  }

  /** Records a file that a job is about to write. Durable after the next `flush`. */
  noteWritten(path: string, file: WrittenFile): void {
    this.#database.transact(() => noteWritten(this.#database, path, file, this.#clock.now()));
  }

  /**
   * The files that were written at a path, newest first. Keeps a few, because after a crash an older one may
   * still be in place.
   */
  findWritten(path: string): readonly WrittenFile[] {
    return findWritten(this.#database, path);
  }

  /** Progress of a job's answers. */
  readAnswerState(job: JobHandle): AnswerState {
    return readAnswerState(this.#database, job);
  }

  /** Finds what is known about a chunk of row keys, in one snapshot. Unknown keys are missing. */
  findAnswers(job: JobHandle, keys: readonly string[]): ReadonlyMap<string, StoredAnswer> {
    return this.#database.read(() => findAnswers(this.#database, this.#keys, job, keys));
  }

  /**
   * Reserves the batch's worst-case price and stores the batch, both or neither. Writes nothing if spent plus
   * reserved amounts would exceed the cap of its job (`over_budget`), or the day's cap of its folder or of
   * the whole ledger. A null cap means no limit. Do not send the request before `flush` has resolved. Throws
   * LEDGER_MOVED if the files are not the ones that were opened.
   */
  intend(batch: Batch, capMicros: number | null, dayCaps: DayCaps | null = null): 'intended' | OverBudget {
    this.refuseMove();
    const nowMs = this.#clock.now();
    const result = this.#database.step(() => intendBatch(this.#database, batch, capMicros, dayCaps, nowMs));
    if (typeof result === 'string') return result;
    this.#open.set(batch.id, result);
    return 'intended';
  }

  /**
   * The budget that spent plus reserved amounts already exceed, as when a run cost more than reserved; null
   * if none.
   */
  findPassedBudget(jobId: string, capMicros: number | null, dayCaps: DayCaps | null): OverBudget | null {
    return this.#database.read(() => findPassedBudget(this.#database, jobId, capMicros, dayCaps));
  }

  /**
   * Resolves once all writes so far are durable (fsync). Concurrent callers share one fsync; other work is
   * not blocked.
   */
  flush(): Promise<void> {
    return this.#database.flush();
  }

  /**
   * Resolves once no other program is writing, within two minutes. Other work is not blocked. Writes in the
   * same turn of the event loop then need not wait.
   */
  ready(signal?: AbortSignal): Promise<void> {
    return this.#database.ready(signal);
  }

  /**
   * False while another program is writing. Otherwise, writes in this turn of the event loop need not wait.
   */
  canWrite(): boolean {
    return this.#database.canWrite();
  }

  /** Keeps a run's id in memory, to report it if the ledger can no longer be written. */
  remember(batchId: string, runId: string): void {
    this.#recentRuns.set(batchId, { runId, costMicros: null, isWritten: false });
  }

  /** Links an intended batch to its run, and starts a flush. Repeating the same run changes nothing. */
  sent(batchId: string, runId: string): void {
    this.remember(batchId, runId);
    this.#database.step(() => markSent(this.#database, batchId, runId));
    this.#database.flushSoon();
  }

  /**
   * True if a run has settled another batch that was sent to the same agent, from any job or process, so that
   * it cannot settle this one. The result stays valid until the end of this turn of the event loop, so a
   * `settle` in it can rely on it.
   */
  isRunUsed(batchId: string, runId: string): boolean {
    return this.#database.step(() => isRunUsed(this.#database, batchId, runId));
  }

  /**
   * Settles a batch with its run: the cost replaces the reservation (which stays as an estimate if the run
   * reports no cost), every row gets its share, answers are merged field by field, and the raw run is stored.
   * A run with an empty id stands for one whose id is invalid. Atomic, and starts a flush. Changes nothing if
   * the batch was already settled. Returns the cost as booked.
   */
  settle(
    batchId: string,
    run: AgentRun,
    answers: readonly RowAnswer[],
    failures: readonly RowFailure[],
  ): Settled {
    const parts = { known: this.#open.get(batchId), run, answers, failures, nowMs: this.#clock.now() };
    const runId = run.id === '' ? (this.#recentRuns.get(batchId)?.runId ?? '') : run.id;
    // Set before writing: if the ledger cannot be written, the run must not be listed as still running.
    const { micros: costMicros } = bookCost(run.costDollars.total, parts.known?.reserveMicros ?? 0);
    this.#recentRuns.set(batchId, { runId, costMicros, isWritten: false });
    const settled = this.#database.step(() => settleBatch(this.#database, this.#keys, batchId, parts));
    this.#recentRuns.set(batchId, { runId, costMicros: settled.micros, isWritten: true });
    this.#open.delete(batchId);
    this.#database.flushSoon();
    return settled;
  }

  /** Ends a batch that certainly has no run, and releases its reservation. It may be intended again. */
  void(batchId: string, why: string): void {
    this.#database.step(() => voidBatch(this.#database, batchId, why, this.#clock.now()));
    this.#open.delete(batchId);
  }

  /** Marks a batch as unknown: it may have a run. It stays open and its money stays reserved. */
  suspect(batchId: string, why: string): void {
    this.#database.step(() => suspectBatch(this.#database, batchId, why));
  }

  /**
   * Records rows that failed in the job's current invocation without a run. The next invocation retries them.
   */
  fail(jobId: string, failures: readonly RowFailure[]): void {
    if (failures.length > 0) this.#database.step(() => failRows(this.#database, this.#keys, jobId, failures));
  }

  /** Open batches of an ask, oldest first, from any job. */
  findOpenBatches(askId: string): readonly OpenBatch[] {
    return findOpenBatches(this.#database, askId);
  }

  /**
   * The job's cost over all its invocations, and what is reserved for open runs. Zero if it was never opened.
   */
  readSpend(jobId: string): Spend {
    return readSpend(this.#database, jobId);
  }

  /**
   * Estimated part of the job's cost: the reserved price of runs for which the agent did not report a cost.
   */
  readEstimate(jobId: string): number {
    return readEstimate(this.#database, jobId);
  }

  /**
   * Amount billed since `sinceMs`, and amount reserved now regardless of when: for the files of a watched
   * folder, or for all jobs if `folder` is null. `sinceMs` must be the start of a quarter-hour, such as
   * midnight.
   */
  readSpendSince(folder: string | null, sinceMs: number): Spend {
    return this.#database.read(() => readSpendSince(this.#database, folder ?? WHOLE_LEDGER, sinceMs));
  }

  /** Returns the id of a watched folder. Creates one if the folder has no id and its location is unknown. */
  enterFolder(folder: WatchedFolder): string {
    return this.#database.transact(() => enterFolder(this.#database, folder, randomUUID()));
  }

  /** The last recorded path of a watched folder; null if none. */
  readFolderPath(id: string): string | null {
    return this.#database.read(() => readFolderPath(this.#database, id));
  }

  /** Records the path of a watched folder. Files known below its earlier path are then known below this one. */
  moveFolder(id: string, path: string): void {
    this.#database.transact(() => moveFolder(this.#database, id, path));
  }

  /**
   * Records where a watcher has moved the files of all jobs on an input. `moved` has the real paths of the
   * output, so that the record of the written file moves to its new path.
   */
  placeJobs(
    input: string,
    place: JobPlace,
    moved: { readonly from: string; readonly to: string } | null,
  ): void {
    this.#database.transact(() => {
      placeJobs(this.#database, input, place);
      if (moved !== null) moveWritten(this.#database, moved.from, moved.to);
    });
  }

  /** Acquires the lease of an ask for `self`, or reports its holder. */
  acquireLease(askId: string, self: Holder): LeaseResult {
    const lease = { askId, token: randomUUID() };
    return this.#database.transact(() => acquireLease(this.#database, lease, self, this.#clock.now()));
  }

  /** Renews a lease. Returns false if it was lost; nothing more may be sent then. */
  renewLease(lease: Lease): boolean {
    return this.#database.transact(() => renewLease(this.#database, lease, this.#clock.now()));
  }

  /** Releases a lease. If it was lost, its new holder keeps it. */
  releaseLease(lease: Lease): void {
    this.#database.transact(() => releaseLease(this.#database, lease));
  }

  /** All jobs, or the newest `limit`, most recently opened first. */
  listJobs(limit?: number): readonly JobStatus[] {
    return this.#database.read(() => listJobs(this.#database, limit));
  }

  countJobs(): number {
    return countJobs(this.#database);
  }

  /** A job by its id or a unique prefix. */
  readJob(idOrPrefix: string): JobRecord {
    return readJob(this.#database, idOrPrefix);
  }

  /** Replaced values, most recently replaced first. */
  findOlderAnswers(askId: string, key: string): readonly OlderAnswer[] {
    return this.#database.read(() => findOlderAnswers(this.#database, this.#keys, askId, key));
  }

  /** The raw run as returned by the agent when it was settled; null if pruned or never received. */
  readRun(runId: string): AgentRun | null {
    return readRun(this.#database, runId);
  }

  /** The most recently settled raw run of a job; null if pruned or none. */
  readLastRun(jobId: string): AgentRun | null {
    return readLastRun(this.#database, jobId);
  }

  /** Checks the whole file. Returns one line per fault; empty if intact. */
  check(): readonly string[] {
    return checkLedger(this.#database);
  }

  /** Deletes old raw runs and old asks in one transaction, then returns free space to the disk. */
  prune(limits: PruneLimits): PruneResult {
    const nowMs = this.#clock.now();
    const result = this.#database.transact(() => pruneLedger(this.#database, limits, readHolder(), nowMs));
    this.#database.compact();
    return result;
  }

  /** Counts what `prune` would delete, without changing anything. */
  countOld(limits: PruneLimits): PruneResult {
    const nowMs = this.#clock.now();
    return this.#database.read(() => countOld(this.#database, limits, readHolder(), nowMs));
  }

  close(): void {
    this.#database.close();
  }
}

/** A run that the file may not know of if it was moved or damaged. */
interface RecentRun {
  readonly runId: string;
  /** Null while the run works. */
  readonly costMicros: number | null;
  /** Its result was written. */
  readonly isWritten: boolean;
}

function describeRun({ runId, costMicros }: RecentRun): string {
  return `${runId} (${costMicros === null ? 'may still be running' : `$${formatMicros(costMicros)}`})`;
}
