import { setTimeout as pause } from 'node:timers/promises';
import { createRowChecker, type RowChecker } from '../answer/check-run.js';
import { RowfillError } from '../errors.js';
import type { OpenAgent } from '../job/open-agent.js';
import { type BatchOutcome, type PlannedBatch, type RunParts, runBatch } from '../job/run-batch.js';
import { JobAbort } from '../job/stop.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import { createBlanks } from '../model/blank.js';
import { systemClock } from '../model/clock.js';
import type { EnrichEvent } from '../model/events.js';
import { type JobThrottle, SharedThrottle } from '../run/shared-throttle.js';
import { packComplete, packError, type QueuedBatch, unpackBatch, type WorkerReport } from './messages.js';
import { type BatchQueue, type Delivery, RENEW_ENTRIES_MS } from './open-queue.js';

/** What a worker has opened. */
export interface SessionParts {
  readonly ledger: Ledger;
  readonly queue: BatchQueue;
  readonly agent: OpenAgent;
  readonly account: string;
  /** Maximum number of active runs of this worker. */
  readonly concurrency: number;
  readonly clockAheadMs: number;
  readonly onEvent: (jobId: string, event: EnrichEvent) => void;
}

/**
 * Why a session ended: `interrupted` by its signal; `failed` by an error that concerns all its batches; `handed_over` to
 * let others look after runs that it does not wait for.
 */
export type SessionEnd =
  | { readonly status: 'interrupted' | 'handed_over' }
  | { readonly status: 'failed'; readonly error: Error };

/** One batch is taken ahead per this many runs, so that one is ready when a run ends. */
const RUNS_PER_READY_BATCH = 5;
/** Least time between two looks into a queue that was empty, in ms. */
const EMPTY_POLL_MS = 20;
/** How often to look for batches while there have been some lately, in ms. */
const BUSY_POLL_MS = 100;
/** How often to look otherwise, so that a worker without work costs the database next to nothing, in ms. */
const IDLE_POLL_MS = 2_000;
/** How long a worker counts as busy after its last batch, in ms. */
const BUSY_MS = 5_000;
/** How often starts are reported, in ms. The end of a run says that it was started, so short runs need one report. */
const REPORT_STARTS_MS = 250;
const MAX_RETAINED_JOBS = 50;

/** What a worker keeps of a job. */
interface WorkerJob {
  readonly ask: Ask;
  readonly checker: RowChecker;
}

/**
 * Takes batches from the queue, runs and settles them, and reports what became of each. The ledger decides whether a batch
 * may be sent, so a batch that is delivered twice is sent once.
 */
