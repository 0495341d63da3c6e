import type { RowfillError } from '../errors.js';
import type { FieldAnswer, RowAnswer, RowCounts } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { BookedCost } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import type { AgentRun } from '../model/run.js';
import type { Holder } from './holder.js';

/**
 * The durable record of jobs, batches, answers and spend: one interface for every store.
 *
 * Each method is atomic: all of its effect happens, or none. A method that changes something resolves once the
 * change survives a crash of the machine. Methods that are called in the same turn of the event loop take effect in
 * the order of the calls, and each sees what those before it have changed. A method waits for other writers without
 * blocking the event loop, and rejects with LEDGER_LOCKED after two minutes; then nothing has changed, and the call may
 * be repeated. A write that fails otherwise undoes all writes of its turn, and every later write is refused with the same
 * error. A call that is refused before it writes (JOB_UNKNOWN, LEDGER_BATCH_STATE) affects no other.
 */
export interface Ledger {
  /** Its file, with links resolved. */
  readonly path: string;

  // Jobs

  /** Returns the job that `openJob` would store, without storing it. */
  previewJob(parts: JobParts): Promise<OpenedJob>;
  /**
   * Stores the job. The same ask on the same input is the same job, with its `invocation` incremented. Rejects with
   * LEDGER_FULL if the disk is almost full.
   */
  openJob(parts: JobParts): Promise<OpenedJob>;
  /** Records how the invocation ended. */
  closeJob(jobId: string, end: JobEnd): Promise<void>;
  /** True for a job in its first invocation without any batch or failure. */
  isUnusedJob(jobId: string): Promise<boolean>;
  /** Deletes a job if it is unused. Returns false if it is not. */
  dropUnusedJob(jobId: string): Promise<boolean>;
  /** The job of an ask on an input, or null. */
  findJob(askId: string, input: string): Promise<JobRecord | null>;
  /** A job by its id or a unique prefix. Rejects with JOB_UNKNOWN or JOB_AMBIGUOUS. */
  getJob(idOrPrefix: string): Promise<JobRecord>;
  /** All jobs, or the newest `limit`, most recently opened first. */
  listJobs(limit?: number): Promise<readonly JobStatus[]>;
  countJobs(): Promise<number>;
  /** What the runs of a job have found so far, over all its invocations. */
  getYield(jobId: string): Promise<JobYield>;
  /** Number of rows that each effort left incomplete for the next one, from stored answers to the same question. */
  getClimbs(ask: Ask): Promise<ReadonlyMap<string, EffortClimb>>;
  /** Lets a job continue although nothing was found, now and in later invocations. */
  keepGoing(jobId: string): Promise<void>;
  getAnswerState(job: JobHandle): Promise<AnswerState>;

  // Answers

  /** Finds what is known about a chunk of row keys, in one snapshot. */
  findAnswers(job: JobHandle, keys: readonly string[]): Promise<FoundAnswers>;
  /** Replaced and rejected values of a row, most recent first. */
  listOlderAnswers(askId: string, key: string): Promise<readonly OlderAnswer[]>;
  /** Records rows that failed in the job's current invocation without a run. The next invocation retries them. */
  recordFailures(jobId: string, failures: readonly RowFailure[]): Promise<void>;
  /** Stores values given by a person. They replace the agent's and are never replaced by it. */
  putHumanAnswers(jobId: string, answers: readonly HumanAnswer[]): Promise<void>;
  /** Marks the current values of cells as rejected. They stay readable, and their fields count as never asked. */
  rejectAnswers(jobId: string, cells: readonly Cell[]): Promise<void>;

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
   * up after `releaseBatch`, it is reserved again.
   */
  markStarted(batch: Batch, runId: string): Promise<void>;
  /** Marks an open batch without a run as one that may have a run. Its money stays reserved. */
  markUnknown(batchId: string, reason: string): Promise<void>;
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
   * ledger's files are no longer the ones that were opened. Call it in the tick in which a request leaves.
   */
  refuseStart(): void;
  /**
   * Takes over open batches of an ask whose process is gone, and returns them, oldest first. A process that itself stood
   * still takes over only from processes that are known to be gone.
   */
  adoptBatches(askId: string): Promise<readonly OpenBatch[]>;
  /** Resolves when another process has changed something, or after a short while. */
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
  placeJobs(input: string, place: JobPlace, moved: MovedFile | null): Promise<void>;
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
  /** Writes a complete copy to a new file. Rejects if the file exists. */
  copyTo(path: string): Promise<void>;
  /** Deletes old raw runs and old asks, then returns free space to the disk. What was spent stays. */
  prune(limits: PruneLimits): Promise<PruneResult>;
  /** Counts what `prune` would delete, without changing anything. */
  countOld(limits: PruneLimits): Promise<PruneResult>;

