import { setTimeout } from 'node:timers/promises';
import { checkRun, type RowChecker } from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { AgentClient } from '../api/agent-client.js';
import { describeError } from '../errors.js';
import { type Holder, readHolder } from '../ledger/holder.js';
import type { Ledger, OpenBatch, Settled } from '../ledger/ledger.js';
import { createLedgerClock } from '../ledger/ledger-clock.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { type AgentRun, describeBadRunId, hasEnded, isAgentFailure, isRunId } from '../model/run.js';
import { findLostRuns, type LostBatch } from '../run/find-lost-runs.js';
import { createGoneRun } from '../run/wait-run.js';
import { createAskChecker, isCurrent } from './ask-group.js';
import type { JobContext } from './job-context.js';
import { describeMisfit, describeReuse, settleBatch } from './settle-group.js';

/** An active run started by an earlier process. */
interface RecoveredRun {
  readonly open: OpenBatch;
  readonly runId: string;
}

/** A batch that may or may not have reached the agent. Its rows must not be sent again. */
export interface UnknownBatch {
  readonly open: OpenBatch;
  readonly reason: string;
}

export interface RecoveredBatches {
  readonly runs: readonly RecoveredRun[];
  readonly unknown: readonly UnknownBatch[];
  /** Batches that never reached the agent. Their rows may be sent again. */
  readonly absent: readonly OpenBatch[];
}

/** Longest time from the intent of a request to its last send: queueing, retries and timeout. */
const LONGEST_START_MS = 20 * 60_000;

/**
 * Takes over batches of processes that have ended. Returns those with a run, and searches the agent for runs whose reply
 * was lost. The ledger lets nobody send their rows until they end.
 */
export async function recoverBatches(context: JobContext): Promise<RecoveredBatches> {
  const open = await context.ledger.adoptBatches(context.ask.id);
  const { runIds, doubt } = await lookForLost(context, open);
  const runs: RecoveredRun[] = [];
  const unknown: UnknownBatch[] = [];
  const absent: OpenBatch[] = [];
  for (const each of open) {
    const { batch } = each;
    const runId = each.runId ?? runIds.get(batch.id);
    if (runId !== undefined) {
      // Invalid ids are not stored. Waiting for such a run fails its batch.
      if (each.runId === null && isRunId(runId)) await context.ledger.markStarted(batch, runId);
      context.throttle.adopt();
      runs.push({ open: each, runId });
      continue;
    }
    const reason = `could not check whether its run exists: ${doubt}`;
    if (doubt === null) await context.ledger.releaseBatch(batch.id, NEVER_ARRIVED);
    else if (await context.ledger.markUnknown(batch.id, reason)) {
      unknown.push({ open: each, reason });
      continue;
    }
    // Or released meanwhile, because it certainly was not sent.
    context.spend.release(batch);
    absent.push(each);
  }
  return { runs, unknown, absent };
}

/** Why a batch that was looked for has no run. */
export const NEVER_ARRIVED = 'the agent has no such run: the request never arrived';

/** Counts the rows of recovered batches as in flight, and their costs as reserved, before the first row is read. */
export function inheritBatches(
  { runs, unknown }: Pick<RecoveredBatches, 'runs' | 'unknown'>,
  { ask, job, cap, inFlight, tally }: Pick<JobContext, 'ask' | 'job' | 'cap' | 'inFlight' | 'tally'>,
): void {
  for (const { open, reason } of unknown) tally.countUnknown(open.batch, reason);
  for (const open of [...runs, ...unknown].map((each) => each.open)) {
    const { batch } = open;
    if (batch.jobId === job.id) cap.leave(batch);
    // Rows of a batch with other fields wait for it, as for that of another process.
    if (isCurrent(open, { ask })) for (const row of batch.rows) inFlight.inherit(row.key, batch.fields);
  }
}

/** Creates the search entry for an open batch without a run id. */
function createLostBatch({ batch, intendedAtMs }: OpenBatch, nowMs: number): LostBatch {
  // The process that sent it may have just ended.
  return { batchId: batch.id, intendedAtMs, lostAtMs: Math.min(nowMs, intendedAtMs + LONGEST_START_MS) };
}

