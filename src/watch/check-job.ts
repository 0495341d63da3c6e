import { createUsageError, RowfillError } from '../errors.js';
import { openAgent } from '../job/open-agent.js';
import { resolveFields } from '../job/resolve-ask.js';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import { resolveSettings, type Settings } from '../options.js';
import { openInput } from '../read/open-input.js';
import type { WatchJob, WatchSettings } from './watch-options.js';

/**
 * Checks a job without a file, so that no file is blamed for it: its options, its schema, its exclusion list, the ledger,
 * and that somebody agreed to its cost. Throws the usage error that every file would meet.
 */
export async function checkJob({ job, dayCapMicros }: WatchSettings): Promise<void> {
  const settings = resolveFileSettings(job, 'file.csv');
  await resolveFields(settings.options);
  if (job.exclude !== undefined) await (await openInput({ path: job.exclude })).close();
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
