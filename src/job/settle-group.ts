import { checkRun } from '../check/check-run.js';
import { excludeAnswers } from '../check/exclude-answers.js';
import { planRepair } from '../check/plan-repair.js';
import type { RowAnswer } from '../model/answer.js';
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
  const climbing = readClimbing(group, answers, context.ask);
  const again = [...repair.again, ...climbing];
  for (const question of [...again, ...(repair.followUp?.questions ?? [])]) {
    inFlight.add(question.key, question.fields);
  }
  tally.countSettled(batch, run, {
    answered: answers.length,
    done: answers.length - climbing.length,
    failed: repair.failures.length,
  });
  if (answers.length > 0) context.patience.renew();
  else if (group.attempt === 1)
    context.patience.wear(checked.rejected[0]?.reason ?? `run ${run.id} ${run.status}`);
  return { overBudget: null, followUp: repair.followUp, again };
}

/** Rows whose answers leave something for the next level of the effort ladder. */
function readClimbing(group: QuestionGroup, answers: readonly RowAnswer[], ask: Ask): Question[] {
  if (ask.efforts.length === 1) return [];
  const answersByKey = new Map(answers.map((answer) => [answer.key, answer.fields]));
  return group.questions.flatMap((question) => {
    const fields = answersByKey.get(question.key);
    if (fields === undefined) return [];
    const step = readNextStep(ask, question.fields, fields);
    return step === null
      ? []
      : [{ ...question, fields: step.fields, level: step.level, attempt: 1, fault: null }];
  });
}
