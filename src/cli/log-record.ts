import type { EnrichEvent } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import { toDollars } from './summary.js';

/** What the log tells of an event; null for what is only of the moment. Names and meanings are a promise: docs/log.md tells each. */
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
