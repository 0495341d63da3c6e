import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { createUsageError, describeError, describeSystemError, RowfillError } from '../errors.js';
import { describeOpenPath } from '../job/check-paths.js';
import type { EnrichEvent, JobSummary } from '../model/events.js';
import { isSameFileId, readFileId } from '../model/file-id.js';
import type { JsonObject } from '../model/json.js';
import type { Problem, WatchEvent, WatchSummary } from '../watch.js';
import type { Host } from './host.js';
import { createSummaryRecord, toDollars } from './summary.js';

/** The log of a job: appends one JSON object per line, without cell values unless requested, and never with the key. */
export interface LogFile {
  write(event: EnrichEvent): void;
  /** Logs the result of the job. */
  end(summary: JobSummary): void;
  /** Logs the error that ended the job. */
  fail(error: unknown): void;
  close(): void;
}

/** Buffer size for row events, which come by the thousand. All other events are written immediately. */
const MAX_BUFFERED_CHARACTERS = 64 * 1024;

/** Opens a log that only its owner can read. */
export function openLogFile(path: string, host: Host): LogFile {
  const file = openFile(path);
  warnIfOpen(path, host);
  const readTime = createTimeText();
  let jobId: string | null = null;
  let buffer = '';
  let hasFailed = false;

  function flush(): void {
    const text = host.hide(buffer);
    buffer = '';
    if (text === '' || hasFailed) return;
    try {
      writeSync(file, text);
    } catch (error) {
      // If the log cannot be written, as on a full disk, a paid job must continue.
      hasFailed = true;
      host.say(`The log ${path} can no longer be written: ${describeSystemError(error)}`);
    }
  }

  function append(event: string, facts: JsonObject): void {
    const head = JSON.stringify({ time: readTime(host.now()), event, job: jobId });
    buffer += `${head.slice(0, -1)},${JSON.stringify(facts).slice(1)}\n`;
    if (event !== 'row' || buffer.length > MAX_BUFFERED_CHARACTERS) flush();
  }

  return {
    write(event) {
      if (event.type === 'job') jobId = event.jobId;
      const record = createLogRecord(event);
      if (record !== null) append(event.type, record);
    },
    end(summary) {
      const { job: _job, ...facts } = createSummaryRecord(summary);
      append('end', { stop: summary.stop, ...facts });
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

/** A long-lived log. Appends lines, and creates a new file when the old one was rotated away. */
interface RotatedLog {
  write(line: string): void;
  close(): void;
}

/** Opens a rotated log that only its owner can read. */
export function openRotatedLog(path: string, host: Pick<Host, 'say'>): RotatedLog {
  let file = openFile(path);
  warnIfOpen(path, host);
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
        // If a full disk cut off the last line, start the next one on a new line.
        const bytes = Buffer.from(isTorn ? `\n${line}` : line);
        for (let at = 0; at < bytes.length; ) {
          at += writeSync(file, bytes, at);
          isTorn = at < bytes.length;
        }
        hasFailed = false;
      } catch (error) {
        // The paid job continues. The next line is tried again, as rotation or more disk space may fix it.
        if (!hasFailed) host.say(`The log ${path} cannot be written: ${describeSystemError(error)}`);
        hasFailed = true;
      }
    },
    close: () => closeSync(file),
  };
}

/** True if the path still leads to the open file. */
function isSame(path: string, file: number): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  const open = fstatSync(file, { bigint: true });
  return now !== undefined && isSameFileId(readFileId(now), readFileId(open));
}

/** Formats times, caching the last one because many rows share a millisecond. */
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
    const message = `--log-file: ${path} cannot be written: ${describeSystemError(error)}`;
    throw createUsageError('LOG_NOT_WRITABLE', message, 'Name a file in a writable folder.', error);
  }
}

/** A log keeps its permissions, because a log rotation may have set them, but a person should know. */
function warnIfOpen(path: string, host: Pick<Host, 'say'>): void {
  const open = describeOpenPath(path, `the log ${path}`);
  if (open !== null) host.say(open.message);
}

/** Builds the log record of an event; null for progress, which is not logged. Scripts rely on the keys: see docs/log.md. */
export function createLogRecord(event: EnrichEvent): JsonObject | null {
  switch (event.type) {
    case 'job':
      return { ask: event.askId, invocation: event.invocation };
    case 'note':
      return { code: event.code, message: event.message };
    case 'batch_sent': {
      const { batchId, runId, rows, effort, attempt, adopted } = event;
      return { batch: batchId, run: runId, rows, effort, attempt, adopted };
    }
    case 'batch_settled': {
      const { batchId, runId, rows, answered, costMicros, isCostEstimated } = event;
      return {
        batch: batchId,
        run: runId,
        rows,
        answered,
        cost_usd: toDollars(costMicros),
        ...(isCostEstimated ? { cost_estimated: true } : {}),
      };
    }
    case 'batch_failed': {
      const { batchId, runId, rows, reason } = event;
      return { batch: batchId, run: runId, rows, reason };
    }
    case 'retry': {
      const { what, attempt, delayMs, reason } = event;
      return { what, attempt, delay_ms: delayMs, reason };
    }
    case 'row': {
      const { ordinal, line, status, costMicros, runId, values } = event;
      const facts = { ordinal, line, status, cost_usd: toDollars(costMicros), run: runId };
      return values === undefined ? facts : { ...facts, values };
    }
    case 'written':
      return { path: event.path, rows: event.rows };
    case 'progress':
      return null;
  }
}

