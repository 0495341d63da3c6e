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

export interface SendContext {
  readonly ledger: Ledger;
  readonly client: AgentClient;
  readonly pacer: StartThrottle;
  readonly capMicros: number | null;
  readonly dayCaps: DayCaps | null;
  /** True if runs at this effort find nothing: none may be started until somebody decides about it. */
  readonly isFruitless: (effort: string) => boolean;
  /** Throws LEASE_LOST if another process has taken over, LEDGER_MOVED if the ledger's files were: nothing may start then. */
  readonly refuseStart: () => void;
  readonly clock: Clock;
  /** How far the agent's list of runs may lag behind its creates. */
  readonly listLagMs: number;
  /** By how much this machine's clock is ahead of the agent's. */
  readonly clockAheadMs: number;
  /** Aborted when no new run may start. */
  readonly stopSignal: AbortSignal;
  /** Aborted when nothing may be waited for any more: what is not known yet is looked up the next time. */
  readonly waitSignal: AbortSignal;
  onRetry(attempt: number, delayMs: number, reason: string): void;
}

export type SendResult =
  /** The run works; the pacer counts it until it is released. */
  | { readonly status: 'sent'; readonly run: StartedRun | string; readonly adopted: boolean }
  | { readonly status: 'over_budget'; readonly budget: OverBudget }
  /** The job was stopped before the request left. */
  | { readonly status: 'stopped' }
  /** The reply was lost and the agent certainly has no such run: the same rows may be asked again. */
  | { readonly status: 'absent'; readonly reason: string }
  /** A run exists, and its id is out of form: nothing can be asked about it. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** Nobody can tell whether the run exists: its money stays reserved. */
  | { readonly status: 'unknown'; readonly reason: string }
  /** Not started: runs at its effort find nothing. */
  | { readonly status: 'held_back' }
  /** Refused for what it says: asking the same again is of no use. */
  | { readonly status: 'rejected'; readonly reason: string }
  /** The job cannot go on: key, credits or plan refused, or nobody there. */
  | { readonly status: 'fatal'; readonly error: Error };

/** A batch is refused a place at the agent for this long, with no run of ours at work, before the job is given up. */
export const PATIENCE_MS = 15 * 60_000;
/** An intent that waited longer is written anew before its request leaves: who looks for it after a crash goes by its time. */
const MAX_INTENT_AGE_MS = 10 * 60_000;
const STALE = new Error('its intent is too old');
const STOPPED = new Error('the job was stopped before it was sent');
const UNREACHABLE_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];

/** Writes the intent down, starts the run once, and writes its id down; a lost reply is looked up, never asked again blindly. */
export async function sendBatch(
  batch: Batch,
  request: CreateRunRequest,
  context: SendContext,
): Promise<SendResult> {
  try {
    return await trySend(batch, request, context);
  } catch (error) {
    if (isOurs(error)) return { status: 'fatal', error };
    throw error;
  }
}

/** True for what `refuseStart` throws if this process must start nothing more. */
function isOurs(error: unknown): error is RowfillError {
  return error instanceof RowfillError && (error.code === 'LEASE_LOST' || error.code === 'LEDGER_MOVED');
}

