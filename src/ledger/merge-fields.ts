import { type FieldAnswer, isDisputed } from '../model/answer.js';
import { isBelow } from '../model/ask.js';
import type { Fields } from './stored-fields.js';

export interface MergeRule {
  /** The ask's effort ladder: a later level is a higher one. */
  readonly efforts: readonly string[];
  /** Asked again on purpose: what came back replaces what was there, a null too. */
  readonly isRefresh: boolean;
  /** The run was asked before the one whose answer is stored, and came in late: it only fills gaps. */
  readonly isLate: boolean;
}

export interface MergedFields {
  readonly fields: Fields;
  /** The values that were replaced, for the history; empty where nothing was lost. */
  readonly replaced: Fields;
}

/** Lays the fields of a new answer over the stored ones, field by field. */
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
  // That two answers were there says more than that none was found the next time.
  if (old.value === null) return fresh.value !== null || fresh.issue !== null || !isDisputed(old);
  // A follow-up that finds nothing takes nothing away, a cheaper look never beats a closer one, nor doubt certainty.
  const isCloser = rule.efforts.indexOf(fresh.effort) >= rule.efforts.indexOf(old.effort);
  return fresh.value !== null && isCloser && !isLessSure(fresh, old);
}

/** Without a word on how sure the agent is, a value is taken to be as good as another. */
function isLessSure(fresh: FieldAnswer, old: FieldAnswer): boolean {
  return fresh.confidence !== null && old.confidence !== null && isBelow(fresh.confidence, old.confidence);
}

/** Whichever of the two is kept, the higher effort was tried; only a refresh starts over. */
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