  // After LEDGER_MOVED

  /** Returns LEDGER_MOVED if the ledger's files are no longer the ones that were opened, else null. */
  findMove(): RowfillError | null;
  /** Runs of this process that the file may not have, each with its cost, as text. */
  listRecentRuns(): readonly string[];
  /**
   * Writes what only this process knows back to the file if no other program has used it, else to a copy next to it.
   */
  saveMoved(): Promise<SavedLedger>;

  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly clock?: Pick<Clock, 'now'>;
  /** Called when waiting longer than two seconds for another program's write. */
  readonly onWait?: (message: string) => void;
  /** Refuses writes and never waits for a writer. @default false */
  readonly isReadOnly?: boolean;
  /** The process that holds leases and batches. @default this one */
  readonly holder?: Holder;
}

/** What defines a job: an ask for the rows of one input. */
export interface JobParts {
  readonly ask: Ask;
  /** Absolute path of the input, or `-`. Together with the ask it identifies the job. */
  readonly input: string;
  readonly output: string;
  /** Id of the watched folder that the input was put in. */
  readonly folder?: string | undefined;
  /** Other settings that `export` and `cancel` need. Never contains an API key. */
  readonly settings: JsonObject;
  /** From now on, continue the job even if nothing was found. */
  readonly keepGoing?: boolean;
}

/** Identifies a job in the ledger. */
export interface JobHandle {
  readonly id: string;
  readonly askId: string;
}

export interface JobRecord extends JobHandle {
  readonly ask: Ask;
  readonly input: string;
  readonly output: string;
  /** Current location of its files if a watcher has moved them, else null. */
  readonly place: JobPlace | null;
  readonly settings: JsonObject;
  /** 1 for the first time; increases each time the same command is run. */
  readonly invocation: number;
  /** How the previous invocation ended. Null if this is the first, or the previous one was killed. */
  readonly stop: JobStop | null;
  /** Rows by status when the output was last written; null before that. */
  readonly counts: RowCounts | null;
  /** Output of the previous invocation, if it left nothing to do. */
  readonly finished: FinishedOutput | null;
}

export interface AnswerState {
  /** Number of settled runs of the job's ask, from any job. If it changed, answers may have too. */
  readonly settledRuns: number;
  /** True if the job has failed rows. Its next invocation retries them. */
  readonly hasFailures: boolean;
}

/** How an invocation ended. */
export interface JobEnd {
  readonly stop: JobStop;
  /** Null if no output was written. */
  readonly counts: RowCounts | null;
  readonly finished: FinishedOutput | null;
}

export interface OpenedJob extends JobRecord {
  /** The last job on this input, if its ask was different. Used to report `changed`. */
  readonly previous: PreviousJob | null;
  /** True if this invocation should continue even if nothing was found. */
  readonly keepGoing?: boolean;
}

export interface PreviousJob {
  readonly id: string;
  readonly ask: Ask;
  /** Number of rows with an answer under that ask. */
  readonly answered: number;
}

