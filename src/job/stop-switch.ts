import { RowfillError } from '../errors.js';
import type { JobStop } from '../model/events.js';

/** Why a job stops before its end. The first reason stays, unless the ledger is found to be moved later. */
export class StopSwitch {
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

  stop(reason: JobStop, error: Error | null = null): void {
    if (this.stopped === null || reason === 'ledger_moved') this.stopped = { reason, error };
    this.starts.abort();
    if (reason === 'interrupted') this.waits.abort();
  }

  /** Stops for an error: a refused key, an agent that cannot be reached, a job or ledger that is no longer ours. */
  stopFor(error: Error): void {
    this.stop(error instanceof RowfillError ? reasonFor(error) : 'unreachable', error);
  }
}

function reasonFor({ kind, code }: RowfillError): JobStop {
  if (code === 'LEDGER_MOVED') return 'ledger_moved';
  if (kind === 'refused') return 'refused';
  // Another process waits for the runs that work, so this one need not.
  return kind === 'busy' ? 'interrupted' : 'unreachable';
}
