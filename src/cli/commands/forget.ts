import { waitForLease } from '../../job/lease.js';
import type { ForgetResult } from '../../ledger/ledger.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { PageCache } from '../../pages/page-cache.js';
import { createCommand } from '../command.js';
import { confirmLoss } from '../confirm.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION, openNamedLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill forget`: deletes a job from the ledger. */
export const forget = createCommand({
  about:
    'Deletes a job with its answers, older values, raw runs, verdicts and cached pages, as when a person asks to be forgotten. ' +
    'Amounts spent still count for --max-cost and --max-cost-per-day. Answers that another job with the same question ' +
    'uses stay. Output files are not touched. Asks first.',
  options: {
    yes: { kind: 'switch', alias: 'y', about: 'Delete without asking for confirmation.' },
    ...LEDGER_OPTION,
  },
  examples: [{ line: 'rowfill forget j_0f3a', about: 'deletes that job and its answers' }],
  async run({ operands: [id = ''], options: { yes, ledger: path } }, host) {
    const place = chooseLedger(host.env, path);
    const ledger = await openNamedLedger(host, place);
    try {
      const job = await ledger.getJob(id);
      const lease = await waitForLease(ledger, job.id, { hasWaitOption: false });
      try {
        const { spentMicros } = await ledger.getSpend(job.id);
        const cache = new PageCache(choosePageFolder(host.env));
        const found = await ledger.forgetJob(job.id, true);
        const loss = describe(found, spentMicros, await cache.remove(found.pages, true));
        if (yes !== true && !(await confirmLoss('forget', loss, host))) return EXIT_CODES.interrupted;
        // Loaded on demand: most ledgers have no queue.
        const { removeQueuedRows } = await import('../../queue/queued-rows.js');
        // First, because the ledger is what names the job.
        await removeQueuedRows(place, job.id);
        const gone = await ledger.forgetJob(job.id);
        const pages = await cache.remove(gone.pages);
        host.say(`Deleted: job ${job.id}, ${describe(gone, spentMicros, pages)}`);
      } finally {
        await lease.close();
      }
    } finally {
      await ledger.close();
    }
    return EXIT_CODES.done;
  },
});

/** Jobs that are named; the others are counted. */
const MAX_JOBS = 5;

function describe(
  { answers, answersOfDeleted, runs, verdicts, sharedWith }: ForgetResult,
  spentMicros: number,
  pages: number,
): string {
  const raw = formatNumber(runs, 'raw run');
  if (sharedWith.length > 0) {
    const named = sharedWith.slice(0, MAX_JOBS).join(', ');
    const more =
      sharedWith.length > MAX_JOBS ? ` and ${formatNumber(sharedWith.length - MAX_JOBS, 'other job')}` : '';
    const verb = sharedWith.length === 1 ? 'asks' : 'ask';
    return `${raw}. Its ${formatNumber(answers, 'answer')} stay, because ${named}${more} ${verb} the same question.`;
  }
  const parts = [
    raw,
    ...(verdicts === 0 ? [] : [formatNumber(verdicts, 'verdict')]),
    ...(pages === 0 ? [] : [formatNumber(pages, 'cached page')]),
  ];
  const last = parts.pop();
  const all = parts.length === 0 ? `and ${last}` : `${parts.join(', ')} and ${last}`;
  const payers = answersOfDeleted === 0 ? '' : ' and by jobs that were deleted before';
  return `${formatNumber(answers, 'answer')}, paid for with ${formatDollars(spentMicros)}${payers}, ${all}. Looking them up again costs again.`;
}
