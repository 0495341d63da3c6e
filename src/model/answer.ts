import type { JsonValue } from './json.js';
import type { Row } from './row.js';
import type { Confidence } from './run.js';
import type { CheckedCitation } from './verdict.js';

/** The source of a value. */
export interface CitedSource {
  /** Null if the source is not a safe link; `text` then has what the agent returned. */
  readonly url: string | null;
  readonly title?: string | null;
  readonly text?: string;
}

/** The answer for one field of one row. */
export interface FieldAnswer {
  /** A value that is valid under the field's schema, or null if not found or invalid (`issue` says why). */
  readonly value: JsonValue;
  readonly confidence: Confidence | null;
  readonly citations: readonly CitedSource[];
  /** Why an answer became null, or how it was repaired. Null if there was no problem. */
  readonly issue: string | null;
  readonly runId: string;
  /** The effort of the run that returned this answer. */
  readonly effort: string;
  /**
   * The highest effort tried for this field so far. Above `effort` if a higher level found nothing better.
   */
  readonly triedEffort: string;
  /** Set for a value that a person gave; absent for one of the agent. */
  readonly who?: 'human';
  /** When its run was settled, or the person gave it, in ms. Absent until it is stored. */
  readonly foundAtMs?: number;
  /** When its run was sent, in ms. Absent until it is stored. */
  readonly sentAtMs?: number;
}

/** The answer for one row: the fields requested in one run. */
export interface RowAnswer {
  readonly key: string;
  readonly fields: ReadonlyMap<string, FieldAnswer>;
}

/** Start of `issue` for a value that is valid alone but breaks a rule of the schema across several fields. */
export const DOUBT = 'does not go with the other fields';

/** True for a value that was kept although it conflicts with other fields of its row. */
export function isDoubtful({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value !== null && issue?.includes(DOUBT) === true;
}

/** Start of `issue` for a value that was removed because it is in the exclusion file. */
const EXCLUDED = /^excluded by (?:line|record) \d/;

/** Position in an exclusion file: a line, or in a JSON document, which may be one line, the number of a record. */
export interface ExclusionPlace {
  readonly line: number;
  readonly unit: 'line' | 'record';
}

export function describeExcluded({ line, unit }: ExclusionPlace): string {
  return `excluded by ${unit} ${line} of the exclusion file`;
}

const EXCLUDED_FIELDS = /(?:^|; )([^;]*): excluded by (?:line|record) \d/;

/** True if the error of an output row says that the field's answer was excluded. */
export function isExcludedBy(error: string, field: string): boolean {
  const [, names = ''] = EXCLUDED_FIELDS.exec(error) ?? [];
  return names.split(', ').includes(field);
}

/** Start of a row's failure if all values of its last answer break the schema. */
export const UNFIT = 'no field of its entry is valid';

/** True if the agent found a value for the field, even if it was excluded or disputed. */
export function isFound({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value !== null || (issue !== null && EXCLUDED.test(issue)) || isDisputed({ value, issue });
}

/** `issue` of a field whose answer is a value that a person has rejected. */
export const REJECTED_AGAIN = 'the agent gave the rejected value again';

/** Start of `issue` for a field that got two different values in one run. */
export const DISPUTE = 'two answers in one run';

/** True for a field that is null because one run returned different values for it. */
export function isDisputed({ value, issue }: Pick<FieldAnswer, 'value' | 'issue'>): boolean {
  return value === null && issue?.startsWith(DISPUTE) === true;
}

/** The checked values of one row, before citations and costs are added. */
export interface CheckedRow {
  readonly rowId: string;
  readonly key: string;
  /** Index of the row in the agent's list; grounding paths use it. */
  readonly index: number;
  readonly fields: ReadonlyMap<string, CheckedField>;
  /** Set only if the agent returned several entries for the row. */
  readonly twice?: {
    /** Indexes of the entries that contain the value, by field. */
    readonly places: ReadonlyMap<string, readonly number[]>;
    /** Fields whose values differ between the entries. They are left null. */
    readonly disputed: readonly string[];
  };
}

export interface CheckedField {
  readonly value: JsonValue;
  readonly issue: string | null;
}

/** A row to retry, and why. */
export interface RejectedRow {
  readonly rowId: string;
  readonly key: string;
  /** Sent to the agent in the next run, so it never contains cell text. */
  readonly reason: string;
  /** What the agent said went wrong. Only for the user: it may contain anything. */
  readonly detail?: string;
}

/** The checked result of a run. Each row of the batch is in exactly one of the two lists. */
export interface CheckedRun {
  readonly rows: readonly CheckedRow[];
  /** Rows to retry: missing, without any usable value, or wrong in every field. */
  readonly rejected: readonly RejectedRow[];
  /** Entries whose id is not in the batch; they are dropped. */
  readonly unknownIds: number;
  /** Duplicate entries: those after the first for the same row. */
  readonly doubled: number;
}

export const ROW_STATUSES = [
  'enriched',
  'partial',
  'not_found',
  'excluded',
  'unchanged',
  'failed',
  'skipped',
  'over_budget',
  'pending',
] as const;

/** The outcome of a row. */
export type RowStatus = (typeof ROW_STATUSES)[number];

export interface RowOutcome {
  readonly status: RowStatus;
  /**
   * The reason, to show to the user: what failed, which line excluded the row, or which field was invalid.
   */
  readonly error: string | null;
  /**
   * Set for a failed row that the same command cannot help: nothing or too much to send, or answers that never fit the
   * schema.
   */
  readonly failure?: 'unsendable' | 'unfit';
  /** This row's share of what the job was billed, in micro-dollars. */
  readonly costMicros: number;
  /** True if the agent did not report a cost for some of it, so the reserved price is used. */
  readonly isCostEstimated: boolean;
  /** Ids of every run whose answers the row shows, newest first, separated by spaces. Null for none. */
  readonly runId: string | null;
  /** Answers by field name. Fields that were not requested for the row are missing. */
  readonly fields: ReadonlyMap<string, FieldAnswer>;
  /** When the newest of these answers was found, in ms; null if there is none. */
  readonly foundAtMs: number | null;
  /** Fields whose cells in the input are earlier answers: they are cleared before they are filled. Absent for none. */
  readonly returned?: readonly string[];
  /** Fields whose cells are kept as they are, with the reason. Absent for none. */
  readonly kept?: ReadonlyMap<string, KeptCell>;
  /** Values that a person rejected, by field. Absent for none. */
  readonly rejected?: ReadonlyMap<string, readonly JsonValue[]>;
  /** What was seen of its values on their cited pages, by field name. Absent if the job’s citations were never checked. */
  readonly verdicts?: ReadonlyMap<string, CheckedCitation>;
}

/** Why a cell of a returned file is kept: it is the file’s own, a person gave it or cleared it, or nobody knows its sources. */
export type KeptCell = 'own' | 'human' | 'blank' | 'unvouched';

/** An output row: the input row and its outcome. */
export interface FilledRow {
  readonly row: Row;
  readonly outcome: RowOutcome;
}

/** Number of rows by status, and in total. */
export type RowCounts = Readonly<Record<RowStatus, number>> & { readonly total: number };
