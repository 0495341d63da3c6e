import {
  checkRun,
  describeRejection,
  excludeAnswers,
  planDisputeRepair,
  planRepair,
  type Repair,
} from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { Ledger, Settled, Settlement } from '../ledger/ledger.js';
import type { CheckedRun, FieldAnswer, RowAnswer } from '../model/answer.js';
import { type Ask, listNextSteps } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { bookCost } from '../model/format.js';
import type { PendingBatch, Question } from '../model/question.js';
import { type AgentRun, findBatchId } from '../model/run.js';
import { createGoneRun } from '../run/wait-run.js';
import type { InFlight } from '../select/in-flight.js';
import type { CitedRow } from './check-citations.js';
import { type JobContext, listDayBudgets, type NextQuestions, NO_QUESTIONS } from './job-context.js';

/**
 * Settles a group with its ended run. Valid rows are answered; the rest is retried, or fails after its last attempt. If
 * the run belongs to another batch, it is unusable.
 */
export async function settleGroup(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  context: JobContext,
): Promise<NextQuestions> {
  const misfit = describeMisfit(batch, run);
  return misfit === null
    ? settleRun(batch, group, run, null, context)
    : settleUnusable(batch, group, '', misfit, context);
}

/**
 * Settles a group whose run exists but is unusable: books the reserved cost and fails the rows with the reason. Does
 * not retry them, because the agent could do the same again and be paid twice. `runId` is empty if the id is invalid.
 */
export function settleUnusable(
  batch: Batch,
  group: PendingBatch,
  runId: string,
  reason: string,
  context: JobContext,
): Promise<NextQuestions> {
  return settleRun(batch, group, createGoneRun(runId, reason), reason, context);
}

/** Not async, so that only a part of the run is kept until the ledger has it. */
function settleRun(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  unusable: string | null,
  context: JobContext,
): Promise<NextQuestions> {
  const { ledger, checker, lastAttempt } = context;
  const fieldsByKey = new Map(group.questions.map(({ key, fields }) => [key, fields]));
  const brought = checkRun(batch, run, checker, ({ key }) => fieldsByKey.get(key) ?? batch.fields);
  const checked = excludeAnswers(brought, batch, context.exclusion, lastAttempt);
  const answers = createAnswers(batch, checked, run);
  const repair =
    unusable === null
      ? planRepair(group, checked.rejected, run, lastAttempt)
      : { ...NO_QUESTIONS, failures: batch.rows.map(({ key }) => ({ key, reason: unusable })) };
  // Until the ledger has the lower cost, its cap must not rise.
  context.cap.settle(
    batch,
    Math.min(batch.reserveMicros, bookCost(run.costDollars.total, batch.reserveMicros).micros),
  );
  const settling = settleBatch({ batch, run, answers, failures: repair.failures }, ledger);
  const { id, status, costDollars } = run;
  const { unknownIds, doubled } = brought;
  const checkedGroup = {
    ...{ batch, group, run: { id, status, costDollars }, unusable, answers, repair },
    disputed: planDisputeRepair(group, checked.rows, run, lastAttempt),
    misfits: { unknownIds, doubled },
    fault: brought.rows.length > 0 ? null : (unusable ?? describeFirst(brought) ?? `run ${id} ${status}`),
  };
  return finishGroup(checkedGroup, settling, context);
}

/** A group whose run was checked. */
interface CheckedGroup {
  readonly batch: Batch;
  readonly group: PendingBatch;
  readonly run: Pick<AgentRun, 'id' | 'status' | 'costDollars'>;
  /** Why the run cannot be used; null if it can. */
  readonly unusable: string | null;
  readonly answers: readonly RowAnswer[];
  readonly repair: Repair;
  readonly disputed: readonly Question[];
  readonly misfits: Pick<CheckedRun, 'unknownIds' | 'doubled'>;
  /** What is wrong with a run without any usable row; null if it has one. */
  readonly fault: string | null;
}

/** Waits until the ledger has settled a group. Returns the group's remaining questions. */
async function finishGroup(
  checked: CheckedGroup,
  settling: Promise<Settled>,
  context: JobContext,
): Promise<NextQuestions> {
  const { batch, group, run, answers, repair } = checked;
  const { job, ledger } = context;
  const settled = await settling;
  if (settled.status === 'foreign') return settleUnusable(batch, group, '', describeReuse(run), context);
  // Failures are recorded only for the job that sent the batch, and not if `cancel` settled it first.
  if (settled.status === 'known' || batch.jobId !== job.id) {
    const ownKeys = new Set(group.questions.map(({ key }) => key));
    await ledger.recordFailures(
      job.id,
      repair.failures.filter(({ key }) => ownKeys.has(key)),
    );
  }
  const stored = await findStored(answers, settled, context);
  const next = continueGroup(checked, stored, settled, context);
  await context.answeredRows?.settle(batch.rows.map(({ key }) => key));
  if (context.verifier !== null) context.verifier.take(listCited(batch, stored, context));
  if (settled.micros > 0) context.tally.warnOfDays(await listDayBudgets(context));
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

/** Settles one batch in the ledger. Does not keep the run while it waits. */
export function settleBatch(settlement: Settlement, ledger: Pick<Ledger, 'settleBatches'>): Promise<Settled> {
  return ledger.settleBatches([settlement]).then(([settled]) => {
    if (settled === undefined) throw new RangeError('a settlement has a result');
    return settled;
  });
}

type AnswersByKey = ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;

/** Returns the answers as now stored: the ledger keeps the better of old and new values. */
async function findStored(
  answers: readonly RowAnswer[],
  { status, merged }: Settled,
  { ledger, job }: JobContext,
): Promise<AnswersByKey> {
  if (status !== 'known') return new Map(answers.map(({ key, fields }) => [key, merged.get(key) ?? fields]));
  const keys = answers.map(({ key }) => key);
  const found = await ledger.findAnswers(job, keys);
  return new Map([...found.answers].map(([key, { fields }]) => [key, fields]));
}

/** Counts a settled group and returns its remaining questions. Must stay synchronous, or rows could be sent twice. */
function continueGroup(
  { batch, group, run, unusable, answers, repair, disputed, misfits, fault }: CheckedGroup,
  stored: AnswersByKey,
  settled: Settled,
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

function describeFirst({ rejected: [first] }: CheckedRun): string | null {
  return first === undefined ? null : describeRejection(first);
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
  return group.questions.flatMap((question) => {
    const fields = stored.get(question.key);
    if (fields === undefined) return [];
    const asked = waiting.get(question.key);
    const open =
      asked === undefined ? question.fields : question.fields.filter((name) => !asked.includes(name));
    const steps = listNextSteps(ask, open, fields);
    return steps.map((step) => ({ ...question, ...step, attempt: 1, fault: null }));
  });
}

/** Explains why a run does not belong to a batch; null if it may. The metadata of the run names its batch. */
export function describeMisfit(batch: Batch, run: AgentRun): string | null {
  const named = findBatchId(run);
  if (named === null || named === batch.id) return null;
  return `run ${run.id} was started for other rows: the agent mixes up its runs`;
}

/** Explains why a run that has settled another batch cannot settle this one. */
export function describeReuse(run: Pick<AgentRun, 'id'>): string {
  return `run ${run.id} has already answered other rows: the agent returned the same run for two requests`;
}
