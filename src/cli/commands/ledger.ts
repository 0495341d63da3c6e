import { existsSync } from 'node:fs';
import { createUsageError } from '../../errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { createExistsError, describeLedger, isLedgerUrl } from '../../model/ledger-url.js';
import { createCommand } from '../command.js';
import type { Host } from '../host.js';
import { chooseLedger, LEDGER_OPTION, openNamedLedger, resolveGivenLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill ledger`: checks a ledger, copies one, or creates one. */
export const ledger = createCommand({
  about:
    'check reads the whole ledger, prints one line per fault, and exits with 2 if there are any.\n' +
    'copy FROM TO writes a complete copy of a ledger to a new one, which may be a file or a PostgreSQL database. ' +
    'Within a store it works while jobs are running. Between a file and a database, no run may be open.\n' +
    'create creates the ledger, or brings an older one to the format of this version. Any job does that too, if its ' +
    'user may; this is for an administrator whose users may not.',
  options: LEDGER_OPTION,
  examples: [
    { line: 'rowfill ledger check', about: 'checks the ledger' },
    {
      line: 'rowfill ledger copy ~/.local/share/rowfill/ledger.sqlite backup.sqlite',
      about: 'writes a backup',
    },
    { line: 'rowfill ledger check --ledger backup.sqlite', about: 'checks the backup' },
    {
      line: 'rowfill ledger copy backup.sqlite postgres://rowfill@db.example.com/rowfill',
      about: 'moves to a ledger for a team',
    },
  ],
  async run({ operands: [action, from, to], options }, host) {
    if (action === 'check' && from === undefined)
      await checkLedger(host, chooseLedger(host.env, options.ledger));
    else if (action === 'create' && from === undefined)
      await createLedger(host, chooseLedger(host.env, options.ledger));
    else if (action === 'copy' && from !== undefined && to !== undefined) {
      await copyLedger(host, resolveGivenLedger('FROM', from), resolveGivenLedger('TO', to));
    } else {
      throw createUsageError(
        'LEDGER_ACTION',
        'ledger needs check, create, or copy FROM TO',
        'For example: rowfill ledger check --ledger backup.sqlite',
      );
    }
    return EXIT_CODES.done;
  },
});

async function checkLedger(host: Host, location: string): Promise<void> {
  const opened = await openNamedLedger(host, location, true);
  try {
    const faults = await opened.check();
    for (const fault of faults) host.tell(fault);
    if (faults.length > 0) {
      throw createUsageError(
        'LEDGER_DAMAGED',
        `${formatNumber(faults.length, 'fault')} in the ledger at ${describeLedger(location)}`,
        isLedgerUrl(location)
          ? 'Keep a dump of the schema, and restore the newest one that has no faults.'
          : 'Keep a copy of the file, and restore the newest copy that has no faults.',
      );
    }
    host.say(`No faults: ${describeLedger(location)} has ${await describeContent(opened)}.`);
  } finally {
    await opened.close();
  }
}

async function createLedger(host: Host, location: string): Promise<void> {
  const { openLedger } = await import('../../ledger/open-ledger.js');
  const opened = await openLedger(location, { onWait: (message) => host.say(message) });
  try {
    if (opened.refusal !== null) throw opened.refusal;
    host.say(`Ready: ${describeLedger(location)} has ${await describeContent(opened)}.`);
  } finally {
    await opened.close();
  }
}

async function copyLedger(host: Host, from: string, to: string): Promise<void> {
  if (!isLedgerUrl(to) && existsSync(to)) throw createExistsError(to);
  if (isLedgerUrl(from) !== isLedgerUrl(to)) {
    const { copyBetween } = await import('../../ledger/copy-between.js');
    await copyBetween(from, to);
  } else {
    const source = await openNamedLedger(host, from);
    try {
      await source.copyTo(to);
    } finally {
      await source.close();
    }
  }
  const copy = await openNamedLedger(host, to, true);
  try {
    host.say(`Copied to ${describeLedger(to)}: ${await describeContent(copy)}.`);
  } finally {
    await copy.close();
  }
}

async function describeContent(opened: Ledger): Promise<string> {
  const jobs = await opened.listJobs();
  const { spentMicros, reservedMicros } = await opened.getSpendSince(null, 0);
  // By question: its answers outlive the job that bought them.
  const byAsk = new Map(jobs.map((job) => [job.askId, job]));
  const states = await Promise.all([...byAsk.values()].map((job) => opened.getAnswerState(job)));
  const answered = states.reduce((sum, state) => sum + state.answered, 0);
  const money = `${formatDollars(spentMicros)} spent and ${formatDollars(reservedMicros)} reserved`;
  return `${formatNumber(jobs.length, 'job')}, ${formatNumber(answered, 'answered row')}, ${money}`;
}
