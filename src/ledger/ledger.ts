import type { RowfillError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import type { AgentRun } from '../model/run.js';
import type { Holder } from './holder.js';
import type {
  AnswerState,
  Cell,
  CellVerdict,
  ChangedRows,
  EffortClimb,
  ForgetResult,
  FoundAnswers,
  HumanAnswer,
  JobEnd,
  JobHandle,
  JobParts,
  JobPlace,
  JobRecord,
  JobSpend,
  JobStatus,
  JobYield,
  LeaseResult,
  LedgerProcess,
  OlderAnswer,
  OpenBatch,
  OpenedJob,
  OverBudget,
  PruneLimits,
  PruneResult,
  Reservation,
  ReserveVerdict,
  RowFailure,
  RunAnswers,
  SavedLedger,
  Settled,
  Settlement,
  Spend,
  SpendLimits,
  WatchedFolder,
  WrittenFile,
} from './records.js';

export type * from './records.js';

/**
 * The durable record of jobs, batches, answers and spend: one interface for every store.
 *
 * Each method is atomic: all of its effect happens, or none. A method that changes something resolves once the
 * change survives a crash of the machine. Methods that are called in the same turn of the event loop take effect in
 * the order of the calls, and each sees what those before it have changed; but `findAnswers` and `findRuns` may only see
 * what had resolved, because reading in bulk must not wait for the disk. A method waits for other writers without
 * blocking the event loop, and rejects with LEDGER_LOCKED after two minutes; then nothing has changed, and the call may
 * be repeated. A write that fails otherwise undoes all writes of its turn, and every later write is refused with the same
 * error. A call that is refused before it writes (JOB_UNKNOWN, LEDGER_BATCH_STATE) affects no other.
 */
export interface Ledger extends SharedAccount {
  /** Its file, with links resolved, or the URL of its server, without the password. */
  readonly path: string;
  /** Why this user of its server may not write to it; null if the user may. */
  readonly refusal: RowfillError | null;
  /** Null if no other machine can run the batches of a job. */
  readonly handouts: Handouts | null;
  /** Look-ups that are worth having on their way while the last one is used. */
  readonly lookUpsAhead: number;

  // Jobs

  /** Returns the job that `openJob` would store, without storing it. */
  previewJob(parts: JobParts): Promise<OpenedJob>;
  /**
   * Stores the job. The same question on the same input is the same job, with its `invocation` incremented. Rejects with
   * LEDGER_FULL if the disk is almost full, unless it is the disk of a server, which nobody here can see.
   */
  openJob(parts: JobParts): Promise<OpenedJob>;
  /** Records how the invocation ended. */
  closeJob(jobId: string, end: JobEnd): Promise<void>;
  /** True for a job in its first invocation without any batch or failure. */
  isUnusedJob(jobId: string): Promise<boolean>;
  /** Deletes a job if it is unused. Returns false if it is not. */
  dropUnusedJob(jobId: string): Promise<boolean>;
  /** The job of a question on an input, and on a sheet of it if it is a workbook; or null. */
  findJob(askId: string, input: string, sheet?: string | null): Promise<JobRecord | null>;
  /** A job by its id or a unique prefix. Rejects with JOB_UNKNOWN or JOB_AMBIGUOUS. */
  getJob(idOrPrefix: string): Promise<JobRecord>;
  /** All jobs, or the newest `limit`, most recently opened first. */
  listJobs(limit?: number): Promise<readonly JobStatus[]>;
  countJobs(): Promise<number>;
  /** What the runs of a job have found so far, over all its invocations. */
  getYield(jobId: string): Promise<JobYield>;
  /** What jobs of a question have asked so far: the asks with this id, in the order in which they came. */
  listAsks(askId: string): Promise<readonly Ask[]>;
  /** Number of rows that each effort left incomplete for the next one, from stored answers to the same question. */
  getClimbs(ask: Ask): Promise<ReadonlyMap<string, EffortClimb>>;
  /** Lets a job continue although nothing was found, now and in later invocations. */
  keepGoing(jobId: string): Promise<void>;
  getAnswerState(job: JobHandle): Promise<AnswerState>;

  // Answers

  /**
   * Finds what is known about a chunk of row keys, in one snapshot. An answer counts for the field that was asked: one
   * with the same name and another schema or description is not found.
   */
  findAnswers(job: JobHandle, keys: readonly string[]): Promise<FoundAnswers>;
  /** The question of each run, and its answers to any fields. Unknown runs are missing. */
  findRuns(runIds: readonly string[]): Promise<ReadonlyMap<string, RunAnswers>>;
  /** Replaced and rejected values of a row, most recent first: of all fields, or only of those that `ask` words like this. */
  listOlderAnswers(askId: string, key: string, ask?: Ask): Promise<readonly OlderAnswer[]>;
  /**
   * Lists the rows of an ask that got answers, values or failures after a change, from any process, oldest first, up to
   * about `limit`. Without `since` it lists none, and tells the number of the last change.
   */
  listChangedRows(askId: string, since: number | null, limit: number): Promise<ChangedRows>;
  /** Records rows that failed in the job's current invocation without a run. The next invocation retries them. */
  recordFailures(jobId: string, failures: readonly RowFailure[]): Promise<void>;
  /**
   * Stores values given by a person. They replace the agent's and are never replaced by it. With `seen`, the number of a
   * change of `listChangedRows`, it returns false and stores nothing if any of these rows has changed since.
   */
  putHumanAnswers(jobId: string, answers: readonly HumanAnswer[], seen?: number): Promise<boolean>;
  /**
   * Takes away the current values of cells. They stay readable, and their fields count as never asked. If a run gives a
   * rejected value again, the field stays blank with REJECTED_AGAIN, until a person gives it. `seen` is that of
   * `putHumanAnswers`.
   */
  rejectAnswers(jobId: string, cells: readonly Cell[], seen?: number): Promise<boolean>;

  // Verdicts

  /** Stores what was seen of values on their cited pages. A verdict replaces an earlier one on the same value and citation. */
  putVerdicts(job: JobHandle, verdicts: readonly CellVerdict[]): Promise<void>;
  /** The verdicts on cells of these rows, by row key, including those on values that have been replaced since. */
  findVerdicts(job: JobHandle, keys: readonly string[]): Promise<ReadonlyMap<string, readonly CellVerdict[]>>;
  /**
   * Lists the rows of an ask whose verdicts were stored after a change, from any process, as `listChangedRows` lists
   * those whose answers changed. Its numbers are of their own.
   */
  listCheckedRows(askId: string, since: number | null, limit: number): Promise<ChangedRows>;

  // Batches

  /**
   * Reserves the worst-case price of each batch, and claims its rows, or says why not. Batches are decided in order;
   * each reservation counts for the next one. A batch may be sent once this has resolved with `reserved`.
   */
  reserveBatches(batches: readonly Reservation[], limits: SpendLimits): Promise<readonly ReserveVerdict[]>;
  /** The budget that spent plus reserved amounts already exceed, as when a run cost more than reserved; null if none. */
  findPassedBudget(jobId: string, limits: SpendLimits): Promise<OverBudget | null>;
  /**
   * Links a batch to its run. Repeating the same run changes nothing. A run that exists is never dropped: if one turns
   * up after `releaseBatch`, it is reserved again. A server that crashes may forget it until the next write of any kind:
   * then the batch is one whose run must be looked for, as after a crash before this call.
   */
  markStarted(batch: Batch, runId: string): Promise<void>;
  /**
   * Marks an open batch without a run as one that may have a run. Its money stays reserved. False if it is not open, as
   * after another process has ended it.
   */
  markUnknown(batchId: string, reason: string): Promise<boolean>;
  /**
   * Ends a batch that certainly has no run, and releases its reservation and its rows. It may be reserved again. Does
   * nothing if it is not open. Neither this nor `markUnknown` changes a batch that another process has taken over.
   */
  releaseBatch(batchId: string, reason: string): Promise<void>;
  /**
   * Settles batches with their ended runs: the cost replaces the reservation (which stays as an estimate if the run
   * reports no cost), every row gets its share, the answers are stored, and the raw run is kept. A batch that was
   * already settled is left as it is. A run that settled another batch settles nothing (`foreign`), unless its metadata
   * names this batch: an agent that restarts may reuse ids.
   */
  settleBatches(settlements: readonly Settlement[]): Promise<readonly Settled[]>;
  /** Open batches of an ask, oldest first, from any job and process. */
  listOpenBatches(askId: string): Promise<readonly OpenBatch[]>;
  /** The run that settled each of these batches of an ask; an empty id stands for an invalid one. Others are missing. */
  findSettledRuns(askId: string, batchIds: readonly string[]): Promise<ReadonlyMap<string, string>>;

  // Money

  /** The job's cost over all its invocations. Zero if it was never opened. */
  getSpend(jobId: string): Promise<JobSpend>;
  /**
   * Amount billed since `sinceMs`, and amount reserved now regardless of when: for the files of a watched folder, or
   * for all jobs if `folder` is null. `sinceMs` must be the start of a quarter-hour, such as midnight.
   */
  getSpendSince(folder: string | null, sinceMs: number): Promise<Spend>;

  // Processes

  /**
   * Acquires a lease on a name for this ledger, or reports its holder, which may be this ledger itself. Leases named
   * `ask:` or `job:` and an id keep `prune` from deleting that ask or job. Rejects with LEASE_LOST if another process has
   * taken over; open the ledger again to hold anything.
   */
  acquireLease(name: string): Promise<LeaseResult>;
  releaseLease(name: string): Promise<void>;
  /**
   * Throws LEASE_LOST if another process may have taken over this one's batches and leases, and LEDGER_MOVED if the
   * ledger's files are no longer the ones that were opened. Call it in the tick in which a request leaves. A shared
   * ledger cannot be asked in that tick: it throws 30 s after the last renewal, and nobody takes over before 45 s.
   */
  refuseStart(): void;
  /**
   * True if another process has taken over. Of a server that cannot be reached this is not known: then it is false, and
   * nothing starts until the server is back.
   */
  isTakenOver(): boolean;
  /**
   * Takes over open batches of an ask whose process is gone, and returns them, oldest first. A process that itself stood
   * still takes over only from processes that are known to be gone. The rows cannot be reserved until the batches end.
   */
  adoptBatches(askId: string): Promise<readonly OpenBatch[]>;
  /** How far the ledger's clock is ahead of this machine's, in ms: 0 for a file, whose time is this machine's. */
  measureClock(): Promise<number>;
  /** Processes that hold leases or open batches, those that came first first. */
  listProcesses(): Promise<readonly LedgerProcess[]>;
  /** Resolves when another process has changed something, a batch that was taken over has ended, or a second has passed. */
  whenChanged(signal?: AbortSignal): Promise<void>;

  // Watched folders and written files

  /** Returns the id of a watched folder. Creates one if the folder has no id and its location is unknown. */
  enterFolder(folder: WatchedFolder): Promise<string>;
  /** The last recorded path of a watched folder; null if none. */
  findFolderPath(id: string): Promise<string | null>;
  /** Records the path of a watched folder. Files known below its earlier path are then known below this one. */
  moveFolder(id: string, path: string): Promise<void>;
  /**
   * Records where a watcher has moved the files of all jobs on an input. `moved` has the real paths of the output, so
   * that the record of the written file moves to its new path.
   */
  placeJobs(
    input: string,
    place: JobPlace,
    moved: { readonly from: string; readonly to: string } | null,
  ): Promise<void>;
  /** Records a file that a job is about to write. */
  noteWritten(path: string, file: WrittenFile): Promise<void>;
  /**
   * The files that were written at a path, newest first. Keeps a few, because after a crash an older one may still be
   * in place.
   */
  findWritten(path: string): Promise<readonly WrittenFile[]>;

  // Raw runs and care

  /** The raw run as returned by the agent when it was settled; null if pruned or never received. */
  getRun(runId: string): Promise<AgentRun | null>;
  /** The most recently settled raw run of a job; null if pruned or none. */
  getLastRun(jobId: string): Promise<AgentRun | null>;
  /** Checks the whole ledger. Returns one line per fault; empty if intact. */
  check(): Promise<readonly string[]>;
  /** Writes a complete copy to a new file, or for a ledger on a server to a new schema by its URL. Rejects if it exists. */
  copyTo(place: string): Promise<void>;
  /** Deletes old raw runs and old asks, then returns free space to the disk. What was spent stays. */
  prune(limits: PruneLimits): Promise<PruneResult>;
  /**
   * Deletes a job with its answers, older values and raw runs; what was spent stays. If another job has the same ask, the
   * answers stay, because it uses them. Rejects with JOB_HAS_RUNS if a run of the job is open. A dry run only counts.
   */
  forgetJob(jobId: string, isDryRun?: boolean): Promise<ForgetResult>;
  /** Counts what `prune` would delete, without changing anything. */
  countOld(limits: PruneLimits): Promise<PruneResult>;

  // After LEDGER_MOVED

  /** Returns LEDGER_MOVED if the ledger's files are no longer the ones that were opened, else null. A server keeps its own. */
  findMove(): RowfillError | null;
  /** Runs of this process that the file may not have, each with its cost, as text. */
  listRecentRuns(): readonly string[];
  /**
   * Writes what only this process knows back to the file if no other program has used it, else to a copy next to it. A
   * ledger on a server is never moved, so there is nothing to save.
   */
  saveMoved(): Promise<SavedLedger>;

  close(): Promise<void>;
}

export interface LedgerOptions {
  /** A ledger on a server uses the server's time instead. */
  /** The time of a ledger file. @default this machine's */
  readonly clock?: Pick<Clock, 'now'>;
  /** Called when waiting longer than two seconds for another program's write. */
  readonly onWait?: (message: string) => void;
  /** Refuses writes and never waits for a writer. @default false */
  readonly isReadOnly?: boolean;
  /** Throws LEDGER_MISSING instead of creating a ledger. @default false */
  readonly mustExist?: boolean;
  /** The process that holds leases and batches. @default this one */
  readonly holder?: Holder;
}

/** The part of a ledger in which processes share the limits of an agent account. */
export interface SharedAccount {
  /**
   * Sets the account of this ledger's batches. `hash` gets a random text that the ledger keeps, and must include the
   * agent's URL and the key. Only ledgers of the same account take over these batches and share its limits. Without an account, any may take over.
   */
  enterAccount(hash: (salt: string) => string): Promise<void>;
  /**
   * Resolves when the run of a reserved batch may start, once this process has renewed its leases if they are not new: while other processes use the account too, runs that refusals
   * have shown to be too many wait for others to end, and all starts together keep to the rate (0 for no limit). Alone, a
   * process never waits; one that joins it waits until that one looks again (`alone.ts`). With `maxActive`, also waits while the batch's job has this many active runs, over all
   * processes. False if the batch may not start: it was withdrawn, or is no longer open. Throws the signal's reason if it
   * is aborted.
   */
  takePlace(
    batchId: string,
    startsPerSecond: number,
    signal: AbortSignal,
    maxActive?: number,
  ): Promise<boolean>;
  /**
   * Records that the agent refused to start a batch because too many runs are active. Returns how many runs of the account
   * the ledger knows, which is the new limit; 0 if no other process uses the account.
   */
  recordRefusal(batchId: string): Promise<number>;
  /** Ids of open batches of an ask that only another account can collect, because their process is gone. */
  listOutOfReach(askId: string): Promise<ReadonlySet<string>>;
}

/**
 * Batches that one process plans and others run. What these report are hints: a server that crashes may lose some, or
 * deliver some again.
 */
export interface Handouts {
  send(jobId: string, reports: readonly string[]): Promise<void>;
  /** Takes reports about a job, oldest first, up to `limit`. */
  take(jobId: string, limit: number): Promise<readonly string[]>;
  /**
   * Lets nobody start the batches that were handed out for a job so far, and releases those whose request cannot have
   * left. Returns their ids. For a process that has the job's lease.
   */
  withdraw(job: Pick<JobHandle, 'id' | 'askId'>): Promise<readonly string[]>;
  /**
   * Lets nobody reserve a batch any more, because its rows go into other ones: a process that stood still may still have
   * it. Does nothing if it is open, or settled with a run.
   */
  retire(batch: Batch): Promise<'retired' | 'open' | 'settled'>;
  /** Lets batches be reserved again that were retired. */
  restore(batchIds: readonly string[]): Promise<void>;
  /** Deletes what is left of a job that no longer counts on the batches that it has handed out. */
  clear(jobId: string): Promise<void>;
}
