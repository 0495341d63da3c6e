import { checkRun, excludeAnswers, planDisputeRepair, planRepair } from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { StartedRun } from '../api/agent-client.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OpenBatch } from '../ledger/records.js';
import type { FieldAnswer, RowAnswer } from '../model/answer.js';
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

/** The way of one group of questions through its run: send, wait, check, settle; and what has to go round again. */
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
      return sendAgain(group, sent.reason, context);
    case 'unknown':
      context.statedCost.bill(group, batch.reserveMicros);
      return leaveUnknown(batch, sent.reason, context);
    case 'rejected':
      context.statedCost.bill(group, 0);
      return askOtherwise(group, sent.reason, context);
    case 'fatal':
      context.stop.abortWith(sent.error);
      return NO_QUESTIONS;
  }
}

/** The same way from where an earlier process left it: the run works already. */
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
  // The next run starts while the result of this one is fetched, unless whether it starts depends on that result.
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

/** Fails rows for this invocation that stay in flight, for a run may work on them: what it brings is picked up later. */
function failRows(batch: Batch, reason: string, { ledger, job }: JobContext): void {
  ledger.fail(
    job.id,
    batch.rows.map(({ key }) => ({ key, reason })),
  );
}

/** Money may have gone into runs that nobody sees, so an agent that keeps doing that is given up. */
function leaveUnknown(batch: Batch, reason: string, context: JobContext): NextQuestions {
  const { stop, tally, breaker } = context;
  // Interrupted, the rows were not given up: the same command goes on with them.
  if (stop.reason !== 'interrupted') failRows(batch, reason, context);
  tally.countUnknown(batch, reason);
  breaker.recordFailure(reason);
  return NO_QUESTIONS;
}

/** A request is lost on the way so often at most before its rows fail. */
const MAX_RESENDS = 3;

/** A run that certainly does not exist is started once more under a new batch id, so that the two cannot be confused. */
function sendAgain(group: PendingBatch, reason: string, context: JobContext): NextQuestions {
  const { resends = 0 } = group;
  if (resends < MAX_RESENDS) return { ...NO_QUESTIONS, followUp: { ...group, resends: resends + 1 } };
  context.breaker.recordFailure(reason);
  return giveUp(group, reason, context);
}

/**
 * A request that the agent refuses for what it says: without the run that it continues, which may be gone; then in
 * smaller batches, since one row may spoil it for the others. Nothing of this costs anything.
 */
function askOtherwise(group: PendingBatch, reason: string, context: JobContext): NextQuestions {
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
  'not sent again: that could cost more than the worst case stated before the start; the next run of this command sends it';

/** Fails the rows of a group whose run could cost more than was stated. */
export async function giveUpUnaffordable(group: PendingBatch, context: JobContext): Promise<void> {
  await context.ledger.ready();
  const faults = new Map(group.questions.map(({ key, fault }) => [key, fault]));
  giveUp(group, COST_REACHED, context, (key) => {
    const fault = faults.get(key) ?? null;
    return fault === null ? COST_REACHED : `${fault}; ${COST_REACHED}`;
  });
}

/** Rows that no run will answer any more, in this invocation of the job. */
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
  return NO_QUESTIONS;
}

/** The id of a run as the ledger may keep it; empty for one that is out of form. */
function findUsableId(run: StartedRun | string): string {
  const id = getRunId(run);
  return isRunId(id) ? id : '';
}

function getRunId(run: StartedRun | string): string {
  return typeof run === 'string' ? run : run.id;
}

/** The batch that a group goes out as. */
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

/** The group that a batch went out as. */
export function createBatchGroup(batch: Batch, ask: Ask): PendingBatch {
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
 * Ends a group by its run: good rows are settled at once; the rest goes round again, or fails at its last attempt. A run
 * that belongs to another batch ends this one as unusable.
 */
export function settleGroup(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  context: JobContext,
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
  // What another job sent fails there, and what `cancel` has settled meanwhile nowhere; the rows that waited fail here.
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
  context.yields.update(group.level);
  if (brought.rows.length > 0) context.breaker.recordSuccess();
  else if (group.attempt === 1)
    context.breaker.recordFailure(unusable ?? brought.rejected[0]?.reason ?? `run ${run.id} ${run.status}`);
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
    ...NO_QUESTIONS,
    followUp:
      next.followUp === null || followUps.length === 0 ? null : { ...next.followUp, questions: followUps },
    again: next.again.filter(isWanted),
  };
}

type AnswersByKey = ReadonlyMap<string, ReadonlyMap<string, FieldAnswer>>;

/** The rows that were answered, as the ledger has them now: with what was better before, and without what was worse. */
function findStored(answers: readonly RowAnswer[], { ask, ledger, job }: JobContext): AnswersByKey {
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
 * Says why a run is not the one that a batch was sent as, or null if it may be. A run that repeats our metadata says for
 * itself which batch it was started for; of any other, one run settles one batch.
 */
export function describeMisfit(batch: Batch, run: AgentRun, ledger: Ledger): string | null {
  const named = findBatchId(run);
  if (named === batch.id) return null;
  if (named !== null) return `run ${run.id} was started for other rows: the agent mixes up its runs`;
  if (run.id === '' || !ledger.isRunUsed(batch.id, run.id)) return null;
  return `run ${run.id} has answered other rows already: the agent gave two requests the same run`;
}

/** The batch that the agent says the run was started for; null where it does not say. */
function findBatchId(run: AgentRun): string | null {
  const metadata: unknown = run.request?.metadata;
  const id = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof id === 'string' ? id : null;
}
