import type { EnrichEvent } from '../model/events.js';
import type { JsonValue } from '../model/json.js';
import { toDollars } from './summary.js';

/** A line of the log without its time and its job. Names and meanings are a promise: docs/log.md tells each. */
export interface LogRecord {
  readonly event: string;
  readonly [name: string]: JsonValue;
}

/** An event as the log tells it; null for what is only of the moment. */
export function createLogRecord(event: EnrichEvent): LogRecord | null {
  switch (event.type) {
    case 'job':
      return { event: 'job', job: event.jobId, ask: event.askId, invocation: event.invocation };
    case 'note':
      return { event: 'note', code: event.code, message: event.message };
    case 'batch_sent': {
      const { batchId, runId, rows, effort, attempt, adopted } = event;
      return { event: 'batch_sent', batch: batchId, run: runId, rows, effort, attempt, adopted };
    }
    case 'batch_settled': {
      const { batchId, runId, rows, answered, costMicros } = event;
      return {
        event: 'batch_settled',
        batch: batchId,
        run: runId,
        rows,
        answered,
        cost_usd: toDollars(costMicros),
      };
    }
    case 'batch_failed': {
      const { batchId, runId, rows, reason } = event;
      return { event: 'batch_failed', batch: batchId, run: runId, rows, reason };
    }
    case 'retry': {
      const { what, attempt, delayMs, reason } = event;
      return { event: 'retry', what, attempt, delay_ms: delayMs, reason };
    }
    case 'row': {
      const { ordinal, line, status, costMicros, runId, values } = event;
      const facts = { event: 'row', ordinal, line, status, cost_usd: toDollars(costMicros), run: runId };
      return values === undefined ? facts : { ...facts, values };
    }
    case 'written':
      return { event: 'written', path: event.path, rows: event.rows };
    case 'progress':
      return null;
  }
}
