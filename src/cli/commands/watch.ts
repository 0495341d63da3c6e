import { basename, dirname } from 'node:path';
import { createUsageError } from '../../errors.js';
import { guardPlaces } from '../../job/check-places.js';
import { parseDuration } from '../../model/clock.js';
import type { JsonObject } from '../../model/json.js';
import { parseDropName } from '../../watch/file-state.js';
import { type WatchEvent, type WatchInspector, type WatchOptions, watchFolder } from '../../watch.js';
import { identifyFile } from '../../write/file-identity.js';
import { type CommandArgs, createCommand } from '../command.js';
import type { Host } from '../host.js';
import { openInterrupt } from '../interrupt.js';
import { createWatchLog, LOG_LEVELS, type LogLevel, openRotatedLog } from '../log-file.js';
import { resolveWatchCode, sayError } from '../report-error.js';
import { INPUT_OPTIONS, JOB_OPTIONS, parseFormat, resolveJobOptions } from '../run-options.js';
import {
  BacklogReader,
  createMetrics,
  createStatusRecord,
  createWatchStatus,
  followWatch,
  openHealthServer,
  openHeartbeat,
} from '../watch-status.js';

const WATCH = 'When to look';
const MONEY = 'Money';
const FILES = 'Files';
const SUPERVISION = 'For those who supervise it';

const OPTIONS = {
  ...JOB_OPTIONS,
  maxCost: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about: 'The most that one file may cost. It is never passed; a file that reaches it goes to DIR/failed.',
  },
  maxCostPerDay: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about:
      'The most that all files of DIR may cost from midnight to midnight. Then the file at work waits for the next day. ' +
      'ROWFILL_MAX_COST_PER_DAY does the same for all jobs of the ledger.',
  },
  yes: { kind: 'switch', alias: 'y', group: MONEY, about: 'Pay for every file, whatever it costs.' },
  cancelOnInterrupt: {
    kind: 'switch',
    group: MONEY,
    about: 'On Ctrl-C, cancel the runs at the agent; else they go on, and the next start picks them up.',
  },
  once: { kind: 'switch', group: WATCH, about: 'Fill what is there, then end: for cron and timers.' },
  schedule: {
    kind: 'text',
    value: 'CRON',
    group: WATCH,
    about: 'Look at these times only, such as "0 6 * * 1-5": five fields of cron, in the local time.',
    fallback: 'all the time',
  },
  settle: {
    kind: 'text',
    value: 'TIME',
    group: WATCH,
    about: 'How long a file has to stay as it is before it is taken.',
    fallback: '5s',
  },
  poll: {
    kind: 'text',
    value: 'TIME',
    group: WATCH,
    about: 'How often DIR is looked at, such as 500ms.',
    fallback: '2s',
  },
  format: {
    kind: 'text',
    value: 'FORMAT',
    group: FILES,
    about: 'The format of the results: csv, jsonl, json or xlsx.',
    fallback: 'that of each file',
  },
  ...INPUT_OPTIONS,
  citations: {
    kind: 'switch',
    group: FILES,
    about: 'Write every citation into NAME.citations.jsonl too, beside the result.',
  },
  bom: { kind: 'switch', group: FILES, about: 'Begin a CSV with a byte order mark, for Excel.' },
  raw: {
    kind: 'switch',
    group: FILES,
    about:
      'Write the agent’s text as it came: formulas that a spreadsheet would run, control characters and all.',
  },
  logFile: {
    kind: 'text',
    value: 'FILE',
    group: SUPERVISION,
    about:
      'Append the log to FILE instead; a FILE that is rotated away is made again. Only its owner can read it.',
    fallback: 'standard output',
  },
  logLevel: {
    kind: 'text',
    value: 'LEVEL',
    group: SUPERVISION,
    about: 'How much the log says: error, warn, info or debug.',
    fallback: 'debug',
  },
  heartbeat: {
    kind: 'text',
    value: 'FILE',
    group: SUPERVISION,
    about: 'Write the state into FILE every ten seconds.',
  },
  health: {
    kind: 'text',
    value: '[HOST:]PORT',
    group: SUPERVISION,
    about:
      'Answer GET /healthz (200 while all is well, 503 in trouble) and /metrics (for Prometheus) on this port. Only this ' +
      'machine can reach it, unless HOST is an address of it: 0.0.0.0:8099.',
  },
  allowHost: {
    kind: 'list',
    value: 'NAME',
    group: SUPERVISION,
    about: 'Host names that requests to --health may use besides IP addresses.',
    fallback: 'localhost, and HOST',
  },
} as const;

