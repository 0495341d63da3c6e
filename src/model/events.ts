import type { RowCounts, RowStatus } from './answer.js';
import type { JsonObject } from './json.js';

/** What the library reports while a job runs; the command line draws it, the log file writes it down. */
export type EnrichEvent =
  | { readonly type: 'job'; readonly jobId: string; readonly askId: string; readonly invocation: number }
  | { readonly type: 'note'; readonly code: string; readonly message: string }
  | {
      readonly type: 'batch_sent';
      readonly batchId: string;
      readonly runId: string;
      readonly rows: number;
      readonly effort: string;
      readonly attempt: number;
      readonly adopted: boolean;
    }
  | {
      readonly type: 'batch_settled';
      readonly batchId: string;
      readonly runId: string;
      readonly rows: number;
      readonly answered: number;
      readonly costMicros: number;
      /** The agent did not say what the run cost: this is its reserved price. */
      readonly isCostEstimated: boolean;
    }
  | {
      readonly type: 'batch_failed';
      /** Null where rows were given up before a run was tried. */
      readonly batchId: string | null;
      readonly runId: string | null;
      readonly rows: number;
      readonly reason: string;
    }
  | {
      readonly type: 'retry';
      readonly what: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | { readonly type: 'progress'; readonly progress: JobProgress }
  | {
      /** What became of a row; told in the order of the input, while the output is written. */
      readonly type: 'row';
      /** 0-based position among the rows of the input. */
      readonly ordinal: number;
      /** 1-based line of the input on which the row starts. */
      readonly line: number;
      readonly status: RowStatus;
      readonly costMicros: number;
      readonly runId: string | null;
      /** The values that the agent gave, by field; only where the hooks ask for them. */
      readonly values?: JsonObject;
    }
  | { readonly type: 'written'; readonly path: string; readonly rows: RowCounts };

/**
 * How far a job is. Rows are counted as they are read, without those that it is not to work on; `rowsTotal` is null until
 * the end of the input was seen.
 */
export interface JobProgress {
  readonly rowsRead: number;
  readonly rowsTotal: number | null;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly runsActive: number;
  readonly spentMicros: number;
  readonly reservedMicros: number;
}

/** Why a job ended; `nothing_found`: its first answers hold no value, and nobody let it go on. */
export type JobStop =
  | 'done'
  | 'interrupted'
  | 'budget'
  | 'refused'
  | 'unreachable'
  | 'nothing_found'
  | 'ledger_moved';

/** Whose budget: this job's, this command's, or that of the day for a watched folder or for the whole ledger. */
export type BudgetScope = 'job' | 'command' | 'folder_day' | 'ledger_day';

/** A budget that had no room for another run. */
export interface ReachedBudget {
  readonly scope: BudgetScope;
  readonly capMicros: number;
  /** Spent and reserved under it by the end of the job. */
  readonly usedMicros: number;
}

/** What one level of the effort ladder came to, in this command alone. */
export interface JobStep {
  readonly effort: string;
  readonly runs: number;
  /** Values that it brought and that stayed, cell by cell. */
  readonly filled: number;
  readonly costMicros: number;
}

/** What a job has left to ask. */
export interface RemainingRows {
  readonly rows: number;
  /** Their runs, if nothing has to be repaired. */
  readonly runs: number;
  /** The most that those runs can cost, every level of the effort ladder included. */
  readonly worstMicros: number;
}

/** What a job came to; the `--json` summary is this with the wire's money spelling. */
export interface JobSummary {
  readonly jobId: string;
  readonly askId: string;
  readonly input: string;
  readonly output: string;
  readonly stop: JobStop;
  /** What stopped the job, where an error did. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly rows: RowCounts;
  /** Pending rows that no option left out. Only a job that stopped early, or whose ledger lost answers, has any. */
  readonly leftRows: number;
  /** Rows answered from the ledger, bought before this command began. */
  readonly reused: number;
  /** Rows that share the answer of an equal row. */
  readonly duplicates: number;
  readonly runs: { readonly created: number; readonly adopted: number; readonly failed: number };
  /** Batches of which nobody could tell whether the agent has them; they are looked for again the next time. */
  readonly unknownRuns: number;
  /** HTTP requests made to the agent. */
  readonly requests: number;
  /** What the job was billed in all, over every time it was run: the sum of the cost column. */
  readonly costMicros: number;
  /** How much of that is an estimate: the reserved price of runs of which the agent did not say what they cost. */
  readonly estimatedMicros: number;
  /** What this command alone was billed. */
  readonly costNowMicros: number;
  /** Reserved for runs whose end is not known yet. */
  readonly reservedMicros: number;
  /** What is left to ask where the budget was reached; null elsewhere. */
  readonly remaining: RemainingRows | null;
  /** The budget that was reached; null where none was. */
  readonly budget: ReachedBudget | null;
  /** The effort ladder, lowest level first. */
  readonly steps: readonly JobStep[];
  readonly seconds: number;
}

/** An output that left nothing to do, and all that it was made from; digests are SHA-256 in hexadecimal digits. */
export interface FinishedOutput {
  readonly input: string;
  /** Of the exclusion file; null where there was none. */
  readonly exclusion: string | null;
  /** Of everything else that decides what an output looks like: its path and the options that shape it. */
  readonly options: string;
  /** Of the output itself. */
  readonly output: string;
  /** How many runs of the ask were settled by then: the answers are those of that many runs. */
  readonly settledRuns: number;
}

/** Something about the file that may put answers on wrong rows or waste money, and that no option has settled yet. */
export interface Doubt {
  readonly code: string;
  /** What is doubtful, with counts and columns. */
  readonly message: string;
  /** What to do about it, with the options that settle it. */
  readonly hint: string;
}

/** A job whose first answers hold nothing, as shown to a person before more is spent on it. */
export interface FruitlessJob {
  readonly effort: string;
  /** Rows that were answered at that effort. */
  readonly rows: number;
  /** What the job has cost so far, in micro-dollars. */
  readonly costMicros: number;
  readonly query: string;
  /** The columns that were sent. */
  readonly columns: readonly string[];
  /** One row of the last run and its answer; null if the ledger no longer has it. */
  readonly example: { readonly sent: JsonObject; readonly returned: string } | null;
}
