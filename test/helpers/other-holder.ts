import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Holder, readHolder } from '../../src/ledger/holder.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open-ledger.js';

/** A process in another container of this machine. */
export const OTHER_HOLDER: Holder = { ...readHolder(), space: 'pid:[1]' };

/** Another process on the same ledger. */
export class OtherHolder {
  readonly #ledger: Ledger;

  private constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  static async open(
    path: string,
    {
      clock = Date,
      holder = OTHER_HOLDER,
    }: { readonly clock?: { now(): number }; readonly holder?: Holder } = {},
  ): Promise<OtherHolder> {
    return new OtherHolder(await openLedger(path, { clock, holder }));
  }

  /** Takes the lease of a job. Returns `busy` if a process that may be alive has it. */
  async take(jobId: string): Promise<'held' | 'busy'> {
    return (await this.#ledger.acquireLease(`job:${jobId}`)).status;
  }

  /** Renews its leases, as it also does by itself now and then. */
  async renew(): Promise<void> {
    await this.#ledger.adoptBatches('an unknown ask');
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }
}

const TAKE_OVER = join(import.meta.dirname, 'take-over.mjs');

/**
 * Lets another container take over the lease of a job, now, as if this process had slept for a minute. Call it where
 * nothing can be awaited.
 */
export function takeOverNow(path: string, jobId: string): void {
  const { status, stderr } = spawnSync(process.execPath, [TAKE_OVER, path, jobId], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}
