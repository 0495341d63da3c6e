import type { JsonObject } from '../model/json.js';
import type { WorkerEvent } from '../worker.js';
import type { Host } from './host.js';
import { createLogRecord, JOB_LEVELS, LOG_LEVELS, type LogLevel } from './log-file.js';

/** Writes one JSON object per event of a worker up to `level`, without cell values and without the key. */
export function createWorkerLog(
  host: Pick<Host, 'hide' | 'now'>,
  write: (line: string) => void,
  level: LogLevel,
): (event: WorkerEvent) => void {
  const most = LOG_LEVELS.indexOf(level);
  return (event) => {
    if (LOG_LEVELS.indexOf(levelOf(event)) > most) return;
    const record = createWorkerRecord(event);
    if (record === null) return;
    write(`${host.hide(JSON.stringify({ time: new Date(host.now()).toISOString(), ...record }))}\n`);
  };
}

function levelOf(event: WorkerEvent): LogLevel {
  if (event.type === 'job') return JOB_LEVELS[event.event.type] ?? 'debug';
  return event.type === 'waiting' ? 'warn' : 'info';
}

/** Builds the log record of an event; null for one that is not logged. Scripts rely on the keys: see docs/log.md. */
export function createWorkerRecord(event: WorkerEvent): JsonObject | null {
  switch (event.type) {
    case 'working':
      return { event: 'working', agent: event.agent, concurrency: event.concurrency };
    case 'waiting': {
      const { code, message, delayMs } = event;
      return { event: 'waiting', code, message, delay_ms: delayMs };
    }
    case 'job': {
      const facts = createLogRecord(event.event);
      return facts === null ? null : { event: event.event.type, job: event.jobId, ...facts };
    }
    case 'stopped':
      return { event: 'stopped' };
  }
}
