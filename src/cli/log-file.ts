import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import type { EnrichEvent, JobSummary } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import type { Host } from './host.js';
import { createLogRecord } from './log-record.js';
import { createSummaryRecord } from './summary.js';

/** The log of a job: one JSON object a line, appended, without cell values unless asked for and never with the key. */
export interface LogFile {
  write(event: EnrichEvent): void;
  /** Tells what the job came to. */
  end(summary: JobSummary): void;
  /** Tells why there is no end. */
  fail(error: unknown): void;
  close(): void;
}

/** Rows come by the thousand, all else now and then: only rows are held back until so much of them is there. */
const MAX_HELD_CHARACTERS = 64 * 1024;

/** Opens a log; it can be read by its owner only. */
export function openLogFile(path: string, host: Host): LogFile {
  const file = openFile(path);
  const readTime = createTimeText();
  let jobId: string | null = null;
  let held = '';
  let hasFailed = false;

  function flush(): void {
    const text = host.hide(held);
    held = '';
    if (text === '' || hasFailed) return;
    try {
      writeSync(file, text);
    } catch (error) {
      // A full disk under the log is no reason to stop a paid job.
      hasFailed = true;
      host.say(`The log ${path} cannot be written any more: ${describeError(error)}`);
    }
  }

  function append(event: string, facts: JsonObject): void {
    const head = JSON.stringify({ time: readTime(host.now()), event, job: jobId });
    held += `${head.slice(0, -1)},${JSON.stringify(facts).slice(1)}\n`;
    if (event !== 'row' || held.length > MAX_HELD_CHARACTERS) flush();
  }

  return {
    write(event) {
      if (event.type === 'job') jobId = event.jobId;
      const record = createLogRecord(event);
      if (record !== null) append(event.type, record);
    },
    end(summary) {
      const { job: _job, ...facts } = createSummaryRecord(summary);
      append('end', { stop: summary.stop, ...facts, error: summary.error });
    },
    fail: (error) =>
      append('error', {
        code: error instanceof RowfillError ? error.code : 'DEFECT',
        message: describeError(error),
      }),
    close() {
      flush();
      closeSync(file);
    },
  };
}

/** A log that is written for months: lines are appended, and a file that was rotated away is followed by a new one. */
export interface RotatedLog {
  write(line: string): void;
  close(): void;
}

/** Opens such a log; only its owner can read it. */
export function openRotatedLog(path: string, host: Pick<Host, 'say'>): RotatedLog {
  let file = openFile(path);
  let hasFailed = false;
  let isTorn = false;

  function follow(): void {
    if (isSame(path, file)) return;
    const next = openFile(path);
    closeSync(file);
    file = next;
    isTorn = false;
  }

  return {
    write(line) {
      try {
        follow();
        // After a disk was full in the middle of a line, the next one still begins on its own.
        const bytes = Buffer.from(isTorn ? `\n${line}` : line);
        for (let at = 0; at < bytes.length; ) {
          at += writeSync(file, bytes, at);
          isTorn = at < bytes.length;
        }
        hasFailed = false;
      } catch (error) {
        // No reason to stop a paid job. The next line is tried again: rotation or more room may mend it.
        if (!hasFailed) host.say(`The log ${path} cannot be written: ${describeError(error)}`);
        hasFailed = true;
      }
    },
    close: () => closeSync(file),
  };
}

/** False if the path leads to another file than the open one, or to none. */
function isSame(path: string, file: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(file);
  return now !== undefined && now.dev === open.dev && now.ino === open.ino;
}

/** Writes a time down; many rows share a millisecond. */
function createTimeText(): (ms: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== lastMs) text = new Date(ms).toISOString();
    lastMs = ms;
    return text;
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    const message = `--log-file: ${path} cannot be written: ${describeError(error)}`;
    throw createUsageError(
      'LOG_NOT_WRITABLE',
      message,
      'Name a file in a folder that can be written.',
      error,
    );
  }
}
