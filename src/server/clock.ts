/** The server's only source of time, handed in so that tests need not wait. */
export interface ServerClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after the delay; the function it returns calls that off. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: ServerClock = {
  now: () => Date.now(),
  schedule: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
