import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageError, RowfillError } from '../errors.js';
import { openAgent } from '../job/open-agent.js';
import { resolveFields } from '../job/resolve-ask.js';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import { resolveSettings, type Settings } from '../options.js';
import { openInput } from '../read/open-input.js';
import type { WatchJob, WatchSettings } from './watch-options.js';

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
