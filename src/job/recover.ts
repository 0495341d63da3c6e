import { checkRun, createRowChecker } from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { AgentClient } from '../api/agent-client.js';
import { describeError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OpenBatch } from '../ledger/records.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { systemClock } from '../model/clock.js';
import { type AgentRun, describeBadRunId, hasEnded, isAgentFailure, isRunId } from '../model/run.js';
import { findLostRuns, type LostBatch } from '../run/find-lost-runs.js';
import { createGoneRun } from '../run/wait-run.js';
import { describeMisfit } from './ask-group.js';
import type { JobContext } from './job-context.js';

/** A run that an earlier process left at work. */
export interface RecoveredRun {
  readonly open: OpenBatch;
  readonly runId: string;
}

/** A batch of which nobody can tell whether the agent has it: its rows must not be asked again. */
export interface UnknownBatch {
  readonly open: OpenBatch;
  readonly reason: string;
}

export interface RecoveredBatches {
  readonly runs: readonly RecoveredRun[];
  readonly unknown: readonly UnknownBatch[];
}

/** From its intent on, a request leaves after so long at most: its place in the line, its tries and its own time limit. */
const LONGEST_START_MS = 20 * 60_000;

/**
 * Finds again what an earlier process left open: a run whose id is known is waited for, one whose reply was lost is
 * looked for at the agent. Their rows are in flight, so that none is asked a second time.
 */
export async function recoverBatches(context: JobContext): Promise<RecoveredBatches> {
  const open = context.ledger.findOpenBatches(context.ask.id);
  const { runIds, doubt } = await lookForLost(context, open);
  const runs: RecoveredRun[] = [];
  const unknown: UnknownBatch[] = [];
  for (const each of open) {
    const { batch } = each;
    const runId = each.runId ?? runIds.get(batch.id);
    if (runId !== undefined) {
      // An id that cannot be used ends its batch as soon as it is waited for; the ledger keeps no such ids.
      if (each.runId === null && isRunId(runId)) context.ledger.sent(batch.id, runId);
      context.throttle.adopt();
      runs.push({ open: each, runId });
    } else if (doubt === null) {
      context.ledger.void(batch.id, 'the agent has no such run: the request never arrived');
      continue;
    } else {
      const reason = `whether its run exists could not be told: ${doubt}`;
      context.ledger.suspect(batch.id, reason);
      context.tally.countUnknown(batch, reason);
      unknown.push({ open: each, reason });
    }
    if (batch.jobId === context.job.id) context.cap.leave(batch);
    for (const row of batch.rows) context.inFlight.inherit(row.key, batch.fields);
  }
  return { runs, unknown };
}

/** An open batch without a run id, as it is looked for at the agent. */
export function createLostBatch({ batch, intendedAtMs }: OpenBatch, nowMs: number): LostBatch {
  // The process that sent it may have ended only just now.
  return { batchId: batch.id, intendedAtMs, lostAtMs: Math.min(nowMs, intendedAtMs + LONGEST_START_MS) };
}

async function lookForLost(
  { agent, clock, clockAheadMs, stop, onEvent }: JobContext,
  open: readonly OpenBatch[],
) {
  const nowMs = clock.now();
  const lost = open.filter(({ runId }) => runId === null).map((each) => createLostBatch(each, nowMs));
  if (lost.length === 0) return { runIds: new Map<string, string>(), doubt: null };
  const runs =
    lost.length === 1 ? 'a run that may have been started' : `${lost.length} runs that may have been started`;
  const message = `Looking for ${runs} before anything is asked again; a list that lags is given ${agent.listLagMs / 1_000} s`;
  onEvent({ type: 'note', code: 'LOOKING_FOR_RUNS', message });
  return findLostRuns(agent.client, lost, {
    listLagMs: agent.listLagMs,
    clockAheadMs,
    clock,
    signal: stop.waitSignal,
  });
}

export interface CancelledRuns {
  readonly cancelled: readonly string[];
  /** What the runs that ended here were billed, or are booked at, in micro-dollars. */
  readonly costMicros: number;
  /** How much of that is an estimate: the reserved price of runs of which the agent did not say what they cost. */
  readonly estimatedMicros: number;
  /** Runs that could not be cancelled, each with the reason; they are still waited for. */
  readonly failed: readonly { readonly runId: string; readonly reason: string }[];
  /**
   * Runs that can never be cancelled, although the agent answers: no longer waited for, and booked at their reserved
   * price. The id is null where it is not known, or out of form.
   */
  readonly givenUp: readonly { readonly runId: string | null; readonly reason: string }[];
  /** Batches whose run is not known: the next `run` looks for them. */
  readonly unknown: number;
}

