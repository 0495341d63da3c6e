import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Cron } from 'croner';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { openAgent } from '../job/open-agent.js';
import { resolveFields } from '../job/resolve-ask.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import { openLedger } from '../ledger/open-ledger.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { JOB_OPTION_TYPES, resolveCap, resolveSettings, type Settings } from '../options.js';
import { openInput } from '../read/open-input.js';

/** The job to run on every file. */
export type WatchJob = Omit<EnrichOptions, 'input' | 'output'>;

/** Options of `watchFolder`, named like those of the command line. */
export interface WatchOptions {
  /** The watched folder. */
  readonly folder: string;
  /** The job for each file; `maxCost` applies per file. */
  readonly job: WatchJob;
  /**
   * Reloads the job if it comes from files, such as a recipe. Called before the next file when one of `recipes` has
   * changed.
   */
  readonly reload?: (() => Promise<WatchJob>) | undefined;
  /** The files that `reload` reads. */
  readonly recipes?: readonly string[] | undefined;
  /** Also write a report of each filled file, as `rowfill report` does, next to its output. @default false */
  readonly report?: boolean | undefined;
  /** Fill the files that are there, then return. @default false */
  readonly once?: boolean | undefined;
  /** Cron schedule with five fields, in local time, for picking up new files. @default continuously */
  readonly schedule?: string | undefined;
  /** Cap on the cost of all files per day, from midnight to midnight, in US dollars. */
  readonly maxCostPerDay?: number | undefined;
  /** How many files are filled at once. `concurrency` and `startsPerSecond` of the job limit all of them together. @default 4 */
  readonly files?: number | undefined;
  /** How long a file must be unchanged before it is taken, in ms. @default 5000 */
  readonly settleMs?: number | undefined;
  /** How often the folder is checked, in ms. @default 2000 */
  readonly pollMs?: number | undefined;
  /**
   * Files never to fill because the program reads or writes them, such as a log. Files named in `job` and `recipes` are
   * skipped anyway.
   */
  readonly keep?: readonly string[] | undefined;
}

/** Checked options with defaults. */
export interface WatchSettings {
  readonly job: WatchJob;
  readonly hasReport: boolean;
  readonly once: boolean;
  readonly schedule: Schedule | null;
  readonly dayCapMicros: number | null;
  readonly files: number;
  readonly settleMs: number;
  readonly pollMs: number;
  readonly keep: readonly string[];
}

const TYPES: OptionTypes<WatchOptions> = {
  folder: 'text',
  job: 'object',
  report: 'flag',
  once: 'flag',
  schedule: 'text',
  maxCostPerDay: 'number',
  files: 'number',
  settleMs: 'number',
  pollMs: 'number',
  keep: 'texts',
  recipes: 'texts',
  reload: 'function',
};
const { input: _input, output: _output, ...JOB_TYPES } = JOB_OPTION_TYPES;

const DEFAULTS = { files: 4, settleMs: 5_000, pollMs: 2_000 } as const;

/** Each file in work has its own open files and its own reader of the ledger. */
const MAX_FILES = 100;

/** Checks the watcher's own options; `checkJob` checks the job. */
export function resolveWatch(options: WatchOptions): WatchSettings {
  checkOptionTypes('watchFolder', options, TYPES, ['folder', 'job']);
  checkOptionTypes('the job of watchFolder', options.job, JOB_TYPES);
  const {
    job,
    report = false,
    once = false,
    schedule,
    maxCostPerDay,
    files,
    settleMs,
    pollMs,
    keep = [],
    recipes = [],
  } = options;
  if (once && schedule !== undefined) {
    throw createUsageError(
      'BAD_OPTION',
      '--once and --schedule cannot be used together',
      'Use --once from cron or a system timer, or --schedule in a process that keeps running.',
    );
  }
  for (const [name, ms] of Object.entries({ settleMs, pollMs })) {
    if (ms === undefined || (Number.isFinite(ms) && ms >= 0)) continue;
    throw createUsageError('BAD_OPTION', `${name} is ${ms}`, 'Set it to 0 or more milliseconds.');
  }
  if (files !== undefined && !(Number.isInteger(files) && files >= 1 && files <= MAX_FILES)) {
    throw createUsageError('BAD_OPTION', `--files is ${files}`, `Set it to a number from 1 to ${MAX_FILES}.`);
  }
  return {
    job,
    hasReport: report,
    once,
    schedule: schedule === undefined ? null : parseSchedule(schedule),
    dayCapMicros: resolveCap('--max-cost-per-day', maxCostPerDay),
    files: files ?? DEFAULTS.files,
    settleMs: settleMs ?? DEFAULTS.settleMs,
    pollMs: pollMs ?? DEFAULTS.pollMs,
    keep: [
      ...keep,
      ...recipes,
      ...[job.exclude, job.schema, job.ledger].filter((path) => path !== undefined),
    ],
  };
}

