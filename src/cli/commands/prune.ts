import { createUsageError } from '../../errors.js';
import { parseDuration } from '../../model/clock.js';
import { formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { askToGoOn } from '../confirm.js';
import type { Host } from '../host.js';
import { openInterrupt } from '../interrupt.js';
import { openExistingLedger } from '../job-status.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill prune`: takes out of the ledger what is old. */
export const prune = createCommand({
  about:
    'Deletes what is old from the ledger. Raw runs are kept for audit only and can go at any time; an ask goes with its ' +
    'answers, and what was paid for it would have to be paid again. What was spent stays known to --max-cost and --max-cost-per-day. What is in use stays.',
  options: {
    runs: { kind: 'text', value: 'AGE', about: 'Delete raw runs older than this, such as 30d.' },
    asks: {
      kind: 'text',
      value: 'AGE',
      about: 'Delete asks, with their jobs and answers, not used for this long.',
    },
    dryRun: { kind: 'switch', about: 'Say what would be deleted, and delete nothing.' },
    yes: { kind: 'switch', alias: 'y', about: 'Delete asks without a question.' },
  },
  examples: [
    { line: 'rowfill prune --runs 30d', about: 'raw runs of more than a month ago' },
    { line: 'rowfill prune --asks 52w --dry-run', about: 'what would be deleted of it, without deleting' },
    { line: 'rowfill prune --runs 30d --asks 52w --yes', about: 'and asks that nobody used for a year' },
  ],
  async run({ options: { runs, asks, yes, dryRun = false } }, host) {
    const nowMs = host.now();
    const limits = {
      ...(runs === undefined ? {} : { runsBeforeMs: nowMs - parseAge('--runs', runs) }),
      ...(asks === undefined ? {} : { asksBeforeMs: nowMs - parseAge('--asks', asks) }),
    };
    if (runs === undefined && asks === undefined) {
      throw createUsageError(
        'NOTHING_TO_PRUNE',
        'prune needs --runs AGE, --asks AGE, or both',
        'For example: rowfill prune --runs 30d',
      );
    }
    if (asks !== undefined && yes !== true && !dryRun && !(await confirmLoss(host)))
      return EXIT_CODES.interrupted;
    const ledger = openExistingLedger(host);
    try {
      const gone = (dryRun ? ledger?.countOld(limits) : ledger?.prune(limits)) ?? {
        runs: 0,
        asks: 0,
        jobs: 0,
        answers: 0,
      };
      host.say(
        `${dryRun ? 'Would be deleted' : 'Deleted'}: ${formatNumber(gone.runs, 'raw run')}, ${formatNumber(gone.asks, 'ask')}, ` +
          `${formatNumber(gone.jobs, 'job')}, ${formatNumber(gone.answers, 'answer')}.`,
      );
    } finally {
      ledger?.close();
    }
    return EXIT_CODES.done;
  },
});

function parseAge(flag: string, text: string): number {
  const ageMs = parseDuration(text);
  if (ageMs !== null) return ageMs;
  throw createUsageError(
    'BAD_AGE',
    `${flag} is “${text}”, which is no age`,
    `For example: ${flag} 30d, 12h or 2w`,
  );
}

/** False where the question was interrupted. */
async function confirmLoss(host: Host): Promise<boolean> {
  if (!host.canAsk) {
    throw createUsageError(
      'NOT_CONFIRMED',
      'prune --asks deletes answers that were paid for, and there is nobody here to ask',
      'Add --yes to agree.',
    );
  }
  host.say('The answers of old asks are deleted; asking again costs again.');
  const interrupt = openInterrupt(host, (text) => host.say(text));
  try {
    if (await askToGoOn(host, interrupt)) return true;
  } catch (error) {
    if (!interrupt.hasCaused(error)) throw error;
    host.say('Nothing was deleted.');
    return false;
  } finally {
    interrupt.close();
  }
  throw createUsageError(
    'DECLINED',
    'not started: nothing was deleted',
    'Give the same command again to be asked again.',
  );
}
