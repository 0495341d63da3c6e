import { createUsageError, describeError, RowfillError } from '../errors.js';
import { RENEW_MS, readHolder } from '../ledger/holder.js';
import type { LeaseResult, Ledger, SavedLedger } from '../ledger/ledger.js';
import { type Clock, systemClock } from '../model/clock.js';
import { formatDollars, formatNumber } from '../model/format.js';
import type { JobTally } from './progress.js';
import type { JobAbort } from './stop.js';

/** Before a holder elsewhere may count this process as gone, the job stops. */
const LATEST_RENEWAL_MS = 2 * RENEW_MS;
const LOOK_AGAIN_MS = 1_000;

export interface JobLease {
  /** Throws LEASE_LOST if another process has taken over. To be asked right before a run starts, an output or an end is written. */
  refuseLost(): void;
  /** Stops a job whose lease was lost to another process, as after a long sleep of the machine. */
  watch(stop: JobAbort): void;
  close(): void;
}

export interface WaitOptions {
  readonly clock?: Pick<Clock, 'now' | 'sleep'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once if the holder may be gone and has to be waited for. */
  readonly onWait?: ((message: string) => void) | undefined;
}

/**
 * Takes the lease of an ask. A holder that lives is refused with LEASE_HELD; one that may be gone, such as the container
 * that this one replaces, is waited for until it renews its lease or counts as gone.
 */
export async function waitForLease(
  ledger: Ledger,
  askId: string,
  options: WaitOptions = {},
): Promise<JobLease> {
  const { clock = systemClock, signal, onWait } = options;
  let first: Busy | null = null;
  for (;;) {
    const result = ledger.acquireLease(askId, readHolder());
    if (result.status === 'held') return keepLease(ledger, result.lease, clock);
    if (result.goneAtMs === Number.POSITIVE_INFINITY || (first !== null && hasRenewed(first, result))) {
      throw createHeldError(result);
    }
    const restMs = result.goneAtMs - clock.now();
    if (first === null) onWait?.(describeWait(result, restMs));
    first ??= result;
    await clock.sleep(Math.max(1, Math.min(LOOK_AGAIN_MS, restMs)), signal);
  }
}

/** Takes the lease of an ask at once, or throws LEASE_HELD. A killed process loses its lease by itself. */
export function openLease(ledger: Ledger, askId: string, clock: Pick<Clock, 'now'> = systemClock): JobLease {
  const result = ledger.acquireLease(askId, readHolder());
  if (result.status === 'busy') throw createHeldError(result);
  return keepLease(ledger, result.lease, clock);
}

type Busy = Extract<LeaseResult, { status: 'busy' }>;

function hasRenewed(before: Busy, now: Busy): boolean {
  return now.renewedAtMs !== before.renewedAtMs || now.acquiredAtMs !== before.acquiredAtMs;
}

/** Renews a lease until it is closed. */
function keepLease(
  ledger: Ledger,
  lease: Extract<LeaseResult, { status: 'held' }>['lease'],
  clock: Pick<Clock, 'now'>,
): JobLease {
  let renewedAtMs = clock.now();
  // The clock of the day may be set back, and this one stands still while the machine sleeps: a lease is fresh by both.
  let renewedAtTick = performance.now();
  let isLost = false;
  let onLost = (_error: Error): void => undefined;
  const isFresh = (): boolean => {
    const ageMs = clock.now() - renewedAtMs;
    return ageMs >= 0 && ageMs < RENEW_MS && performance.now() - renewedAtTick < RENEW_MS;
  };
  const renew = (): boolean => {
    const [nowMs, nowTick] = [clock.now(), performance.now()];
    if (!isLost && ledger.renewLease(lease)) {
      renewedAtMs = nowMs;
      renewedAtTick = nowTick;
      return true;
    }
    isLost = true;
    onLost(createLostError());
    return false;
  };
  const renewal = setInterval(() => {
    try {
      // While another program writes, nobody can take the lease either: the next time is soon enough.
      if (ledger.canWrite()) renew();
    } catch (error) {
      // A ledger that is busy may be free again before the lease lapses.
      if (clock.now() - renewedAtMs > LATEST_RENEWAL_MS)
        onLost(error instanceof Error ? error : new Error(describeError(error)));
    }
  }, RENEW_MS);
  return {
    refuseLost() {
      if (isLost || !(isFresh() || renew())) throw createLostError();
    },
    watch(stop) {
      onLost = (error) => stop.abortWith(error);
    },
    close() {
      clearInterval(renewal);
      ledger.releaseLease(lease);
    },
  };
}

