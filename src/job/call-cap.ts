import type { DayCaps } from '../ledger/records.js';
import type { Batch } from '../model/batch.js';
import { type Clock, readMidnight } from '../model/clock.js';
import type { BudgetScope } from '../model/events.js';
import type { Settings } from '../options.js';

/** The watched folder that a job's input was dropped into, and what all its files may cost in a day. */
export interface FolderBudget {
  readonly id: string;
  /** Micro-dollars; null for no limit. */
  readonly capMicros: number | null;
  /** Says which day it is. */
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The cap of a job, and that of one call of it beside it. What earlier calls left at work is theirs: whatever it comes to
 * cost, it neither takes of what this call may spend nor leaves it more. All amounts are micro-dollars.
 */
export class CallCap {
  readonly #ofJob: number | null;
  readonly #ofCall: number | null;
  /** What the job cost before, and what runs that were left over cost by now, or are reserved for. */
  #before: number;
  readonly #leftOver = new Map<string, number>();

  constructor({ capMicros, capNowMicros }: Settings, spentMicros: number) {
    this.#ofJob = capMicros;
    this.#ofCall = capNowMicros;
    this.#before = spentMicros;
  }

  /** The most that the job may have spent and reserved now; null for no cap. */
  get micros(): number | null {
    if (this.#ofCall === null) return this.#ofJob;
    return Math.min(this.#ofJob ?? Number.POSITIVE_INFINITY, this.#before + this.#ofCall);
  }

  /** Whether the cap of the job or that of this call is the lower one. */
  get scope(): BudgetScope {
    return this.#ofCall !== null && this.micros !== this.#ofJob ? 'command' : 'job';
  }

  /** Takes note of a batch that an earlier call left open. */
  leave({ id, reserveMicros }: Pick<Batch, 'id' | 'reserveMicros'>): void {
    this.#leftOver.set(id, reserveMicros);
    this.#before += reserveMicros;
  }

  /** Takes note of what a batch cost in the end; for one of this call it changes nothing. */
  settle(batchId: string, costMicros: number): void {
    const reserved = this.#leftOver.get(batchId);
    if (reserved === undefined) return;
    this.#leftOver.delete(batchId);
    this.#before += costMicros - reserved;
  }
}

/** The budgets of the day that a job spends from; null if no day has one. */
export function readDayCaps({
  budget,
  settings,
  clock,
}: {
  readonly budget: FolderBudget | null;
  readonly settings: Pick<Settings, 'ledgerDayCapMicros'>;
  readonly clock: Pick<Clock, 'now'>;
}): DayCaps | null {
  const folderMicros = budget?.capMicros ?? null;
  const ledgerMicros = settings.ledgerDayCapMicros;
  if (folderMicros === null && ledgerMicros === null) return null;
  return { folderMicros, ledgerMicros, sinceMs: readMidnight((budget?.clock ?? clock).now(), 0) };
}
