import { setMaxListeners } from 'node:events';

/** Ties one call to the caller's signal and to the client's life, with no more than one listener on each. */
export interface CallScope {
  readonly signal: AbortSignal;
  /** Ends the call from inside, with a reason of our own. */
  abort(reason: unknown): void;
  /** Lets go of both; to be called when the call is over. */
  close(): void;
}

/** Opens the scope of a call; its signal aborts with the reason of whichever of the two aborts first. */
export function openCallScope(signal: AbortSignal | undefined, closing: AbortSignal): CallScope {
  const controller = new AbortController();
  const sources = signal === undefined ? [closing] : [signal, closing];
  const listeners = sources.map((source) => {
    // As many calls as there are runs wait on one signal: that is no leak.
    setMaxListeners(0, source);
    const onAbort = (): void => controller.abort(source.reason);
    if (source.aborted) onAbort();
    else source.addEventListener('abort', onAbort, { once: true });
    return { source, onAbort };
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    close: () => {
      for (const { source, onAbort } of listeners) source.removeEventListener('abort', onAbort);
    },
  };
}
