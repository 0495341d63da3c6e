import type { FieldAnswer, RowAnswer, RowCounts } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { BookedCost } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import type { AgentRun } from '../model/run.js';
import type { CheckedCitation } from '../model/verdict.js';
import type { Holder } from './holder.js';

/** What defines a job: a question for the rows of one input. Its fields, efforts and settings are those of its last invocation. */
export interface JobParts {
  readonly ask: Ask;
  /** Absolute path of the input, or `-`. Together with the question, and the sheet of a workbook, it identifies the job. */
  readonly input: string;
  readonly output: string;
  /** Id of the watched folder that the input was put in. */
  readonly folder?: string | undefined;
  /** `sheet`, the name of the sheet of a workbook; and what `export` and `cancel` need. Never contains an API key. */
  readonly settings: JsonObject;
  /** From now on, continue the job even if nothing was found. */
  readonly keepGoing?: boolean;
}

/** Identifies a job in the ledger. */
export interface JobHandle {
  readonly id: string;
  readonly askId: string;
  /** Which fields to read, by which effort ladder. @default the ask of the job's last invocation */
  readonly ask?: Ask;
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
  /** Number of settled runs of the job's question, from any job, and of changes by persons. If it changed, answers may have too. */
  readonly settledRuns: number;
  /** Rows that runs of the question answered, from any job, also one that was deleted. */
  readonly answered: number;
  /** Number of times that verdicts on these answers were stored. */
  readonly verdicts: number;
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
  /** The last job on this input, if it asked something else: it may be this job, with other fields. */
  readonly previous: PreviousJob | null;
  /** True if this invocation should continue even if nothing was found. */
  readonly keepGoing?: boolean;
}

export interface PreviousJob {
  readonly id: string;
  readonly ask: Ask;
  /** Number of rows with an answer to its question. */
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
  /** Values that a person rejected, by field. Absent if there are none. */
  readonly rejected?: ReadonlyMap<string, readonly JsonValue[]>;
}

/** What a settled run gave. */
export interface RunAnswers {
  readonly askId: string;
  readonly answers: readonly RowAnswer[];
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
  /** What its job asked when it was sent. Null if its batch does not say. */
  readonly ask: Ask | null;
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
  /** The sheet that it fills; null if its input is not a workbook. */
  readonly sheet: string | null;
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

/** A process that holds leases or open batches. */
export interface LedgerProcess {
  readonly holder: Holder;
  /** False if it is gone, or has not renewed its claims for too long. */
  readonly isAlive: boolean;
  /** Names of the leases that it holds. */
  readonly leases: readonly string[];
  readonly batches: readonly ProcessBatch[];
}

export interface ProcessBatch extends Pick<RunInFlight, 'batchId' | 'runId' | 'state'> {
  readonly jobId: string;
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
  /** Keys in an open batch of another process, or in one that was taken over. `adoptBatches` takes over those of a gone one. */
  readonly elsewhere: ReadonlySet<string>;
  /** Number of the last change that this result includes. `reserveBatches` reports later ones. */
  readonly seen: number;
}

/** Rows that changed since a given ledger change. */
export interface ChangedRows {
  readonly keys: readonly string[];
  /** Number of the last change that is included, to go on from. */
  readonly seen: number;
  /** True if there are more. */
  readonly hasMore: boolean;
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
  /** True if the value is not rejected: a run may give it again. @default false */
  readonly mayComeBack?: boolean;
}

/** What was seen of a cell's value on one cited page. */
export interface CellVerdict extends Cell {
  /** Hash of the value, by `hashValue`. A verdict says nothing about another value. */
  readonly value: string;
  readonly citation: CheckedCitation;
}

/** A batch to reserve. */
export interface Reservation {
  readonly batch: Batch;
  /** By row of the batch: the `seen` of the result in which its key was looked up. */
  readonly seen: readonly number[];
  /**
   * The job's invocation, if another process planned the batch in it. That process knows what else it has planned; all
   * other claims and answers count, those of this process too. A batch of an earlier invocation is refused.
   */
  readonly invocation?: number;
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
  /** The process that planned the batch starts nothing any more. */
  | { readonly status: 'withdrawn' }
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
      /** Time, by the ledger's clock, from which the lease can be taken over unless renewed; infinity if its holder is known to be alive. */
      readonly goneAtMs: number;
    };

/** A file that a job wrote. */
export interface WrittenFile {
  readonly jobId: string;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
}

/** Where a ledger's content was saved after its files were moved. */
export type SavedLedger =
  | { readonly status: 'restored' }
  | { readonly status: 'copied'; readonly path: string };

/** What to delete: raw runs, or whole questions with their jobs and answers, last used before a time. */
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

export interface ForgetResult {
  /** Addresses of cited web pages, without fragments, that no other job cites. */
  readonly pages: readonly string[];
  /** What was seen of values on their cited pages. */
  readonly verdicts: number;
  readonly answers: number;
  /** How many of the answers jobs paid for that were deleted before. */
  readonly answersOfDeleted: number;
  readonly runs: number;
  /** Ids of the other jobs with the same question. If there are any, answers and verdicts stay. */
  readonly sharedWith: readonly string[];
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
