import { createUsageError } from '../../errors.js';
import type { JobStatus, Ledger, PruneLimits } from '../../ledger/ledger.js';
import { parseDuration } from '../../model/clock.js';
import { formatCount, formatDollars, formatNumber } from '../../model/format.js';
import { isStandardInput } from '../../model/read-file.js';
import { PageCache } from '../../pages/page-cache.js';
import { createCommand } from '../command.js';
import { confirmLoss } from '../confirm.js';
import type { Host } from '../host.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION, openExistingLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill prune`: deletes old entries from the ledger. */
export const prune = createCommand({
  about:
    'Deletes old entries from the ledger. Raw runs and cached pages are kept for audit only and can be deleted at any time. An ask is deleted ' +
    'with its answers; looking them up again costs again. Amounts spent still count for --max-cost and --max-cost-per-day. ' +
    'Entries in use are kept. All ledgers of this machine share its cached pages, so with --ledger they are kept, too.',
  options: {
    runs: {
      kind: 'text',
      value: 'AGE',
      about:
        'Delete raw runs older than this, such as 30d. Without --ledger, also the pages that this machine fetched before.',
    },
    asks: {
      kind: 'text',
      value: 'AGE',
      about: 'Delete asks not used for this long, with their jobs and answers.',
    },
    dryRun: { kind: 'switch', about: 'Show what would be deleted, and delete nothing.' },
    yes: { kind: 'switch', alias: 'y', about: 'Delete asks without asking for confirmation.' },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill prune --runs 30d', about: 'deletes raw runs older than 30 days' },
    { line: 'rowfill prune --asks 52w --dry-run', about: 'shows which asks would be deleted' },
    { line: 'rowfill prune --runs 30d --asks 52w --yes', about: 'also deletes asks not used for a year' },
  ],
  async run({ options: { runs, asks, yes, dryRun = false, ledger: path } }, host) {
    const runsMs = runs === undefined ? null : parseAge('--runs', runs);
    const asksMs = asks === undefined ? null : parseAge('--asks', asks);
    if (runs === undefined && asks === undefined) {
      throw createUsageError(
        'NOTHING_TO_PRUNE',
        'prune needs --runs AGE, --asks AGE, or both',
        'For example: rowfill prune --runs 30d',
      );
    }
    const ledger = await openExistingLedger(host, path);
    try {
      const nowMs = host.now() + ((await ledger?.measureClock()) ?? 0);
      const limits = {
        ...(runsMs === null ? {} : { runsBeforeMs: nowMs - runsMs }),
        ...(asksMs === null ? {} : { asksBeforeMs: nowMs - asksMs }),
      };
      if (asks !== undefined && yes !== true && !dryRun) {
        const loss = ledger === null ? null : await describeLoss(ledger, limits, nowMs);
        if (loss !== null && !(await confirmLoss('prune --asks', loss, host))) return EXIT_CODES.interrupted;
      }
      const gone = (await (dryRun ? ledger?.countOld(limits) : ledger?.prune(limits))) ?? {
        runs: 0,
        asks: 0,
        jobs: 0,
        answers: 0,
      };
      if (ledger !== null && !dryRun) await removeRows(chooseLedger(host.env, path));
      // Other ledgers may cite them, too.
      const pages = runs === undefined || path !== undefined ? 0 : await prunePages(host, limits, dryRun);
      host.say(
        `${dryRun ? 'Would delete' : 'Deleted'}: ${formatNumber(gone.runs, 'raw run')}, ${formatNumber(gone.asks, 'ask')}, ` +
          `${formatNumber(gone.jobs, 'job')}, ${formatNumber(gone.answers, 'answer')}${pages === 0 ? '' : `, ${formatNumber(pages, 'cached page')}`}.`,
      );
      if (dryRun && ledger !== null) {
        const loss = await describeLoss(ledger, limits, nowMs);
        if (loss !== null) host.say(loss);
      }
    } finally {
      await ledger?.close();
    }
    return EXIT_CODES.done;
  },
});

/** Deletes rows of deleted jobs from the queue of the workers. */
async function removeRows(ledger: string): Promise<void> {
  // Loaded on demand: most ledgers have no queue.
  const { removeQueuedRows } = await import('../../queue/queued-rows.js');
  await removeQueuedRows(ledger, null);
}

/** Deletes pages that were fetched long ago. */
function prunePages({ env }: Host, { runsBeforeMs = 0 }: PruneLimits, isDryRun: boolean): Promise<number> {
  return new PageCache(choosePageFolder(env)).removeOlder(runsBeforeMs, isDryRun);
}

function parseAge(flag: string, text: string): number {
  const ageMs = parseDuration(text);
  if (ageMs !== null) return ageMs;
  throw createUsageError(
    'BAD_AGE',
    `${flag} is “${text}”, which is not an age`,
    `For example: ${flag} 30d, 12h or 2w`,
  );
}

const DAY_MS = 24 * 60 * 60_000;
/** Files that are named; the others are counted. */
const MAX_FILES = 10;

/** Describes the answers of old asks: how many, of which files, and what they cost. Null if there are none. */
async function describeLoss(ledger: Ledger, limits: PruneLimits, nowMs: number): Promise<string | null> {
  const { asks, answers } = await ledger.countOld(limits);
  if (asks === 0) return null;
  const { asksBeforeMs = 0 } = limits;
  const jobs = await ledger.listJobs();
  // As the ledger decides: a run that is still open after a day can never be settled.
  const runsBeforeMs = Math.min(asksBeforeMs, nowMs - DAY_MS);
  const isRecent = ({ openedAtMs, closedAtMs, runs }: JobStatus): boolean =>
    Math.max(openedAtMs, closedAtMs ?? 0) >= asksBeforeMs ||
    runs.some(({ intendedAtMs }) => intendedAtMs >= runsBeforeMs);
  const recent = new Set(jobs.filter(isRecent).map(({ askId }) => askId));
  const old = jobs.filter(({ askId }) => !recent.has(askId));
  const files = [...new Set(old.map(({ input }) => (isStandardInput(input) ? 'standard input' : input)))];
  const micros = old.reduce((sum, { spentMicros }) => sum + spentMicros, 0);
  const named = files.slice(0, MAX_FILES).join(', ');
  const more = files.length > MAX_FILES ? ` and ${formatCount(files.length - MAX_FILES)} more` : '';
  return `${formatNumber(answers, 'answer')} of ${formatNumber(files.length, 'file')}, paid for with ${formatDollars(micros)}: ${named}${more}. Looking them up again costs again.`;
}
