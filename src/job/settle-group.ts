import { checkRun } from '../check/check-run.js';
import { excludeAnswers } from '../check/exclude-answers.js';
import { planRepair } from '../check/plan-repair.js';
import type { FieldAnswer, RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { readNextStep } from '../model/ladder.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { AgentRun } from '../model/run.js';
import { createAnswers } from '../settle/create-answers.js';
import type { AskContext, NextQuestions } from './ask-context.js';

/** Ends a group by its run: good rows are settled at once; the rest goes round again, or fails at its last attempt. */
export function settleGroup(
  batch: Batch,
  group: QuestionGroup,
  run: AgentRun,
  context: AskContext,
): NextQuestions {
  const { ledger, tally, checker, inFlight } = context;
  const checked = excludeAnswers(checkRun(batch, run, checker), batch, context.exclusion);
  const answers = createAnswers(batch, checked, run);
  const repair = planRepair(group, checked.rejected, run, context.lastAttempt);
  ledger.settle(batch.id, run, answers, repair.failures);
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  const stored = findStored(answers, context);
  const climbing = readClimbing(group, stored, context.ask);
  const again = [...repair.again, ...climbing];
  for (const question of [...again, ...(repair.followUp?.questions ?? [])]) {
    inFlight.add(question.key, question.fields);
  }
  tally.countSettled(batch, run, {
    answered: answers.length,
    filled: countFilled(answers, stored, run),
    done: answers.length - climbing.length,
    failed: repair.failures.length,
  });
  if (answers.length > 0) context.patience.renew();
  else if (group.attempt === 1)
    context.patience.wear(checked.rejected[0]?.reason ?? `run ${run.id} ${run.status}`);
  return { overBudget: null, followUp: repair.followUp, again };
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
  const fields = answers.flatMap(({ key }) => [...(stored.get(key)?.values() ?? [])]);
  return fields.filter(({ value, runId }) => value !== null && runId === run.id).length;
}

/** Rows whose answers leave something for the next level of the effort ladder. */
function readClimbing(group: QuestionGroup, stored: AnswersByKey, ask: Ask): Question[] {
  return group.questions.flatMap((question) => {
    const fields = stored.get(question.key);
    if (fields === undefined) return [];
    const step = readNextStep(ask, question.fields, fields);
    return step === null
      ? []
      : [{ ...question, fields: step.fields, level: step.level, attempt: 1, fault: null }];
  });
}
