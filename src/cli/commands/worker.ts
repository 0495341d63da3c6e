import { runWorker } from '../../worker.js';
import { createCommand } from '../command.js';
import { openInterrupt } from '../interrupt.js';
import { chooseLedger, LEDGER_OPTION } from '../ledger-option.js';
import { openRotatedLog, parseLogLevel } from '../log-file.js';
import { EXIT_CODES } from '../report-error.js';
import { JOB_OPTIONS, REPORT, resolveApiKey } from '../run-options.js';
import { createWorkerLog } from '../worker-log.js';

/** `rowfill worker`: runs batches of the jobs of a shared ledger. */
export const worker = createCommand({
  about:
    'Runs batches for rowfill run --workers, until it is stopped. Any number of workers on any machines share a ledger on ' +
    'PostgreSQL; they need no access to the files. A worker takes only batches for its own agent and key.\n' +
    'The log goes to standard output or --log-file, one JSON object per line.',
  options: {
    concurrency: {
      ...JOB_OPTIONS.concurrency,
      about:
        'Maximum number of concurrent runs of this worker. Each job has its own limit for all workers together.',
    },
    apiUrl: JOB_OPTIONS.apiUrl,
    insecureHttp: JOB_OPTIONS.insecureHttp,
    ...LEDGER_OPTION,
    logFile: {
      kind: 'text',
      value: 'FILE',
      group: REPORT,
      about: 'Append the log to FILE, which only its owner can read. It is created again after log rotation.',
      fallback: 'standard output',
    },
    logLevel: {
      kind: 'text',
      value: 'LEVEL',
      group: REPORT,
      about: 'Log level: error, warn, info or debug.',
      fallback: 'debug',
    },
  },
  examples: [
    {
      line: 'rowfill worker --ledger postgres://db/rowfill',
      about: 'runs batches for the hosted service, with the key in EXA_API_KEY',
    },
    {
      line: 'rowfill worker --api-url http://127.0.0.1:8787 --concurrency 50',
      about: 'runs batches for another agent; ROWFILL_LEDGER names the ledger',
    },
  ],
  async run({ options }, host) {
    const { logFile, logLevel, ledger, ...rest } = options;
    const level = parseLogLevel(logLevel);
    const file = logFile === undefined ? null : openRotatedLog(logFile, host);
    const log = createWorkerLog(host, file?.write ?? host.print, level);
    const interrupt = openInterrupt(host, (text) => host.say(text), STOPPING);
    try {
      await runWorker(
        { ...rest, ...resolveApiKey(host.env), ledger: chooseLedger(host.env, ledger) },
        { onEvent: log, signal: interrupt.signal },
      );
      return EXIT_CODES.interrupted;
    } catch (error) {
      if (interrupt.hasCaused(error)) return EXIT_CODES.interrupted;
      throw error;
    } finally {
      interrupt.close();
      file?.close();
    }
  },
});

const STOPPING =
  'Stopping: no new runs will start; active runs are left to other processes. Press Ctrl-C again to exit immediately.';
