import { createUsageError } from '../errors.js';
import type { EnrichHooks } from '../job/job-context.js';
import type { LoadedExclusion } from '../job/load-exclusion.js';
import type { JobHandle, Reports } from '../ledger/ledger.js';
import { isLedgerUrl } from '../model/ledger-url.js';
import type { Settings } from '../options.js';
import { openQueue } from './open-queue.js';
import { WorkerPool } from './worker-pool.js';

/** What opening the pool of a job needs. */
export interface PoolJob {
  /** Place of the ledger. */
  readonly ledger: string;
  /** Null if the ledger is on this machine. */
  readonly reports: Reports | null;
  readonly settings: Pick<Settings, 'agent'>;
  readonly exclusion: Pick<LoadedExclusion, 'answerFields'>;
  /** Account of the agent, as hashed by the ledger. */
  readonly account: string;
  readonly job: Pick<JobHandle, 'id'>;
}

/** Opens the pool of a job. Throws a usage error for a job that workers cannot do. */
export async function openPool(
  { ledger, reports, settings, exclusion, account, job }: PoolJob,
  { onEvent = () => undefined }: EnrichHooks,
): Promise<WorkerPool> {
  if (!isLedgerUrl(ledger) || reports === null) {
    throw createUsageError(
      'WORKERS_NEED_POSTGRES',
      '--workers needs a ledger on PostgreSQL, which all workers share',
      'Set --ledger or ROWFILL_LEDGER to its URL, such as postgres://host/database.',
    );
  }
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
  const queue = await openQueue(ledger, {
    isSupervising: true,
    onTrouble: (message) => onEvent({ type: 'note', code: 'QUEUE_WAIT', message }),
  });
  try {
    return await WorkerPool.open({ queue, reports, account, job: job.id });
  } catch (error) {
    await queue.close();
    throw error;
  }
}