/** A cron schedule in the local time of this machine. */
interface Schedule {
  /** The first scheduled time after `afterMs`, in milliseconds since the epoch. */
  findNext(afterMs: number): number;
}

/** Parses a cron expression with five fields. Throws a usage error if it is invalid or its date never occurs. */
export function parseSchedule(text: string): Schedule {
  const cron = openCron(text);
  const schedule = {
    findNext(afterMs: number): number {
      const next = cron.nextRun(new Date(afterMs));
      if (next === null) throw createScheduleError(text, 'no such time exists');
      return next.getTime();
    },
  };
  schedule.findNext(0);
  return schedule;
}

function openCron(text: string): Cron {
  try {
    return new Cron(text.trim(), { mode: '5-part' });
  } catch (error) {
    throw createScheduleError(text, describeError(error).replace(/^CronPattern: /, ''), error);
  }
}

function createScheduleError(text: string, reason: string, cause?: unknown): Error {
  return createUsageError(
    'BAD_SCHEDULE',
    `--schedule is “${text}”: ${reason}`,
    'Use five cron fields: minute, hour, day of the month, month, day of the week. Example: "0 6 * * 1-5".',
    cause,
  );
}

/**
 * Checks everything about a job that does not depend on the file: options, schema, exclusion list, ledger, and that its
 * cost is confirmed. Throws the usage error that every file would fail with. Without `withList`, the list only has to
 * exist, because it may be half-written right now.
 */
export async function checkJob({ job, dayCapMicros }: WatchSettings, withList = true): Promise<void> {
  const settings = resolveFileSettings(job, 'file.csv');
  await resolveFields(settings.options);
  if (job.exclude !== undefined && (withList || !existsSync(job.exclude))) {
    await (await openInput({ path: job.exclude })).close();
  }
  await (await openLedger(job.ledger ?? resolveLedgerPath({}))).close();
  await (await openAgent(settings)).close();
  if (settings.agent.kind === 'reference' || job.yes === true) return;
  if (settings.capMicros !== null || dayCapMicros !== null) return;
  throw createUsageError(
    'COST_NOT_CONFIRMED',
    'every dropped file would be paid for, and no budget is set',
    'Set a budget with --max-cost USD (per file) or --max-cost-per-day USD, or accept any cost with --yes.',
  );
}

/** Lists the files that a job reads besides its input: schema, exclusion list and tables. */
export async function listJobFiles(job: WatchJob): Promise<readonly string[]> {
  const { schema, exclude, reference } = job;
  const tables = reference === undefined ? [] : await listTableFiles(reference);
  return [schema, exclude, ...tables].filter((path) => path !== undefined);
}

async function listTableFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => !/^[.~]/.test(name)).map((name) => join(directory, name));
}

/** Returns the error of a job that cannot be used for any file; null if it can be used. */
export async function findJobError(settings: WatchSettings): Promise<RowfillError | null> {
  try {
    await checkJob(settings);
    return null;
  } catch (error) {
    if (error instanceof RowfillError) return error;
    throw error;
  }
}

/** The settings of a job on one file. */
export function resolveFileSettings(job: WatchJob, input: string): Settings {
  return resolveSettings({ ...job, input });
}