/** Log levels, from least to most verbose. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Parses `--log-level`. Throws a usage error for an unknown level. */
export function parseLogLevel(text = 'debug'): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw createUsageError('BAD_OPTION', `--log-level is ${text}`, `Use one of ${LOG_LEVELS.join(', ')}.`);
}

/** Writes one JSON object per event up to `level`, without cell values and without the key. */
export function createWatchLog(
  host: Pick<Host, 'hide' | 'now'>,
  write: (line: string) => void,
  level: LogLevel,
): (event: WatchEvent) => void {
  const most = LOG_LEVELS.indexOf(level);
  return (event) => {
    if (LOG_LEVELS.indexOf(levelOf(event)) > most) return;
    const record = createWatchRecord(event);
    if (record === null) return;
    const line = JSON.stringify({ time: new Date(host.now()).toISOString(), ...record });
    write(`${host.hide(line)}\n`);
  };
}

/** Returns the log level of an event. */
function levelOf(event: WatchEvent): LogLevel {
  switch (event.type) {
    case 'failed':
      return 'error';
    case 'left':
      return event.problem === null ? 'info' : 'error';
    case 'stopped':
      return event.summary.problem === null ? 'info' : 'error';
    case 'waiting':
      return 'warn';
    case 'watching':
    case 'job_changed':
    case 'ignored':
    case 'taken':
    case 'done':
      return 'info';
    case 'job':
      return JOB_LEVELS[event.event.type] ?? 'debug';
  }
}

/** Levels of a job's events; `debug` for all others. */
export const JOB_LEVELS: Readonly<Record<string, LogLevel>> = {
  note: 'warn',
  batch_failed: 'warn',
  job: 'info',
  written: 'info',
};

/** Builds the log record of an event; null for events that are not logged. */
export function createWatchRecord(event: WatchEvent): JsonObject | null {
  switch (event.type) {
    case 'watching': {
      const { folder, nextAtMs } = event;
      return {
        event: 'watching',
        folder,
        ...(nextAtMs === null ? {} : { next: new Date(nextAtMs).toISOString() }),
      };
    }
    case 'job_changed':
      return { event: 'job_changed', files: [...event.files] };
    case 'ignored':
      return { event: 'ignored', file: event.file, reason: event.reason };
    case 'taken':
      return { event: 'taken', file: event.file, from: event.from, resumed: event.resumed };
    case 'job': {
      const { file, event: inner } = event;
      // Rows are not logged: there are thousands, and the output has them.
      const facts = inner.type === 'row' ? null : createLogRecord(inner);
      if (facts === null) return null;
      return { event: inner.type, file, ...(inner.type === 'job' ? { job: inner.jobId } : {}), ...facts };
    }
    case 'waiting': {
      const { file, problem, delayMs } = event;
      return { event: 'waiting', file, ...createProblemRecord(problem), delay_ms: delayMs };
    }
    case 'done': {
      const { file, input, output, summary } = event;
      return { event: 'done', file, ...createSummaryRecord(summary), input, output };
    }
    case 'failed': {
      const { file, input, problem, summary } = event;
      const cost = summary === null ? {} : { cost_usd: toDollars(summary.costMicros) };
      return { event: 'failed', file, input, ...createProblemRecord(problem), ...cost };
    }
    case 'left': {
      const { file, stop, problem } = event;
      return { event: 'left', file, stop, ...(problem === null ? {} : createProblemRecord(problem)) };
    }
    case 'stopped':
      return { event: 'stopped', ...createWatchSummaryRecord(event.summary) };
  }
}

function createWatchSummaryRecord(summary: WatchSummary): JsonObject {
  const { stop, done, failed, rowsFailed, costMicros, left, problem } = summary;
  const files = Object.values(failed).reduce((sum, count) => sum + count, 0);
  return {
    stop,
    ...(problem === null ? {} : createProblemRecord(problem)),
    done,
    failed: files,
    rows_failed: rowsFailed,
    cost_usd: toDollars(costMicros),
    ...(left.length === 0 ? {} : { left }),
  };
}

function createProblemRecord({ code, message, hint }: Problem): JsonObject {
  return { code, message, ...(hint === null ? {} : { hint }) };
}
