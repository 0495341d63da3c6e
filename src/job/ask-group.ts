import {
  checkRun,
  describeRejection,
  excludeAnswers,
  planDisputeRepair,
  planRepair,
} from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { StartedRun } from '../api/agent-client.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OpenBatch } from '../ledger/records.js';
import type { CheckedRun, FieldAnswer, RowAnswer } from '../model/answer.js';
import { type Ask, listNextSteps } from '../model/ask.js';
import { type Batch, createBatch } from '../model/batch.js';
import { isJsonObject } from '../model/json.js';
import { computeWorstMicros } from '../model/prices.js';
import type { PendingBatch, Question } from '../model/question.js';
import { type AgentRun, isRunId } from '../model/run.js';
import { batchSizeFor } from '../run/batcher.js';
import { createRequest, describeFaults } from '../run/create-request.js';
import { sendBatch } from '../run/send-batch.js';
import { createGoneRun, resolveWaitMs, waitForRun } from '../run/wait-run.js';
import type { InFlight } from '../select/select-rows.js';
import { type JobContext, type NextQuestions, NO_QUESTIONS } from './job-context.js';

/** Sends a group of questions, waits for its run, checks and settles it. Returns the questions to retry. */
export async function askGroup(group: PendingBatch, context: JobContext): Promise<NextQuestions> {
  const { ask, exclusion, tally, settings } = context;
  const batch = createGroupBatch(group, context);
  const exclusions = exclusion.relevantTo(group.questions.map((question) => question.record));
  const sent = await sendBatch(batch, createRequest(ask, batch, exclusions), context);
  switch (sent.status) {
    case 'sent':
      tally.countSent(batch, getRunId(sent.run), sent.adopted);
      return waitAndSettle(
        batch,
        group,
        sent.run,
        resolveWaitMs(batch.effort, settings.runTimeoutMs),
        context,
      );
    case 'over_budget':
      context.state.fullBudget = sent.budget;
      return { ...NO_QUESTIONS, overBudget: group };
    case 'held_back':
      return { ...NO_QUESTIONS, heldBack: group };
    case 'stopped':
      return NO_QUESTIONS;
    case 'unusable':
      tally.countSent(batch, null, false);
      return settleUnusable(batch, group, '', sent.reason, context);
    case 'absent':
      return resend(group, sent.reason, context);
    case 'unknown':
      context.statedCost.bill(group, batch.reserveMicros);
      return leaveUnknown(batch, sent.reason, context);
    case 'rejected':
      context.statedCost.bill(group, 0);
      return retryRejected(group, sent.reason, context);
    case 'fatal':
      context.stop.abortWith(sent.error);
      return NO_QUESTIONS;
  }
}

/** Continues with a run that an earlier process started. */
export function resumeGroup(open: OpenBatch, runId: string, context: JobContext): Promise<NextQuestions> {
  const { batch, intendedAtMs } = open;
  const { ask, clock, settings } = context;
  const waitMs = resolveWaitMs(batch.effort, settings.runTimeoutMs, clock.now() - intendedAtMs);
  context.tally.countSent(batch, isRunId(runId) ? runId : null, true);
  return waitAndSettle(batch, createBatchGroup(batch, ask), runId, waitMs, context);
}

async function waitAndSettle(
  batch: Batch,
  group: PendingBatch,
  run: StartedRun | string,
  deadlineMs: number,
  context: JobContext,
): Promise<NextQuestions> {
  const { agent, stop, throttle, caps, tally, breaker, yields } = context;
  let holdsPlace = true;
  const leave = (): void => {
    if (holdsPlace) throttle.release();
    holdsPlace = false;
  };
  // Free the slot before fetching the result, unless the next start depends on this result.
  const dependsOnResult = caps.jobMicros !== null || caps.day !== null || yields.isInDoubt(group.level);
  const onEnd = dependsOnResult ? () => undefined : leave;
  const waited = await waitForRun(agent.client, run, { signal: stop.waitSignal, deadlineMs, onEnd });
  if (waited.status !== 'ended') leave();
  if (waited.status !== 'stopped' && waited.status !== 'fatal') await context.ledger.ready();
  switch (waited.status) {
    case 'ended': {
      try {
        return settleGroup(batch, group, waited.run, context);
      } finally {
        leave();
      }
    }
    case 'gone':
      return settleGroup(batch, group, createGoneRun(getRunId(run), waited.reason), context);
    case 'unusable':
      return settleUnusable(batch, group, findUsableId(run), waited.reason, context);
    case 'late':
      failRows(batch, waited.reason, context);
      context.statedCost.bill(group, batch.reserveMicros);
      tally.countLate(batch, getRunId(run), waited.reason);
      if (group.attempt === 1) breaker.recordFailure(waited.reason);
      return NO_QUESTIONS;
    case 'stopped':
      return NO_QUESTIONS;
    case 'fatal':
      stop.abortWith(waited.error);
      return NO_QUESTIONS;
  }
}

