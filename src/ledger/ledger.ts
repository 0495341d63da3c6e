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
import { moveFolder, readFolderPath } from './folders.js';
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
import { readLastRun, readRun, settleBatch } from './settle.js';
import { enterFolder, readSpendSince, WHOLE_LEDGER } from './spend.js';
import { findWritten, moveWritten, noteWritten, type WrittenFile } from './written.js';
import { type EffortClimb, type JobYield, keepGoing, readClimbs, readYield } from './yields.js';

export type { OverBudget } from './batches.js';
export type { SavedLedger } from './database.js';
export type { LeaseResult } from './leases.js';
export { findLedgerPath, resolveLedgerPath } from './ledger-path.js';
export type { WrittenFile } from './written.js';

export interface LedgerOptions {
  readonly clock?: Pick<Clock, 'now'>;
  /** Called if another program's write has to be waited for longer than two seconds. */
  readonly onWait?: (message: string) => void;
  /** Only for a look: writing is refused, and no writer is waited for. @default false */
  readonly isReadOnly?: boolean;
}

/** Opens the ledger, and makes it where there is none: its folder and file are for their owner only. */
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
 * What was intended, sent, answered and billed. Each method happens whole or not at all, and is seen by all that is asked
 * after it. The steps of batches (`intend`, `sent`, `settle`, `void`, `suspect`, `fail`) share one transaction a turn of the
 * event loop: at its end they outlive this process. Every other method is a transaction of its own. What was done before
 * a `flush` outlives the machine once that has resolved.
 */
export class Ledger {
  readonly #database: Database;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keys: AnswerKeys;
  /** What this process intended and has not ended, so that it need not be read again. */
  readonly #open = new Map<string, OpenRecord>();
  /** Runs sent or settled since the files were last found in place, by batch. */
  readonly #recentRuns = new Map<string, RecentRun>();
  /** The files were found in place in this turn of the event loop. */
  #isInPlace = false;

