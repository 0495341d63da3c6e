import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { RowfillError } from '../errors.js';
import type { Ledger, OverBudget } from '../ledger/ledger.js';
import type { DayCaps } from '../ledger/records.js';
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
import type { Start, StartThrottle } from './start-throttle.js';

/** The parts of a job that starting a run needs. */
export interface StartParts {
  readonly ledger: Ledger;
  readonly agent: {
    readonly client: AgentClient;
    /** How long a new run may take to appear in the agent's list, in ms. */
    readonly listLagMs: number;
  };
  readonly throttle: StartThrottle;
  readonly clock: Clock;
  /** How far this machine's clock is ahead of the agent's, in ms. */
  readonly clockAheadMs: number;
  readonly stop: {
    /** Aborted when no new run may start. */
    readonly startSignal: AbortSignal;
    /** Aborted when waiting must end; unresolved batches are looked up by the next invocation. */
    readonly waitSignal: AbortSignal;
  };
  /** Caps in force now: of the job in micro-dollars, and of the day. */
  readonly caps: { readonly jobMicros: number | null; readonly day: DayCaps | null };
  /** True if runs at this effort find nothing: no more may start until the user decides. */
  findsNothing(effort: string): boolean;
  /**
   * Throws LEASE_LOST if another process took over, or LEDGER_MOVED if the ledger files were moved: no run
   * may start then.
   */
  refuseStart(): void;
  onRetry(retry: { what: string; attempt: number; delayMs: number; reason: string }): void;
}

type SendResult =
  /** The run is active; the throttle counts it until it is released. */
  | { readonly status: 'sent'; readonly run: StartedRun | string; readonly adopted: boolean }
  | { readonly status: 'over_budget'; readonly budget: OverBudget }
  /** The job was stopped before the request was sent. */
  | { readonly status: 'stopped' }
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
 * An older reservation is renewed before its request is sent, because a search after a crash goes by its
 * time.
 */
const MAX_INTENT_AGE_MS = 10 * 60_000;
const STALE = new Error('its reservation is too old');
const STOPPED = new Error('the job was stopped before it was sent');
const RETRY = { what: 'start of a run' } as const;
const UNREACHABLE_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];

/**
 * Reserves the batch, starts the run once and stores its id. A lost response is looked up, never blindly
 * retried.
 */
export async function sendBatch(
  batch: Batch,
  request: CreateRunRequest,
  context: StartParts,
): Promise<SendResult> {
  try {
    return await trySend(batch, request, context);
  } catch (error) {
    if (isRefusedStart(error)) return { status: 'fatal', error };
    throw error;
  }
}

/** True for the errors of `refuseStart`, after which this process must not start anything. */
function isRefusedStart(error: unknown): error is RowfillError {
  return error instanceof RowfillError && (error.code === 'LEASE_LOST' || error.code === 'LEDGER_MOVED');
}

async function trySend(batch: Batch, request: CreateRunRequest, context: StartParts): Promise<SendResult> {
  const { ledger, agent, throttle, clock, stop } = context;
  if (stop.startSignal.aborted) return { status: 'stopped' };
  if (context.findsNothing(batch.effort)) return { status: 'held_back' };
  let intendedAtMs = clock.now();
  const full = await intend(batch, context);
  if (full !== null) return { status: 'over_budget', budget: full };
  let refusedAtMs: number | null = null;
  let unreached = 0;
  for (let attempt = 1; ; attempt += 1) {
    let start: Start;
    try {
      start = await throttle.acquire(stop.startSignal, attempt > 1);
    } catch {
      ledger.void(batch.id, 'the job was stopped before it was sent');
      return { status: 'stopped' };
    }
    const passed = ledger.findPassedBudget(batch.jobId, context.caps.jobMicros, context.caps.day);
    if (passed !== null) {
      ledger.void(batch.id, 'another run cost more than reserved, so the cap cannot cover this one');
      throttle.giveBack(start);
      return { status: 'over_budget', budget: passed };
    }
    if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) {
      ledger.void(batch.id, 'queued too long; reserving again');
      intendedAtMs = clock.now();
      const fullNow = await intend(batch, context);
      if (fullNow !== null) {
        throttle.giveBack(start);
        return { status: 'over_budget', budget: fullNow };
      }
    }
    if (context.findsNothing(batch.effort)) {
      ledger.void(batch.id, 'the first answers at this effort have no values');
      throttle.giveBack(start);
      return { status: 'held_back' };
    }
    try {
      // No abort signal: a create that we cancel would leave an unknown run. The job may have been stopped
      // while the create waited for its connection, so check again once it is open.
      const run = await agent.client.start(request, {
        beforeSend() {
          if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) throw STALE;
          // Another batch may have stopped the job while this one waited for its connection.
          if (stop.startSignal.aborted) throw STOPPED;
          context.refuseStart();
          start.sent();
        },
      });
      throttle.onStarted(start);
      ledger.remember(batch.id, run.id);
      await ledger.ready();
      ledger.sent(batch.id, run.id);
      return { status: 'sent', run, adopted: false };
    } catch (error) {
      if (isRefusedStart(error)) {
        throttle.giveBack(start);
        ledger.void(batch.id, `not sent: ${error.message}`);
      } else if (error === STOPPED) {
        throttle.giveBack(start);
        ledger.void(batch.id, STOPPED.message);
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
      refusedAtMs ??= clock.now();
      if (error.status === null) unreached += 1;
      const result = await handleRefusal(error, { start, attempt, unreached, refusedAtMs }, context);
      if (result === 'again') continue;
      ledger.void(batch.id, error.message);
      return result;
    }
  }
}

/**
 * Reserves the batch and its cost in the ledger and flushes to disk. Returns the budget that is exceeded, or
 * null.
 */
async function intend(batch: Batch, context: StartParts): Promise<OverBudget | null> {
  const { ledger } = context;
  await ledger.ready();
  // Read the caps only now, because the wait may have been long.
  const { jobMicros, day } = context.caps;
  const result = ledger.intend(batch, jobMicros, day);
  if (result !== 'intended') return result;
  await ledger.flush();
  return null;
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
    ledger.sent(batch.id, runId);
    return { status: 'sent', run: runId, adopted: true };
  }
  throttle.release();
  if (doubt === null) {
    ledger.void(batch.id, reason);
    return retryAfter > PATIENCE_MS ? { status: 'fatal', error: failure } : { status: 'absent', reason };
  }
  const why = `${reason}; cannot tell whether the run exists: ${doubt}`;
  ledger.suspect(batch.id, why);
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
