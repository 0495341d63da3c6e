import { type FieldAnswer, isDisputed } from '../model/answer.js';
import { isBelow } from '../model/ask.js';
import type { Fields } from './stored-fields.js';

export interface MergeRule {
  /** The ask's effort ladder, lowest first. */
  readonly efforts: readonly string[];
  /** A deliberate refresh: the new answer replaces the old one, even with null. */
  readonly isRefresh: boolean;
  /** The run was sent before the one whose answer is stored, and finished later. It only fills gaps. */
  readonly isLate: boolean;
}

export interface MergedFields {
  readonly fields: Fields;
  /** Replaced values, for the history; empty if nothing was lost. */
  readonly replaced: Fields;
}

/** Merges the fields of a new answer into the stored ones, field by field. */
export function mergeFields(stored: Fields, fresh: Fields, rule: MergeRule): MergedFields {
  const fields = new Map(stored);
  const replaced = new Map<string, FieldAnswer>();
  for (const [name, field] of fresh) {
    const old = stored.get(name);
    const isTaken = old === undefined || isReplacement(old, field, rule);
    fields.set(name, old === undefined ? field : withTriedEffort(isTaken ? field : old, old, field, rule));
    if (isTaken && old !== undefined && old.value !== null) replaced.set(name, old);
  }
  return { fields, replaced };
}

function isReplacement(old: FieldAnswer, fresh: FieldAnswer, rule: MergeRule): boolean {
  if (rule.isLate) return old.value === null && fresh.value !== null;
  if (rule.isRefresh) return true;
  // A dispute between two answers tells more than a later empty answer.
  if (old.value === null) return fresh.value !== null || fresh.issue !== null || !isDisputed(old);
  // A follow-up without a value changes nothing, a lower effort does not override a higher one, and a
  // doubtful value does not override a certain one.
  const isCloser = rule.efforts.indexOf(fresh.effort) >= rule.efforts.indexOf(old.effort);
  return fresh.value !== null && isCloser && !isLessSure(fresh, old);
}

/** A value without a confidence counts as equal. */
function isLessSure(fresh: FieldAnswer, old: FieldAnswer): boolean {
  return fresh.confidence !== null && old.confidence !== null && isBelow(fresh.confidence, old.confidence);
}

/** Whichever value is kept, record the highest effort tried. Only a refresh starts over. */
function withTriedEffort(
  kept: FieldAnswer,
  old: FieldAnswer,
  fresh: FieldAnswer,
  rule: MergeRule,
): FieldAnswer {
  if (rule.isRefresh && !rule.isLate) return kept;
  const isHigher = rule.efforts.indexOf(fresh.triedEffort) > rule.efforts.indexOf(old.triedEffort);
  return { ...kept, triedEffort: isHigher ? fresh.triedEffort : old.triedEffort };
}
