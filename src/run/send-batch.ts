import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { createLeaseLostError, RowfillError } from '../errors.js';
import type { Ledger, OverBudget, Reservation, SpendLimits } from '../ledger/ledger.js';
import type { Batch } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import {
  type AgentFailure,
  type CreateRunRequest,
  describeBadRunId,
  isAgentFailure,
  isRunId,
} from '../model/run.js';
import { findLostRuns } from './find-lost-runs.js';
import type { JobThrottle } from './shared-throttle.js';
import type { Start } from './start-throttle.js';

/** The parts of a job that starting a run needs. */
export interface StartParts {
  readonly ledger: Pick<
    Ledger,
    | 'reserveBatches'
    | 'findPassedBudget'
    | 'markStarted'
    | 'markUnknown'
    | 'releaseBatch'
    | 'refuseStart'
    | 'takePlace'
    | 'recordRefusal'
  >;
  /** Counts what is reserved and released. */
  readonly spend: { reserve(batch: Batch): void; release(batch: Batch): void };
  readonly agent: {
    readonly client: AgentClient;
    /** How long a new run may take to appear in the agent's list, in ms. */
    readonly listLagMs: number;
  };
  readonly throttle: Omit<JobThrottle, 'close'>;
  /** Maximum starts per second of the account; 0 for no limit. */
  readonly startsPerSecond: number;
  /** Maximum number of active runs of the job, over all processes. Absent if this process alone runs it. */
  readonly maxActive?: number;
  readonly clock: Clock;
  /** How far this machine's clock is ahead of the agent's, in ms. */
  readonly clockAheadMs: number;
  readonly stop: {
    /** Aborted when no new run may start. */
    readonly startSignal: AbortSignal;
    /** Aborted when waiting must end; unresolved batches are looked up by the next invocation. */
    readonly waitSignal: AbortSignal;
    /** Lets no further run start. */
    abortWith(error: Error): void;
  };
  /** Caps in force now. */
  readonly caps: SpendLimits;
  /** True if runs at this effort find nothing: no more may start until the user decides. */
  findsNothing(effort: string): boolean;
  onRetry(retry: { what: string; attempt: number; delayMs: number; reason: string }): void;
}

export type SendResult =
  /** The run is active; the throttle counts it until it is released. `marked` resolves once the ledger has its id. */
  | {
      readonly status: 'sent';
      readonly run: StartedRun | string;
      readonly adopted: boolean;
      readonly marked: Promise<void>;
    }
  | { readonly status: 'over_budget'; readonly budget: OverBudget }
  /** Not sent: another process has sent or answered the rows with these keys since they were looked up. */
  | { readonly status: 'changed'; readonly keys: readonly string[] }
  /** The job was stopped before the request was sent. */
  | { readonly status: 'stopped' }
  /** Not sent: the process that planned it starts nothing any more, or another one has taken its job over. */
  | { readonly status: 'withdrawn' }
  /** The response was lost and the agent certainly has no such run: the rows may be sent again. */
  | { readonly status: 'absent'; readonly reason: string }
  /** A run exists, but its id is invalid, so no request can refer to it. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** It is unknown whether the run exists: its cost stays reserved. */
  | { readonly status: 'unknown'; readonly reason: string }
  /** Not started, because runs at this effort level find nothing. */
  | { readonly status: 'held_back' }
  /** Rejected because of its content: sending it again is pointless. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** The job cannot continue: key, credits or plan rejected, or the agent is unreachable. */
  | { readonly status: 'fatal'; readonly error: Error };

/** How long a batch may be rejected, with no active run of ours, before the job is stopped. */
export const PATIENCE_MS = 15 * 60_000;
/**
 * An older reservation is renewed before its request is sent, because the search for lost runs after a crash relies
 * on its time.
 */
const MAX_INTENT_AGE_MS = 10 * 60_000;
const STALE = new Error('its reservation is too old');
const STOPPED = new Error('the job was stopped before it was sent');
const RETRY = { what: 'start of a run' } as const;
const UNREACHABLE_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];

/**
 * Reserves the batch, starts the run once and stores its id. A lost response is looked up, never blindly
 * retried. The request is created when it is sent, so that batches that wait do not hold one.
 */
export async function sendBatch(
  reservation: Reservation,
  createRequest: () => CreateRunRequest,
  context: StartParts,
): Promise<SendResult> {
  try {
    return await trySend(reservation, createRequest, context);
  } catch (error) {
    if (isRefusedStart(error)) return { status: 'fatal', error };
    throw error;
  }
}

