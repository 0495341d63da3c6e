import type { RowCounts, RowStatus } from './answer.js';
import type { JsonObject, JsonValue } from './json.js';

/**
 * Events that the library emits while a job runs. The command line displays them, the log file records them.
 */
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
      /** True if the agent did not report the cost, so this is the reserved price. */
      readonly isCostEstimated: boolean;
    }
  | {
      readonly type: 'batch_failed';
      /** Null if the rows were given up before a run was tried. */
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
      /** Outcome of a row. Emitted in input order while the output is written. */
      readonly type: 'row';
      /** 0-based position among the rows of the input. */
      readonly ordinal: number;
      /** 1-based line of the input on which the row starts. */
      readonly line: number;
      readonly status: RowStatus;
      readonly costMicros: number;
      readonly runId: string | null;
      /** The agent's values by field. Only if the hooks request them. */
      readonly values?: JsonObject;
    }
  | { readonly type: 'written'; readonly path: string; readonly rows: RowCounts };

/**
 * Progress of a job. Counts rows as they are read, without those it will not process. `rowsTotal` is null
 * until the end of the input was reached.
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

/** Why a job ended. `nothing_found`: its first answers had no values, and nobody let it continue. */
export type JobStop =
  | 'done'
  | 'interrupted'
  | 'budget'
  | 'refused'
  | 'unreachable'
  | 'nothing_found'
  | 'ledger_moved';

/** Which budget: of this job, of this command, or of the day for a watched folder or the whole ledger. */
export type BudgetScope = 'job' | 'command' | 'folder_day' | 'ledger_day';

/** A budget that could not cover another run. */
export interface ReachedBudget {
  readonly scope: BudgetScope;
  readonly capMicros: number;
  /** Spent and reserved under this budget by the end of the job. */
  readonly usedMicros: number;
}

/** Result of one effort level, in this command alone. */
export interface JobStep {
  readonly effort: string;
  readonly runs: number;
  /** Number of cells filled at this level and kept. */
  readonly filled: number;
  readonly costMicros: number;
}

/** Failed rows that the same command cannot help. */
export interface JobFailures {
  /** Rows with nothing to send, too much to send, or that cannot be read. */
  readonly unsendable: number;
  /** Rows whose answers never fit the schema. Sending them again costs again. */
  readonly unfit: number;
}

/** How often a field was filled, over the rows that the agent answered. */
export interface FieldFill {
  readonly name: string;
  readonly answered: number;
  readonly filled: number;
  /** Cells that stay blank because the agent gave a rejected value again. Absent for none. */
  readonly again?: number;
}

/** A filled row: a column that says what it is about, and its new values. */
export type FilledExample = readonly (readonly [column: string, value: JsonValue])[];

/** Work that a job has not done yet. */
export interface RemainingRows {
  readonly rows: number;
  /** Runs for these rows, without repairs. */
  readonly runs: number;
  /** Worst-case cost of those runs, including every effort level. */
  readonly worstMicros: number;
}

/** Summary of a job. The `--json` summary is the same with amounts in dollars. */
export interface JobSummary {
  readonly jobId: string;
  readonly askId: string;
  readonly input: string;
  readonly output: string;
  readonly stop: JobStop;
  /** The error that stopped the job, if any. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly rows: RowCounts;
  /**
   * Pending rows that no option excluded. Non-zero only if a job stopped early or its ledger lost answers.
   */
  readonly leftRows: number;
  /** Rows with some values whose other fields were not sent again, because that could cost more than was stated. */
  readonly unretriedRows: number;
  readonly failures: JobFailures;
  readonly fields: readonly FieldFill[];
  /** The first three rows of which every field was filled. */
  readonly examples: readonly FilledExample[];
  /** True for a CSV output whose letters Excel would show wrong, because it has no byte order mark. */
  readonly needsBom: boolean;
  /** Rows answered from the ledger, paid for before this command started. */
  readonly reused: number;
  /** Rows that share the answer of an equal row. */
  readonly duplicates: number;
  readonly runs: { readonly created: number; readonly adopted: number; readonly failed: number };
  /**
   * Batches for which it is unknown whether the agent has a run. The next run of the job looks for them
   * again.
   */
  readonly unknownRuns: number;
  /** HTTP requests sent to the agent. */
  readonly requests: number;
  /** Total billed for the job over all its runs: the sum of the cost column. */
  readonly costMicros: number;
  /** Estimated part of that: the reserved price of runs for which the agent did not report a cost. */
  readonly estimatedMicros: number;
  /** Billed for this command alone. */
  readonly costNowMicros: number;
  /** Reserved for runs whose outcome is not known yet. */
  readonly reservedMicros: number;
  /** What is left to do if the budget was reached, else null. */
  readonly remaining: RemainingRows | null;
  /** The budget that was reached, or null. */
  readonly budget: ReachedBudget | null;
  /** The effort ladder, lowest level first. */
  readonly steps: readonly JobStep[];
  readonly seconds: number;
}

/** A finished output and what it was made from. Digests are SHA-256 in hex. */
export interface FinishedOutput {
  readonly input: string;
  /** Of the exclusion file, or null. */
  readonly exclusion: string | null;
  /** Of everything else that affects the output: its path and the options that shape it. */
  readonly options: string;
  /** Of the output itself. */
  readonly output: string;
  /** Number of runs of the ask that were settled by then. If it changed, answers may have too. */
  readonly settledRuns: number;
  /** Number of times that verdicts on them were stored by then. */
  readonly verdicts: number;
}

/**
 * A problem with the file that could put answers on wrong rows or waste money, and that no option has settled
 * yet.
 */
export interface Doubt {
  readonly code: string;
  /** What the problem is, with counts and columns. */
  readonly message: string;
  /** What to do, with the options that settle it. */
  readonly hint: string;
}

/** A job whose first answers are empty, shown to the user before more is spent on it. */
export interface NothingFound {
  readonly effort: string;
  /** Efforts of the ladder above it, at which no row was sent. */
  readonly untriedEfforts: readonly string[];
  /** Rows answered at that effort. */
  readonly rows: number;
  /** Cost of the job so far, in micro-dollars. */
  readonly costMicros: number;
  readonly query: string;
  /** Columns that were sent. */
  readonly columns: readonly string[];
  /** One row of the last run and its answer; null if no longer in the ledger. */
  readonly example: { readonly sent: JsonObject; readonly returned: string } | null;
}