/**
 * Fails rows for this invocation but keeps them in flight. If their run ends, the next invocation collects its answers.
 */
function failRows(batch: Batch, reason: string, { ledger, job }: JobContext): void {
  ledger.fail(
    job.id,
    batch.rows.map(({ key }) => ({ key, reason })),
  );
}

/** Each unknown run may have been billed, so this counts towards giving up on the agent. */
function leaveUnknown(batch: Batch, reason: string, context: JobContext): NextQuestions {
  const { stop, tally, breaker } = context;
  // After an interruption the rows have not failed: the next invocation continues with them.
  if (stop.reason !== 'interrupted') failRows(batch, reason, context);
  tally.countUnknown(batch, reason);
  breaker.recordFailure(reason);
  return NO_QUESTIONS;
}

/** Number of resends of a lost request before its rows fail. */
const MAX_RESENDS = 3;

/** Resends a request whose run certainly does not exist, under a new batch id, so that the two cannot be confused. */
function resend(group: PendingBatch, reason: string, context: JobContext): NextQuestions {
  const { resends = 0 } = group;
  if (resends < MAX_RESENDS) return { ...NO_QUESTIONS, followUp: { ...group, resends: resends + 1 } };
  context.breaker.recordFailure(reason);
  return giveUp(group, reason, context);
}

/**
 * Retries a request that the agent rejected for its content: first without the previous run, which may be gone, then in
 * smaller batches, since a single row may be the cause. Rejected requests cost nothing.
 */
function retryRejected(group: PendingBatch, reason: string, context: JobContext): NextQuestions {
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
  'not retried: that could cost more than the worst case stated at the start; run the command again to retry';

/** Fails the rows of a group whose retry could exceed the stated worst-case cost. */
export async function giveUpUnaffordable(group: PendingBatch, context: JobContext): Promise<void> {
  await context.ledger.ready();
  const faults = new Map(group.questions.map(({ key, fault }) => [key, fault]));
  giveUp(group, COST_REACHED, context, (key) => {
    const fault = faults.get(key) ?? null;
    return fault === null ? COST_REACHED : `${fault}; ${COST_REACHED}`;
  });
}

/** Fails rows that this invocation does not retry any more. */
function giveUp(
  group: PendingBatch,
  reason: string,
  context: JobContext,
  describeRow: (key: string) => string = () => reason,
): NextQuestions {
  const { ledger, job, inFlight, tally } = context;
  ledger.fail(
    job.id,
    group.questions.map(({ key }) => ({ key, reason: describeRow(key) })),
  );
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  tally.countGivenUp(group.questions.length, reason);
  context.answeredRows?.settle(group.questions.map(({ key }) => key));
  return NO_QUESTIONS;
}

/** Returns the run id, or an empty string if it is invalid and must not be stored. */
function findUsableId(run: StartedRun | string): string {
  const id = getRunId(run);
  return isRunId(id) ? id : '';
}

function getRunId(run: StartedRun | string): string {
  return typeof run === 'string' ? run : run.id;
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
  }));
  return { questions, fields, level, attempt, previousRunId };
}

/**
 * Settles a group with its ended run. Valid rows are answered; the rest is retried, or fails after its last attempt. If
 * the run belongs to another batch, it is unusable.
 */
function settleGroup(batch: Batch, group: PendingBatch, run: AgentRun, context: JobContext): NextQuestions {
  const misfit = describeMisfit(batch, run, context.ledger);
  return misfit === null
    ? settleRun(batch, group, run, null, context)
    : settleUnusable(batch, group, '', misfit, context);
}

