import { waitForLease } from '../../job/lease.js';
import type { ForgetResult } from '../../ledger/ledger.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { PageCache } from '../../pages/page-cache.js';
import { createCommand } from '../command.js';
import { confirmLoss } from '../confirm.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION, openLedgerFile } from '../ledger-option.js';
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
    const ledger = await openLedgerFile(host, chooseLedger(host.env, path));
    try {
      const job = await ledger.getJob(id);
      const lease = await waitForLease(ledger, job.id);
      try {
        const { spentMicros } = await ledger.getSpend(job.id);
        const loss = describe(await ledger.forgetJob(job.id, true), spentMicros);
        if (yes !== true && !(await confirmLoss('forget', loss, host))) return EXIT_CODES.interrupted;
        const gone = await ledger.forgetJob(job.id);
        await new PageCache(choosePageFolder(host.env)).remove(gone.pages);
        host.say(`Deleted: job ${job.id}, ${describe(gone, spentMicros)}`);
      } finally {
        await lease.close();
      }
    } finally {
      await ledger.close();
    }
    return EXIT_CODES.done;
  },
});

function describe({ answers, runs, pages, isShared }: ForgetResult, spentMicros: number): string {
  const cached = pages.length === 0 ? '' : `, ${formatNumber(pages.length, 'cited page')}`;
  const raw = `${formatNumber(runs, 'raw run')}${cached}`;
  return isShared
    ? `${raw}. Its ${formatNumber(answers, 'answer')} stay, because another job asks the same question.`
    : `${formatNumber(answers, 'answer')}, paid for with ${formatDollars(spentMicros)}, and ${raw}. Looking them up again costs again.`;
}
