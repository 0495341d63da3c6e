import { setTimeout } from 'node:timers/promises';
import type { BatchRunner, JobContext, OpenHandout } from '../job/job-context.js';
import { type BatchOutcome, type PlannedBatch, type RunParts, runBatch } from '../job/run-batch.js';
import { type SettledGroup, settleGroup, settleUnusable } from '../job/settle-group.js';
import type { Handouts, RunAnswers, Settled } from '../ledger/ledger.js';
import { isRunId } from '../model/run.js';
import { packBatch, unpackComplete, unpackError, type WorkerReport } from './messages.js';
import type { BatchQueue } from './open-queue.js';

/** What the pool of a job needs to know of it. */
export interface PoolParts {
  readonly queue: BatchQueue;
  readonly handouts: Handouts;
  /** Account of the agent. Only its workers take these batches. */
  readonly account: string;
  readonly job: string;
}

/** Outcomes after which the rows of a batch go into others. */
const REPLACED: ReadonlySet<BatchOutcome['status']> = new Set(['absent', 'rejected', 'changed']);
/** How long to wait for reports once there are none, in ms. */
const POLL_MS = 50;
/** How long to wait for others otherwise, because each look and its deletion has its cost, in ms. */
const GATHER_MS = 20;
/** How often processes that have ended are looked for, in ms. */
const CHECK_MS = 1_000;
/** A batch of which nothing was heard for this long is looked up in the ledger, in ms. */
const SILENT_MS = 15_000;
/** How long to wait for the first worker before saying that there is none, in ms. */
const LONELY_MS = 10_000;
const MAX_REPORTS = 500;

/** A batch that is with a worker, or waits for one. */
interface Handout extends PlannedBatch {
  readonly resolve: (outcome: BatchOutcome) => void;
  readonly reject: (error: unknown) => void;
  isStarted: boolean;
  /** True once its outcome is being worked out. Later reports say nothing new. */
  isConcluding: boolean;
  heardAtMs: number;
}

/**
 * Hands the batches of a job out to workers, and takes in their reports. Reports are only hints: what a worker settled is
 * read from the ledger, and a batch whose report was lost is looked up there.
 */
export class WorkerPool implements BatchRunner {
  readonly #parts: PoolParts;
  readonly #open = new Map<string, Handout>();
  /** Batches that nobody may reserve any more. */
  readonly #retired = new Set<string>();
  #outbox: Handout[] = [];
  #adopt: () => void = () => undefined;
  #context: JobContext | null = null;
  #listening: Promise<void> | null = null;
  #sending: Promise<void> = Promise.resolve();
  #hasWorkers = false;
  #isClosed = false;
  #defect: { readonly error: unknown } | null = null;

  /** Opens the pool of a job. Removes what an earlier process has left in the queue. */
  static async open(parts: PoolParts): Promise<WorkerPool> {
    await clear(parts);
    return new WorkerPool(parts);
  }

  private constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  onCheck(adopt: () => void): void {
    this.#adopt = adopt;
  }

