import type { EnrichEvent, JobSummary } from '../model/events.js';
import { showName } from '../model/format.js';
import { formatTable, showCell } from './format-table.js';
import { type Host, readColumns } from './host.js';
import type { LogFile } from './log-file.js';
import { openProgress } from './progress.js';
import { isClosedOutput, sayError } from './report-error.js';
import { formatSummary } from './summary.js';

/** Reports a job on the terminal and in the log. */
interface JobReport {
  readonly onEvent: (event: EnrichEvent) => void;
  /** Prints a line without breaking the progress bar. */
  say(text: string): void;
  /** Removes the progress bar, so that a question can use the terminal. */
  pause(): void;
  /** Reports the result of the job. */
  finish(summary: JobSummary): void;
  /** Logs the error that ended the job, unless the reader of standard output just closed it. */
  fail(error: unknown): void;
  /** Removes the progress bar and closes the log. */
  close(): void;
}

/** Opens the report of one job. With `quiet` it prints only errors. */
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
      if (!quiet) showSummary(summary, runsActive, host);
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

/** Shows the first filled rows and the summary. Without a terminal no cells are shown, because the text may go to a log. */
function showSummary(summary: JobSummary, runsActive: number, host: Host): void {
  const isTerminal = host.stderr.isTTY === true;
  const examples = isTerminal ? formatExamples(summary, readColumns(host.stderr) ?? 80) : [];
  for (const line of [...examples, ...formatSummary(summary, { runsActive, isTerminal })]) host.say(line);
}

/** Values per row that fit a terminal next to each other. */
const MAX_CELLS = 6;

/** Shows the first filled rows as a table of `width` columns. */
export function formatExamples({ examples }: JobSummary, width: number): string[] {
  const [first] = examples;
  if (first === undefined) return [];
  const columns = [first, ...examples].map((example, index) =>
    example.slice(0, MAX_CELLS).map(([column, value]) => (index === 0 ? showName(column) : showCell(value))),
  );
  const count = examples.length === 1 ? 'The first filled row' : `The first ${examples.length} filled rows`;
  return [`${count}:`, ...formatTable(columns, width)];
}
