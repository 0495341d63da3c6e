import type { JsonObject } from './json.js';

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
