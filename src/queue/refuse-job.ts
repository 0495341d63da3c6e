import { createUsageError, type RowfillError } from '../errors.js';
import type { LoadedExclusion } from '../job/load-exclusion.js';
import { isLedgerUrl } from '../model/ledger-url.js';
import type { Settings } from '../options.js';

/** What decides whether workers can do a job. */
export interface WorkersJob {
  /** Place of the ledger. */
  readonly ledger: string;
  readonly settings: Pick<Settings, 'agent'>;
  readonly exclusion: Pick<LoadedExclusion, 'answerFields'>;
}

/** Throws a usage error for a job that workers cannot do. */
export function refuseForWorkers({ ledger, settings, exclusion }: WorkersJob): void {
  if (!isLedgerUrl(ledger)) throw createServerError();
  if (settings.agent.kind === 'reference') {
    throw createUsageError(
      'WORKERS_NEED_AGENT',
      '--workers cannot be used with --reference: the tables are on this machine only',
      'Omit --workers, or serve the tables with rowfill serve and use --api-url.',
    );
  }
  if (exclusion.answerFields.length > 0) {
    throw createUsageError(
      'WORKERS_NEED_LIST',
      `--workers cannot be used with --exclude-on ${exclusion.answerFields.join(',')}: workers do not have the list to compare answers with`,
      'Omit --workers, or compare with columns that are not filled.',
    );
  }
}

export function createServerError(): RowfillError {
  return createUsageError(
    'WORKERS_NEED_POSTGRES',
    '--workers needs a ledger on PostgreSQL, which all workers share',
    'Set --ledger or ROWFILL_LEDGER to its URL, such as postgres://host/database.',
  );
}
