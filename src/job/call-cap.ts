import type { Ledger } from '../ledger/ledger.js';
import type { Batch } from '../model/batch.js';
import type { Settings } from '../options.js';
import type { StopSwitch } from './stop-switch.js';

/** A budget that several jobs spend, one process at a time. It is looked at before each run is started. */
export interface SharedBudget {
  readonly capMicros: number;
  /** What is left, in micro-dollars; below 0 if more was billed. Read through the ledger of the job, which knows its last steps. */
  readLeftMicros(ledger: Ledger): number;
  /** Throws LEASE_LOST once another process spends of it. */
  refuseLost(): void;
  /** Stops a job that has lost the budget to another process. */
  watch(stop: StopSwitch): void;
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
