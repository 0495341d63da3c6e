import { createRowChecker, type RowChecker } from '../answer/check-run.js';
import { createLeaseLostError } from '../errors.js';
import type { OpenBatch } from '../ledger/ledger.js';
import { type Ask, getFieldIds } from '../model/ask.js';
import { type Batch, createBatch } from '../model/batch.js';
import { createBlanks } from '../model/blank.js';
import { computeWorstMicros } from '../model/prices.js';
import type { PendingBatch, Question } from '../model/question.js';
import { isRunId } from '../model/run.js';
import { batchSizeFor } from '../run/batcher.js';
import { describeFaults } from '../run/create-request.js';
import { resolveWaitMs } from '../run/wait-run.js';
import { finishGroup } from './finish-group.js';
import { type JobContext, type NextQuestions, NO_QUESTIONS } from './job-context.js';
import { type BatchOutcome, finishRun, type RunParts, runBatch } from './run-batch.js';

/** Sends a group of questions, waits for its run, checks and settles it. Returns the questions to retry. */
export async function askGroup(group: PendingBatch, context: JobContext): Promise<NextQuestions> {
  const batch = createGroupBatch(group, context);
  const exclusions = context.exclusion.relevantTo(group.questions.map((question) => question.record));
  const planned = { batch, group, exclusions };
  const conclude = (outcome: BatchOutcome): Promise<NextQuestions> =>
    concludeGroup(batch, group, outcome, context);
  return context.workers === null
    ? runBatch(planned, context, conclude)
    : conclude(await context.workers.run(planned, context));
}

/** Counts what became of a group. Returns the questions to retry. */
async function concludeGroup(
  batch: Batch,
  group: PendingBatch,
  outcome: BatchOutcome,
  context: JobContext,
): Promise<NextQuestions> {
  switch (outcome.status) {
    case 'ended':
      context.tally.lateBatches.delete(batch.id);
      return finishGroup(batch, group, outcome.settled, context);
    case 'late':
      await failRows(group.questions, outcome.reason, context);
      context.statedCost.bill(group, batch.reserveMicros);
      context.tally.countLate(batch, outcome.runId, outcome.reason);
      if (group.attempt === 1) context.breaker.recordFailure(outcome.reason);
      if (context.workers !== null) giveUpFull(outcome.reason, context);
      return NO_QUESTIONS;
    case 'over_budget':
      context.state.fullBudget = outcome.budget;
      return { ...NO_QUESTIONS, overBudget: group };
    case 'held_back':
      return { ...NO_QUESTIONS, heldBack: group };
    case 'changed':
      return splitChanged(group, outcome.keys);
    case 'withdrawn':
      // This process has not withdrawn it, so another one works on the job.
      if (!context.stop.startSignal.aborted) context.stop.abortWith(createLeaseLostError());
      return NO_QUESTIONS;
    case 'stopped':
      return NO_QUESTIONS;
    case 'absent':
      return resend(group, outcome.reason, context);
    case 'unknown':
      context.statedCost.bill(group, batch.reserveMicros);
      return leaveUnknown(batch, outcome.reason, context);
    case 'rejected':
      context.statedCost.bill(group, 0);
      return retryRejected(group, outcome.reason, context);
    case 'fatal':
      context.stop.abortWith(outcome.error);
      return NO_QUESTIONS;
  }
}

/** Stops a job once its limit allows no run besides the late ones: nobody waits for these, so no other would ever start. */
function giveUpFull(reason: string, { tally, settings, breaker }: JobContext): void {
  const { size } = tally.lateBatches;
  if (size < settings.concurrency) return;
  breaker.giveUp(
    `${size} active runs, the limit of this job, have not ended in time; last reason: ${reason}`,
  );
}

/** Continues with a run that an earlier process started. If it asked other fields, only its answers are taken in. */
export function resumeGroup(open: OpenBatch, runId: string, context: JobContext): Promise<NextQuestions> {
  if (!isCurrent(open, context)) return resumeOther(open, runId, context);
  return resume(open, runId, createBatchGroup(open.batch, context.ask), context);
}