export class WorkSession {
  readonly #parts: SessionParts;
  readonly #stop = new JobAbort();
  readonly #throttle = new SharedThrottle();
  readonly #jobs = new Map<string, Promise<WorkerJob | null>>();
  /** Jobs that were reported as deleted. */
  readonly #gone = new Set<string>();
  /** The latest delivery of each batch in work. */
  readonly #held = new Map<string, Delivery<QueuedBatch>>();
  readonly #slots: number;
  /** Fewest batches that a busy worker fetches at once: half of those that are ready, because each fetch has its cost. */
  readonly #leastFetched: number;
  /** Entries to remove, then reports to send, by job. */
  #ended: Delivery<QueuedBatch>[] = [];
  #reports = new Map<string, WorkerReport[]>();
  /** Started batches that are not reported yet, with their jobs. */
  readonly #starts = new Map<string, { readonly job: string; readonly report: WorkerReport }>();
  #telling: Promise<void> | null = null;
  #wake: () => void = () => undefined;
  #error: Error | null = null;
  /** True if it has batches that it does not wait for, and that others may collect once it has let go of them. */
  #hasLeft = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const ready = Math.ceil(parts.concurrency / RUNS_PER_READY_BATCH);
    this.#slots = parts.concurrency + ready;
    this.#leastFetched = Math.ceil(ready / 2);
  }

  /** Works until the signal is aborted, or until the session must be opened anew. Starts nothing after that. */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    const interrupt = (): void => {
      this.#stop.abort('interrupted');
      this.#wake();
    };
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    const renewal = setInterval(() => void this.#renew(), RENEW_ENTRIES_MS);
    const reporting = setInterval(() => this.#reportStarts(), REPORT_STARTS_MS);
    try {
      await this.#takeBatches();
      while (this.#held.size > 0) await this.#wait(IDLE_POLL_MS);
      this.#reportStarts();
      await this.#telling;
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      clearInterval(renewal);
      clearInterval(reporting);
      signal.removeEventListener('abort', interrupt);
    }
    if (this.#error !== null) return { status: 'failed', error: this.#error };
    return { status: signal.aborted ? 'interrupted' : 'handed_over' };
  }

  async #takeBatches(): Promise<void> {
    const { queue, account } = this.#parts;
    let workedAtMs = performance.now();
    while (!this.#stop.startSignal.aborted) {
      if (this.#hasLeft && this.#held.size === 0) return;
      const free = this.#hasLeft ? 0 : this.#slots - this.#held.size;
      if (free < this.#leastFetched) {
        await this.#wait(IDLE_POLL_MS);
        continue;
      }
      const taken = await queue.take(account, free);
      for (const delivery of taken) this.#start(delivery);
      const nowMs = performance.now();
      if (taken.length > 0 || this.#held.size > 0) workedAtMs = nowMs;
      if (taken.length === free) continue;
      // The end of a batch does not fill the queue.
      await pause(EMPTY_POLL_MS);
      await this.#wait(nowMs - workedAtMs < BUSY_MS ? BUSY_POLL_MS : IDLE_POLL_MS);
    }
  }

  #start(delivery: Delivery<QueuedBatch>): void {
    const { id } = delivery.content.batch;
    // Delivered again because it could not be renewed in time, although its work goes on.
    const isInWork = this.#held.has(id);
    this.#held.set(id, delivery);
    if (isInWork) return;
    void this.#work(delivery.content)
      .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#held.delete(id);
        this.#wake();
      });
  }

  async #work(content: QueuedBatch): Promise<void> {
    const { id } = content.batch;
    const job = await this.#openJob(content);
    if (this.#stop.startSignal.aborted) return this.#giveBack(id);
    const planned = unpackBatch(content);
    const outcome = job === null ? null : await this.#runBatch(planned, content, job);
    if (outcome === null) return this.#drop(content);
    if (outcome.status === 'stopped' || isOwnTrouble(outcome)) await this.#giveBack(id);
    else this.#tell(id, createReport(planned.batch, outcome));
    if (outcome.status === 'fatal') this.#fail(outcome.error);
    if (outcome.status === 'unknown' || outcome.status === 'late') this.#hasLeft = true;
  }

  /** Null if the ledger no longer has the job. */
  async #runBatch(
    planned: PlannedBatch,
    content: QueuedBatch,
    { ask, checker }: WorkerJob,
  ): Promise<BatchOutcome | null> {
    const { ledger, agent, concurrency, clockAheadMs, onEvent } = this.#parts;
    const { limits } = content;
    const { startsPerSecond } = limits;
    const throttle: JobThrottle = this.#throttle.open({
      clock: systemClock,
      concurrency,
      startsPerSecond,
    });
    const report = (event: EnrichEvent): void => onEvent(content.job, event);
    const parts: RunParts = {
      ...{ ledger, throttle, ask, checker, startsPerSecond, clockAheadMs },
      agent: { client: agent.client, listLagMs: limits.listLagMs },
      clock: systemClock,
      stop: this.#stop,
      caps: limits.spend,
      maxActive: limits.maxActive,
      lastAttempt: limits.lastAttempt,
      settings: { runTimeoutMs: limits.runTimeoutMs },
      // The process that handed the batch out counts what is spent, and decides what follows.
      spend: { reserve: () => undefined, release: () => undefined },
      cap: { settle: () => undefined },
      yields: { isInDoubt: () => false },
      findsNothing: () => false,
      exclusion: { answerFields: [], findExcludedAnswer: () => null },
      tally: {
        countSent: ({ id, rows, effort, attempt }, runId, adopted) => {
          const started: WorkerReport = { batch: id, status: 'started', runId, adopted };
          this.#starts.set(id, { job: content.job, report: started });
          if (runId === null) return;
          report({ type: 'batch_sent', batchId: id, runId, rows: rows.length, effort, attempt, adopted });
        },
      },
      onRetry: (retry) => report({ type: 'retry', ...retry }),
    };
    try {
      const outcome = await runBatch(planned, parts, async (ended) => ended);
      const event = createEvent(planned.batch, outcome);
      if (event !== null) report(event);
      return outcome;
    } catch (error) {
      if (error instanceof RowfillError && error.code === 'JOB_UNKNOWN') return null;
      throw error;
    } finally {
      throttle.close();
    }
  }

  /** The ask of a batch; null if the ledger no longer has it. */
  #openJob({ job, batch, limits }: QueuedBatch): Promise<WorkerJob | null> {
    const name = `${job} ${batch.version ?? ''}`;
    const known = this.#jobs.get(name);
    if (known !== undefined) return known;
    if (this.#jobs.size >= MAX_RETAINED_JOBS) this.#jobs.clear();
    const opened = this.#parts.ledger.listAsks(batch.askId).then((asks) => {
      const ask = asks.find(({ version }) => version === batch.version) ?? null;
      if (ask === null) {
        // The same command opens the same job again.
        this.#jobs.delete(name);
        return null;
      }
      const { words, codeColumns } = limits.blanks;
      const { fields, schema } = ask;
      const blanks = createBlanks({ words, fields, schema, codeColumns: new Set(codeColumns) });
      return { ask, checker: createRowChecker(ask, blanks) };
    });
    this.#jobs.set(name, opened);
    return opened;
  }

  /** Ends the session. Runs in flight are still waited for, unless they fail for the same reason. */
  #fail(error: Error): void {
    this.#error ??= error;
    this.#stop.abortWith(error);
    this.#wake();
  }

  /** Removes a batch whose job was deleted. */
  async #drop({ job, batch }: QueuedBatch): Promise<void> {
    const { queue, account, onEvent } = this.#parts;
    const delivery = this.#held.get(batch.id);
    if (delivery !== undefined) await queue.end(account, [delivery]);
    if (this.#gone.has(job)) return;
    this.#gone.add(job);
    const message =
      'The ledger no longer has this job. Its batches are removed from the queue, and not sent.';
    onEvent(job, { type: 'note', code: 'JOB_GONE', message });
  }

  async #giveBack(batchId: string): Promise<void> {
    const delivery = this.#held.get(batchId);
    if (delivery !== undefined) await this.#parts.queue.giveBack(this.#parts.account, [delivery]);
  }

  async #renew(): Promise<void> {
    // What cannot be renewed is delivered again, and found settled or open in the ledger.
    await this.#parts.queue.renew(this.#parts.account, [...this.#held.values()]).catch(() => undefined);
  }

  #tell(batchId: string, report: WorkerReport): void {
    const delivery = this.#held.get(batchId);
    if (delivery === undefined) return;
    this.#ended.push(delivery);
    if (report.status !== 'ended') this.#reportStarts();
    this.#starts.delete(batchId);
    this.#report(delivery.content.job, report);
  }

  #reportStarts(): void {
    for (const { job, report } of this.#starts.values()) this.#report(job, report);
    this.#starts.clear();
  }

  /** What comes while the last reports are sent goes together. */
  #report(job: string, report: WorkerReport): void {
    const waiting = this.#reports.get(job);
    if (waiting === undefined) this.#reports.set(job, [report]);
    else waiting.push(report);
    this.#telling ??= this.#sendReports()
      .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#telling = null;
      });
  }

  async #sendReports(): Promise<void> {
    const { ledger, queue, account } = this.#parts;
    while (this.#reports.size > 0 || this.#ended.length > 0) {
      const [ended, reports] = [this.#ended, this.#reports];
      this.#ended = [];
      this.#reports = new Map();
      // First, so that a batch that is handed out again after its report is not taken for the same entry.
      await queue.end(account, ended);
      for (const [job, list] of reports)
        await ledger.handouts?.send(
          job,
          list.map((each) => JSON.stringify(each)),
        );
    }
  }

  /** Waits until something ends, or for a time. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** True for trouble of this process alone: another worker can do the batch. */
