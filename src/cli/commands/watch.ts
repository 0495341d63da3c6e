import { basename, dirname } from 'node:path';
import { createUsageError } from '../../errors.js';
import { guardPaths } from '../../job/check-paths.js';
import { parseDuration } from '../../model/clock.js';
import type { JsonObject } from '../../model/json.js';
import { parseDropName } from '../../watch/file-state.js';
import { type WatchEvent, type WatchInspector, type WatchOptions, watchFolder } from '../../watch.js';
import { identifyFile } from '../../write/file-identity.js';
import { type CommandArgs, createCommand } from '../command.js';
import type { Host } from '../host.js';
import { openInterrupt } from '../interrupt.js';
import { createWatchLog, openRotatedLog, parseLogLevel } from '../log-file.js';
import { resolveWatchCode, sayError } from '../report-error.js';
import {
  INPUT_OPTIONS,
  JOB_OPTIONS,
  LAYOUT_OPTIONS,
  parseFormat,
  resolveJobOptions,
} from '../run-options.js';
import {
  BacklogReader,
  createMetrics,
  createStatusRecord,
  createWatchStatus,
  followWatch,
  openHealthServer,
  openHeartbeat,
} from '../watch-status.js';

const WATCH = 'Schedule';
const MONEY = 'Cost';
const FILES = 'Files';
const SUPERVISION = 'Monitoring';

const OPTIONS = {
  ...JOB_OPTIONS,
  maxCost: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about: 'Cap on the cost of one file; never exceeded. A file that reaches it is moved to DIR/failed.',
  },
  maxCostPerDay: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about:
      'Cap on the cost of all files of DIR per calendar day: local, or UTC with a ledger on PostgreSQL. Once it is reached, files in work wait for the next day. ' +
      'ROWFILL_MAX_COST_PER_DAY is the same cap for all jobs of the ledger.',
  },
  yes: { kind: 'switch', alias: 'y', group: MONEY, about: 'Process every file, whatever it costs.' },
  cancelOnInterrupt: {
    kind: 'switch',
    group: MONEY,
    about: 'On Ctrl-C, cancel the active runs. By default they continue, and the next start collects them.',
  },
  once: {
    kind: 'switch',
    group: WATCH,
    about: 'Fill the files that are there, then exit; for cron and timers.',
  },
  schedule: {
    kind: 'text',
    value: 'CRON',
    group: WATCH,
    about: 'Check for files only at these times, such as "0 6 * * 1-5": five cron fields, in local time.',
    fallback: 'continuously',
  },
  files: {
    kind: 'integer',
    value: 'N',
    group: WATCH,
    about:
      'How many files to fill at once. --concurrency and --starts-per-second apply to all of them together.',
    fallback: '4',
  },
  settle: {
    kind: 'text',
    value: 'TIME',
    group: WATCH,
    about: 'How long a file must stay unchanged before it is processed.',
    fallback: '5s',
  },
  poll: {
    kind: 'text',
    value: 'TIME',
    group: WATCH,
    about: 'How often DIR is checked, such as 500ms.',
    fallback: '2s',
  },
  format: {
    kind: 'text',
    value: 'FORMAT',
    group: FILES,
    about: 'Format of the results: csv, jsonl, json or xlsx.',
    fallback: 'the format of each file',
  },
  ...INPUT_OPTIONS,
  citations: {
    kind: 'switch',
    group: FILES,
    about: 'Also write every citation to NAME.citations.jsonl, next to the result.',
  },
  ...LAYOUT_OPTIONS,
  report: {
    kind: 'switch',
    group: FILES,
    about:
      'Also write a report of each file, as `rowfill report` does, to NAME.report.html next to the result.',
  },
  logFile: {
    kind: 'text',
    value: 'FILE',
    group: SUPERVISION,
    about: 'Append the log to FILE, which only its owner can read. It is created again after log rotation.',
    fallback: 'standard output',
  },
  logLevel: {
    kind: 'text',
    value: 'LEVEL',
    group: SUPERVISION,
    about: 'Log level: error, warn, info or debug.',
    fallback: 'debug',
  },
  heartbeat: {
    kind: 'text',
    value: 'FILE',
    group: SUPERVISION,
    about: 'Write the status to FILE every ten seconds.',
  },
  health: {
    kind: 'text',
    value: '[HOST:]PORT',
    group: SUPERVISION,
    about:
      'Serve GET /healthz (200 if healthy, else 503) and /metrics (for Prometheus) on this port. Only this machine can ' +
      'reach it, unless HOST is one of its network addresses, or 0.0.0.0 for all of them.',
  },
  allowHost: {
    kind: 'list',
    value: 'NAME',
    group: SUPERVISION,
    about: 'Host names to accept in requests to --health, besides IP addresses.',
    fallback: 'localhost and HOST',
  },
} as const;