/** True if the fields of a batch mean what they mean now. */
export function isCurrent({ batch, ask }: OpenBatch, context: Pick<JobContext, 'ask'>): boolean {
  if (ask === null || ask.version === context.ask.version) return true;
  const [before, now] = [getFieldIds(ask), getFieldIds(context.ask)];
  return (
    context.ask.efforts.includes(batch.effort) &&
    batch.fields.every((name) => before.get(name) === now.get(name))
  );
}

function resume(
  open: OpenBatch,
  runId: string,
  group: PendingBatch,
  context: JobContext,
): Promise<NextQuestions> {
  // One that a worker no longer waited for is counted already.
  if (!context.tally.lateBatches.has(open.batch.id))
    context.tally.countSent(open.batch, isRunId(runId) ? runId : null, true);
  return resumeRun(open, runId, group, context, (outcome) =>
    concludeGroup(open.batch, group, outcome, context),
  );
}

/** Waits for a run that another process started and that is counted, checks and settles it. */
export function resumeRun<Result>(
  open: OpenBatch,
  runId: string,
  group: PendingBatch,
  context: JobContext,
  conclude: (outcome: BatchOutcome) => Promise<Result>,
): Promise<Result> {
  const { batch, ask, intendedAtMs } = open;
  const { clock, settings } = context;
  const parts: RunParts =
    ask === null || isCurrent(open, context)
      ? context
      : Object.create(context, { checker: { value: createAskChecker(ask) } });
  const waitMs = resolveWaitMs(batch.effort, settings.runTimeoutMs, clock.now() - intendedAtMs);
  return finishRun({ batch, group, run: runId, marked: MARKED, waitMs }, parts, conclude);
}

/**
 * Looks the questions with these keys up again. The others fill other batches, because a small run costs as much as a
 * full one; if they continue a run, or were sent before, they stay together.
 */
function splitChanged(group: PendingBatch, keys: readonly string[]): NextQuestions {
  const isChanged = ({ key }: Question): boolean => keys.includes(key);
  const changed = group.questions.filter(isChanged);
  const questions = group.questions.filter((question) => !isChanged(question));
  if (group.previousRunId === null && group.resends === undefined) {
    return { ...NO_QUESTIONS, changed, again: questions };
  }
  return { ...NO_QUESTIONS, changed, followUp: questions.length === 0 ? null : { ...group, questions } };
}

/** Checks answers to what was asked before. */
export function createAskChecker(ask: Ask): RowChecker {
  const { fields, schema } = ask;
  return createRowChecker(ask, createBlanks({ fields, schema }));
}

/** Waits for a run of another job and settles it. Its rows are left to those who wait for them. */
export function resumeOther(open: OpenBatch, runId: string, context: JobContext): Promise<NextQuestions> {
  const group = { ...createBatchGroup(open.batch, context.ask), questions: [] };
  return resume(open, runId, group, context);
}

const MARKED = Promise.resolve();

/**
 * Fails rows for this invocation but keeps them in flight. If their run ends, the next invocation collects its answers.
 */
async function failRows(
  rows: readonly { readonly key: string }[],
  reason: string,
  { ledger, job }: JobContext,
): Promise<void> {
  await ledger.recordFailures(
    job.id,
    rows.map(({ key }) => ({ key, reason })),
  );
}

/** Each unknown run may have been billed, so this counts towards giving up on the agent. */
async function leaveUnknown(batch: Batch, reason: string, context: JobContext): Promise<NextQuestions> {
  const { stop, tally, breaker } = context;
  // After an interruption the rows have not failed: the next invocation continues with them.
  if (stop.reason !== 'interrupted') await failRows(batch.rows, reason, context);
  tally.countUnknown(batch, reason);
  breaker.recordFailure(reason);
  return NO_QUESTIONS;
}

/** Number of resends of a lost request before its rows fail. */
const MAX_RESENDS = 3;

/** Resends a request whose run certainly does not exist, under a new batch id, so that the two cannot be confused. */
async function resend(group: PendingBatch, reason: string, context: JobContext): Promise<NextQuestions> {
  const { resends = 0 } = group;
  if (resends < MAX_RESENDS) return { ...NO_QUESTIONS, followUp: { ...group, resends: resends + 1 } };
  context.breaker.recordFailure(reason);
  return giveUp(group, reason, context);
}

