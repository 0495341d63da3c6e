interface Sample {
  readonly atMs: number;
  readonly done: number;
}

/** How long the rest takes, judged by the pace of the last minute. */
export interface TimeLeft {
  observe(atMs: number, done: number): void;
  /** Seconds for so many more rows; null while the pace is not known yet. */
  readSeconds(remaining: number): number | null;
}

const WINDOW_MS = 60_000;
const STEP_MS = 1000;

/** Makes an estimate that keeps one sample a second of the last minute: rows reused at the start soon no longer count. */
export function createTimeLeft(): TimeLeft {
  const samples: Sample[] = [];

  return {
    observe(atMs, done) {
      const last = samples.at(-1);
      if (last !== undefined && atMs - last.atMs < STEP_MS) return;
      samples.push({ atMs, done });
      while (samples.length > 2 && atMs - (samples[1]?.atMs ?? atMs) > WINDOW_MS) samples.shift();
    },
    readSeconds(remaining) {
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || last.done <= first.done) return null;
      return (remaining * (last.atMs - first.atMs)) / (last.done - first.done) / 1000;
    },
  };
}
