import type { CheckedRow, RejectedRow } from '../model/checked.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { AgentRun } from '../model/run.js';

/** What becomes of the rows of a run that were not answered. */
export interface Repair {
  /** Rows that go round again at once, as a continuation of the run. */
  readonly followUp: QuestionGroup | null;
  /** Rows that go round again together with those of other runs. */
  readonly again: readonly Question[];
  readonly failures: readonly { readonly key: string; readonly reason: string }[];
}

/**
 * A few rows left out of a good run are pooled with those of other runs, which costs fewest runs. Where half a batch or
 * more went wrong the first time, the run itself is continued and told what was wrong. At the last attempt rows fail.
 */
export function planRepair(
  group: QuestionGroup,
  rejected: readonly RejectedRow[],
  run: AgentRun,
  lastAttempt: number,
): Repair {
  if (rejected.length === 0) return { followUp: null, again: [], failures: [] };
  // Somebody cancelled the run on purpose: to ask again at once would undo that.
  if (group.attempt >= lastAttempt || run.status === 'cancelled') {
    return { followUp: null, again: [], failures: rejected.map(({ key, reason }) => ({ key, reason })) };
  }
  const reasons = new Map(rejected.map(({ key, reason }) => [key, reason]));
  const again = group.questions
    .filter((question) => reasons.has(question.key))
    .map((question) => ({
      ...question,
      attempt: question.attempt + 1,
      fault: reasons.get(question.key) ?? null,
    }));
  const isMostlyWrong = again.length * 2 >= group.questions.length;
  if (group.attempt > 1 || !isMostlyWrong || run.status !== 'completed') {
    return { followUp: null, again, failures: [] };
  }
  const { fields, level } = group;
  return {
    followUp: { questions: again, fields, level, attempt: group.attempt + 1, previousRunId: run.id },
    again: [],
    failures: [],
  };
}

const DISPUTED_FAULT = 'two entries came back for one record, with different values';

/**
 * The fields that one run answered twice, with different values, to be asked once more: a second dispute is left as it is,
 * with both values named.
 */
export function planSecondLook(
  group: QuestionGroup,
  rows: readonly CheckedRow[],
  run: AgentRun,
  lastAttempt: number,
): readonly Question[] {
  const doubled = rows.filter(({ twice }) => twice !== undefined);
  if (doubled.length === 0 || group.attempt >= lastAttempt || run.status === 'cancelled') return [];
  const disputed = new Map(doubled.map(({ key, twice }) => [key, twice?.disputed ?? []]));
  return group.questions.flatMap((question) => {
    const fields = disputed.get(question.key) ?? [];
    if (fields.length === 0 || question.fault === DISPUTED_FAULT) return [];
    return [{ ...question, fields, attempt: question.attempt + 1, fault: DISPUTED_FAULT }];
  });
}
