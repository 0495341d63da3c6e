import type { Ledger } from '../../src/ledger/ledger.js';
import { createTestKey } from '../helpers/ledger-samples.js';

/** Everything that a ledger tells of its jobs and of these companies, to compare two ledgers, or one before and after. */
export async function readEverything(ledger: Ledger, companies: readonly string[]): Promise<unknown> {
  const jobs = await ledger.listJobs();
  const keys = companies.map(createTestKey);
  const byJob = await Promise.all(
    jobs.map(async (job) => {
      const found = await ledger.findAnswers(job, keys);
      return {
        job,
        record: await ledger.getJob(job.id),
        answers: found.answers,
        older: await Promise.all(keys.map((key) => ledger.listOlderAnswers(job.askId, key))),
        open: await ledger.listOpenBatches(job.askId),
        state: await ledger.getAnswerState(job),
        yield: await ledger.getYield(job.id),
        spend: await ledger.getSpend(job.id),
        lastRun: await ledger.getLastRun(job.id),
      };
    }),
  );
  const spends = [null, 'drop'].map((folder) => ledger.getSpendSince(folder, 0));
  const paths = ['/drop/out.csv', '/moved/out.csv', '/done/out.csv', '/data/out.csv'];
  return {
    jobs: byJob,
    spends: await Promise.all(spends),
    folder: await ledger.findFolderPath('drop'),
    written: await Promise.all(paths.map((path) => ledger.findWritten(path))),
  };
}
