import type { FieldAnswer, RowCounts } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { JsonObject } from '../model/json.js';

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

/**
 * `intended`: may have reached the agent. `sent`: its run is known. `unknown`: searched for, but could not be
 * determined.
 */
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

/** A job as shown by `status`. */
export interface JobStatus extends JobHandle, Spend {
  /** Estimated part of `spentMicros`. */
  readonly estimatedMicros: number;
  readonly query: string;
  readonly input: string;
  readonly output: string;
  readonly place: JobPlace | null;
  readonly invocation: number;
  /** Null: running now, or killed. */
  readonly stop: JobStop | null;
  /** Rows by status when the output was last written; null before that. */
  readonly counts: RowCounts | null;
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
