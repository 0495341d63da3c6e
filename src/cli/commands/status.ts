import { createCommand } from '../command.js';
import { openExistingLedger } from '../existing-ledger.js';
import { EXIT_CODES } from '../exit-code.js';
import { createJobRecord, formatJob } from '../job-status.js';

/** `rowfill status`: the jobs in the ledger, and how far each one is. */
export const status = createCommand({
  about:
    'Lists the jobs in the ledger, the latest first: rows by status, money spent and reserved, and the runs that the agent ' +
    'still works on. JOB, the id of a job or the start of it, shows that job alone.',
  options: {
    json: { kind: 'switch', about: 'Print one JSON object with all jobs instead.' },
  },
  examples: [
    { line: 'rowfill status', about: 'all jobs' },
    { line: 'rowfill status j_0f3a --json', about: 'one job, for a script' },
  ],
  async run({ operands: [wanted], options }, host) {
    const ledger = openExistingLedger(host);
    try {
      const only = wanted === undefined ? null : (ledger?.readJob(wanted).id ?? null);
      const jobs = (ledger?.listJobs() ?? []).filter((job) => only === null || job.id === only);
      if (options.json === true) {
        host.print(`${JSON.stringify({ jobs: jobs.map(createJobRecord) })}\n`);
      } else if (jobs.length === 0) {
        host.say('There are no jobs yet: rowfill run INPUT makes the first.');
      }
      if (options.json !== true) {
        for (const job of jobs) host.tell(`${formatJob(job, host.now()).join('\n')}\n`);
      }
    } finally {
      ledger?.close();
    }
    return EXIT_CODES.done;
  },
});
