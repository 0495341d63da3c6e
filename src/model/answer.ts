import type { JsonValue } from './json.js';
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
