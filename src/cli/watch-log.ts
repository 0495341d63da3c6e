import type { JsonObject } from '../model/json.js';
import type { Problem, WatchEvent, WatchSummary } from '../watch.js';
import type { Host } from './host.js';
import { createLogRecord } from './log-record.js';
import { createSummaryRecord, toDollars } from './summary.js';

/** Prints one JSON object an event; it holds no cells, and never the key. */
export function createWatchLog(host: Host): (event: WatchEvent) => void {
  return (event) => {
    const record = createWatchRecord(event);
    if (record === null) return;
    const line = JSON.stringify({ time: new Date(host.now()).toISOString(), ...record });
    host.print(`${host.hide(line)}\n`);
  };
}

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
