import type { Host } from './host.js';
import { EXIT_CODES } from './report-error.js';

/** A request (Ctrl-C, SIGTERM, hang-up) to stop the command. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Acts like Ctrl-C. Needed for questions, which read Ctrl-C as a key, so that no signal is sent. */
  trigger(): void;
  /** Runs a question during which an interrupt prints nothing; it just cancels the question. */
  ask<Answer>(question: (signal: AbortSignal) => Promise<Answer>): Promise<Answer>;
  /** True if this interrupt caused the error, because the command had not started far enough to stop gracefully. */
  hasCaused(error: unknown): boolean;
  close(): void;
}

const STOPPING =
  'Stopping: no new runs will start; partial results are being written. Press Ctrl-C again to exit immediately.';

/** Stops gracefully on the first Ctrl-C, SIGTERM or hang-up and exits on the second. `say` prints `message`. */
export function openInterrupt(host: Host, say: (text: string) => void, message = STOPPING): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  let isAsking = false;

  function trigger(): void {
    if (signal.aborted) {
      host.restore();
      host.exit(EXIT_CODES.interrupted);
    }
    if (!isAsking) say(message);
    controller.abort();
  }

  return {
    signal,
    trigger,
    async ask(question) {
      signal.throwIfAborted();
      isAsking = true;
      try {
        return await question(signal);
      } finally {
        isAsking = false;
      }
    },
    hasCaused: (error) => signal.aborted && error === signal.reason,
    close: host.onInterrupt(trigger),
  };
}
