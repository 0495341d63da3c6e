import type { StartedRun } from '../api/agent-client.js';
import { readSize } from '../batch/question-pool.js';
import type { OpenBatch } from '../ledger/records.js';
import type { Batch } from '../model/batch.js';
import type { QuestionGroup } from '../model/question.js';
import { isRunId } from '../model/run.js';
import { createRequest } from '../send/create-request.js';
import { sendBatch } from '../send/send-batch.js';
import { createGoneRun } from '../wait/create-gone-run.js';
import { resolveWaitMs } from '../wait/run-deadline.js';
import { waitForRun } from '../wait/wait-run.js';
import { type AskContext, type NextQuestions, NOTHING } from './ask-context.js';
import { createGroupBatch, readBatchGroup } from './group-batch.js';
import { settleGroup, settleUnusable } from './settle-group.js';

/** The way of one group of questions through its run: send, wait, check, settle; and what has to go round again. */
export async function askGroup(group: QuestionGroup, context: AskContext): Promise<NextQuestions> {
  const { ask, exclusion, tally, runTimeoutMs } = context;
  const batch = createGroupBatch(group, context);
  const exclusions = exclusion.relevantTo(group.questions.map((question) => question.record));
  const sent = await sendBatch(batch, createRequest(ask, batch, exclusions), context.send);
  switch (sent.status) {
    case 'sent':
      tally.countSent(batch, readRunId(sent.run), sent.adopted);
      return waitAndSettle(batch, group, sent.run, resolveWaitMs(batch.effort, runTimeoutMs), context);
    case 'over_budget':
      context.noteFull(sent.budget);
      return { ...NOTHING, overBudget: group };
    case 'held_back':
      return { ...NOTHING, heldBack: group };
    case 'stopped':
      return NOTHING;
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
      context.stop.stopFor(sent.error);
      return NOTHING;
  }
}

/** The same way from where an earlier process left it: the run works already. */
export function resumeGroup(open: OpenBatch, runId: string, context: AskContext): Promise<NextQuestions> {
  const { batch, intendedAtMs } = open;
  const { ask, send, runTimeoutMs } = context;
  const waitMs = resolveWaitMs(batch.effort, runTimeoutMs, send.clock.now() - intendedAtMs);
  context.tally.countSent(batch, isRunId(runId) ? runId : null, true);
  return waitAndSettle(batch, readBatchGroup(batch, ask), runId, waitMs, context);
}

async function waitAndSettle(
  batch: Batch,
  group: QuestionGroup,
  run: StartedRun | string,
  deadlineMs: number,
  context: AskContext,
): Promise<NextQuestions> {
  const { client, stop, send, tally, patience, yields } = context;
  let holdsPlace = true;
  const leave = (): void => {
    if (holdsPlace) send.pacer.release();
    holdsPlace = false;
  };
  // The next run starts while the result of this one is fetched, unless whether it starts depends on that result.
  const dependsOnResult = send.capMicros !== null || send.dayCaps !== null || yields.isInDoubt(group.level);
  const onEnd = dependsOnResult ? () => undefined : leave;
  const waited = await waitForRun(client, run, { signal: stop.waitSignal, deadlineMs, onEnd });
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
      return settleGroup(batch, group, createGoneRun(readRunId(run), waited.reason), context);
    case 'unusable':
      return settleUnusable(batch, group, readUsableId(run), waited.reason, context);
    case 'late':
      failRows(batch, waited.reason, context);
      context.statedCost.bill(group, batch.reserveMicros);
      tally.countLate(batch, readRunId(run), waited.reason);
      if (group.attempt === 1) patience.wear(waited.reason);
      return NOTHING;
    case 'stopped':
      return NOTHING;
    case 'fatal':
      stop.stopFor(waited.error);
      return NOTHING;
  }
}

/** Fails rows for this invocation that stay in flight, for a run may work on them: what it brings is picked up later. */
function failRows(batch: Batch, reason: string, { ledger, job }: AskContext): void {
  ledger.fail(
    job.id,
    batch.rows.map(({ key }) => ({ key, reason })),
  );
}

/** Money may have gone into runs that nobody sees, so an agent that keeps doing that is given up. */
function leaveUnknown(batch: Batch, reason: string, context: AskContext): NextQuestions {
  const { stop, tally, patience } = context;
  // Interrupted, the rows were not given up: the same command goes on with them.
  if (stop.reason !== 'interrupted') failRows(batch, reason, context);
  tally.countUnknown(batch, reason);
  patience.wear(reason);
  return NOTHING;
}

/** A request is lost on the way so often at most before its rows fail. */
const MAX_RESENDS = 3;

/** A run that certainly does not exist is started once more under a new batch id, so that the two cannot be confused. */
function sendAgain(group: QuestionGroup, reason: string, context: AskContext): NextQuestions {
  const { resends = 0 } = group;
  if (resends < MAX_RESENDS) return { ...NOTHING, followUp: { ...group, resends: resends + 1 } };
  context.patience.wear(reason);
  return giveUp(group, reason, context);
}

/**
 * A request that the agent refuses for what it says: without the run that it continues, which may be gone; then in
 * smaller batches, since one row may spoil it for the others. Nothing of this costs anything.
 */
function askOtherwise(group: QuestionGroup, reason: string, context: AskContext): NextQuestions {
  if (group.previousRunId !== null) return { ...NOTHING, followUp: { ...group, previousRunId: null } };
  if (group.attempt === 1) context.patience.reject(reason);
  const { batchSize, lastAttempt } = context;
  let attempt = group.attempt + 1;
  while (attempt < lastAttempt && readSize(batchSize, attempt) >= group.questions.length) attempt += 1;
  if (group.questions.length === 1 || attempt > lastAttempt) return giveUp(group, reason, context);
  return { ...NOTHING, again: group.questions.map((question) => ({ ...question, attempt })) };
}

const COST_REACHED =
  'not sent again: that could cost more than the worst case stated before the start; the next run of this command sends it';

/** Fails the rows of a group whose run could cost more than was stated. */
export async function giveUpUnaffordable(group: QuestionGroup, context: AskContext): Promise<void> {
  await context.ledger.ready();
  const faults = new Map(group.questions.map(({ key, fault }) => [key, fault]));
  giveUp(group, COST_REACHED, context, (key) => {
    const fault = faults.get(key) ?? null;
    return fault === null ? COST_REACHED : `${fault}; ${COST_REACHED}`;
  });
}

/** Rows that no run will answer any more, in this invocation of the job. */
function giveUp(
  group: QuestionGroup,
  reason: string,
  context: AskContext,
  describeRow: (key: string) => string = () => reason,
): NextQuestions {
  const { ledger, job, inFlight, tally } = context;
  ledger.fail(
    job.id,
    group.questions.map(({ key }) => ({ key, reason: describeRow(key) })),
  );
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  tally.countGivenUp(group.questions.length, reason);
  return NOTHING;
}

/** The id of a run as the ledger may keep it; empty for one that is out of form. */
function readUsableId(run: StartedRun | string): string {
  const id = readRunId(run);
  return isRunId(id) ? id : '';
}

function readRunId(run: StartedRun | string): string {
  return typeof run === 'string' ? run : run.id;
}
