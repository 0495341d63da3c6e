import { closeSync, openSync, writeSync } from 'node:fs';
import { createUsageError, describeError } from '../errors.js';
import type { EnrichEvent, JobSummary } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import { type Host, hideSecrets, readSecrets } from './host.js';
import { createSummaryRecord, toDollars } from './summary.js';

/** The log of a job: one JSON object a line, appended, without cell values and never with the key. */
export interface LogFile {
  write(event: EnrichEvent): void;
  end(summary: JobSummary): void;
  close(): void;
}

/** Opens a log; it can be read by its owner only. */
export function openLogFile(path: string, host: Host): LogFile {
  const file = openFile(path);
  const secrets = readSecrets(host.env);
  let hasFailed = false;

  function append(record: JsonObject): void {
    const line = JSON.stringify({ time: new Date(host.now()).toISOString(), ...record });
    try {
      writeSync(file, `${hideSecrets(line, secrets)}\n`);
    } catch (error) {
      // A full disk under the log is no reason to stop a paid job.
      if (!hasFailed) host.say(`The log ${path} cannot be written any more: ${describeError(error)}`);
      hasFailed = true;
    }
  }

  return {
    write(event) {
      const record = createLogRecord(event);
      if (record !== null) append(record);
    },
    end: (summary) => append({ event: 'end', stop: summary.stop, ...createSummaryRecord(summary) }),
    close: () => closeSync(file),
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

/** An event as the log tells it; null for what is only of the moment. */
export function createLogRecord(event: EnrichEvent): JsonObject | null {
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
    case 'written':
      return { event: 'written', path: event.path, rows: event.rows };
    case 'progress':
      return null;
  }
}