/** `rowfill watch`: fills files as they are dropped into a folder. */
export const watch = createCommand({
  about:
    'Fills files as they are dropped into DIR, and moves each with its output to DIR/done, or to DIR/failed with a text that ' +
    'says why. Killed in the middle, it carries on at its next start; any number of watchers can share a folder.\n' +
    'Standard output, or --log-file, is the log: one JSON object a line.',
  options: OPTIONS,
  examples: [
    {
      line: 'rowfill watch drop -s fields.json --send company,domain --max-cost 5 --max-cost-per-day 20',
      about: 'fills what is dropped, for five dollars a file at most',
    },
    {
      line: 'rowfill watch drop -s fields.json --max-cost 5 --once',
      about: 'fills what is there and ends, as cron and timers want it',
    },
    {
      line: 'rowfill watch drop --reference ./tables -f hq_city --schedule "0 6 * * 1-5" --health 8099',
      about: 'looks at six on working days, answers from tables of your own, and can be asked how it is',
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
    schedule,
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
    once,
    schedule,
    maxCostPerDay,
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
    'It takes a number with ms, s, m, h, d or w, such as 5s.',
  );
}

function parseLogLevel(text = 'debug'): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw createUsageError(
    'BAD_OPTION',
    `--log-level is ${text}`,
    `It takes one of: ${LOG_LEVELS.join(', ')}.`,
  );
}

/** The log, the heartbeat and the health endpoint: all of them told by events. */
async function openSupervision(
  { options }: CommandArgs<typeof OPTIONS>,
  { folder, job }: WatchOptions,
  host: Host,
) {
  const { heartbeat, health, allowHost, recipe, logFile } = options;
  const level = parseLogLevel(options.logLevel);
  const places = await guardPlaces({ ...job, recipe, heartbeat, logFile, citationsFile: undefined });
  if (heartbeat !== undefined) refuseDrop(heartbeat, folder);
  const file = logFile === undefined ? null : openRotatedLog(logFile, host);
  const log = createWatchLog(host, file?.write ?? host.print, level);
  const backlog = new BacklogReader();
  let status = createWatchStatus(host.now());
  // A message may quote what an agent or a proxy sent, and others may read the page.
  const readStatus = async (): Promise<JsonObject> =>
    JSON.parse(host.hide(JSON.stringify(createStatusRecord(status, await backlog.read(), host.now()))));
  const readMetrics = async () => createMetrics(status, await backlog.read(), host.now());
  const server =
    health === undefined ? null : await openHealthServer(health, { readStatus, readMetrics }, allowHost);
  const beat =
    heartbeat === undefined
      ? null
      : await openHeartbeat(heartbeat, readStatus, host, () => places.check('heartbeat'));
  if (server !== null) host.say(`The state of the watcher is at ${server.url}`);
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

/** A heartbeat among the dropped files would replace one of them, or be filled itself. */
function refuseDrop(heartbeat: string, folder: string): void {
  const { path } = identifyFile(heartbeat);
  const isDrop =
    dirname(path) === identifyFile(folder).path && parseDropName(basename(path)).status === 'table';
  if (!isDrop) return;
  throw createUsageError(
    'HEARTBEAT_IS_DROP',
    `--heartbeat: ${heartbeat} would be taken for a file that was dropped into ${folder}`,
    'Name a file outside of that folder.',
  );
}