/** `rowfill watch`: fills files as they are dropped into a folder. */
export const watch = createCommand({
  about:
    'Fills files as they are dropped into DIR, several at once. Each file is moved with its output to DIR/done, or to DIR/failed with the ' +
    'reason in a text file. If killed, it continues at its next start. Any number of watchers can share a folder.\n' +
    'The log goes to standard output or --log-file, one JSON object per line.',
  options: OPTIONS,
  examples: [
    {
      line: 'rowfill watch drop -s fields.json --send company,domain --max-cost 5 --max-cost-per-day 20',
      about: 'fills dropped files, for at most five dollars per file',
    },
    {
      line: 'rowfill watch drop -s fields.json --max-cost 5 --once',
      about: 'fills the files that are there, then exits; for cron and timers',
    },
    {
      line: 'rowfill watch drop --reference ./tables -f hq_city --schedule "0 6 * * 1-5" --health 8099',
      about: 'checks at 6:00 on weekdays, answers from your own tables, and serves its health',
    },
  ],
  async run(args, host) {
    const options = await resolveOptions(args, host);
    const supervision = await openSupervision(args, options, host);
    const interrupt = openInterrupt(host, (text) => host.say(text));
    try {
      const summary = await watchFolder(options, {
        onEvent: supervision.onEvent,
        onStart: supervision.onStart,
        signal: interrupt.signal,
      });
      if (summary.problem !== null) sayError(summary.problem, host);
      return resolveWatchCode(summary);
    } finally {
      interrupt.close();
      await supervision.close();
    }
  },
});

async function resolveOptions(
  { operands: [folder = ''], options }: CommandArgs<typeof OPTIONS>,
  host: Host,
): Promise<WatchOptions> {
  const {
    once,
    report,
    schedule,
    files,
    settle,
    poll,
    maxCostPerDay,
    format,
    citations,
    heartbeat,
    health,
    allowHost,
    logFile,
    logLevel: _logLevel,
    ...values
  } = options;
  const readJob = async () => {
    const { input: _input, ...job } = await resolveJobOptions('', values, host);
    return {
      ...job,
      ...parseFormat(format),
      ...(citations === true ? { citationsFile: 'citations.jsonl' } : {}),
    };
  };
  return {
    folder,
    job: await readJob(),
    reload: readJob,
    recipes: options.recipe === undefined ? [] : [options.recipe],
    report,
    once,
    schedule,
    maxCostPerDay,
    files,
    keep: [heartbeat, logFile].filter((path) => path !== undefined),
    settleMs: parseTime('--settle', settle),
    pollMs: parseTime('--poll', poll),
  };
}

function parseTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const lengthMs = parseDuration(text);
  if (lengthMs !== null) return lengthMs;
  throw createUsageError(
    'BAD_OPTION',
    `${name} is ${text}`,
    'Use a number with ms, s, m, h, d or w, such as 5s.',
  );
}

/** Opens the log, the heartbeat and the health endpoint, which all follow the watcher's events. */
async function openSupervision(
  { options }: CommandArgs<typeof OPTIONS>,
  { folder, job }: WatchOptions,
  host: Host,
) {
  const { heartbeat, health, allowHost, recipe, logFile } = options;
  const level = parseLogLevel(options.logLevel);
  const places = await guardPaths({ ...job, recipe, heartbeat, logFile, citationsFile: undefined });
  if (heartbeat !== undefined) refuseDrop(heartbeat, folder);
  const file = logFile === undefined ? null : openRotatedLog(logFile, host);
  const log = createWatchLog(host, file?.write ?? host.print, level);
  const backlog = new BacklogReader();
  let status = createWatchStatus(host.now());
  // Keys are hidden, because a message may quote an agent or a proxy, and others may read the page.
  const readStatus = async (): Promise<JsonObject> =>
    JSON.parse(host.hide(JSON.stringify(createStatusRecord(status, await backlog.read(), host.now()))));
  const readMetrics = async () => createMetrics(status, await backlog.read(), host.now());
  const server =
    health === undefined ? null : await openHealthServer(health, { readStatus, readMetrics }, allowHost);
  const beat =
    heartbeat === undefined
      ? null
      : await openHeartbeat(heartbeat, readStatus, host, () => places.check('heartbeat'));
  if (server !== null) host.say(`Health page: ${server.url}`);
  return {
    onStart: (inspector: WatchInspector): void => backlog.start(inspector),
    onEvent(event: WatchEvent): void {
      status = followWatch(status, event, host.now());
      log(event);
    },
    async close(): Promise<void> {
      server?.close();
      await beat?.close();
      file?.close();
    },
  };
}

/** Throws if the heartbeat would replace a dropped file, or be taken for one. */
function refuseDrop(heartbeat: string, folder: string): void {
  const { path } = identifyFile(heartbeat);
  const isDrop =
    dirname(path) === identifyFile(folder).path && parseDropName(basename(path)).status === 'table';
  if (!isDrop) return;
  throw createUsageError(
    'HEARTBEAT_IS_DROP',
    `--heartbeat: ${heartbeat} would be processed as a file dropped into ${folder}`,
    'Name a file outside that folder.',
  );
}
