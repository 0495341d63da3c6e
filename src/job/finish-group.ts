import type { Settled } from '../ledger/ledger.js';
import type { FieldAnswer, RowAnswer } from '../model/answer.js';
import { type Ask, listNextSteps } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { PendingBatch, Question } from '../model/question.js';
import type { AgentRun } from '../model/run.js';
import type { InFlight } from '../select/in-flight.js';
import type { CitedRow } from './check-citations.js';
import { type JobContext, listDayBudgets, type NextQuestions, NO_QUESTIONS } from './job-context.js';
import type { SettledGroup } from './settle-group.js';

/** Counts a settled group. Returns its remaining questions. */
export async function finishGroup(
  batch: Batch,
  group: PendingBatch,
  settled: SettledGroup,
  context: JobContext,
): Promise<NextQuestions> {
  const { answers, repair, result } = settled;
  const { job, ledger } = context;
  // Failures are recorded only for the job that sent the batch, and not if `cancel` settled it first.
  if (result.status === 'known' || batch.jobId !== job.id) {
    const ownKeys = new Set(group.questions.map(({ key }) => key));
    await ledger.recordFailures(
      job.id,
      repair.failures.filter(({ key }) => ownKeys.has(key)),
    );
  }
  const stored = await findStored(answers, result, context);
  const next = continueGroup(batch, group, settled, stored, context);
  await context.answeredRows?.settle(batch.rows.map(({ key }) => key));
  if (context.verifier !== null) context.verifier.take(listCited(batch, stored, context));
  if (result.micros > 0) context.tally.warnOfDays(await listDayBudgets(context));
  return next;
}

/** The rows of a batch that are answered, unless a part of them is sent again. */
function listCited(
  batch: Batch,
  stored: AnswersByKey,
  { inFlight }: Pick<JobContext, 'inFlight'>,
): CitedRow[] {
  return batch.rows.flatMap(({ key, record }) => {
    const fields = stored.get(key);
    return fields === undefined || inFlight.holds(key) ? [] : [{ key, record, fields }];
  });
}

type AnswersByKey = ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;

/** Returns the answers as now stored: the ledger keeps the better of old and new values. */
async function findStored(
  answers: readonly RowAnswer[],
  { status, merged }: Settled,
  { ledger, job }: JobContext,
): Promise<AnswersByKey> {
  if (status !== 'known') {
    const stored = new Map<string, RowAnswer['fields']>();
    for (const { key, fields } of answers) stored.set(key, merged.get(key) ?? fields);
    return stored;
  }
  const keys = answers.map(({ key }) => key);
  const found = await ledger.findAnswers(job, keys);
  return new Map([...found.answers].map(([key, { fields }]) => [key, fields]));
}

/** Counts a settled group and returns its remaining questions. Must stay synchronous, or rows could be sent twice. */
function continueGroup(
  batch: Batch,
  group: PendingBatch,
  { run, unusable, answers, repair, disputed, misfits, fault, result: settled }: SettledGroup,
  stored: AnswersByKey,
  context: JobContext,
): NextQuestions {
  const { ask, job, inFlight, tally } = context;
  const cost = { micros: settled.micros, isEstimated: settled.isEstimated };
  context.answerWarnings.count(misfits, answers);
  context.cap.settle(batch, cost.micros);
  context.spend.settle(batch, settled.spend);
  context.statedCost.bill(group, cost.micros);
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  const climbing = listClimbing(group, stored, disputed, ask);
  const again = [...repair.again, ...disputed, ...climbing];
  const next = keepWanted({ ...NO_QUESTIONS, ...repair, again }, settled.seen, inFlight);
  for (const { key, fields } of [...next.again, ...(next.followUp?.questions ?? [])])
    inFlight.add(key, fields);
  const open = new Set([...disputed, ...climbing].map(({ key }) => key));
  // Rows of another job's run are counted by those who wait for them.
  const isDone = ({ key }: { readonly key: string }): boolean =>
    group.questions.length > 0 && !open.has(key) && !inFlight.holds(key);
  tally.countSettled(batch, run, cost, {
    answered: answers.length,
    filled: countFilled(answers, stored, run),
    done: answers.filter(isDone).length,
    failed: repair.failures.filter(isDone).length,
    reason: unusable,
  });
  if (settled.status === 'settled' && batch.jobId === job.id) context.yields.count(group.level, answers);
  if (fault === null) context.breaker.recordSuccess();
  else if (group.attempt === 1) context.breaker.recordFailure(fault);
  return next;
}

/**
 * Drops questions from an earlier process that no row of this input has claimed yet: they may belong to another file.
 * A row that claims one later is retried then. `seen` is the ledger change that settled the group.
 */
function keepWanted(next: NextQuestions, seen: number, inFlight: InFlight): NextQuestions {
  const listWanted = (questions: readonly Question[]): Question[] =>
    questions.flatMap((question) => {
      if (!inFlight.isUnclaimed(question.key)) return [{ ...question, seen }];
      inFlight.keepRetry(question);
      return [];
    });
  const followUps = listWanted(next.followUp?.questions ?? []);
  return {
    ...NO_QUESTIONS,
    followUp:
      next.followUp === null || followUps.length === 0 ? null : { ...next.followUp, questions: followUps },
    again: listWanted(next.again),
  };
}

/** Counts the values of a run that were kept. */
function countFilled(answers: readonly RowAnswer[], stored: AnswersByKey, run: Pick<AgentRun, 'id'>): number {
  let filled = 0;
  for (const { key } of answers) {
    for (const { value, runId } of stored.get(key)?.values() ?? []) {
      if (value !== null && runId === run.id) filled += 1;
    }
  }
  return filled;
}

/** Lists questions for the next effort level. Disputed fields are retried at their own level first. */
function listClimbing(
  group: PendingBatch,
  stored: AnswersByKey,
  disputed: readonly Question[],
  ask: Ask,
): Question[] {
  const waiting = new Map(disputed.map(({ key, fields }) => [key, fields]));
  const climbing: Question[] = [];
  for (const question of group.questions) {
    const fields = stored.get(question.key);
    if (fields === undefined) continue;
    const open = dropFields(question.fields, waiting.get(question.key));
    for (const step of listNextSteps(ask, open, fields))
      climbing.push({ ...question, ...step, attempt: 1, fault: null });
  }
  return climbing;
}

function dropFields(fields: readonly string[], dropped: readonly string[] = []): readonly string[] {
  return dropped.length === 0 ? fields : fields.filter((name) => !dropped.includes(name));
}