  constructor(database: Database, clock: Pick<Clock, 'now'>, keys = new AnswerKeys(database)) {
    this.#database = database;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** The job that `openJob` would write down, for a look at what it would do before anybody agreed to it. */
  resolveJob(job: JobParts): OpenedJob {
    return resolveJob(this.#database, job);
  }

  /** Path of its file, links followed. */
  get path(): string {
    return this.#database.file;
  }

  /**
   * LEDGER_MOVED if the ledger's files are no longer the ones that were opened, else null. Its message names the runs that
   * the file now in their place may not know of.
   */
  findMove(): RowfillError | null {
    if (this.#database.findDisplaced() !== null) {
      return createMovedError(this.#database.path, this.listRecentRuns());
    }
    for (const [batchId, { isWritten }] of this.#recentRuns) if (isWritten) this.#recentRuns.delete(batchId);
    return null;
  }

  /** Runs of this process that the file may not know of, each with its cost, as text. */
  listRecentRuns(): string[] {
    return [...this.#recentRuns.values()].filter(({ runId }) => runId !== '').map(describeRun);
  }

  /** Throws LEDGER_MOVED as `findMove` finds it. Looks once in a turn of the event loop, in which many batches may start. */
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
   * After LEDGER_MOVED: writes what only this process knows into the file again if no other program has used it, else into
   * a copy beside it.
   */
  save(): SavedLedger {
    return this.#database.save(this.#clock.now());
  }

  /** Writes the job down. The same ask on the same input is the same job again: its `invocation` counts up. Refuses a full disk. */
  openJob(job: JobParts): OpenedJob {
    this.refuseMove();
    this.#database.checkFreeSpace();
    return this.#database.transact(() => openJob(this.#database, job, this.#clock.now()));
  }

  /** The job of an ask on an input, as its last invocation left it; null if there was none. */
  findJob(askId: string, input: string): JobRecord | null {
    return findJob(this.#database, askId, input);
  }

  /** True for a job in its first invocation under which nothing was written: no batch, no failure. */
  isUnusedJob(jobId: string): boolean {
    return isUnusedJob(this.#database, jobId);
  }

  /** Deletes a job if it is unused. Returns false if it is not. */
  dropUnusedJob(job: JobHandle): boolean {
    return this.#database.transact(() => dropUnusedJob(this.#database, job));
  }

  /** Notes how the invocation ended. */
  closeJob(jobId: string, end: JobEnd): void {
    this.#database.transact(() => closeJob(this.#database, jobId, end, this.#clock.now()));
  }

  /** What the runs of a job found so far, and whether somebody let it go on without. */
  readYield(jobId: string): JobYield {
    return this.#database.read(() => readYield(this.#database, jobId));
  }

  /** How many rows the efforts of a question left with something for the next, as far as its answers tell. */
  readClimbs(ask: Ask): ReadonlyMap<string, EffortClimb> {
    return this.#database.read(() => readClimbs(this.#database, ask));
  }

  /** Lets a job go on although nothing was found, now and every other time. */
  keepGoing(jobId: string): void {
    this.#database.transact(() => keepGoing(this.#database, jobId));
  }

  /** Notes a file that a job is about to put in its place; durable once a `flush` after it has resolved. */
  noteWritten(path: string, file: WrittenFile): void {
    this.#database.transact(() => noteWritten(this.#database, path, file, this.#clock.now()));
  }

  /** The files that were written at a path, the newest first: a few, since a crash may have kept an older one in place. */
  findWritten(path: string): readonly WrittenFile[] {
    return findWritten(this.#database, path);
  }

  /** How far the answers of a job are. */
  readAnswerState(job: JobHandle): AnswerState {
    return readAnswerState(this.#database, job);
  }

  /** What is known of a chunk of row keys, all of one moment. A key of which nothing is known is missing. */
  findAnswers(job: JobHandle, keys: readonly string[]): ReadonlyMap<string, StoredAnswer> {
    return this.#database.read(() => findAnswers(this.#database, this.#keys, job, keys));
  }

  /**
   * Reserves the batch's worst price and writes the batch down whole, both or neither. Nothing is written where what was
   * spent and is reserved leaves no room: under the cap of its job (`over_budget`), or of the day under that of its
   * folder or of the whole ledger. Null is no cap. The request must not leave before `flush` has resolved. Throws
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

  /** The budget that is passed by what was spent and is reserved now, as when a run cost more than was reserved; null if none is. */
  findPassedBudget(jobId: string, capMicros: number | null, dayCaps: DayCaps | null): OverBudget | null {
    return this.#database.read(() => findPassedBudget(this.#database, jobId, capMicros, dayCaps));
  }

  /**
   * Resolves once everything that was done so far is on the disk, whatever becomes of the machine. Many who wait share
   * one write, and nobody else is held up by it.
   */
  flush(): Promise<void> {
    return this.#database.flush();
  }

  /**
   * Resolves once another program that writes has ended, for two minutes at most; other work goes on meanwhile. What is
   * written in the same turn of the event loop then waits for nobody.
   */
  ready(signal?: AbortSignal): Promise<void> {
    return this.#database.ready(signal);
  }

  /** False while another program writes; else what is written in this turn of the event loop waits for nobody. */
  canWrite(): boolean {
    return this.#database.canWrite();
  }

  /** Keeps a run's id in memory, so that it can be named if the ledger cannot be written any more. */
  remember(batchId: string, runId: string): void {
    this.#recentRuns.set(batchId, { runId, costMicros: null, isWritten: false });
  }

  /** Ties an intended batch to its run, and begins to flush. The same run a second time changes nothing. */
  sent(batchId: string, runId: string): void {
    this.remember(batchId, runId);
    this.#database.step(() => markSent(this.#database, batchId, runId));
    this.#database.flushSoon();
  }

  /**
   * True where a run has settled another batch that was sent to the same agent, in whichever job or process: then it
   * cannot settle this one. It stays so until the end of the turn of the event loop, and with it up to a `settle`.
   */
  isRunUsed(batchId: string, runId: string): boolean {
    return this.#database.step(() => isRunUsed(this.#database, batchId, runId));
  }

  /**
   * Ends a batch by its run: the reservation becomes the cost (of a run that does not say its cost it stays, as an estimate),
   * every row of the batch bears its share, answers are merged field by field, the raw run is kept. A run with an empty id stands for one that cannot be named. All of it or none; a batch that is settled already stays as it is.
   * Begins to flush. False: it was settled already.
   */
  settle(
    batchId: string,
    run: AgentRun,
    answers: readonly RowAnswer[],
    failures: readonly RowFailure[],
  ): boolean {
    const parts = { known: this.#open.get(batchId), run, answers, failures, nowMs: this.#clock.now() };
    const { micros } = bookCost(run.costDollars.total, parts.known?.reserveMicros ?? 0);
    // Noted first: a ledger that cannot take it in must not leave the run listed as one that works.
    const runId = run.id === '' ? (this.#recentRuns.get(batchId)?.runId ?? '') : run.id;
    this.#recentRuns.set(batchId, { runId, costMicros: micros, isWritten: false });
    const isFirst = this.#database.step(() => settleBatch(this.#database, this.#keys, batchId, parts));
    this.#recentRuns.set(batchId, { runId, costMicros: micros, isWritten: true });
    this.#open.delete(batchId);
    this.#database.flushSoon();
    return isFirst;
  }

  /** Ends a batch that certainly has no run, and gives its reservation back. It may be intended again. */
  void(batchId: string, why: string): void {
    this.#database.step(() => voidBatch(this.#database, batchId, why, this.#clock.now()));
    this.#open.delete(batchId);
  }

  /** Marks a batch of which nobody could tell whether it has a run: it stays open, its money stays reserved. */
  suspect(batchId: string, why: string): void {
    this.#database.step(() => suspectBatch(this.#database, batchId, why));
  }

  /** Notes rows that failed in the job's current invocation without a run: the next invocation asks them again. */
  fail(jobId: string, failures: readonly RowFailure[]): void {
    if (failures.length > 0) this.#database.step(() => failRows(this.#database, this.#keys, jobId, failures));
  }

  /** The batches of an ask whose end is not known, oldest first, whichever job sent them. */
  findOpenBatches(askId: string): readonly OpenBatch[] {
    return findOpenBatches(this.#database, askId);
  }

  /** What the job was billed, over all its invocations, and what is reserved for runs whose end is not known; nothing where it was never opened. */
  readSpend(jobId: string): Spend {
    return readSpend(this.#database, jobId);
  }

  /** How much of what the job was billed is an estimate: the reserved price of runs of which the agent did not say what they cost. */
  readEstimate(jobId: string): number {
    return readEstimate(this.#database, jobId);
  }

  /**
   * What was billed since a moment, and what is reserved now, whenever that was: for the files of a watched folder, or for
   * all jobs if `folder` is null. The moment is the start of a quarter of an hour, as midnight is.
   */
  readSpendSince(folder: string | null, sinceMs: number): Spend {
    return this.#database.read(() => readSpendSince(this.#database, folder ?? WHOLE_LEDGER, sinceMs));
  }

  /** Returns the id of a watched folder, a new one if neither the folder carries one nor its place is known. */
  enterFolder(folder: WatchedFolder): string {
    return this.#database.transact(() => enterFolder(this.#database, folder, randomUUID()));
  }

  /** The path at which a watched folder was noted last; null if none was. */
  readFolderPath(id: string): string | null {
    return this.#database.read(() => readFolderPath(this.#database, id));
  }

  /** Notes the path of a watched folder; what is known of files below the path before is known of them below this one. */
  moveFolder(id: string, path: string): void {
    this.#database.transact(() => moveFolder(this.#database, id, path));
  }

  /**
   * Notes where a watcher has moved the files of all jobs on an input. `moved` has the real paths of the output, so that
   * what is known of the file is known of it at its new path.
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

  /** Takes the lease of an ask for `self`, or says who holds it. */
  acquireLease(askId: string, self: Holder): LeaseResult {
    const lease = { askId, token: randomUUID() };
    return this.#database.transact(() => acquireLease(this.#database, lease, self, this.#clock.now()));
  }

  /** Holds on to a lease. False: it was lost, and nothing more may be sent. */
  renewLease(lease: Lease): boolean {
    return this.#database.transact(() => renewLease(this.#database, lease, this.#clock.now()));
  }

  /** Lets go of a lease; one that was lost stays with its new holder. */
  releaseLease(lease: Lease): void {
    this.#database.transact(() => releaseLease(this.#database, lease));
  }

  /** Every job, or so many of the newest, the last one opened first. */
  listJobs(limit?: number): readonly JobStatus[] {
    return this.#database.read(() => listJobs(this.#database, limit));
  }

  countJobs(): number {
    return countJobs(this.#database);
  }

  /** A job by its id, or by a start of it that no other job shares. */
  readJob(idOrPrefix: string): JobRecord {
    return readJob(this.#database, idOrPrefix);
  }

  /** The values that newer ones replaced, the one replaced last first. */
  findOlderAnswers(askId: string, key: string): readonly OlderAnswer[] {
    return this.#database.read(() => findOlderAnswers(this.#database, this.#keys, askId, key));
  }

  /** The raw run as the agent gave it when it was settled; null if it was pruned or never came here. */
  readRun(runId: string): AgentRun | null {
    return readRun(this.#database, runId);
  }

  /** The raw run that was settled last for a job; null if it was pruned or there is none. */
  readLastRun(jobId: string): AgentRun | null {
    return readLastRun(this.#database, jobId);
  }

  /** Reads the whole file through and says what is damaged; empty if nothing is. */
  check(): readonly string[] {
    return checkLedger(this.#database);
  }

  /** Deletes old raw runs and old asks, all of it or none; then gives what is free of the file back to the disk. */
  prune(limits: PruneLimits): PruneResult {
    const nowMs = this.#clock.now();
    const result = this.#database.transact(() => pruneLedger(this.#database, limits, readHolder(), nowMs));
    this.#database.compact();
    return result;
  }

  /** Counts what `prune` would delete; nothing is changed. */
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
