import type { JsonValue } from './json.js';
import type { Row } from './row.js';
import type { Confidence } from './run.js';

/** Where a value comes from. */
export interface CitedSource {
  /** Null for a source that is not a safe link: then `text` says what the agent gave. */
  readonly url: string | null;
  readonly title?: string | null;
  readonly text?: string;
}

/** What came back for one field of one row. */
export interface FieldAnswer {
  /** A value valid under the field's schema, or null: not found, or not valid (then `issue` says why). */
  readonly value: JsonValue;
  readonly confidence: Confidence | null;
  readonly citations: readonly CitedSource[];
  /** Why the value is null although something came back, or how drift was repaired; null where all is well. */
  readonly issue: string | null;
  readonly runId: string;
  /** The effort of the run that gave this answer. */
  readonly effort: string;
  /** The highest effort at which the field was asked so far: `effort`, or more where more gave nothing better. */
  readonly triedEffort: string;
}

/** What came back for one row: the fields that were asked of it in one run. */
export interface RowAnswer {
  readonly key: string;
  readonly fields: ReadonlyMap<string, FieldAnswer>;
}

/** How the issue of a value begins that is valid by itself but breaks what the schema says of several fields. */
export const DOUBT = 'does not go with the other fields';

/** True for a value that was kept although it does not go with the others of its row. */
export function isDoubtful({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value !== null && issue?.includes(DOUBT) === true;
}

/** How the issue of a value begins that was taken out because the exclusion file names it. */
export const EXCLUDED = 'excluded by line';

/** True if the agent found something for the field, even if it was not wanted. */
export function isFound({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value !== null || issue?.startsWith(EXCLUDED) === true || isDisputed({ value, issue });
}

/** How the issue of a field begins that one run answered twice, with different values. */
export const DISPUTE = 'two answers in one run';

/** True for a field that was left null because one run gave it different values. */
export function isDisputed({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value === null && issue?.startsWith(DISPUTE) === true;
}

/** The values of one row as the check left them, before citations and costs are joined to them. */
export interface CheckedRow {
  readonly rowId: string;
  readonly key: string;
  /** Where the row stood in the agent's own list: grounding paths speak of this index. */
  readonly index: number;
  readonly fields: ReadonlyMap<string, CheckedField>;
  /** Only for a row with several entries. */
  readonly twice?: {
    /** The indexes of the entries that hold the value, by field. */
    readonly places: ReadonlyMap<string, readonly number[]>;
    /** The fields that have different values in them: they are left null. */
    readonly disputed: readonly string[];
  };
}

export interface CheckedField {
  readonly value: JsonValue;
  readonly issue: string | null;
}

/** A row that has to go round again, and what was wrong with it, in words that hold no cell text. */
export interface RejectedRow {
  readonly rowId: string;
  readonly key: string;
  readonly reason: string;
}

/** What a run brought, told apart row by row: every row of the batch is in exactly one of the two lists. */
export interface CheckedRun {
  readonly rows: readonly CheckedRow[];
  /** Rows that have to go round again: missing, without anything usable, or wrong in every field. */
  readonly rejected: readonly RejectedRow[];
  /** Entries that name no row of the batch; they are dropped. */
  readonly unknownIds: number;
  /** Entries beyond the first for the same row. */
  readonly doubled: number;
}

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
