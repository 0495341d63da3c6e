import { Presets, SingleBar } from 'cli-progress';
import type { JobProgress } from '../model/events.js';
import { createTimeLeft, estimateSecondsLeft, formatProgress, type Progress } from './format-progress.js';
import { cleanText, type Host } from './host.js';

const BAR_WIDTH = 20;
const MIN_BAR_WIDTH = 4;
/** Usual width of the text next to the bar. */
const WORDS_WIDTH = 60;

/** Creates a progress bar on the last line of the terminal. */
export function createBar(host: Host): Progress {
  const bar = new SingleBar(
    {
      stream: host.stderr as NodeJS.WritableStream,
      format: '{bar} {words}',
      barsize: Math.max(MIN_BAR_WIDTH, Math.min(BAR_WIDTH, (host.stderr.columns ?? 80) - WORDS_WIDTH)),
      clearOnComplete: true,
      // Keeps cli-progress from changing the terminal's wrap setting, which would have to be restored.
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
    const payload = { words: cleanText(formatProgress(progress, estimateSecondsLeft(progress, timeLeft))) };
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
      // Restart the bar, so that it moves to the line below the note.
      bar.stop();
      host.say(text);
      if (last !== null) draw(last, true);
    },
    end() {
      bar.stop();
      unguard();
      last = null;
      // Time spent waiting at a question must not count for the pace.
      timeLeft = createTimeLeft();
    },
  };
}
