import type { FieldAnswer, RowCounts } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { JsonObject } from '../model/json.js';

/** What opens a job: an ask put to the rows of one input. */
export interface JobParts {
  readonly ask: Ask;
  /** The absolute path of the input, or `-`: with the ask it names the job. */
  readonly input: string;
  readonly output: string;
  /** The id of the watched folder that the input was dropped into. */
  readonly folder?: string | undefined;
  /** What else `export` and `cancel` need to know; never holds a key. */
  readonly settings: JsonObject;
  /** The job goes on although nothing was found, from now on. */
  readonly keepGoing?: boolean;
}

/** What the ledger needs to know to speak of one job. */
export interface JobHandle {
  readonly id: string;
  readonly askId: string;
}

export interface JobRecord extends JobHandle {
  readonly ask: Ask;
  readonly input: string;
  readonly output: string;
  /** Where its files are now if a watcher has moved them, else null. */
  readonly place: JobPlace | null;
  readonly settings: JsonObject;
  /** 1 the first time; each time the same command is given it counts up. */
  readonly invocation: number;
  /** How the invocation before this one ended; null: it is the first, or it was killed. */
  readonly stop: JobStop | null;
  /** Rows by status as of the last time the output was written; null until then. */
  readonly counts: RowCounts | null;
  /** The output of the invocation before this one, where that left nothing to do. */
  readonly finished: FinishedOutput | null;
}

export interface AnswerState {
  /** How many runs of the job's ask were settled so far, whichever job sent them: with each, answers may have changed. */
  readonly settledRuns: number;
  /** True while rows of the job are noted as failed: its next invocation asks them again. */
  readonly hasFailures: boolean;
}

/** How an invocation ended. */
export interface JobEnd {
  readonly stop: JobStop;
  /** Null where no output was written. */
  readonly counts: RowCounts | null;
  readonly finished: FinishedOutput | null;
}

export interface OpenedJob extends JobRecord {
  /** The job run last on this input, where it asked something else: what `changed` is told from. */
  readonly previous: PreviousJob | null;
  /** True if this invocation was told to go on although nothing was found. */
  readonly keepGoing?: boolean;
}

export interface PreviousJob {
  readonly id: string;
  readonly ask: Ask;
  /** How many rows have an answer under that ask. */
  readonly answered: number;
}

/** What the ledger knows of one row key, seen from one job. */
export interface StoredAnswer {
  /** Empty where the row has only failed so far. */
  readonly fields: ReadonlyMap<string, FieldAnswer>;
  /** How the row failed last in this job; null once an answer came after it. */
  readonly failure: string | null;
  /** The invocation that failed: only one of the current invocation is final for it. */
  readonly failureInvocation: number | null;
  /** What this job was billed for the row, over all its invocations; 0 where another job bought the answer. */
  readonly costMicros: number;
  /** How much of that is an estimate: the reserved price of runs of which the agent did not say what they cost. */
  readonly estimatedMicros: number;
  /** The run that answered last; of a row that only failed, its first. */
  readonly runId: string | null;
  /** The job whose run answered last, and its invocation when that was settled; null: never answered. */
  readonly answeredJobId: string | null;
  readonly answeredInvocation: number | null;
  /** When the row was first answered, or last asked again on purpose; a follow-up does not count. */
  readonly answeredAtMs: number | null;
}

/** Values that a newer run replaced. */
export interface OlderAnswer {
  readonly fields: ReadonlyMap<string, FieldAnswer>;
  readonly answeredAtMs: number | null;
  readonly replacedAtMs: number;
}

export interface RowFailure {
  readonly key: string;
  readonly reason: string;
}

/** `intended`: may have reached the agent; `sent`: its run is known; `unknown`: looked for, and could not be told. */
export type OpenBatchState = 'intended' | 'sent' | 'unknown';

/** A batch whose end is not known yet; its money is reserved. */
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

/** What may be spent in a day, in micro-dollars; null for no limit. */
export interface DayCaps {
  /** By the files of the watched folder that the job is for. */
  readonly folderMicros: number | null;
  /** By all jobs of the ledger. */
  readonly ledgerMicros: number | null;
  /** When the day began. */
  readonly sinceMs: number;
}

/** A folder that is about to be watched. */
export interface WatchedFolder {
  /** The id that it carries, or null. */
  readonly id: string | null;
  /** Its device and inode. */
  readonly place: string;
  /** How the paths of the inputs of its jobs begin. */
  readonly below: string;
}

/** Where a watcher has moved the files of a job. */
export interface JobPlace {
  readonly input: string;
  /** Null where nothing was written. */
  readonly output: string | null;
}

/** A job as `status` tells it. */
export interface JobStatus extends JobHandle, Spend {
  /** How much of `spentMicros` is an estimate. */
  readonly estimatedMicros: number;
  readonly query: string;
  readonly input: string;
  readonly output: string;
  readonly place: JobPlace | null;
  readonly invocation: number;
  /** null: running now, or killed. */
  readonly stop: JobStop | null;
  /** Rows by status as of the last time the output was written; null until then. */
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