export interface CancelTarget {
  readonly client: AgentClient;
  readonly ledger: Ledger;
  readonly job: { readonly id: string; readonly ask: Ask };
  /** Answers can be excluded: a run that had ended is left to the next `run`, which checks them against the list. */
  readonly excludesAnswers: boolean;
  /** The agent is the one that the job was sent to: what it does not know, nobody knows. */
  readonly isOwnAgent: boolean;
  /** How far the agent's list may lag, where runs whose reply was lost are looked for; null leaves them to the next `run`. */
  readonly listLagMs: number | null;
}

/** Cancels the runs of one job that still work, and settles what they cost so far; a run that had ended keeps its answers. */
export async function cancelRuns(target: CancelTarget): Promise<CancelledRuns> {
  const { ledger, job } = target;
  const open = ledger.findOpenBatches(job.ask.id).filter(({ batch }) => batch.jobId === job.id);
  const canceller = new Canceller(target);
  for (const { batch, runId } of open) if (runId !== null) await canceller.cancel(batch, runId);
  await canceller.cancelLost(open.filter(({ runId }) => runId === null));
  return canceller.result;
}

const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** True if the agent itself refused. After an outage or an overload the run may work on: given up, its rows would be paid for twice. */
function isRefused(error: unknown): boolean {
  if (!isAgentFailure(error) || error.isFromProxy || error.status === null) return false;
  return error.status >= 400 && error.status < 500 && !PASSING_STATUSES.has(error.status);
}

class Canceller {
  readonly result = {
    cancelled: [] as string[],
    costMicros: 0,
    estimatedMicros: 0,
    failed: [] as { runId: string; reason: string }[],
    givenUp: [] as { runId: string | null; reason: string }[],
    unknown: 0,
  };
  readonly #target: CancelTarget;
  readonly #checker;

  constructor(target: CancelTarget) {
    this.#target = target;
    this.#checker = createRowChecker(target.job.ask);
  }

  async cancel(batch: Batch, runId: string): Promise<void> {
    const { client, ledger, excludesAnswers } = this.#target;
    if (!isRunId(runId)) return this.#giveUp(batch, null, describeBadRunId(runId));
    try {
      const run = await client.cancel(runId);
      const misfit = describeMisfit(batch, run, ledger);
      if (misfit !== null) return this.#giveUp(batch, null, misfit);
      if (!hasEnded(run)) throw new Error(`the agent left it ${run.status}`);
      if (run.status === 'completed' && excludesAnswers) return;
      const answers = createAnswers(batch, checkRun(batch, run, this.#checker), run);
      this.#settle(batch, run, answers);
      this.result.cancelled.push(runId);
    } catch (error) {
      const reason = describeError(error);
      if (isRefused(error) && (await this.#isAnswering())) this.#giveUp(batch, runId, reason);
      else this.result.failed.push({ runId, reason });
    }
  }

  /** Looks for the runs of batches whose reply was lost, and ends those that certainly have none. */
  async cancelLost(open: readonly OpenBatch[]): Promise<void> {
    const { client, ledger, listLagMs } = this.#target;
    if (open.length === 0) return;
    if (listLagMs === null || !(await this.#isAnswering())) {
      this.result.unknown += open.length;
      return;
    }
    const { serverTimeMs } = await client.check();
    const nowMs = Date.now();
    const { runIds, doubt } = await findLostRuns(
      client,
      open.map((each) => createLostBatch(each, nowMs)),
      {
        listLagMs,
        clockAheadMs: serverTimeMs === null ? 0 : nowMs - serverTimeMs,
        clock: systemClock,
        signal: new AbortController().signal,
      },
    );
    for (const { batch } of open) {
      const runId = runIds.get(batch.id);
      if (runId !== undefined) {
        if (isRunId(runId)) ledger.sent(batch.id, runId);
        await this.cancel(batch, runId);
      } else if (doubt === null) ledger.void(batch.id, 'the agent has no such run: it was cancelled');
      else this.#giveUp(batch, null, `whether its run exists could not be told: ${doubt}`);
    }
  }

  /** True if what fails is the run's own fault: the agent that it was sent to answers otherwise. */
  async #isAnswering(): Promise<boolean> {
    if (!this.#target.isOwnAgent) return false;
    try {
      await this.#target.client.check();
      return true;
    } catch (error) {
      if (isAgentFailure(error)) return false;
      throw error;
    }
  }

  #giveUp(batch: Batch, runId: string | null, reason: string): void {
    this.#settle(batch, createGoneRun(runId ?? '', reason), []);
    this.result.givenUp.push({ runId, reason });
  }

  #settle(batch: Batch, run: AgentRun, answers: readonly RowAnswer[]): void {
    const { micros, isEstimated, isNew } = this.#target.ledger.settle(batch.id, run, answers, []);
    if (!isNew) return;
    this.result.costMicros += micros;
    if (isEstimated) this.result.estimatedMicros += micros;
  }
}