async function lookForLost(
  { agent, clock, clockAheadMs, stop, onEvent }: JobContext,
  open: readonly OpenBatch[],
) {
  const nowMs = clock.now();
  const lost = open.filter(({ runId }) => runId === null).map((each) => createLostBatch(each, nowMs));
  if (lost.length === 0) return { runIds: new Map<string, string>(), doubt: null };
  const runs = lost.length === 1 ? 'an earlier run was started' : `${lost.length} earlier runs were started`;
  const message = `Checking whether ${runs}; this takes up to ${agent.listLagMs / 1_000} s`;
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
  /** Runs that had completed before. Their answers are kept. */
  readonly completed: readonly string[];
  /** Billed or booked cost of the cancelled runs, in micro-dollars. */
  readonly costMicros: number;
  /** The estimated part of it: reserved prices of runs without a reported cost. */
  readonly estimatedMicros: number;
  /** Runs that could not be cancelled, with the reason. They stay active. */
  readonly failed: readonly { readonly runId: string; readonly reason: string }[];
  /**
   * Runs that can never be cancelled although the agent responds. They are booked at their reserved price and no longer
   * waited for. The id is null if it is unknown or invalid.
   */
  readonly givenUp: readonly { readonly runId: string | null; readonly reason: string }[];
  /** Batches whose run is unknown, or that a worker may be starting right now. The next `run` sees to them. */
  readonly unknown: number;
}

interface CancelTarget {
  readonly client: AgentClient;
  readonly ledger: Ledger;
  readonly job: { readonly id: string; readonly ask: Ask };
  readonly checker: RowChecker;
  /** True if the exclusion list applies to answers. Then ended runs are left to the next `run`, which checks them. */
  readonly excludesAnswers: boolean;
  /** True if this is the agent that the job was sent to, so a run unknown to it does not exist. */
  readonly isOwnAgent: boolean;
  /** How long the agent's run list may lag, in ms. If null, runs with a lost reply are left to the next `run`. */
  readonly listLagMs: number | null;
}

/** Cancels the active runs of a job and settles their cost. Answers of runs that had already ended are kept. */
export async function cancelRuns(target: CancelTarget): Promise<CancelledRuns> {
  const { ledger, job } = target;
  const all = await ledger.listOpenBatches(job.ask.id);
  const open = all.filter(({ batch }) => batch.jobId === job.id);
  const canceller = new Canceller(target);
  for (const each of open) if (each.runId !== null) await canceller.cancel(each, each.runId);
  const starting = await listHeld(ledger);
  const isStarting = ({ runId, batch }: OpenBatch): boolean => runId === null && starting.has(batch.id);
  await canceller.cancelLost(open.filter((each) => each.runId === null && !isStarting(each)));
  await canceller.cancelStarting(open.filter(isStarting));
  return canceller.result;
}

/** Ids of the batches that another living process holds. */
async function listHeld(ledger: Ledger): Promise<ReadonlySet<string>> {
  const self = readHolder();
  const isSelf = ({ pid, space, host }: Holder): boolean =>
    pid === self.pid && space === self.space && host === self.host;
  const living = (await ledger.listProcesses()).filter(({ isAlive, holder }) => isAlive && !isSelf(holder));
  return new Set(living.flatMap(({ batches }) => batches.map(({ batchId }) => batchId)));
}

/** How often, and how long, a worker is waited for that is just starting a run, in ms. */
const LOOK_MS = 250;
const LOOKS = 40;

const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * True if the agent itself refused. After an outage or overload, the run may still be active, and giving it up would
 * pay for its rows twice.
 */
function isRefused(error: unknown): boolean {
  if (!isAgentFailure(error) || error.isFromProxy || error.status === null) return false;
  return error.status >= 400 && error.status < 500 && !PASSING_STATUSES.has(error.status);
}

class Canceller {
  readonly result = {
    cancelled: [] as string[],
    completed: [] as string[],
    costMicros: 0,
    estimatedMicros: 0,
    failed: [] as { runId: string; reason: string }[],
    givenUp: [] as { runId: string | null; reason: string }[],
    unknown: 0,
  };
  readonly #target: CancelTarget;

