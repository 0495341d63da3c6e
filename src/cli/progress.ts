import { Presets, SingleBar } from 'cli-progress';
import type { JobProgress } from '../model/events.js';
import { cleanText } from './clean-text.js';
import type { Host } from './host.js';
import { createTimeLeft } from './time-left.js';
import { formatCount, formatDollars, formatDuration, formatNumber } from './words.js';

/** What a person sees while a job runs. */
export interface Progress {
  update(progress: JobProgress): void;
  /** Says a line without spoiling the bar. */
  note(text: string): void;
  /** Takes away what is drawn; a later update begins anew. */
  end(): void;
}

const LINE_EVERY_MS = 5000;
const BAR_WIDTH = 20;
const MIN_BAR_WIDTH = 4;
/** What the words beside the bar mostly need. */
const WORDS_WIDTH = 60;

/** A bar on a terminal; elsewhere a line now and then, and only when there is news. */
export function createProgress(host: Host): Progress {
  return host.stderr.isTTY === true && host.env.TERM !== 'dumb' ? createBar(host) : createLines(host);
}

function createBar(host: Host): Progress {
  const bar = new SingleBar(
    {
      stream: host.stderr as NodeJS.WritableStream,
      format: '{bar} {words}',
      barsize: Math.max(MIN_BAR_WIDTH, Math.min(BAR_WIDTH, (host.stderr.columns ?? 80) - WORDS_WIDTH)),
      clearOnComplete: true,
      // The bar is cut to the width of the terminal instead, so that no setting of the terminal has to be put back.
      linewrap: true,
      hideCursor: null,
      emptyOnZero: true,
    },
    Presets.shades_classic,
  );
  let timeLeft = createTimeLeft();
  let unguard = (): void => {};
  let last: JobProgress | null = null;

  function draw(progress: JobProgress, isStart: boolean): void {
    const total = progress.rowsTotal ?? progress.rowsRead;
    const payload = { words: cleanText(formatProgress(progress, readRest(progress, timeLeft))) };
    if (isStart) bar.start(total, progress.rowsDone, payload);
    else {
      bar.setTotal(total);
      bar.update(progress.rowsDone, payload);
    }
  }

  return {
    update(progress) {
      timeLeft.observe(host.now(), progress.rowsDone);
      if (last === null) unguard = host.guard(() => bar.stop());
      draw(progress, last === null);
      last = progress;
    },
    note(text) {
      // Stopped and started again: only then does the line below the note belong to the bar.
      bar.stop();
      host.say(text);
      if (last !== null) draw(last, true);
    },
    end() {
      bar.stop();
      unguard();
      last = null;
      // The time that a question waits is not time that rows take.
      timeLeft = createTimeLeft();
    },
  };
}

function createLines(host: Host): Progress {
  let timeLeft = createTimeLeft();
  let saidAtMs = host.now();
  let said = '';
  return {
    update(progress) {
      const atMs = host.now();
      timeLeft.observe(atMs, progress.rowsDone);
      if (atMs - saidAtMs < LINE_EVERY_MS) return;
      const news = formatProgress(progress, null);
      if (news === said) return;
      host.say(formatProgress(progress, readRest(progress, timeLeft)));
      said = news;
      saidAtMs = atMs;
    },
    note: (text) => host.say(text),
    end() {
      timeLeft = createTimeLeft();
    },
  };
}

function readRest(progress: JobProgress, timeLeft: ReturnType<typeof createTimeLeft>): number | null {
  return progress.rowsTotal === null ? null : timeLeft.readSeconds(progress.rowsTotal - progress.rowsDone);
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
