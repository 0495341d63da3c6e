import type { Host } from './host.js';
import { EXIT_CODES } from './report-error.js';

/** The wish of a person, or of the system, that a command stops. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Does what a Ctrl-C does: a question reads it as a key, and the system sends no signal then. */
  trigger(): void;
  /** Puts a question while which an interruption needs no words: that the question ends is its answer. */
  ask<Answer>(question: (signal: AbortSignal) => Promise<Answer>): Promise<Answer>;
  /** True for the error of a command that had not got far enough to stop gracefully. */
  hasCaused(error: unknown): boolean;
  close(): void;
}

/** The first Ctrl-C, SIGTERM or hang-up stops gracefully, the second leaves at once; `say` tells the person so. */
export function openInterrupt(host: Host, say: (text: string) => void): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  let isAsking = false;

  function trigger(): void {
    if (signal.aborted) {
      host.restore();
      host.exit(EXIT_CODES.interrupted);
    }
    if (!isAsking) {
      say('Stopping: no new runs are started. What there is goes to the output. Once more leaves at once.');
    }
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
