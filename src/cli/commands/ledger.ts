import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createUsageError } from '../../errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import type { Host } from '../host.js';
import { chooseLedger, LEDGER_OPTION, openLedgerFile } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill ledger`: checks a ledger, or copies one. */
export const ledger = createCommand({
  about:
    'check reads the whole ledger, prints one line per fault, and exits with 2 if there are any. copy FROM TO writes a ' +
    'complete copy of a ledger to a new file, also while jobs are running.',
  options: LEDGER_OPTION,
  examples: [
    { line: 'rowfill ledger check', about: 'checks the ledger' },
    {
      line: 'rowfill ledger copy ~/.local/share/rowfill/ledger.sqlite backup.sqlite',
      about: 'writes a backup',
    },
    { line: 'rowfill ledger check --ledger backup.sqlite', about: 'checks the backup' },
  ],
  async run({ operands: [action, from, to], options }, host) {
    if (action === 'check' && from === undefined)
      await checkLedger(host, chooseLedger(host.env, options.ledger));
    else if (action === 'copy' && from !== undefined && to !== undefined) {
      await copyLedger(host, resolve(from), resolve(to));
    } else {
      throw createUsageError(
        'LEDGER_ACTION',
        'ledger needs check, or copy FROM TO',
        'For example: rowfill ledger check --ledger backup.sqlite',
      );
    }
    return EXIT_CODES.done;
  },
});

async function checkLedger(host: Host, path: string): Promise<void> {
  const opened = await openLedgerFile(host, path, true);
  try {
    const faults = await opened.check();
    for (const fault of faults) host.tell(fault);
    if (faults.length > 0) {
      throw createUsageError(
        'LEDGER_DAMAGED',
        `${formatNumber(faults.length, 'fault')} in the ledger at ${path}`,
        'Keep a copy of the file, and restore the newest copy that has no faults.',
      );
    }
    host.say(`No faults: ${path} has ${await describeContent(opened)}.`);
  } finally {
    await opened.close();
  }
}

async function copyLedger(host: Host, from: string, to: string): Promise<void> {
  if (existsSync(to)) {
    throw createUsageError(
      'LEDGER_EXISTS',
      `${to} exists already`,
      'Choose another path, or move the file away.',
    );
  }
  const source = await openLedgerFile(host, from);
  try {
    await source.copyTo(to);
  } finally {
    await source.close();
  }
  const copy = await openLedgerFile(host, to, true);
  try {
    host.say(`Copied to ${to}: ${await describeContent(copy)}.`);
  } finally {
    await copy.close();
  }
}

async function describeContent(opened: Ledger): Promise<string> {
  const jobs = await opened.listJobs();
  const { spentMicros, reservedMicros } = await opened.getSpendSince(null, 0);
  const answered = jobs.reduce((sum, job) => sum + job.answered, 0);
  const money = `${formatDollars(spentMicros)} spent and ${formatDollars(reservedMicros)} reserved`;
  return `${formatNumber(jobs.length, 'job')}, ${formatNumber(answered, 'answered row')}, ${money}`;
}