function isOwnTrouble(outcome: BatchOutcome): boolean {
  if (outcome.status !== 'fatal' || !(outcome.error instanceof RowfillError)) return false;
  return outcome.error.code === 'LEASE_LOST' || outcome.error.code === 'LEDGER_MOVED';
}

function createReport(planned: Batch, outcome: BatchOutcome): WorkerReport {
  const batch = planned.id;
  switch (outcome.status) {
    case 'ended': {
      const { run, unusable } = outcome.settled;
      const complete = packComplete(planned, outcome.settled);
      return { batch, status: 'ended', runId: run.id, unusable, complete };
    }
    case 'fatal':
      return { batch, status: 'fatal', error: packError(outcome.error) };
    case 'stopped':
    case 'held_back':
      throw new RangeError(`a worker does not report ${outcome.status}`);
    default:
      return { batch, ...outcome };
  }
}

/** The event of an outcome for the worker's log; null for one that only the coordinator reports. */
function createEvent(batch: Batch, outcome: BatchOutcome): EnrichEvent | null {
  const facts = { batchId: batch.id, rows: batch.rows.length };
  switch (outcome.status) {
    case 'ended': {
      const { run, unusable, answers, result } = outcome.settled;
      if (run.status !== 'completed') {
        const reason = unusable ?? `the run ended as ${run.status}`;
        return { type: 'batch_failed', ...facts, runId: run.id === '' ? null : run.id, reason };
      }
      return {
        ...{ type: 'batch_settled', ...facts, runId: run.id, answered: answers.length },
        ...{ costMicros: result.micros, isCostEstimated: result.isEstimated },
      };
    }
    case 'late':
      return { type: 'batch_failed', ...facts, runId: outcome.runId, reason: outcome.reason };
    case 'absent':
    case 'unknown':
    case 'rejected':
      return { type: 'batch_failed', ...facts, runId: null, reason: outcome.reason };
    case 'fatal':
      return { type: 'batch_failed', ...facts, runId: null, reason: outcome.error.message };
    default:
      return null;
  }
}