/** True for the errors of `refuseStart`, after which this process must not start anything. */
function isRefusedStart(error: unknown): error is RowfillError {
  return error instanceof RowfillError && (error.code === 'LEASE_LOST' || error.code === 'LEDGER_MOVED');
}

async function trySend(
  reservation: Reservation,
  createRequest: () => CreateRunRequest,
  context: StartParts,
): Promise<SendResult> {
  const { ledger, agent, throttle, clock, stop } = context;
  const { batch } = reservation;
  const release = (reason: string): Promise<void> => releaseBatch(batch, reason, context);
  // Not async, because a function that waits keeps the request that it has passed on.
  const startRun = (beforeSend: () => void): Promise<StartedRun> =>
    agent.client.start(createRequest(), { beforeSend });
  if (stop.startSignal.aborted) return { status: 'stopped' };
  if (context.findsNothing(batch.effort)) return { status: 'held_back' };
  let intendedAtMs = clock.now();
  const obstacle = await reserve(reservation, context);
  if (obstacle !== null) return obstacle;
  let refusedAtMs: number | null = null;
  let unreached = 0;
  for (let attempt = 1; ; attempt += 1) {
    let start: Start;
    try {
      start = await throttle.acquire(stop.startSignal, attempt > 1);
    } catch {
      await release(STOPPED.message);
      return { status: 'stopped' };
    }
    try {
      const { startsPerSecond, maxActive } = context;
      if (!(await ledger.takePlace(batch.id, startsPerSecond, stop.startSignal, maxActive))) {
        throttle.giveBack(start);
        ledger.refuseStart();
        await release('not sent: the process that planned it starts nothing any more');
        return { status: 'withdrawn' };
      }
    } catch (error) {
      throttle.giveBack(start);
      if (!stop.startSignal.aborted) throw error;
      await release(STOPPED.message);
      return { status: 'stopped' };
    }
    const passed = await ledger.findPassedBudget(batch.jobId, context.caps);
    if (passed !== null) {
      throttle.giveBack(start);
      await release('another run cost more than reserved, so the cap cannot cover this one');
      return { status: 'over_budget', budget: passed };
    }
    if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) {
      await release('queued too long; reserving again');
      intendedAtMs = clock.now();
      const obstacleNow = await reserve(reservation, context);
      if (obstacleNow !== null) {
        throttle.giveBack(start);
        return obstacleNow;
      }
    }
    if (context.findsNothing(batch.effort)) {
      throttle.giveBack(start);
      await release('the first answers at this effort have no values');
      return { status: 'held_back' };
    }
    try {
      // No abort signal: a create that we cancel would leave an unknown run. The job may have been stopped
      // while the create waited for its connection, so check again once it is open.
      const run = await startRun(() => {
        if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) throw STALE;
        // Another batch may have stopped the job while this one waited for its connection.
        if (stop.startSignal.aborted) throw STOPPED;
        ledger.refuseStart();
        start.sent();
      });
      throttle.onStarted(start);
      return { status: 'sent', run, adopted: false, marked: ledger.markStarted(batch, run.id) };
    } catch (error) {
      if (isRefusedStart(error)) {
        throttle.giveBack(start);
        await release(`not sent: ${error.message}`);
      } else if (error === STOPPED) {
        throttle.giveBack(start);
        await release(STOPPED.message);
        return { status: 'stopped' };
      } else if (error === STALE) {
        throttle.giveBack(start);
        continue;
      }
      if (!isAgentFailure(error)) throw error;
      if (error.outcome === 'created') {
        throttle.onStarted(start);
        throttle.release();
        return { status: 'unusable', reason: error.message };
      }
      if (error.outcome !== 'not_created') {
        throttle.onError(start);
        return recoverReply(batch, error, intendedAtMs, context);
      }
      // Runs of other processes fill the account: one of them ends before this one is sent again.
      if (error.limit === 'concurrency' && (await ledger.recordRefusal(batch.id)) > 0) {
        throttle.giveBack(start);
        continue;
      }
      refusedAtMs ??= clock.now();
      if (error.status === null) unreached += 1;
      const result = await handleRefusal(error, { start, attempt, unreached, refusedAtMs }, context);
      if (result === 'again') continue;
      // At once, because other batches wait for the slot of this one.
      if (result.status === 'fatal') stop.abortWith(result.error);
      await release(error.message);
      return result;
    }
  }
}

