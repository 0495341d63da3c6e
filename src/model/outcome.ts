import type { FieldAnswer } from './answer.js';
import type { Row } from './row.js';

export const ROW_STATUSES = [
  'enriched',
  'partial',
  'not_found',
  'excluded',
  'unchanged',
  'failed',
  'over_budget',
  'pending',
] as const;

/** What became of a row: exactly one of these. */
export type RowStatus = (typeof ROW_STATUSES)[number];

export interface RowOutcome {
  readonly status: RowStatus;
  /** Why, for a person: the reason of a failure, the line that excluded the row, the field that was not valid. */
  readonly error: string | null;
  /** This row's share of what the job was billed, in micro-dollars. */
  readonly costMicros: number;
  /** True if the agent did not say what some of that cost: it is then the reserved price. */
  readonly isCostEstimated: boolean;
  readonly runId: string | null;
  /** The answers by field name; a field that was not asked of the row is missing. */
  readonly fields: ReadonlyMap<string, FieldAnswer>;
}

/** A row of the output: the input row and what became of it. */
export interface FilledRow {
  readonly row: Row;
  readonly outcome: RowOutcome;
}

/** How many rows have each status, and how many there are. */
export type RowCounts = Readonly<Record<RowStatus, number>> & { readonly total: number };