  run(planned: PlannedBatch, context: JobContext): Promise<BatchOutcome> {
    // A batch on its way to a worker would still have the higher cap.
    if (context.cap.mayFall) {
      // Workers may have runs of this job, too.
      const parts: RunParts = Object.create(context, { maxActive: { value: context.settings.concurrency } });
      return runBatch(planned, parts, async (outcome) => outcome);
    }
    this.#start(context);
    if (context.stop.startSignal.aborted) return Promise.resolve({ status: 'stopped' });
    if (context.findsNothing(planned.batch.effort)) return Promise.resolve({ status: 'held_back' });
    if (this.#defect !== null) return Promise.reject(this.#defect.error);
    return new Promise((resolve, reject) => {
      const handout: Handout = {
        ...planned,
        ...{ resolve, reject, isStarted: false, isConcluding: false },
        heardAtMs: performance.now(),
      };
      this.#open.set(planned.batch.id, handout);
      this.#send(handout, context);
      this.#listening ??= this.#listen(context);
    });
  }

  findOpen(batchId: string): OpenHandout | null {
    const handout = this.#open.get(batchId);
    const context = this.#context;
    if (handout === undefined || handout.isConcluding || context === null) return null;
    return {
      group: handout.group,
      countResumed: (runId) => this.#countStarted(handout, isRunId(runId) ? runId : null, true, context),
      conclude: (outcome) => void this.#conclude(handout, async () => outcome, context),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await this.#listening;
    await this.#sending.catch(() => undefined);
    try {
      await clear(this.#parts);
    } finally {
      await this.#parts.queue.close();
    }
  }

  #start(context: JobContext): void {
    if (this.#context !== null) return;
    this.#context = context;
    const { startSignal, waitSignal } = context.stop;
    startSignal.addEventListener('abort', () => void this.#withdraw(context), { once: true });
    waitSignal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Batches that are handed out in one turn go in one statement. */
  #send(handout: Handout, context: JobContext): void {
    this.#outbox.push(handout);
    if (this.#outbox.length > 1) return;
    this.#sending = this.#sending.then(async () => {
      const batches = this.#outbox;
      this.#outbox = [];
      const { queue, handouts, account } = this.#parts;
      const limits = {
        spend: context.caps,
        maxActive: context.settings.concurrency,
        startsPerSecond: context.startsPerSecond,
        runTimeoutMs: context.settings.runTimeoutMs,
        listLagMs: context.agent.listLagMs,
        lastAttempt: context.lastAttempt,
        blanks: context.blanks.origin,
      };
      const retired = batches.map(({ batch }) => batch.id).filter((id) => this.#retired.delete(id));
      try {
        if (retired.length > 0) await handouts.restore(retired);
        await queue.add(
          account,
          batches.map((each) => packBatch(each, context.job.invocation, limits)),
        );
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** Ends every batch with an error, because no report can come any more. */
  #fail(error: unknown): void {
    this.#defect ??= { error };
    for (const { batch, reject } of this.#open.values()) {
      this.#open.delete(batch.id);
      reject(error);
    }
  }

  /** Once no run may start any more, takes back what no worker has taken or started. */
  async #withdraw(context: JobContext): Promise<void> {
    const { queue, handouts, account, job } = this.#parts;
    try {
      const released = await handouts.withdraw(context.job);
      await this.#sending;
      const withdrawn = await queue.withdraw(account, job);
      for (const id of [...released, ...withdrawn]) this.#end(id, { status: 'stopped' });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Stops waiting. What workers settle later is in the ledger for the next invocation. */
  #stop(): void {
    for (const id of [...this.#open.keys()]) this.#end(id, { status: 'stopped' });
  }

  #end(batchId: string, outcome: BatchOutcome): void {
    const handout = this.#open.get(batchId);
    this.#open.delete(batchId);
    handout?.resolve(outcome);
  }

  async #listen(context: JobContext): Promise<void> {
    const { handouts, job } = this.#parts;
    const sinceMs = performance.now();
    let checkedAtMs = sinceMs;
    let lookedAtMs = sinceMs;
    let hasTold = false;
    try {
      while (this.#open.size > 0 && !this.#isClosed) {
        const taken = await handouts.take(job, MAX_REPORTS);
        await this.#receiveAll(
          taken.map((each) => JSON.parse(each) as WorkerReport),
          context,
        );
        const nowMs = performance.now();
        if (nowMs - checkedAtMs > CHECK_MS) {
          checkedAtMs = nowMs;
          this.#adopt();
        }
        if (nowMs - lookedAtMs > SILENT_MS / 3) {
          lookedAtMs = nowMs;
          await this.#lookForSilent(context);
        }
        if (!this.#hasWorkers && !hasTold && nowMs - sinceMs > LONELY_MS) {
          hasTold = true;
          const message =
            'No worker has taken a batch yet. Start one with: rowfill worker --ledger URL, and the same agent and key.';
          context.onEvent({ type: 'note', code: 'NO_WORKERS', message });
        }
        if (taken.length < MAX_REPORTS) await setTimeout(taken.length === 0 ? POLL_MS : GATHER_MS);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#listening = null;
      // A batch may have been handed out while the last reports were awaited.
      if (this.#open.size > 0 && !this.#isClosed) this.#listening = this.#listen(context);
    }
  }

  /** Takes in reports, after one look-up for the answers of all runs that need no second check. */
  async #receiveAll(reports: readonly WorkerReport[], context: JobContext): Promise<void> {
    const runIds = reports.flatMap((report) =>
      report.status === 'ended' && report.complete !== null ? [report.runId] : [],
    );
    const runs = runIds.length === 0 ? new Map<string, RunAnswers>() : await context.ledger.findRuns(runIds);
    for (const report of reports) this.#receive(report, runs, context);
  }

  #receive(report: WorkerReport, runs: ReadonlyMap<string, RunAnswers>, context: JobContext): void {
    const handout = this.#open.get(report.batch);
    if (handout === undefined || handout.isConcluding) return;
    this.#hasWorkers = true;
    handout.heardAtMs = performance.now();
    switch (report.status) {
      case 'started':
        this.#countStarted(handout, report.runId, report.adopted, context);
        return;
      case 'ended':
        void this.#conclude(handout, () => this.#takeIn(handout, report, runs, context), context);
        return;
      case 'changed':
        void this.#lookUp(handout, report.keys, context);
        return;
      case 'unknown':
        context.spend.reserve(handout.batch);
        void this.#conclude(handout, async () => report, context);
        return;
      case 'fatal':
        void this.#conclude(
          handout,
          async () => ({ status: 'fatal', error: unpackError(report.error) }),
          context,
        );
        return;
      case 'over_budget':
      case 'withdrawn':
      case 'absent':
      case 'rejected':
      case 'late':
        void this.#conclude(handout, async () => report, context);
    }
  }

  #countStarted(handout: Handout, runId: string | null, adopted: boolean, context: JobContext): void {
    if (handout.isStarted) return;
    handout.isStarted = true;
    context.spend.reserve(handout.batch);
    context.tally.countSent(handout.batch, runId, adopted);
  }

  /** Works out the outcome of a batch, once. */
  async #conclude(
    handout: Handout,
    findOutcome: () => Promise<BatchOutcome>,
    context: JobContext,
  ): Promise<void> {
    if (handout.isConcluding) return;
    handout.isConcluding = true;
    const { id } = handout.batch;
    try {
      const outcome = await findOutcome();
      const state = REPLACED.has(outcome.status) ? await this.#retire(handout) : null;
      // A worker that stood still goes on with it, or another one has it: its rows go into no other batch.
      if (state === 'open' || (state === 'settled' && outcome.status !== 'changed')) {
        handout.isConcluding = false;
        await this.#lookUp(handout, listKeys(handout), context);
      } else this.#end(id, outcome);
    } catch (error) {
      this.#open.delete(id);
      handout.reject(error);
    }
  }

  /** Called before the rows of a batch go into other ones, because a worker may still have it. */
  async #retire({ batch }: Handout): Promise<'retired' | 'open' | 'settled'> {
    const state = await this.#parts.handouts.retire(batch);
    if (state === 'retired') this.#retired.add(batch.id);
    return state;
  }

  /** Takes in a settled run. One that answered every row needs no second check: only its answers are read. */
  async #takeIn(
    handout: Handout,
    { runId, unusable, complete }: Extract<WorkerReport, { status: 'ended' }>,
    runs: ReadonlyMap<string, RunAnswers>,
    context: JobContext,
  ): Promise<BatchOutcome> {
    if (complete !== null) {
      this.#countStarted(handout, runId, false, context);
      const settled = unpackComplete(handout.batch, runId, complete, runs.get(runId)?.answers ?? []);
      if (settled !== null) return { status: 'ended', settled };
    }
    return this.#replay(handout, runId, unusable, context);
  }

  /** Does with a settled run what follows its settlement, from the raw run in the ledger. */
  async #replay(
    handout: Handout,
    runId: string,
    unusable: string | null,
    context: JobContext,
  ): Promise<BatchOutcome> {
    const { batch, group } = handout;
    this.#countStarted(handout, runId === '' ? null : runId, false, context);
    const run = unusable === null ? await context.ledger.getRun(runId) : null;
    if (run === null && unusable === null) return { status: 'changed', keys: listKeys(handout) };
    const settled =
      run === null
        ? await settleUnusable(batch, group, runId, unusable ?? '', context)
        : await settleGroup(batch, group, run, context);
    return { status: 'ended', settled: { ...settled, result: await readResult(settled, context) } };
  }