  constructor(target: CancelTarget) {
    this.#target = target;
  }

  async cancel({ batch, ask }: OpenBatch, runId: string): Promise<void> {
    const { client, job, excludesAnswers } = this.#target;
    const isOfNow = ask === null || ask.version === job.ask.version;
    const checker = isOfNow ? this.#target.checker : createAskChecker(ask);
    if (!isRunId(runId)) return this.#giveUp(batch, null, describeBadRunId(runId));
    try {
      const run = await client.cancel(runId);
      const misfit = describeMisfit(batch, run);
      if (misfit !== null) return await this.#giveUp(batch, null, misfit);
      if (!hasEnded(run)) throw new Error(`the run is still ${run.status}`);
      if (run.status === 'completed' && excludesAnswers) return;
      const answers = createAnswers(batch, checkRun(batch, run, checker), run);
      const { status } = await this.#settle(batch, run, answers);
      if (status === 'foreign') return await this.#giveUp(batch, null, describeReuse(run));
      this.result[run.status === 'completed' ? 'completed' : 'cancelled'].push(runId);
    } catch (error) {
      const reason = describeError(error);
      if (isRefused(error) && (await this.#isAnswering())) await this.#giveUp(batch, runId, reason);
      else this.result.failed.push({ runId, reason });
    }
  }

  /** Searches for the runs of batches whose reply was lost, and closes batches that certainly have none. */
  async cancelLost(open: readonly OpenBatch[]): Promise<void> {
    const { client, ledger, listLagMs } = this.#target;
    if (open.length === 0) return;
    if (listLagMs === null || !(await this.#isAnswering())) {
      this.result.unknown += open.length;
      return;
    }
    const clock = await createLedgerClock(ledger);
    const { serverTimeMs } = await client.check();
    const nowMs = clock.now();
    const { runIds, doubt } = await findLostRuns(
      client,
      open.map((each) => createLostBatch(each, nowMs)),
      {
        listLagMs,
        clockAheadMs: serverTimeMs === null ? 0 : nowMs - serverTimeMs,
        clock,
        signal: new AbortController().signal,
      },
    );
    for (const each of open) {
      const { batch } = each;
      const runId = runIds.get(batch.id);
      if (runId !== undefined) {
        if (isRunId(runId)) await ledger.markStarted(batch, runId);
        await this.cancel(each, runId);
      } else if (doubt === null) {
        await ledger.releaseBatch(batch.id, 'the agent has no such run: it was cancelled');
      } else await this.#giveUp(batch, null, `could not check whether its run exists: ${doubt}`);
    }
  }

  /** Cancels the runs that a worker is just starting, once it has them. One that stands still may start its run later. */
  async cancelStarting(open: readonly OpenBatch[]): Promise<void> {
    let left: readonly OpenBatch[] = open;
    for (let look = 0; left.length > 0 && look < LOOKS; look += 1) {
      await setTimeout(LOOK_MS);
      const ids = new Set(left.map(({ batch }) => batch.id));
      const now = await this.#target.ledger.listOpenBatches(this.#target.job.ask.id);
      left = now.filter(({ batch }) => ids.has(batch.id));
      for (const each of left) if (each.runId !== null) await this.cancel(each, each.runId);
      left = left.filter(({ runId }) => runId === null);
    }
    this.result.unknown += left.length;
  }

  /** True if the job's own agent responds, so that a failure concerns only this run. */
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

  async #giveUp(batch: Batch, runId: string | null, reason: string): Promise<void> {
    const { status } = await this.#settle(batch, createGoneRun(runId ?? '', reason), []);
    if (status === 'foreign') return this.#giveUp(batch, null, reason);
    this.result.givenUp.push({ runId, reason });
  }

  async #settle(batch: Batch, run: AgentRun, answers: readonly RowAnswer[]): Promise<Settled> {
    const settled = await settleBatch({ batch, run, answers, failures: [] }, this.#target.ledger);
    if (settled.status !== 'settled') return settled;
    this.result.costMicros += settled.micros;
    if (settled.isEstimated) this.result.estimatedMicros += settled.micros;
    return settled;
  }
}
