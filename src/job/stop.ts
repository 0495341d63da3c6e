import type { RetryInfo } from '../api/agent-client.js';
import { RowfillError } from '../errors.js';
import { type Clock, systemClock } from '../model/clock.js';
import type { EnrichEvent, JobStop } from '../model/events.js';
import { formatWait } from '../model/format.js';

/** Why a job stops before its end. The first reason stays, unless the ledger is found to be moved later. */
export class JobAbort {
  private readonly starts = new AbortController();
  private readonly waits = new AbortController();
  private stopped: { readonly reason: JobStop; readonly error: Error | null } | null = null;

  /** Aborted when no new run may start. */
  get startSignal(): AbortSignal {
    return this.starts.signal;
  }

  /** Aborted when runs that work are to be left alone: they are picked up the next time. */
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

  /** Stops for an error: a refused key, an agent that cannot be reached, a job or ledger that is no longer ours. */
  abortWith(error: Error): void {
    this.abort(error instanceof RowfillError ? reasonFor(error) : 'unreachable', error);
  }
}

function reasonFor({ kind, code }: RowfillError): JobStop {
  if (code === 'LEDGER_MOVED') return 'ledger_moved';
  if (kind === 'refused') return 'refused';
  // Another process waits for the runs that work, so this one need not.
  return kind === 'busy' ? 'interrupted' : 'unreachable';
}

/** So many batches in a row that brought nothing the first time round, and the agent is given up. */
const MAX_FRUITLESS_BATCHES = 10;
/** So many requests refused for what they say, before anything was ever answered, and no other will fare better. */
const MAX_REJECTED_REQUESTS = 3;

/** Stops a job whose agent keeps failing, before every row has been spent on it. */
export class CircuitBreaker {
  private readonly stop: JobAbort;
  private fruitless = 0;
  private rejected = 0;
  private hasFruit = false;

  constructor(stop: JobAbort) {
    this.stop = stop;
  }

  /** A batch brought something. */
  recordSuccess(): void {
    this.fruitless = 0;
    this.hasFruit = true;
  }

  /** A batch brought nothing. */
  recordFailure(reason: string): void {
    this.fruitless += 1;
    if (this.fruitless < MAX_FRUITLESS_BATCHES) return;
    const message = `the last ${this.fruitless} batches brought nothing; the last reason: ${reason}`;
    const hint = 'Run the same command again later: what was answered is kept, only the rest is asked.';
    this.stop.abortWith(new RowfillError('unreachable', 'AGENT_KEEPS_FAILING', message, { hint }));
  }

  /** A request was refused for what it says. */
  recordRejection(reason: string): void {
    this.rejected += 1;
    if (this.hasFruit || this.rejected < MAX_REJECTED_REQUESTS) {
      this.recordFailure(reason);
      return;
    }
    const message = `the agent refuses what it is asked: ${reason}`;
    const hint =
      'Change what the message names, such as --effort or the schema; nothing was spent on these requests.';
    this.stop.abortWith(new RowfillError('unreachable', 'REQUEST_REJECTED', message, { hint }));
  }
}

export type RetryReport = (retry: Pick<RetryInfo, 'what' | 'attempt' | 'delayMs' | 'reason'>) => void;

/** A person who sees nothing move for this long wonders whether the program hangs. */
const LONG_WAIT_MS = 15_000;

/** Reports retries as events. A long wait gets a note as well: until when, and why; waits for the same moment share one. */
export function createRetryReport(
  onEvent: (event: EnrichEvent) => void,
  clock: Pick<Clock, 'now'> = systemClock,
): RetryReport {
  let toldUntilMs = Number.NEGATIVE_INFINITY;
  return ({ what, attempt, delayMs, reason }) => {
    onEvent({ type: 'retry', what, attempt, delayMs, reason });
    const nowMs = clock.now();
    if (delayMs < LONG_WAIT_MS || nowMs + delayMs < toldUntilMs + LONG_WAIT_MS) return;
    toldUntilMs = nowMs + delayMs;
    const message = `Waiting ${formatWait(delayMs, nowMs)}: ${reason}`;
    onEvent({ type: 'note', code: 'WAITING_FOR_AGENT', message });
  };
}
