import type { RetryInfo } from '../api/agent-client.js';
import { RowfillError } from '../errors.js';
import { type Clock, systemClock } from '../model/clock.js';
import type { EnrichEvent, JobStop } from '../model/events.js';
import { formatWait } from '../model/format.js';

/** Stops a job early and remembers why. The first reason is kept, unless the ledger turns out to be moved. */
export class JobAbort {
  private readonly starts = new AbortController();
  private readonly waits = new AbortController();
  private stopped: { readonly reason: JobStop; readonly error: Error | null } | null = null;

  /** Aborted when no more runs may start. */
  get startSignal(): AbortSignal {
    return this.starts.signal;
  }

  /** Aborted to stop waiting for active runs. The next invocation collects them. */
  get waitSignal(): AbortSignal {
    return this.waits.signal;
  }

  get reason(): JobStop | null {
    return this.stopped?.reason ?? null;
  }

  get error(): Error | null {
    return this.stopped?.error ?? null;
  }

  abort(reason: JobStop, error: Error | null = null): void {
    if (this.stopped === null || reason === 'ledger_moved') this.stopped = { reason, error };
    this.starts.abort();
    if (reason === 'interrupted') this.waits.abort();
  }

  /** Stops because of an error: a refused key, an unreachable agent, or a lost lease or ledger. */
  abortWith(error: Error): void {
    this.abort(error instanceof RowfillError ? reasonFor(error) : 'unreachable', error);
  }
}

function reasonFor({ kind, code }: RowfillError): JobStop {
  if (code === 'LEDGER_MOVED') return 'ledger_moved';
  if (kind === 'refused') return 'refused';
  // Another process now waits for the active runs.
  return kind === 'busy' ? 'interrupted' : 'unreachable';
}

/** Give up on the agent after this many first-attempt batches in a row without an answer. */
const MAX_FAILED_BATCHES = 10;
/** Give up if this many requests are rejected for their content before any answer arrives. */
const MAX_REJECTED_REQUESTS = 3;

/** Stops a job whose agent keeps failing, before it has used up all rows. */
export class CircuitBreaker {
  private readonly stop: JobAbort;
  private failedBatches = 0;
  private rejected = 0;
  private hasSucceeded = false;

  constructor(stop: JobAbort) {
    this.stop = stop;
  }

  /** Records a batch with answers. */
  recordSuccess(): void {
    this.failedBatches = 0;
    this.hasSucceeded = true;
  }

  /** Records a batch without answers. */
  recordFailure(reason: string): void {
    this.failedBatches += 1;
    if (this.failedBatches < MAX_FAILED_BATCHES) return;
    this.giveUp(`the last ${this.failedBatches} batches got no answers; last reason: ${reason}`);
  }

  /** Stops the job, because the agent answers too little. */
  giveUp(message: string): void {
    const hint = 'Run the command again later. Answers are kept; only the rest is sent.';
    this.stop.abortWith(new RowfillError('unreachable', 'AGENT_KEEPS_FAILING', message, { hint }));
  }

  /** Records a request that was rejected for its content. */
  recordRejection(reason: string): void {
    this.rejected += 1;
    if (this.hasSucceeded || this.rejected < MAX_REJECTED_REQUESTS) {
      this.recordFailure(reason);
      return;
    }
    const message = `the agent rejects the requests: ${reason}`;
    const hint =
      'Change what the message names, such as --effort or the schema. These requests cost nothing.';
    this.stop.abortWith(new RowfillError('unreachable', 'REQUEST_REJECTED', message, { hint }));
  }
}

export type RetryReport = (retry: Pick<RetryInfo, 'what' | 'attempt' | 'delayMs' | 'reason'>) => void;

/** After this long without output, the user may think that the program hangs. */
const LONG_WAIT_MS = 15_000;

/**
 * Reports retries as events. Long waits also get a note with their end and reason; waits with the same end share one.
 */
export function createRetryReport(
  onEvent: (event: EnrichEvent) => void,
  clock: Pick<Clock, 'now'> = systemClock,
): RetryReport {
  let reportedUntilMs = Number.NEGATIVE_INFINITY;
  return ({ what, attempt, delayMs, reason }) => {
    onEvent({ type: 'retry', what, attempt, delayMs, reason });
    const nowMs = clock.now();
    if (delayMs < LONG_WAIT_MS || nowMs + delayMs < reportedUntilMs + LONG_WAIT_MS) return;
    reportedUntilMs = nowMs + delayMs;
    const message = `Waiting ${formatWait(delayMs, nowMs)}: ${reason}`;
    onEvent({ type: 'note', code: 'WAITING_FOR_AGENT', message });
  };
}

/** Resolves like `promise`, or rejects with the signal's reason once it aborts. */
export async function raceSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
