import type { EnrichHooks } from '../job/job-context.js';
import type { LoadedExclusion } from '../job/load-exclusion.js';
import type { Handouts, JobHandle } from '../ledger/ledger.js';
import type { Settings } from '../options.js';
import { openQueue } from './open-queue.js';
import { createServerError, refuseForWorkers } from './refuse-job.js';
import { WorkerPool } from './worker-pool.js';

/** What opening the pool of a job needs. */
export interface PoolJob {
  /** Place of the ledger. */
  readonly ledger: string;
  /** Null if the ledger is on this machine. */
  readonly handouts: Handouts | null;
  readonly settings: Pick<Settings, 'agent'>;
  readonly exclusion: Pick<LoadedExclusion, 'answerFields'>;
  /** Account of the agent, as hashed by the ledger. */
  readonly account: string;
  readonly job: Pick<JobHandle, 'id'>;
}

/** Opens the pool of a job. Throws a usage error for a job that workers cannot do. */
export async function openPool(
  { ledger, handouts, settings, exclusion, account, job }: PoolJob,
  { onEvent = () => undefined }: EnrichHooks,
): Promise<WorkerPool> {
  refuseForWorkers({ ledger, settings, exclusion });
  if (handouts === null) throw createServerError();
  const queue = await openQueue(ledger, {
    isSupervising: true,
    onTrouble: (message) => onEvent({ type: 'note', code: 'QUEUE_WAIT', message }),
  });
  try {
    return await WorkerPool.open({ queue, handouts, account, job: job.id });
  } catch (error) {
    await queue.close();
    throw error;
  }
}