/**
 * Settles a group whose run exists but is unusable: books the reserved cost and fails the rows with the reason. Does
 * not retry them, because the agent could do the same again and be paid twice. `runId` is empty if the id is invalid.
 */
function settleUnusable(
  batch: Batch,
  group: PendingBatch,
  runId: string,
  reason: string,
  context: JobContext,
): NextQuestions {
  return settleRun(batch, group, createGoneRun(runId, reason), reason, context);
}

function settleRun(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  unusable: string | null,
  context: JobContext,
): NextQuestions {
  const { ask, job, ledger, tally, checker, inFlight, lastAttempt } = context;
  const brought = checkRun(batch, run, checker);
  const checked = excludeAnswers(brought, batch, context.exclusion, lastAttempt);
  const answers = createAnswers(batch, checked, run);
  context.answerWarnings.count(brought, answers);
  const repair =
    unusable === null
      ? planRepair(group, checked.rejected, run, lastAttempt)
      : { ...NO_QUESTIONS, failures: batch.rows.map(({ key }) => ({ key, reason: unusable })) };
  const cost = ledger.settle(batch.id, run, answers, repair.failures);
  context.cap.settle(batch.id, cost.micros);
  context.statedCost.bill(group, cost.micros);
  // `settle` records failures only for the job that sent the batch, and not if `cancel` settled it first. So fail them
  // here.
  if (!cost.isNew || batch.jobId !== job.id) ledger.fail(job.id, repair.failures);
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  const stored = findStored(answers, context);
  const disputed = planDisputeRepair(group, checked.rows, run, lastAttempt);
  const climbing = listClimbing(group, stored, disputed, ask);
  const again = [...repair.again, ...disputed, ...climbing];
  const next = keepWanted({ ...NO_QUESTIONS, ...repair, again }, inFlight);
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
  context.answeredRows?.settle(batch.rows.map(({ key }) => key));
  context.yields.update(group.level);
  if (brought.rows.length > 0) context.breaker.recordSuccess();
  else if (group.attempt === 1)
    context.breaker.recordFailure(unusable ?? describeFirst(brought) ?? `run ${run.id} ${run.status}`);
  return next;
}

function describeFirst({ rejected: [first] }: CheckedRun): string | null {
  return first === undefined ? null : describeRejection(first);
}

/**
 * Drops questions from an earlier process that no row of this input has claimed so far: they may belong to another
 * file. If such a row comes, it is sent then.
 */
function keepWanted(next: NextQuestions, inFlight: InFlight): NextQuestions {
  const isWanted = ({ key }: Question): boolean => !inFlight.isUnclaimed(key);
  const followUps = next.followUp?.questions.filter(isWanted) ?? [];
  return {
    ...NO_QUESTIONS,
    followUp:
      next.followUp === null || followUps.length === 0 ? null : { ...next.followUp, questions: followUps },
    again: next.again.filter(isWanted),
  };
}

type AnswersByKey = ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;

/** Reads the answered rows back from the ledger, which keeps the better of old and new values. */
function findStored(answers: readonly RowAnswer[], { ask, ledger, job }: JobContext): AnswersByKey {
  // Without a ladder, new answers always replace old ones.
  if (ask.efforts.length === 1) return new Map(answers.map(({ key, fields }) => [key, fields]));
  const found = ledger.findAnswers(
    job,
    answers.map(({ key }) => key),
  );
  return new Map([...found].map(([key, { fields }]) => [key, fields]));
}

/** Counts the values of a run that were kept. */
function countFilled(answers: readonly RowAnswer[], stored: AnswersByKey, run: AgentRun): number {
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

/**
 * Explains why a run does not belong to a batch; null if it may. The metadata of the run names its batch. Without
 * metadata, a run may settle only one batch.
 */
export function describeMisfit(batch: Batch, run: AgentRun, ledger: Ledger): string | null {
  const named = findBatchId(run);
  if (named === batch.id) return null;
  if (named !== null) return `run ${run.id} was started for other rows: the agent mixes up its runs`;
  if (run.id === '' || !ledger.isRunUsed(batch.id, run.id)) return null;
  return `run ${run.id} has already answered other rows: the agent returned the same run for two requests`;
}

/** Reads the batch id from the run's metadata; null if absent. */
function findBatchId(run: AgentRun): string | null {
  const metadata: unknown = run.request?.metadata;
  const id = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof id === 'string' ? id : null;
}