function describeHolder({ holder }: Busy): string {
  return `process ${holder.pid} on ${holder.host}`;
}

function describeWait(busy: Busy, restMs: number): string {
  const seconds = Math.ceil(restMs / 1_000);
  return `Waiting up to ${seconds} s: ${describeHolder(busy)} was working on this and may have been killed.`;
}

function createHeldError(busy: Busy): RowfillError {
  return createBusyError(
    'LEASE_HELD',
    `${describeHolder(busy)} is working on the same question`,
    'Wait until it has ended, or stop it there with Ctrl-C. Its answers are then in the ledger for this job too.',
  );
}

function createLostError(): RowfillError {
  return createBusyError(
    'LEASE_LOST',
    'another process has taken over this job, so this one stopped without writing its output',
    'Let the other process finish, then run this command again: all answers are in the ledger.',
  );
}

function createBusyError(code: string, message: string, hint: string): RowfillError {
  return new RowfillError('busy', code, message, { hint });
}

/**
 * LEDGER_MOVED if the ledger is no longer in its place, else null. By then what only this process knew of it is saved, and
 * the error says where.
 */
export function saveMovedLedger(ledger: Ledger, cause?: unknown): RowfillError | null {
  const moved = ledger.findMove();
  if (moved === null) return null;
  const { message, hint } = describeSaved(ledger);
  return createUsageError(moved.code, `${moved.message}. ${message}`, hint, cause);
}

function describeSaved(ledger: Ledger): { message: string; hint: string } {
  let saved: SavedLedger;
  try {
    saved = ledger.save();
  } catch (error) {
    return {
      message: `It could not be saved: ${describeError(error)}`,
      hint: 'Bring the ledger back before the next start; without it the same rows are paid for again.',
    };
  }
  if (saved.status === 'restored') {
    return {
      message: 'Only its log was gone, and has been written back: nothing is missing',
      hint: 'Stop what deletes files beside the ledger, and run the same command again: it pays for nothing twice.',
    };
  }
  const { path } = ledger;
  return {
    message: `A copy of the whole ledger is in ${saved.path}`,
    hint: `Stop what changes the file. With no rowfill running, delete ${path}, ${path}-wal and ${path}-shm, rename the copy to ${path}, and run the same command again: it pays for nothing twice.`,
  };
}

/** Codes of a ledger whose content makes no sense any more. */
const DAMAGED: ReadonlySet<string> = new Set(['LEDGER_DAMAGED', 'LEDGER_NOT_A_DATABASE']);

/** Says of a ledger that was damaged while it was in use what happened, and which runs it may not know of. */
export function describeDamage(ledger: Ledger, error: unknown): unknown {
  if (!(error instanceof RowfillError) || !DAMAGED.has(error.code)) return error;
  const runs = ledger.listRecentRuns();
  const lost = runs.length === 0 ? '' : `. Runs that may be missing there: ${runs.join(', ')}`;
  return createUsageError(
    error.code,
    `The ledger was changed by another program, or damaged, while it was in use: ${ledger.path}${lost}`,
    'Stop what changes the file (a restore, a sync tool, an editor). Bring back the newest whole copy before the next start, or save what is readable with `sqlite3 ledger.sqlite .recover`; without it the same rows are paid for again.',
    error,
  );
}

/** True for an error about the ledger itself, such as LEDGER_DAMAGED. */
export function isLedgerError(error: unknown): error is RowfillError {
  return error instanceof RowfillError && error.code.startsWith('LEDGER_');
}

/** Adds what this command has spent by then to an error that otherwise means that nothing was. */
export function addSpent(
  error: unknown,
  tally: Pick<JobTally, 'runs' | 'runsActive' | 'costNowMicros'>,
): unknown {
  const { runs, runsActive, costNowMicros } = tally;
  const isUsage = error instanceof RowfillError && error.kind === 'usage';
  if (!isUsage || (costNowMicros === 0 && runsActive === 0)) return error;
  const atWork = runsActive === 0 ? '' : `; ${formatNumber(runsActive, 'run')} may still be billed`;
  const started = formatNumber(runs.created, 'new run');
  const spent = `Spent by this command: ${formatDollars(costNowMicros)} (${started}${atWork})`;
  return new RowfillError(error.kind, error.code, `${error.message.replace(/\.$/, '')}. ${spent}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
