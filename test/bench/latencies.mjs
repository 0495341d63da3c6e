/** Generates log-normal run times in ms from a seed. The n-th run started takes the n-th. */
export function* drawLatencies({ medianMs, sigma, seed }) {
  const random = createRandom(seed);
  for (;;) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    yield medianMs * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
  }
}

/**
 * Computes the ideal duration of `runs` runs, and that of a greedy scheduler that starts the next run whenever one
 * ends.
 */
export function planSchedule(latency, runs, cap) {
  const freeAt = new Array(cap).fill(0);
  let totalMs = 0;
  let count = 0;
  for (const ms of drawLatencies(latency)) {
    if (count++ === runs) break;
    totalMs += ms;
    const first = freeAt.indexOf(Math.min(...freeAt));
    freeAt[first] += ms;
  }
  return { totalMs, idealMs: totalMs / cap, scheduleMs: Math.max(...freeAt) };
}

/** Mulberry32: small, seeded, good enough for latencies. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