/** Reserves the batch and its cost in the ledger. Returns why it cannot be sent, or null once it may be. */
async function reserve(
  reservation: Reservation,
  { ledger, caps, spend }: StartParts,
): Promise<Extract<SendResult, { status: 'over_budget' | 'changed' | 'withdrawn' }> | null> {
  const [verdict] = await ledger.reserveBatches([reservation], caps);
  switch (verdict?.status) {
    case 'reserved':
      spend.reserve(reservation.batch);
      return null;
    case 'over_budget':
    case 'changed':
    case 'withdrawn':
      return verdict;
    case 'holder_lost':
    case undefined:
      throw createLeaseLostError();
  }
}

/** Ends a batch without a run in the ledger, and releases its reservation. */
async function releaseBatch(
  batch: Batch,
  reason: string,
  { ledger, spend }: Pick<StartParts, 'ledger' | 'spend'>,
): Promise<void> {
  await ledger.releaseBatch(batch.id, reason);
  spend.release(batch);
}

/**
 * Looks up a run whose response was lost. If found, it is adopted; if certainly absent, its batch is voided;
 * else it stays unknown.
 */
async function recoverReply(
  batch: Batch,
  failure: Error & AgentFailure,
  intendedAtMs: number,
  context: StartParts,
): Promise<SendResult> {
  const { ledger, agent, throttle, clock, clockAheadMs, stop } = context;
  const { message: reason, retryAfterMs } = failure;
  const retryAfter = retryAfterMs ?? 0;
  // Respect Retry-After, whether or not this create succeeded.
  if (retryAfter > 0 && retryAfter <= PATIENCE_MS) {
    context.onRetry({ ...RETRY, attempt: 1, delayMs: throttle.hold(retryAfter), reason });
  }
  const lost = [{ batchId: batch.id, intendedAtMs, lostAtMs: clock.now() }];
  const { runIds, doubt } = await findLostRuns(agent.client, lost, {
    listLagMs: agent.listLagMs,
    clockAheadMs,
    clock,
    signal: stop.waitSignal,
  });
  const runId = runIds.get(batch.id);
  if (runId !== undefined && !isRunId(runId)) {
    throttle.release();
    return { status: 'unusable', reason: describeBadRunId(runId) };
  }
  if (runId !== undefined) {
    return { status: 'sent', run: runId, adopted: true, marked: ledger.markStarted(batch, runId) };
  }
  throttle.release();
  if (doubt === null) {
    await releaseBatch(batch, reason, context);
    return retryAfter > PATIENCE_MS ? { status: 'fatal', error: failure } : { status: 'absent', reason };
  }
  const why = `${reason}; cannot tell whether the run exists: ${doubt}`;
  await ledger.markUnknown(batch.id, why);
  return { status: 'unknown', reason: why };
}

/** Rejections of a batch so far. */
interface Refusals {
  readonly start: Start;
  readonly attempt: number;
  /** Attempts without a response. */
  readonly unreached: number;
  readonly refusedAtMs: number;
}

/**
 * Handles a create that certainly started no run: waits and returns `again`, or returns why a retry is
 * pointless.
 */
async function handleRefusal(
  failure: Error & AgentFailure,
  { start, attempt, unreached, refusedAtMs }: Refusals,
  context: StartParts,
): Promise<SendResult | 'again'> {
  const { throttle } = context;
  if (failure.status === 429) {
    const heldMs = throttle.onRejected(start, failure.limit, failure.retryAfterMs);
    const refusedForMs = context.clock.now() - Math.max(refusedAtMs, throttle.lastWorkMs);
    // If starts are not held back, the end of one of our runs frees a slot, whatever Retry-After says.
    const retryAfter = heldMs > 0 ? (failure.retryAfterMs ?? 0) : 0;
    if (refusedForMs >= PATIENCE_MS || refusedForMs + retryAfter > PATIENCE_MS) {
      return { status: 'fatal', error: failure };
    }
    // Hitting the cap while our own runs are active is expected: the next one to end frees a slot. Do not
    // report it.
    if (heldMs > 0) context.onRetry({ ...RETRY, attempt, delayMs: heldMs, reason: failure.message });
    return 'again';
  }
  throttle.giveBack(start);
  if (failure.status === null) {
    const delayMs = UNREACHABLE_DELAYS_MS[unreached - 1];
    if (delayMs === undefined) return { status: 'fatal', error: failure };
    context.onRetry({ ...RETRY, attempt, delayMs, reason: failure.message });
    await context.clock.sleep(delayMs, context.stop.startSignal).catch(() => undefined);
    return 'again';
  }
  return failure.kind === 'refused'
    ? { status: 'fatal', error: failure }
    : { status: 'rejected', reason: failure.message };
}
