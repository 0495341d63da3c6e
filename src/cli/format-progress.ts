import type { JobProgress } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatNumber } from '../model/words.js';
import type { createTimeLeft } from './time-left.js';

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
export function readRest(progress: JobProgress, timeLeft: ReturnType<typeof createTimeLeft>): number | null {
  return progress.rowsTotal === null ? null : timeLeft.readSeconds(progress.rowsTotal - progress.rowsDone);
}