/** What the ledger knows about one row key, from the view of one job. */
export interface StoredAnswer {
  /** Empty if the row has only failed so far. */
  readonly fields: ReadonlyMap<string, FieldAnswer>;
  /** The row's last failure in this job; null if it was answered later. */
  readonly failure: string | null;
  /** The invocation that failed. Only a failure of the current invocation is final for it. */
  readonly failureInvocation: number | null;
  /** The row's cost in this job over all its invocations; 0 if another job bought the answer. */
  readonly costMicros: number;
  /** Estimated part of that: the reserved price of runs for which the agent did not report a cost. */
  readonly estimatedMicros: number;
  /** The last run that answered; for a row that only failed, its first run. */
  readonly runId: string | null;
  /** The job whose run answered last, and its invocation at that time; null if never answered. */
  readonly answeredJobId: string | null;
  readonly answeredInvocation: number | null;
  /** When the row was first answered or last refreshed. Follow-ups do not count. */
  readonly answeredAtMs: number | null;
}

/** Values replaced by a newer run. */
export interface OlderAnswer {
  readonly fields: ReadonlyMap<string, FieldAnswer>;
  readonly answeredAtMs: number | null;
  readonly replacedAtMs: number;
}

export interface RowFailure {
  readonly key: string;
  readonly reason: string;
}

/** `intended`: may have reached the agent. `sent`: its run is known. `unknown`: the search for it failed. */
export type OpenBatchState = 'intended' | 'sent' | 'unknown';

/** A batch whose outcome is not known yet. Its money is reserved. */
export interface OpenBatch {
  readonly batch: Batch;
  readonly state: OpenBatchState;
  readonly runId: string | null;
  readonly intendedAtMs: number;
}

export interface Spend {
  readonly spentMicros: number;
  readonly reservedMicros: number;
}

/** Daily caps in micro-dollars; null for no limit. */
export interface DayCaps {
  /** Cap for the job's watched folder. */
  readonly folderMicros: number | null;
  /** Cap for all jobs in the ledger. */
  readonly ledgerMicros: number | null;
  /** Start of the day. */
  readonly sinceMs: number;
}

/** A folder to watch. */
export interface WatchedFolder {
  /** The id stored in the folder, or null. */
  readonly id: string | null;
  /** Its device and inode. */
  readonly place: string;
  /** Path prefix of the inputs of its jobs. */
  readonly below: string;
}

/** Where a watcher has moved a job's files. */
export interface JobPlace {
  readonly input: string;
  /** Null if nothing was written. */
  readonly output: string | null;
}

/** A job as shown by `status`. A stop of null: running now, or killed. */
export interface JobStatus
  extends JobHandle,
    JobSpend,
    Pick<JobRecord, 'input' | 'output' | 'place' | 'invocation' | 'stop' | 'counts'> {
  readonly query: string;
  /** Rows that this job's own runs answered, and rows that failed in it. */
  readonly answered: number;
  readonly failed: number;
  readonly openedAtMs: number;
  readonly closedAtMs: number | null;
  readonly runs: readonly RunInFlight[];
}

export interface RunInFlight {
  readonly batchId: string;
  readonly runId: string | null;
  readonly state: OpenBatchState;
  readonly rows: number;
  readonly reserveMicros: number;
  readonly intendedAtMs: number;
}

/** The job's cost, and the part of it that is estimated. */
export interface JobSpend extends Spend {
  /** Reserved prices of runs for which the agent did not report a cost. */
  readonly estimatedMicros: number;
}

/** What is known about a chunk of row keys. */
export interface FoundAnswers {
  /** Unknown keys are missing. */
  readonly answers: ReadonlyMap<string, StoredAnswer>;
  /** Keys in an open batch of another process. If it is gone, `adoptBatches` takes the batch over. */
  readonly elsewhere: ReadonlySet<string>;
  /** Number of the last change that this result includes. `reserveBatches` reports later ones. */
  readonly seen: number;
}

