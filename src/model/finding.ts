import { describeError, type ErrorKind, RowfillError } from '../errors.js';

/** How well something works: `warn` is no obstacle. */
export type Verdict = 'ok' | 'warn' | 'fail';

/** What one look at the machine or the agent came to. */
export interface Finding {
  readonly check: 'node' | 'ledger' | 'disk' | 'proxy' | 'key' | 'agent' | 'clock';
  readonly verdict: Verdict;
  readonly message: string;
  /** What to do about it; null where all is well, or where another finding says it. */
  readonly remedy: string | null;
  /** How a job would end for it; null where it would not. */
  readonly kind: ErrorKind | null;
}

export function createOk(check: Finding['check'], message: string): Finding {
  return { check, verdict: 'ok', message, remedy: null, kind: null };
}

export function createWarning(check: Finding['check'], message: string, remedy: string | null): Finding {
  return { check, verdict: 'warn', message, remedy, kind: null };
}

export function createFailure(
  check: Finding['check'],
  message: string,
  remedy: string,
  kind: ErrorKind = 'usage',
): Finding {
  return { check, verdict: 'fail', message, remedy, kind };
}

/** The finding that an error amounts to. */
export function createErrorFinding(check: Finding['check'], error: unknown): Finding {
  if (!(error instanceof RowfillError)) {
    return createFailure(
      check,
      describeError(error),
      'Run rowfill doctor --debug, and report what it says.',
      'defect',
    );
  }
  const remedy = error.hint ?? `docs/troubleshooting.md tells more about ${error.code}.`;
  return createFailure(check, `${error.message} [${error.code}]`, remedy, error.kind);
}
