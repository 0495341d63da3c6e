import { RowfillError } from '../errors.js';
import type { JobStop } from '../model/events.js';

/** Why a job stops before its end, said once; the first reason stays. */
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
    this.stopped ??= { reason, error };
    this.starts.abort();
    if (reason === 'interrupted') this.waits.abort();
  }

  /** Stops for an error of the agent: a refused key, or an agent that cannot be reached. */
  stopFor(error: Error): void {
    const isRefused = error instanceof RowfillError && error.kind === 'refused';
    this.stop(isRefused ? 'refused' : 'unreachable', error);
  }
}
