import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { createUsageError } from '../errors.js';
import type { JobStatus, Ledger } from '../ledger/ledger.js';
import { spellPath } from '../model/path-spelling.js';

/**
 * Finds the job that a user means: its id or the start of it, its input, its output, or nothing for the newest. Of
 * several jobs on a file, the one that was opened last. Throws NO_JOBS, or JOB_UNKNOWN with what to do.
 */
export async function findJob(ledger: Ledger, wanted: string | undefined): Promise<JobStatus> {
  const jobs = await ledger.listJobs();
  const [newest] = jobs;
  if (newest === undefined) {
    throw createUsageError('NO_JOBS', 'there are no jobs in the ledger', 'Start one with rowfill run INPUT.');
  }
  if (wanted === undefined) return newest;
  const [path, given] = [resolvePath(wanted), spellPath(resolve(wanted))];
  const ofFile = jobs.find(({ input, output, place }) =>
    [input, output, place?.input, place?.output].some((each) => each === path || each === given),
  );
  if (ofFile !== undefined) return ofFile;
  if (existsSync(wanted)) {
    throw createUsageError(
      'JOB_UNKNOWN',
      `no job in the ledger has filled ${wanted}`,
      `Fill it first: rowfill run ${wanted}. List all jobs with rowfill status.`,
    );
  }
  if (/[./\\]/.test(wanted)) {
    throw createUsageError(
      'JOB_UNKNOWN',
      `there is no file ${wanted}, and no job with that id`,
      'Check the path, or list all jobs with rowfill status.',
    );
  }
  const { id } = await ledger.getJob(wanted);
  return jobs.find((job) => job.id === id) ?? newest;
}

/** The path without links, as jobs are stored under the path that they were given. */
function resolvePath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}
