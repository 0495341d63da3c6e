import { EXIT_CODES } from './exit-code.js';
import type { Host } from './host.js';

/** The wish of a person, or of the system, that a command stops. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** True for the error of a command that had not got far enough to stop gracefully. */
  hasCaused(error: unknown): boolean;
  close(): void;
}

/** The first Ctrl-C or SIGTERM stops gracefully, the second leaves at once; `say` tells the person so. */
export function openInterrupt(host: Host, say: (text: string) => void): Interrupt {
  const controller = new AbortController();
  const close = host.onInterrupt(() => {
    if (controller.signal.aborted) {
      host.restore();
      host.exit(EXIT_CODES.interrupted);
    }
    say('Stopping: no new runs are started. What there is goes to the output. Once more leaves at once.');
    controller.abort();
  });
  const { signal } = controller;
  return { signal, hasCaused: (error) => signal.aborted && error === signal.reason, close };
}
