import type { JobProgress } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatNumber } from '../model/format.js';

/** What a person sees while a job runs. */
export interface Progress {
  update(progress: JobProgress): void;
  /** Says a line without spoiling the bar. */
  note(text: string): void;
  /** Takes away what is drawn; a later update begins anew. */
  end(): void;
}

/** How far a job is, in one line. */
export function formatProgress(progress: JobProgress, secondsLeft: number | null): string {
  const { rowsDone, rowsRead, rowsTotal, rowsFailed, runsActive, spentMicros } = progress;
  return [
    `${formatCount(rowsDone)} of ${rowsTotal === null ? `${formatCount(rowsRead)}+` : formatCount(rowsTotal)} rows`,
    ...(rowsFailed > 0 ? [`${formatCount(rowsFailed)} failed`] : []),
    ...(runsActive > 0 ? [formatNumber(runsActive, 'run')] : []),
    formatDollars(spentMicros),
    ...(secondsLeft === null || secondsLeft <= 0 ? [] : [`${formatDuration(secondsLeft)} left`]),
  ].join(' · ');
}

/** The seconds that are left; null where nobody can tell yet. */
export function estimateSecondsLeft(
  progress: JobProgress,
  timeLeft: ReturnType<typeof createTimeLeft>,
): number | null {
  return progress.rowsTotal === null ? null : timeLeft.readSeconds(progress.rowsTotal - progress.rowsDone);
}

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
