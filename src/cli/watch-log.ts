import type { JsonObject } from '../model/json.js';
import type { Problem, WatchEvent, WatchSummary } from '../watch.js';
import type { Host } from './host.js';
import { createLogRecord } from './log-record.js';
import { createSummaryRecord, toDollars } from './summary.js';

/** How much the log says, from least to most. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes one JSON object an event, up to a level; it holds no cells, and never the key. */
export function createWatchLog(
  host: Pick<Host, 'hide' | 'now'>,
  write: (line: string) => void,
  level: LogLevel,
): (event: WatchEvent) => void {
  const most = LOG_LEVELS.indexOf(level);
  return (event) => {
    if (LOG_LEVELS.indexOf(readLevel(event)) > most) return;
    const record = createWatchRecord(event);
    if (record === null) return;
    const line = JSON.stringify({ time: new Date(host.now()).toISOString(), ...record });
    write(`${host.hide(line)}\n`);
  };
}

/** What a person has to see, should see, may want to know, or needs only to search for a fault. */
export function readLevel(event: WatchEvent): LogLevel {
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

const JOB_LEVELS: Readonly<Record<string, LogLevel>> = {
  note: 'warn',
  batch_failed: 'warn',
  job: 'info',
  written: 'info',
};

/** An event as the log tells it; null for what is only of the moment. */
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
      // Rows come by the thousand, and stand in the output.
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
