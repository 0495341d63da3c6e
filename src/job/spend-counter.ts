import type { JobSpend } from '../ledger/ledger.js';
import type { Batch } from '../model/batch.js';

type Reserved = Pick<Batch, 'jobId' | 'reserveMicros'>;

/** The spend of a job, kept in memory so that progress needs no ledger query. Batches of other jobs do not count. */
export class SpendCounter implements JobSpend {
  readonly #jobId: string;
  #spend: JobSpend;

  constructor(jobId: string, spend: JobSpend) {
    this.#jobId = jobId;
    this.#spend = spend;
  }

  get spentMicros(): number {
    return this.#spend.spentMicros;
  }

  get estimatedMicros(): number {
    return this.#spend.estimatedMicros;
  }

  get reservedMicros(): number {
    return this.#spend.reservedMicros;
  }

  /** Counts a batch that was reserved. */
  reserve(batch: Reserved): void {
    this.#addReserved(batch, batch.reserveMicros);
  }

  /** Counts a batch that was released. */
  release(batch: Reserved): void {
    this.#addReserved(batch, -batch.reserveMicros);
  }

  /** Counts a settled batch, with the spend that the ledger reported. */
  settle(batch: Reserved, { spentMicros, estimatedMicros }: JobSpend): void {
    if (batch.jobId !== this.#jobId) return;
    this.release(batch);
    // Reports may arrive in any order. These amounts only grow, so the larger one is newer.
    this.#spend = {
      ...this.#spend,
      spentMicros: Math.max(this.spentMicros, spentMicros),
      estimatedMicros: Math.max(this.estimatedMicros, estimatedMicros),
    };
  }

  /** Replaces all amounts, when no other call is pending. */
  replace(spend: JobSpend): void {
    this.#spend = spend;
  }

  #addReserved({ jobId }: Reserved, micros: number): void {
    if (jobId !== this.#jobId) return;
    this.#spend = { ...this.#spend, reservedMicros: Math.max(0, this.reservedMicros + micros) };
  }
}
