import type { RejectedRow } from '../model/checked.js';
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
    .map((question) => ({ ...question, attempt: question.attempt + 1 }));
  const isMostlyWrong = again.length * 2 >= group.questions.length;
  if (group.attempt > 1 || !isMostlyWrong || run.status !== 'completed') {
    return { followUp: null, again, failures: [] };
  }
  const complaint = describeFaults(again.map((question) => reasons.get(question.key) ?? ''));
  const { fields, level } = group;
  return {
    followUp: {
      questions: again,
      fields,
      level,
      attempt: group.attempt + 1,
      previousRunId: run.id,
      complaint,
    },
    again: [],
    failures: [],
  };
}

/** Says what was wrong without the old row ids, which mean other rows now. */
function describeFaults(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const faults = [...counts].map(([reason, count]) => `${reason} (${count})`);
  return `The previous answer did not cover the records that are sent here again: ${faults.join('; ')}.`;
}