/** A value given by a person. */
export interface HumanAnswer {
  readonly key: string;
  /** Values by field name; null for a cell that is blank on purpose. */
  readonly values: Readonly<Record<string, JsonValue>>;
}

export interface Cell {
  readonly key: string;
  readonly field: string;
}

/** A batch to reserve. */
export interface Reservation {
  readonly batch: Batch;
  /** By row of the batch: the `seen` of the result in which its key was looked up. */
  readonly seen: readonly number[];
}

/** Caps in micro-dollars; null for no limit. */
export interface SpendLimits {
  readonly jobMicros: number | null;
  readonly day: DayCaps | null;
}

/** The budget that cannot cover a batch: of its job, or of the day for its folder or the whole ledger. */
export type OverBudget = 'over_budget' | 'over_folder_day' | 'over_ledger_day';

export type ReserveVerdict =
  | { readonly status: 'reserved' }
  | { readonly status: 'over_budget'; readonly budget: OverBudget }
  /** These keys were reserved or answered by another process since they were looked up. Nothing was reserved. */
  | { readonly status: 'changed'; readonly keys: readonly string[] }
  /** Another process has taken over. */
  | { readonly status: 'holder_lost' };

/** An ended run, and what it gave for the rows of its batch. */
export interface Settlement {
  readonly batch: Batch;
  /** A run with an empty id stands for one whose id is invalid. */
  readonly run: AgentRun;
  /** Their fields have the run's id and the batch's effort. */
  readonly answers: readonly RowAnswer[];
  readonly failures: readonly RowFailure[];
}

export interface Settled extends BookedCost {
  /**
   * `settled` by this call; `known`: the batch was already settled; `foreign`: the run has settled another batch that
   * was sent to the same agent, so it cannot settle this one, which stays open.
   */
  readonly status: 'settled' | 'known' | 'foreign';
  /** The spend of the batch's job after this. */
  readonly spend: JobSpend;
  /** The fields as now stored, for rows that had an answer before. All others are stored as given. */
  readonly merged: ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;
  /** Number of this change: rows asked again from here on are looked up as of it. */
  readonly seen: number;
}

export type LeaseResult =
  | { readonly status: 'held' }
  | {
      readonly status: 'busy';
      readonly holder: Holder;
      readonly acquiredAtMs: number;
      readonly renewedAtMs: number;
      /** Time from which the lease can be taken over unless renewed; infinity if its holder is known to be alive. */
      readonly goneAtMs: number;
    };

/** A file that a job wrote. */
export interface WrittenFile {
  readonly jobId: string;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
}

export interface MovedFile {
  readonly from: string;
  readonly to: string;
}

/** Where a ledger's content was saved after its files were moved. */
export type SavedLedger =
  | { readonly status: 'restored' }
  | { readonly status: 'copied'; readonly path: string };

/** What to delete: raw runs, or whole asks with their jobs and answers, last used before a time. */
export interface PruneLimits {
  readonly runsBeforeMs?: number;
  readonly asksBeforeMs?: number;
}

export interface PruneResult {
  readonly runs: number;
  readonly asks: number;
  readonly jobs: number;
  readonly answers: number;
}

/** Number of rows or cells that runs answered, and how many of them have a value. */
export interface Yield {
  readonly answered: number;
  readonly filled: number;
}

/** Results of one job's runs at one effort. */
export interface EffortYield {
  /** By row: filled means at least one value. */
  readonly rows: Yield;
  /** By field. */
  readonly fields: ReadonlyMap<string, Yield>;
}

/** Results of a job's runs over all its invocations. */
export interface JobYield {
  readonly efforts: ReadonlyMap<string, EffortYield>;
  /** The user let the job continue although nothing was found. */
  readonly keepsGoing: boolean;
}

/** Rows sent at an effort, and how many of them it left incomplete for the next one. */
export interface EffortClimb {
  readonly asked: number;
  readonly climbed: number;
}
