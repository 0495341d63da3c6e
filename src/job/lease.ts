import { createLeaseLostError, createUsageError, describeError, RowfillError } from '../errors.js';
import { RENEW_MS } from '../ledger/holder.js';
import type { LeaseResult, Ledger, SavedLedger } from '../ledger/ledger.js';
import { type Clock, systemClock } from '../model/clock.js';
import { formatDollars, formatNumber } from '../model/format.js';
import { foldPath } from '../model/path-spelling.js';
import { identifyFile } from '../write/file-identity.js';
import type { JobTally } from './progress.js';
import { type JobAbort, raceSignal } from './stop.js';

const LOOK_AGAIN_MS = 1_000;

export interface JobLease {
  /** Throws LEASE_LOST if another process has taken over. Call it right before writing results. */
  refuseLost(): void;
  /** Stops the job if another process takes over, for example after a long sleep of the machine. */
  watch(stop: JobAbort): void;
  close(): Promise<void>;
}

interface WaitOptions {
  readonly clock?: Pick<Clock, 'now' | 'sleep'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** True to wait for a live holder too. @default false */
  readonly waitsForLive?: boolean | undefined;
  /** False for a command without `--wait`, so that no advice names it. @default true */
  readonly hasWaitOption?: boolean;
  /** Called once if we wait for the holder to end, or for its lease to expire. */
  readonly onWait?: ((message: string) => void) | undefined;
}

/**
 * Takes the lease of a job. Throws LEASE_HELD if a live process holds it. If the holder may be dead, such as a
 * replaced container, waits until it renews the lease or the lease expires; with `waitsForLive`, waits for any holder.
 */
export async function waitForLease(
  ledger: LeaseLedger,
  jobId: string,
  options: WaitOptions = {},
): Promise<JobLease> {
  const { hasWaitOption = true } = options;
  return waitForName(ledger, `job:${jobId}`, (busy) => createHeldError(busy, hasWaitOption), options);
}

type LeaseLedger = Pick<
  Ledger,
  'acquireLease' | 'releaseLease' | 'refuseStart' | 'isTakenOver' | 'measureClock'
>;

/** Takes a lease. If its holder may be dead, waits until it renews the lease or the lease expires. */
async function waitForName(
  ledger: LeaseLedger,
  name: string,
  refuse: (busy: Busy) => RowfillError,
  { clock = systemClock, signal, onWait, waitsForLive = false }: WaitOptions,
): Promise<JobLease> {
  let first: Busy | null = null;
  for (;;) {
    const result = await raceSignal(ledger.acquireLease(name), signal);
    if (result.status === 'held') return createJobLease(ledger, name);
    const isLive =
      result.goneAtMs === Number.POSITIVE_INFINITY || (first !== null && hasRenewed(first, result));
    if (isLive && !waitsForLive) throw refuse(result);
    if (isLive) {
      if (first === null) onWait?.(`Waiting: ${refuse(result).message}.`);
      first ??= result;
      await clock.sleep(LOOK_AGAIN_MS, signal);
      continue;
    }
    const restMs = result.goneAtMs - (clock.now() + (await ledger.measureClock()));
    if (first === null) onWait?.(describeWait(result, restMs));
    first ??= result;
    await clock.sleep(Math.max(1, Math.min(LOOK_AGAIN_MS, restMs)), signal);
  }
}

/**
 * Takes the lease of a result that the user named, so that two jobs of a ledger do not write it at the same time and
 * lose one of the two. Throws OUTPUT_HELD if a live process holds it. Pipes and devices may be shared.
 */
export async function waitForOutput(
  ledger: LeaseLedger,
  path: string,
  options: WaitOptions = {},
): Promise<JobLease> {
  const { path: target, isFile } = identifyFile(path);
  if (path === '-' || !isFile) return NO_LEASE;
  const refuse = (busy: Busy): RowfillError => {
    const message = `${describeHolder(busy)} is running another job that writes ${path}`;
    return new RowfillError('busy', 'OUTPUT_HELD', message, {
      hint: 'Wait until it ends, or name another file.',
    });
  };
  return waitForName(ledger, `output:${foldPath(target)}`, refuse, options);
}

const NO_LEASE: JobLease = {
  refuseLost: () => undefined,
  watch: () => undefined,
  close: async () => undefined,
};

type Busy = Extract<LeaseResult, { status: 'busy' }>;

function hasRenewed(before: Busy, now: Busy): boolean {
  return now.renewedAtMs !== before.renewedAtMs || now.acquiredAtMs !== before.acquiredAtMs;
}

/** The ledger renews the lease. */
function createJobLease(ledger: LeaseLedger, name: string): JobLease {
  const refuseLost = (): void => {
    try {
      ledger.refuseStart();
    } catch (error) {
      // The output of a moved ledger is still written.
      if (!(error instanceof RowfillError && error.code === 'LEDGER_MOVED')) throw error;
    }
  };
  let check: NodeJS.Timeout | undefined;
  return {
    refuseLost,
    watch(stop) {
      check = setInterval(() => {
        if (ledger.isTakenOver()) stop.abortWith(createLeaseLostError());
      }, RENEW_MS);
    },
    async close() {
      clearInterval(check);
      await ledger.releaseLease(name);
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

function createHeldError(busy: Busy, hasWaitOption: boolean): RowfillError {
  return new RowfillError('busy', 'LEASE_HELD', `${describeHolder(busy)} is working on the same job`, {
    hint: hasWaitOption
      ? 'Add --wait to wait until it ends, or stop it with Ctrl-C. Its answers are then available here too.'
      : 'Wait until it ends, or stop it with Ctrl-C. Then run the same command again.',
  });
}

/** Returns LEDGER_MOVED if the ledger is no longer in place, else null. Saves the data first; the error says where. */
export async function saveMovedLedger(ledger: Ledger, cause?: unknown): Promise<RowfillError | null> {
  const moved = ledger.findMove();
  if (moved === null) return null;
  const { message, hint } = await describeSaved(ledger);
  return createUsageError(moved.code, `${moved.message}. ${message}`, hint, cause);
}

async function describeSaved(ledger: Ledger): Promise<{ message: string; hint: string }> {
  let saved: SavedLedger;
  try {
    saved = await ledger.saveMoved();
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
