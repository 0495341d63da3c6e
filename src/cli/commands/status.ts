import { formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { createJobRecord, formatJob, openExistingLedger } from '../job-status.js';
import { EXIT_CODES } from '../report-error.js';

/** How many jobs are listed: on a terminal, what a person looks for stays in sight. */
const NEWEST = 10;

/** `rowfill status`: the jobs in the ledger, and how far each one is. */
export const status = createCommand({
  about:
    'Lists the ten newest jobs in the ledger, the latest last: rows by status, money spent and reserved, and the runs that ' +
    'the agent still works on. JOB, the id of a job or the start of it, shows that job alone.',
  options: {
    all: { kind: 'switch', about: 'List all jobs, not only the ten newest.' },
    json: { kind: 'switch', about: 'Print one JSON object with all jobs instead.' },
  },
  examples: [
    { line: 'rowfill status', about: 'the ten newest jobs' },
    { line: 'rowfill status j_0f3a --json', about: 'one job, for a script' },
  ],
  async run({ operands: [wanted], options }, host) {
    const ledger = openExistingLedger(host, true);
    try {
      const only = wanted === undefined ? null : (ledger?.readJob(wanted).id ?? null);
      const isShort = only === null && options.all !== true && options.json !== true;
      const listed = ledger?.listJobs(isShort ? NEWEST : undefined) ?? [];
      const jobs = listed.filter((job) => only === null || job.id === only);
      if (options.json === true) {
        host.print(`${JSON.stringify({ jobs: jobs.map(createJobRecord) })}\n`);
        return EXIT_CODES.done;
      }
      if (jobs.length === 0) host.say('There are no jobs yet: rowfill run INPUT makes the first.');
      for (const job of jobs.toReversed()) host.tell(`${formatJob(job, host.now()).join('\n')}\n`);
      const older = isShort ? (ledger?.countJobs() ?? 0) - jobs.length : 0;
      if (older > 0) host.say(`${formatNumber(older, 'older job')} not shown: --all lists every job.`);
    } finally {
      ledger?.close();
    }
    return EXIT_CODES.done;
  },
});