/**
 * Retries a request that the agent rejected for its content: first without the previous run, which may be gone, then in
 * smaller batches, since a single row may be the cause. Rejected requests cost nothing.
 */
async function retryRejected(
  group: PendingBatch,
  reason: string,
  context: JobContext,
): Promise<NextQuestions> {
  if (group.previousRunId !== null) return { ...NO_QUESTIONS, followUp: { ...group, previousRunId: null } };
  if (group.attempt === 1) context.breaker.recordRejection(reason);
  const { lastAttempt } = context;
  const { batchSize } = context.settings;
  let attempt = group.attempt + 1;
  while (attempt < lastAttempt && batchSizeFor(batchSize, attempt) >= group.questions.length) attempt += 1;
  if (group.questions.length === 1 || attempt > lastAttempt) return giveUp(group, reason, context);
  return { ...NO_QUESTIONS, again: group.questions.map((question) => ({ ...question, attempt })) };
}

const COST_REACHED =
  'that could cost more than the worst case stated at the start; run the command again to send it';

/** Fails the rows of a group whose retry could exceed the stated worst-case cost. */
export async function giveUpUnaffordable(group: PendingBatch, context: JobContext): Promise<void> {
  const { ledger, job, tally } = context;
  const keys = group.questions.map(({ key }) => key);
  const { answers } = await ledger.findAnswers(job, keys);
  for (const { fields } of answers.values())
    if ([...fields.values()].some(({ value }) => value !== null)) tally.unretriedRows += 1;
  const faults = new Map(group.questions.map(({ key, fault }) => [key, fault]));
  const reason = `${group.attempt === 1 && group.level === 0 ? 'not sent' : 'not sent again'}: ${COST_REACHED}`;
  await giveUp(group, reason, context, (key) => {
    const fault = faults.get(key) ?? null;
    return fault === null ? reason : `${fault}; ${reason}`;
  });
}

/** Fails rows that this invocation does not retry any more. */
async function giveUp(
  group: PendingBatch,
  reason: string,
  context: JobContext,
  describeRow: (key: string) => string = () => reason,
): Promise<NextQuestions> {
  const { ledger, job, inFlight, tally } = context;
  await ledger.recordFailures(
    job.id,
    group.questions.map(({ key }) => ({ key, reason: describeRow(key) })),
  );
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  tally.countGivenUp(group.questions.length, reason);
  await context.answeredRows?.settle(group.questions.map(({ key }) => key));
  return NO_QUESTIONS;
}

/** Creates the batch for a group. */
export function createGroupBatch(
  group: PendingBatch,
  context: Pick<JobContext, 'ask' | 'job' | 'prices' | 'isRefresh'>,
): Batch {
  const { ask, job, prices } = context;
  const effort = ask.efforts[group.level] ?? '';
  return createBatch(
    {
      jobId: job.id,
      askId: ask.id,
      version: ask.version,
      attempt: group.attempt,
      effort,
      fields: group.fields,
      rows: group.questions.map(({ key, record, fault }) =>
        fault === null ? { key, record } : { key, record, fault },
      ),
      previousRunId: group.previousRunId,
      complaint: describeFaults(group.questions),
      ...(context.isRefresh && group.level === 0 ? { refresh: true } : {}),
      reserveMicros: computeWorstMicros(prices, effort, group.questions.length, ask, group.fields),
    },
    job.invocation,
    group.resends,
  );
}

/** Recreates the group of a batch. */
function createBatchGroup(batch: Batch, ask: Ask): PendingBatch {
  const level = Math.max(0, ask.efforts.indexOf(batch.effort));
  const { fields, attempt, previousRunId } = batch;
  const questions = batch.rows.map(({ key, record, fault = null }) => ({
    key,
    record,
    fields,
    level,
    attempt,
    fault,
    seen: 0,
  }));
  return { questions, fields, level, attempt, previousRunId };
}
