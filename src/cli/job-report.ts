import type { EnrichEvent, JobSummary } from '../model/events.js';
import type { Host } from './host.js';
import type { LogFile } from './log-file.js';
import { openProgress } from './progress.js';
import { isClosedOutput, sayError } from './report-error.js';
import { formatSummary } from './summary.js';

/** What a person and a log hear of a job. */
export interface JobReport {
  readonly onEvent: (event: EnrichEvent) => void;
  /** Says a line without spoiling what is drawn. */
  say(text: string): void;
  /** Takes away what is drawn, for somebody else to use the terminal. */
  pause(): void;
  /** Tells what the job came to. */
  finish(summary: JobSummary): void;
  /** Notes why the job has no end; a reader of the output who left is no reason. */
  fail(error: unknown): void;
  /** Stops drawing, whichever way the job ended. */
  close(): void;
}

/** Opens the report of one job; a quiet one tells errors only. */
export async function openJobReport(host: Host, quiet: boolean, log: LogFile | null): Promise<JobReport> {
  const progress = quiet ? null : await openProgress(host);
  let runsActive = 0;

  function show(event: EnrichEvent): void {
    if (event.type === 'progress') {
      runsActive = event.progress.runsActive;
      progress?.update(event.progress);
    } else if (event.type === 'note') {
      progress?.note(event.message);
    }
  }

  return {
    onEvent(event) {
      log?.write(event);
      show(event);
    },
    say: (text) => (progress === null ? host.say(text) : progress.note(text)),
    pause: () => progress?.end(),
    finish(summary) {
      progress?.end();
      log?.end(summary);
      if (!quiet) for (const line of formatSummary(summary, runsActive)) host.say(line);
      if (summary.error !== null) sayError(summary.error, host);
    },
    fail(error) {
      progress?.end();
      if (!isClosedOutput(error, host)) log?.fail(error);
    },
    close() {
      progress?.end();
      log?.close();
    },
  };
}
