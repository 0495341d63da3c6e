import { RowfillError } from '../errors.js';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import { identifyFile } from '../write/file-identity.js';
import type { PlacedFiles } from './ending.js';

/** Notes in the ledger where a file and its output are now, for `status` and `export`. */
export function notePlace({ from, to }: PlacedFiles, ledgerPath: string | undefined): void {
  const ledger = openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const output =
      from.output === null || to.output === null
        ? null
        : { from: identifyFile(from.output).path, to: identifyFile(to.output).path };
    ledger.placeJobs(from.input, { input: to.input, output: to.output }, output);
  } finally {
    ledger.close();
  }
}

/** True for a ledger that cannot be used now, which no file is to blame for. */
export function isLedgerTrouble(error: unknown): boolean {
  return error instanceof RowfillError && error.code.startsWith('LEDGER_');
}
