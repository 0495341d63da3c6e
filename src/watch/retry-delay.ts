const FIRST_MS = 5_000;
const MOST_MS = 5 * 60_000;

/** How long to wait before something is tried again that has failed so many times: growing, with jitter. */
export function readRetryDelayMs(tries: number, random: number): number {
  const fullMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 16));
  return Math.round(fullMs * (0.5 + random / 2));
}
