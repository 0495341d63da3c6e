import { checkRun } from '../check/check-run.js';
import { excludeAnswers } from '../check/exclude-answers.js';
import { planRepair, planSecondLook } from '../check/plan-repair.js';
import type { FieldAnswer, RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { readNextSteps } from '../model/ladder.js';
import { bookCost } from '../model/money.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { AgentRun } from '../model/run.js';
import type { InFlight } from '../select/in-flight.js';
import { createAnswers } from '../settle/create-answers.js';
import { createGoneRun } from '../wait/create-gone-run.js';
import { type AskContext, type NextQuestions, NOTHING } from './ask-context.js';
import { describeMisfit } from './describe-misfit.js';

/**
 * Ends a group by its run: good rows are settled at once; the rest goes round again, or fails at its last attempt. A run
 * that belongs to another batch ends this one as unusable.
 */
export function settleGroup(
  batch: Batch,
  group: QuestionGroup,
  run: AgentRun,
  context: AskContext,
): NextQuestions {
  const misfit = describeMisfit(batch, run, context.ledger);
  return misfit === null
    ? settleRun(batch, group, run, null, context)
    : settleUnusable(batch, group, '', misfit, context);
}

/**
 * Ends a group whose run exists and cannot be used: what was reserved is booked, and its rows fail with the reason. They
 * are not asked again at once: the agent would be paid twice for what it may do again. The id is empty for a run that
 * cannot be named.
 */
export function settleUnusable(
  batch: Batch,
  group: QuestionGroup,
  runId: string,
  reason: string,
  context: AskContext,
): NextQuestions {
  return settleRun(batch, group, createGoneRun(runId, reason), reason, context);
}

function settleRun(
  batch: Batch,
  group: QuestionGroup,
  run: AgentRun,
  unusable: string | null,
  context: AskContext,
): NextQuestions {
  const { ask, job, ledger, tally, checker, inFlight, lastAttempt } = context;
  const brought = checkRun(batch, run, checker);
  const checked = excludeAnswers(brought, batch, context.exclusion, lastAttempt);
  const answers = createAnswers(batch, checked, run);
  context.answerNotes.count(brought, answers);
  const repair =
    unusable === null
      ? planRepair(group, checked.rejected, run, lastAttempt)
      : { ...NOTHING, failures: batch.rows.map(({ key }) => ({ key, reason: unusable })) };
  const isFirst = ledger.settle(batch.id, run, answers, repair.failures);
  const cost = bookCost(run.costDollars.total, batch.reserveMicros);
  context.cap.settle(batch.id, cost.micros);
  context.statedCost.bill(group, cost.micros);
  // What another job sent fails there, and what `cancel` has settled meanwhile nowhere; the rows that waited fail here.
  if (!isFirst || batch.jobId !== job.id) ledger.fail(job.id, repair.failures);
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  const stored = findStored(answers, context);
  const disputed = planSecondLook(group, checked.rows, run, lastAttempt);
  const climbing = readClimbing(group, stored, disputed, ask);
  const again = [...repair.again, ...disputed, ...climbing];
  const next = keepWanted({ ...NOTHING, ...repair, again }, inFlight);
  for (const { key, fields } of [...next.again, ...(next.followUp?.questions ?? [])])
    inFlight.add(key, fields);
  const open = new Set([...disputed, ...climbing].map(({ key }) => key));
  const isDone = ({ key }: { readonly key: string }): boolean => !open.has(key) && !inFlight.holds(key);
  tally.countSettled(batch, run, cost, {
    answered: answers.length,
    filled: countFilled(answers, stored, run),
    done: answers.filter(isDone).length,
    failed: repair.failures.filter(isDone).length,
    reason: unusable,
  });
  context.yields.update(group.level);
  if (brought.rows.length > 0) context.patience.renew();
  else if (group.attempt === 1)
    context.patience.wear(unusable ?? brought.rejected[0]?.reason ?? `run ${run.id} ${run.status}`);
  return next;
}

/**
 * Leaves out what an earlier process asked and no row of this input has come for yet: it may be a row of another file,
 * or one that is gone. If it does come, it is asked then.
 */
function keepWanted(next: NextQuestions, inFlight: InFlight): NextQuestions {
  const isWanted = ({ key }: Question): boolean => !inFlight.isUnclaimed(key);
  const followUps = next.followUp?.questions.filter(isWanted) ?? [];
  return {
    ...NOTHING,
    followUp:
      next.followUp === null || followUps.length === 0 ? null : { ...next.followUp, questions: followUps },
    again: next.again.filter(isWanted),
  };
}

type AnswersByKey = ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;

/** The rows that were answered, as the ledger has them now: with what was better before, and without what was worse. */
function findStored(answers: readonly RowAnswer[], { ask, ledger, job }: AskContext): AnswersByKey {
  // Without a ladder nothing is asked twice that is not replaced.
  if (ask.efforts.length === 1) return new Map(answers.map(({ key, fields }) => [key, fields]));
  const found = ledger.findAnswers(
    job,
    answers.map(({ key }) => key),
  );
  return new Map([...found].map(([key, { fields }]) => [key, fields]));
}

/** How many values of a run stayed. */
function countFilled(answers: readonly RowAnswer[], stored: AnswersByKey, run: AgentRun): number {
  let filled = 0;
  for (const { key } of answers) {
    for (const { value, runId } of stored.get(key)?.values() ?? []) {
      if (value !== null && runId === run.id) filled += 1;
    }
  }
  return filled;
}

/** Rows whose answers leave something for the next level of the effort ladder; what is asked again at this one climbs after that. */
function readClimbing(
  group: QuestionGroup,
  stored: AnswersByKey,
  disputed: readonly Question[],
  ask: Ask,
): Question[] {
  const waiting = new Map(disputed.map(({ key, fields }) => [key, fields]));
  return group.questions.flatMap((question) => {
    const fields = stored.get(question.key);
    if (fields === undefined) return [];
    const asked = waiting.get(question.key);
    const open =
      asked === undefined ? question.fields : question.fields.filter((name) => !asked.includes(name));
    const steps = readNextSteps(ask, open, fields);
    return steps.map((step) => ({ ...question, ...step, attempt: 1, fault: null }));
  });
}
