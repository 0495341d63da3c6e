import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Cron } from 'croner';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { openAgent } from '../job/open-agent.js';
import { resolveFields } from '../job/resolve-ask.js';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { JOB_OPTION_TYPES, resolveCap, resolveSettings, type Settings } from '../options.js';
import { openInput } from '../read/open-input.js';

/** The job that is done on every file. */
export type WatchJob = Omit<EnrichOptions, 'input' | 'output'>;

/** What `watchFolder` is asked to do; every name is that of the command line's option. */
export interface WatchOptions {
  /** The folder into which files are dropped. */
  readonly folder: string;
  /** What is asked about the rows of each file; `maxCost` is the most that one file may cost. */
  readonly job: WatchJob;
  /**
   * Reads the job anew where it comes from files, such as a recipe: called before the next file when one of
   * `recipes` has changed.
   */
  readonly reload?: (() => Promise<WatchJob>) | undefined;
  /** The files that `reload` reads. */
  readonly recipes?: readonly string[] | undefined;
  /** Fill what is there, then return. @default false */
  readonly once?: boolean | undefined;
  /** Look at these times only: five fields of cron, in the local time. @default all the time */
  readonly schedule?: string | undefined;
  /** The most that all files may cost from one midnight to the next, in US dollars. */
  readonly maxCostPerDay?: number | undefined;
  /** How long a file has to stay as it is before it is taken. @default 5000 */
  readonly settleMs?: number | undefined;
  /** How often the folder is looked at. @default 2000 */
  readonly pollMs?: number | undefined;
  /** Files that the program itself reads or writes, such as a log; those that `job` and `recipes` name are left alone anyway. */
  readonly keep?: readonly string[] | undefined;
}

/** Options that were checked, every default in place. */
export interface WatchSettings {
  readonly job: WatchJob;
  readonly once: boolean;
  readonly schedule: Schedule | null;
  readonly dayCapMicros: number | null;
  readonly settleMs: number;
  readonly pollMs: number;
  readonly keep: readonly string[];
}

const TYPES: OptionTypes<WatchOptions> = {
  folder: 'text',
  job: 'object',
  once: 'flag',
  schedule: 'text',
  maxCostPerDay: 'number',
  settleMs: 'number',
  pollMs: 'number',
  keep: 'texts',
  recipes: 'texts',
  reload: 'function',
};
const { input: _input, output: _output, ...JOB_TYPES } = JOB_OPTION_TYPES;

const DEFAULTS = { settleMs: 5_000, pollMs: 2_000 } as const;

/** Checks what is the watcher's own; `checkJob` looks at the job. */
export function resolveWatch(options: WatchOptions): WatchSettings {
  checkOptionTypes('watchFolder', options, TYPES, ['folder', 'job']);
  checkOptionTypes('the job of watchFolder', options.job, JOB_TYPES);
  const { job, once = false, schedule, maxCostPerDay, settleMs, pollMs, keep = [], recipes = [] } = options;
  if (once && schedule !== undefined) {
    throw createUsageError(
      'BAD_OPTION',
      '--once and --schedule are both given',
      'Give --once to cron or a timer of the system, or --schedule to a process that stays.',
    );
  }
  for (const [name, ms] of Object.entries({ settleMs, pollMs })) {
    if (ms === undefined || (Number.isFinite(ms) && ms >= 0)) continue;
    throw createUsageError('BAD_OPTION', `${name} is ${ms}`, 'It takes milliseconds from 0 on.');
  }
  return {
    job,
    once,
    schedule: schedule === undefined ? null : parseSchedule(schedule),
    dayCapMicros: resolveCap('--max-cost-per-day', maxCostPerDay),
    settleMs: settleMs ?? DEFAULTS.settleMs,
    pollMs: pollMs ?? DEFAULTS.pollMs,
    keep: [
      ...keep,
      ...recipes,
      ...[job.exclude, job.schema, job.ledger].filter((path) => path !== undefined),
    ],
  };
}

/** When something is to happen, in the local time of this machine. */
export interface Schedule {
  /** The first such moment after `afterMs`, in milliseconds since the epoch. */
  findNext(afterMs: number): number;
}

/** Reads the five fields of cron. Throws a usage error for what is none, and for a date that never comes. */
export function parseSchedule(text: string): Schedule {
  const cron = openCron(text);
  const schedule = {
    findNext(afterMs: number): number {
      const next = cron.nextRun(new Date(afterMs));
      if (next === null) throw createScheduleError(text, 'there is no such time');
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
    'It takes the five fields of cron: minute, hour, day of the month, month, day of the week. Such as "0 6 * * 1-5".',
    cause,
  );
}

/**
 * Checks a job without a file, so that no file is blamed for it: its options, its schema, its exclusion list, the ledger,
 * and that somebody agreed to its cost. Throws the usage error that every file would meet. Without `withList` the list
 * only has to exist: it may be half written right now.
 */
export async function checkJob({ job, dayCapMicros }: WatchSettings, withList = true): Promise<void> {
  const settings = resolveFileSettings(job, 'file.csv');
  await resolveFields(settings.options);
  if (job.exclude !== undefined && (withList || !existsSync(job.exclude))) {
    await (await openInput({ path: job.exclude })).close();
  }
  openLedger(job.ledger ?? resolveLedgerPath({})).close();
  await (await openAgent(settings)).close();
  if (settings.agent.kind === 'reference' || job.yes === true) return;
  if (settings.capMicros !== null || dayCapMicros !== null) return;
  throw createUsageError(
    'COST_NOT_CONFIRMED',
    'every file that is dropped would be paid for, and nobody agreed to that',
    'Add --max-cost USD to set a limit for each file, --max-cost-per-day USD for all of a day, or --yes to agree.',
  );
}

/** The files that a job reads beside its input: schema, exclusion list and tables. */
export async function listJobFiles(job: WatchJob): Promise<readonly string[]> {
  const { schema, exclude, reference } = job;
  const tables = reference === undefined ? [] : await listTableFiles(reference);
  return [schema, exclude, ...tables].filter((path) => path !== undefined);
}

async function listTableFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => !/^[.~]/.test(name)).map((name) => join(directory, name));
}

/** What is wrong with a job by now, whatever the file; null if nothing is. */
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