async function trySend(batch: Batch, request: CreateRunRequest, context: SendContext): Promise<SendResult> {
  const { ledger, client, pacer, clock, stopSignal } = context;
  if (stopSignal.aborted) return { status: 'stopped' };
  if (context.isFruitless(batch.effort)) return { status: 'held_back' };
  let intendedAtMs = clock.now();
  const full = await intend(batch, context);
  if (full !== null) return { status: 'over_budget', budget: full };
  let refusedAtMs: number | null = null;
  let unreached = 0;
  for (let attempt = 1; ; attempt += 1) {
    let start: Start;
    try {
      start = await pacer.acquire(stopSignal, attempt > 1);
    } catch {
      ledger.void(batch.id, 'the job was stopped before it was sent');
      return { status: 'stopped' };
    }
    const passed = ledger.findPassedBudget(batch.jobId, context.capMicros, context.dayCaps);
    if (passed !== null) {
      ledger.void(
        batch.id,
        'a run cost more than was reserved, and the cap has no room for this one any more',
      );
      pacer.giveBack(start);
      return { status: 'over_budget', budget: passed };
    }
    if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) {
      ledger.void(batch.id, 'it waited long for a place, and is intended anew');
      intendedAtMs = clock.now();
      const fullNow = await intend(batch, context);
      if (fullNow !== null) {
        pacer.giveBack(start);
        return { status: 'over_budget', budget: fullNow };
      }
    }
    if (context.isFruitless(batch.effort)) {
      ledger.void(batch.id, 'the first answers at this effort hold no value');
      pacer.giveBack(start);
      return { status: 'held_back' };
    }
    try {
      // Without a signal: a create that we cut off ourselves would be a run that nobody knows of. This process may have
      // been stopped while the create waited for its connection, so all that may have changed is checked once it stands.
      const run = await client.start(request, {
        beforeSend() {
          if (clock.now() - intendedAtMs > MAX_INTENT_AGE_MS) throw STALE;
          // Another batch may have been refused for good while this one waited for its connection.
          if (stopSignal.aborted) throw STOPPED;
          context.refuseStart();
          start.sent();
        },
      });
      pacer.onStarted(start);
      ledger.remember(batch.id, run.id);
      await ledger.ready();
      ledger.sent(batch.id, run.id);
      return { status: 'sent', run, adopted: false };
    } catch (error) {
      if (isOurs(error)) {
        pacer.giveBack(start);
        ledger.void(batch.id, `not sent: ${error.message}`);
      } else if (error === STOPPED) {
        pacer.giveBack(start);
        ledger.void(batch.id, STOPPED.message);
        return { status: 'stopped' };
      } else if (error === STALE) {
        pacer.giveBack(start);
        continue;
      }
      if (!isAgentFailure(error)) throw error;
      if (error.outcome === 'created') {
        pacer.onStarted(start);
        pacer.release();
        return { status: 'unusable', reason: error.message };
      }
      if (error.outcome !== 'not_created') {
        pacer.onError(start);
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

/** Writes the batch down and reserves its money, and brings both to the disk. Returns the budget that has no room for it, else null. */
async function intend(batch: Batch, context: SendContext): Promise<OverBudget | null> {
  const { ledger } = context;
  await ledger.ready();
  // Read only now: the wait may have been long.
  const { capMicros, dayCaps } = context;
  const result = ledger.intend(batch, capMicros, dayCaps);
  if (result !== 'intended') return result;
  await ledger.flush();
  return null;
}

/** Looks a run up whose reply was lost: found, it is adopted; certainly absent, its batch is voided; else it stays unknown. */
async function recoverReply(
  batch: Batch,
  failure: Error & AgentFailure,
  intendedAtMs: number,
  context: SendContext,
): Promise<SendResult> {
  const { ledger, client, pacer, clock, listLagMs, clockAheadMs, waitSignal } = context;
  const { message: reason, retryAfterMs } = failure;
  const askedMs = retryAfterMs ?? 0;
  // An overloaded agent is left alone for as long as it asks, whatever became of this create.
  if (askedMs > 0 && askedMs <= PATIENCE_MS) context.onRetry(1, pacer.hold(askedMs), reason);
  const lost = [{ batchId: batch.id, intendedAtMs, lostAtMs: clock.now() }];
  const { runIds, doubt } = await findLostRuns(client, lost, {
    listLagMs,
    clockAheadMs,
    clock,
    signal: waitSignal,
  });
  const runId = runIds.get(batch.id);
  if (runId !== undefined && !isRunId(runId)) {
    pacer.release();
    return { status: 'unusable', reason: describeBadRunId(runId) };
  }
  if (runId !== undefined) {
    ledger.sent(batch.id, runId);
    return { status: 'sent', run: runId, adopted: true };
  }
  pacer.release();
  if (doubt === null) {
    ledger.void(batch.id, reason);
    return askedMs > PATIENCE_MS ? { status: 'fatal', error: failure } : { status: 'absent', reason };
  }
  const why = `${reason}; whether the run exists could not be told: ${doubt}`;
  ledger.suspect(batch.id, why);
  return { status: 'unknown', reason: why };
}

/** How a batch fared so far. */
interface Refusals {
  readonly start: Start;
  readonly attempt: number;
  /** Tries that nobody answered. */
  readonly unreached: number;
  readonly refusedAtMs: number;
}

/** After a create that certainly made no run: waits and says `again`, or says why it is of no use. */
async function handleRefusal(
  failure: Error & AgentFailure,
  { start, attempt, unreached, refusedAtMs }: Refusals,
  context: SendContext,
): Promise<SendResult | 'again'> {
  const { pacer } = context;
  if (failure.status === 429) {
    const heldMs = pacer.onRejected(start, failure.limit, failure.retryAfterMs);
    const refusedForMs = context.clock.now() - Math.max(refusedAtMs, pacer.lastWorkMs);
    // Not held: a run of ours that ends makes room, whatever the agent asks.
    const askedMs = heldMs > 0 ? (failure.retryAfterMs ?? 0) : 0;
    if (refusedForMs >= PATIENCE_MS || refusedForMs + askedMs > PATIENCE_MS) {
      return { status: 'fatal', error: failure };
    }
    // A refusal that only says where the cap is, while own runs work, is no news: the next of them to end makes room.
    if (heldMs > 0) context.onRetry(attempt, heldMs, failure.message);
    return 'again';
  }
  pacer.giveBack(start);
  if (failure.status === null) {
    const delayMs = UNREACHABLE_DELAYS_MS[unreached - 1];
    if (delayMs === undefined) return { status: 'fatal', error: failure };
    context.onRetry(attempt, delayMs, failure.message);
    await context.clock.sleep(delayMs, context.stopSignal).catch(() => undefined);
    return 'again';
  }
  return failure.kind === 'refused'
    ? { status: 'fatal', error: failure }
    : { status: 'rejected', reason: failure.message };
}
