import { createTimeLeft, estimateSecondsLeft, formatProgress, type Progress } from './format-progress.js';
import type { Host } from './host.js';

const LINE_INTERVAL_MS = 5000;

/** Shows a bar on a terminal; elsewhere prints a line at most every 5 s, if there is progress. */
export async function openProgress(host: Host): Promise<Progress> {
  if (host.stderr.isTTY !== true || host.env.TERM === 'dumb') return createLines(host);
  const { createBar } = await import('./progress-bar.js');
  return createBar(host);
}

function createLines(host: Host): Progress {
  let timeLeft = createTimeLeft();
  let saidAtMs = host.now();
  let said = '';
  return {
    update(progress) {
      const atMs = host.now();
      timeLeft.observe(atMs, progress.rowsDone);
      if (atMs - saidAtMs < LINE_INTERVAL_MS) return;
      const news = formatProgress(progress, null);
      if (news === said) return;
      host.say(formatProgress(progress, estimateSecondsLeft(progress, timeLeft)));
      said = news;
      saidAtMs = atMs;
    },
    note: (text) => host.say(text),
    end() {
      timeLeft = createTimeLeft();
    },
  };
}
