import type { JobProgress } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatNumber } from '../model/format.js';

/** Progress display of a running job. */
export interface Progress {
  update(progress: JobProgress): void;
  /** Prints a line without breaking the bar. */
  note(text: string): void;
  /** Removes the bar; a later update draws it again. */
  end(): void;
}

/** Formats the progress of a job in one line. */
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

/** Estimates the seconds left; null if not known yet. */
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

/** Estimates the remaining time from the pace of the last minute. */
interface TimeLeft {
  observe(atMs: number, done: number): void;
  /** Returns the seconds needed for `remaining` rows, or null while the pace is unknown. */
  readSeconds(remaining: number): number | null;
}

const WINDOW_MS = 60_000;
const STEP_MS = 1000;

/** Creates an estimate that keeps one sample per second of the last minute, so that rows reused at the start soon drop out. */
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
