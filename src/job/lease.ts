import { createUsageError, describeError, RowfillError } from '../errors.js';
import { RENEW_MS, readHolder } from '../ledger/holder.js';
import type { LeaseResult, Ledger, SavedLedger } from '../ledger/ledger.js';
import { type Clock, systemClock } from '../model/clock.js';
import { formatDollars, formatNumber } from '../model/format.js';
import type { JobTally } from './progress.js';
import type { JobAbort } from './stop.js';

/** Stop the job before other processes may consider its lease expired. */
const LATEST_RENEWAL_MS = 2 * RENEW_MS;
const LOOK_AGAIN_MS = 1_000;

export interface JobLease {
  /** Throws LEASE_LOST if another process has taken over. Call it right before starting a run or writing results. */
  refuseLost(): void;
  /** Stops the job if another process takes over, for example after a long sleep of the machine. */
  watch(stop: JobAbort): void;
  close(): void;
}

interface WaitOptions {
  readonly clock?: Pick<Clock, 'now' | 'sleep'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** True to wait for a live holder too. @default false */
  readonly waitsForLive?: boolean | undefined;
  /** Called once if we wait for the holder to end, or for its lease to expire. */
  readonly onWait?: ((message: string) => void) | undefined;
}

/**
 * Takes the lease of an ask. Throws LEASE_HELD if a live process holds it. If the holder may be dead, such as a
 * replaced container, waits until it renews the lease or the lease expires; with `waitsForLive`, waits for any holder.
 */
export async function waitForLease(
  ledger: Ledger,
  askId: string,
  options: WaitOptions = {},
): Promise<JobLease> {
  const { clock = systemClock, signal, onWait, waitsForLive = false } = options;
  let first: Busy | null = null;
  for (;;) {
    const result = ledger.acquireLease(askId, readHolder());
    if (result.status === 'held') return keepLease(ledger, result.lease, clock);
    const isLive =
      result.goneAtMs === Number.POSITIVE_INFINITY || (first !== null && hasRenewed(first, result));
    if (isLive && !waitsForLive) throw createHeldError(result);
    if (isLive) {
      if (first === null) onWait?.(`Waiting: ${createHeldError(result).message}.`);
      first ??= result;
      await clock.sleep(LOOK_AGAIN_MS, signal);
      continue;
    }
    const restMs = result.goneAtMs - clock.now();
    if (first === null) onWait?.(describeWait(result, restMs));
    first ??= result;
    await clock.sleep(Math.max(1, Math.min(LOOK_AGAIN_MS, restMs)), signal);
  }
}

/** Takes the lease of an ask at once, or throws LEASE_HELD. The lease of a killed process expires. */
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
  // The wall clock may be set back, and this one may stop while the machine sleeps, so check both.
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
      // While another program writes, no process can take the lease, so renewing next time is enough.
      if (ledger.canWrite()) renew();
    } catch (error) {
      // A busy ledger may be free again before the lease expires.
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
    'Add --wait to wait until it ends, or stop it with Ctrl-C. Its answers are then available here too.',
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

/** Returns LEDGER_MOVED if the ledger is no longer in place, else null. Saves the data first; the error says where. */
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
      hint: 'Restore the ledger before the next run. Without it, the same rows are paid for again.',
    };
  }
  if (saved.status === 'restored') {
    return {
      message: 'Only its write-ahead log was missing. It has been written back, and nothing is lost',
      hint: 'Stop what deletes files next to the ledger, then run the command again. Nothing is paid for twice.',
    };
  }
  const { path } = ledger;
  return {
    message: `A copy of the whole ledger is in ${saved.path}`,
    hint: `Stop what changes the file. With no rowfill running, delete ${path}, ${path}-wal and ${path}-shm, rename the copy to ${path}, and run the command again. Nothing is paid for twice.`,
  };
}

/** Codes of a ledger with damaged content. */
const DAMAGED: ReadonlySet<string> = new Set(['LEDGER_DAMAGED', 'LEDGER_NOT_A_DATABASE']);

/** Replaces the error of a ledger that was damaged while in use with one that lists the runs that may be missing. */
export function describeDamage(ledger: Ledger, error: unknown): unknown {
  if (!(error instanceof RowfillError) || !DAMAGED.has(error.code)) return error;
  const runs = ledger.listRecentRuns();
  const lost = runs.length === 0 ? '' : `. Runs that may be missing there: ${runs.join(', ')}`;
  return createUsageError(
    error.code,
    `The ledger was changed by another program, or damaged, while it was in use: ${ledger.path}${lost}`,
    'Stop what changes the file (a restore, a sync tool, an editor). Restore the newest complete copy before the next run, or recover data with `sqlite3 ledger.sqlite .recover`. Without it, the same rows are paid for again.',
    error,
  );
}

/** True for an error about the ledger itself, such as LEDGER_DAMAGED. */
export function isLedgerError(error: unknown): error is RowfillError {
  return error instanceof RowfillError && error.code.startsWith('LEDGER_');
}

/** Adds the cost of this command to a usage error, which otherwise implies that nothing was spent. */
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
