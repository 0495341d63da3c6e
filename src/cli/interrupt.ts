import { EXIT_CODES } from './exit-code.js';
import type { Host } from './host.js';

/** The wish of a person, or of the system, that a command stops. */
export interface Interrupt {
  readonly signal: AbortSignal;
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
    say('Stopping: no new runs are started, and the output is written. Once more leaves at once.');
    controller.abort();
  });
  return { signal: controller.signal, close };
}
