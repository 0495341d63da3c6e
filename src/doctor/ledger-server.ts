import { openLedger } from '../ledger/open-ledger.js';
import type { ServerReport } from '../ledger/postgres/inspect-ledger.js';
import { formatNumber } from '../model/format.js';
import { createErrorFinding, createFailure, createOk, type Diagnostic } from './checks.js';

/**
 * Checks a ledger on a server: that the server answers, its version, the ledger's format, and the rights of this user.
 * Changes nothing there.
 */
export async function examineLedgerServer(url: string): Promise<Diagnostic> {
  try {
    // Loaded on demand: most ledgers are files.
    const { inspectServer } = await import('../ledger/postgres/inspect-ledger.js');
    const report = await inspectServer(url);
    if (!report.hasLedger) return describeNone(report);
    const { refusal } = report;
    if (refusal !== null)
      return createFailure(
        'ledger',
        refusal.message,
        `${refusal.hint} A role that only looks needs no more.`,
      );
    const ledger = await openLedger(url, { isReadOnly: true, mustExist: true });
    try {
      const jobs = formatNumber(await ledger.countJobs(), 'job');
      return createOk('ledger', `${report.label} with ${jobs}, ${describeServer(report)}`);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    return createErrorFinding('ledger', error);
  }
}

function describeNone(report: ServerReport): Diagnostic {
  const { label, mayCreate, user, schema } = report;
  if (mayCreate) {
    return createOk('ledger', `none yet; the first job creates ${label}, ${describeServer(report)}`);
  }
  return createFailure(
    'ledger',
    `none yet, and the role ${user} may not create it: ${label}`,
    `Let its owner run rowfill ledger create (docs/teams.md), or as an administrator: create schema ${schema} authorization ${user}`,
  );
}

function describeServer({ version, roundTripMs, clockAheadMs }: ServerReport): string {
  const seconds = Math.round(Math.abs(clockAheadMs) / 1_000);
  const clock =
    seconds === 0
      ? ''
      : `; this clock is ${seconds} s ${clockAheadMs > 0 ? 'behind' : 'ahead of'} its clock, which counts`;
  return `PostgreSQL ${version}, ${roundTripMs.toFixed(1)} ms away${clock}`;
}