  /**
   * A worker found rows of a batch reserved or answered: by another process, or because the batch itself was delivered
   * twice. The ledger tells.
   */
  async #lookUp(handout: Handout, keys: readonly string[], context: JobContext): Promise<void> {
    try {
      const { id, askId } = handout.batch;
      const open = await context.ledger.listOpenBatches(askId);
      // Its holder settles it, or another process takes it over.
      if (open.some(({ batch }) => batch.id === id)) return;
      const runId = (await context.ledger.findSettledRuns(askId, [id])).get(id);
      await this.#conclude(
        handout,
        async () =>
          runId === undefined ? { status: 'changed', keys } : this.#replay(handout, runId, null, context),
        context,
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Looks up batches whose report may be lost. */
  async #lookForSilent(context: JobContext): Promise<void> {
    const { queue, account } = this.#parts;
    const beforeMs = performance.now() - SILENT_MS;
    const silent = [...this.#open.values()].filter(
      ({ heardAtMs, isConcluding }) => heardAtMs < beforeMs && !isConcluding,
    );
    for (const handout of silent) {
      handout.heardAtMs = performance.now();
      if (await queue.has(account, handout.batch.id)) continue;
      await this.#lookUp(handout, listKeys(handout), context);
    }
  }
}

/** Removes what is left of a job: its batches that no worker has taken, and reports. */
async function clear({ queue, handouts, account, job }: PoolParts): Promise<void> {
  await queue.withdraw(account, job);
  await handouts.clear(job);
}

function listKeys({ batch }: PlannedBatch): string[] {
  return batch.rows.map(({ key }) => key);
}

/** The result as it was for the worker that settled the batch, with the answers as they are stored. */
async function readResult({ answers, result }: SettledGroup, { ledger, job }: JobContext): Promise<Settled> {
  if (result.status !== 'known') return result;
  const keys = answers.map(({ key }) => key);
  if (keys.length === 0) return { ...result, status: 'settled' };
  const found = await ledger.findAnswers(job, keys);
  const merged = new Map([...found.answers].map(([key, { fields }]) => [key, fields]));
  return { ...result, status: 'settled', merged, seen: found.seen };
}
