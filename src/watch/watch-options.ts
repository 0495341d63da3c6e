import { createUsageError } from '../errors.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { JOB_OPTION_TYPES, resolveCap } from '../options.js';
import { parseSchedule, type Schedule } from './schedule.js';

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
