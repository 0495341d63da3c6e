import { listNextSteps } from '../model/ask.js';
import type { Question } from '../model/question.js';
import { type JobContext, type NextQuestions, NO_QUESTIONS } from './job-context.js';

type Context = Pick<
  JobContext,
  'ask' | 'job' | 'ledger' | 'inFlight' | 'select' | 'stop' | 'tally' | 'answeredRows'
>;

/**
 * Looks up questions that another process has sent or answered since. Waits for its runs; `adopt` continues with those of
 * a process that has ended. Returns what is left to send.
 */
export async function lookAgain(
  questions: readonly Question[],
  context: Context,
  adopt: () => Promise<void>,
): Promise<NextQuestions> {
  const { ledger, job, stop } = context;
  const again: Question[] = [];
  let waiting = questions;
  while (waiting.length > 0 && stop.reason === null) {
    const keys = [...new Set(waiting.map(({ key }) => key))];
    const { answers, elsewhere, seen } = await ledger.findAnswers(job, keys);
    for (const question of waiting) {
      if (elsewhere.has(question.key)) continue;
      const stored = answers.get(question.key);
      const isStale = stored === undefined || context.select.isStale(stored);
      again.push(...continueQuestion(question, isStale ? undefined : stored.fields, seen, context));
    }
    await context.answeredRows?.settle(keys);
    waiting = waiting.filter(({ key }) => elsewhere.has(key));
    if (waiting.length === 0) break;
    await ledger.whenChanged(stop.startSignal);
    await adopt();
  }
  return { ...NO_QUESTIONS, again };
}

/** Returns what is still missing. What was answered is no longer in flight. */
function continueQuestion(
  question: Question,
  stored: Parameters<typeof listNextSteps>[2],
  seen: number,
  { ask, inFlight, tally }: Context,
): Question[] {
  const { key, fields, level } = question;
  const steps = listNextSteps(ask, fields, stored);
  const open = steps.flatMap((step) => step.fields);
  inFlight.remove(
    key,
    fields.filter((field) => !open.includes(field)),
  );
  if (steps.length === 0 && !inFlight.holds(key)) tally.countAnsweredElsewhere();
  return steps.map((step) =>
    step.level === level
      ? { ...question, fields: step.fields, seen }
      : { ...question, ...step, attempt: 1, fault: null, seen },
  );
}
