import type { JobStatus } from '../../ledger/ledger.js';
import { formatNumber } from '../../model/format.js';
import { isLedgerUrl } from '../../model/ledger-url.js';
import { createCommand } from '../command.js';
import { createJobRecord, createWorkerRecords, formatJob, formatWorkers } from '../job-status.js';
import { chooseLedger, LEDGER_OPTION, openExistingLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** Number of jobs listed by default, so that the list fits a terminal. */
const NEWEST = 10;

/** `rowfill status`: lists the jobs in the ledger and their progress. */
export const status = createCommand({
  about:
    'Lists the ten newest jobs in the ledger, the latest last: rows by status, money spent and reserved, active runs, and ' +
    'the workers of a shared ledger. ' +
    'With JOB, a job id or the start of one, it shows only that job.',
  options: {
    all: { kind: 'switch', about: 'List all jobs instead of the ten newest.' },
    json: { kind: 'switch', about: 'Print all jobs as one JSON object instead of text.' },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill status', about: 'shows the ten newest jobs' },
    { line: 'rowfill status j_0f3a --json', about: 'shows one job, for a script' },
  ],
  async run({ operands: [wanted], options }, host) {
    const ledger = await openExistingLedger(host, options.ledger, true);
    try {
      const only = wanted === undefined ? null : ((await ledger?.getJob(wanted))?.id ?? null);
      const isShort = only === null && options.all !== true && options.json !== true;
      const listed = (await ledger?.listJobs(isShort ? NEWEST : undefined)) ?? [];
      const jobs = listed.filter((job) => only === null || job.id === only);
      const listFields = async ({ id }: JobStatus): Promise<readonly string[]> =>
        (await ledger?.getJob(id))?.ask.fields.map(({ name }) => name) ?? [];
      const processes = (await ledger?.listProcesses()) ?? [];
      const waiting = await countWaiting(chooseLedger(host.env, options.ledger));
      if (options.json === true) {
        const records = await Promise.all(
          jobs.map(async (job) => createJobRecord(job, await listFields(job))),
        );
        const workers = createWorkerRecords(processes);
        const facts = waiting === null ? { workers } : { workers, waiting_batches: waiting };
        host.print(`${JSON.stringify({ jobs: records, ...facts })}\n`);
        return EXIT_CODES.done;
      }
      const nowMs = host.now() + ((await ledger?.measureClock()) ?? 0);
      if (jobs.length === 0) host.say('No jobs yet. Start one with rowfill run INPUT.');
      for (const job of jobs.toReversed())
        host.tell(`${formatJob(job, await listFields(job), nowMs).join('\n')}\n`);
      const older = isShort ? ((await ledger?.countJobs()) ?? 0) - jobs.length : 0;
      const workers = formatWorkers(processes, waiting);
      if (workers.length > 0) host.tell(`${workers.join('\n')}\n`);
      if (older > 0) host.say(`${formatNumber(older, 'older job')} not shown. Use --all to list every job.`);
    } finally {
      await ledger?.close();
    }
    return EXIT_CODES.done;
  },
});

/** Number of batches that no worker has taken; null for a ledger without a queue. */
async function countWaiting(place: string): Promise<number | null> {
  if (!isLedgerUrl(place)) return null;
  // Loaded on demand: most ledgers have no queue.
  const { countWaitingBatches } = await import('../../queue/open-queue.js');
  return countWaitingBatches(place);
}
