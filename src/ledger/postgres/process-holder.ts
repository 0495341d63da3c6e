import { randomInt } from 'node:crypto';
import { createLeaseLostError } from '../../errors.js';
import { type Clock, systemClock } from '../../model/clock.js';
import { type Holder, readGoneAt } from '../holder.js';
import type { Call, Connection } from './connection.js';
import { numberArray, type Sql, sql, textArray } from './sql.js';

/** A holder as stored. */
export interface HolderRow extends Holder {
  readonly number: number;
  readonly epoch: number;
  readonly account: string;
  readonly renewedAtMs: number;
  /** The server's time when it was read. */
  readonly nowMs: number;
}

export const HOLDER_COLUMNS = `holder.number, epoch, pid, started, space, boot, host, renewed_at as "renewedAtMs",
  account, now_ms() as "nowMs"`;

/** Interval of renewals. Each write renews too. Other processes may take over after 45 s without one. */
const RENEW_MS = 5_000;
/**
 * After this long without a renewal, this process starts nothing. The rest of the 45 s is for a request that has left,
 * and for clocks that run at different speeds.
 */
const FRESH_MS = 30_000;
/** Before a start, a renewal must not be older than this. */
const FRESH_BEFORE_START_MS = 3_000;
const MAX_NUMBER = 2 ** 47;

/** Holders of this process, by ledger, whose end could not be written. The next one that registers writes it. */
const UNENDED = new Map<string, readonly number[]>();

/** This process as a holder of leases and batches. */
export class ProcessHolder {
  /** Chosen here, so that the first message can already use it. */
  readonly number = randomInt(1, MAX_NUMBER);
  /** True once it may hold something. */
  isHolding = false;
  /** Hash of the agent's URL and the key; empty if none was entered. */
  account = '';
  readonly #connection: Connection;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #self: Holder;
  #renewal: NodeJS.Timeout | null = null;
  #turn = 0;
  #isLost = false;
  /** When it was last renewed, by both clocks: one may be set back, the other may stop while the machine sleeps. */
  #renewed = { atMs: 0, atTick: 0 };

  constructor(connection: Connection, clock: Pick<Clock, 'now'> = systemClock, self: Holder) {
    this.#connection = connection;
    this.#clock = clock;
    this.#self = self;
    connection.enter = (askIds, isLazy) => this.#enter(askIds, isLazy);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get isRegistered(): boolean {
    return this.#renewal !== null;
  }

  /** True while no other process can have taken over. */
  get isFresh(): boolean {
    return this.#isRenewedWithin(FRESH_MS);
  }

  /** Renews before a run starts, unless the last renewal is new. */
  async refresh(): Promise<void> {
    if (this.isRegistered && !this.#isRenewedWithin(FRESH_BEFORE_START_MS)) await this.#renew();
  }

  /** Throws LEASE_LOST if another process may have taken over. */
  refuseLost(): void {
    if (this.isRegistered && (this.#isLost || !this.isFresh)) throw createLeaseLostError();
  }

  /** When a holder counts as gone unless it renews, in the server's time: 0 if it is known to be gone. */
  findGoneAt(row: HolderRow): number {
    return row.epoch === 1 ? readGoneAt(row, row.renewedAtMs, this.#self, true) : 0;
  }

  /** Releases its leases, and lets others take over its open batches at once. */
  async close(): Promise<void> {
    if (this.#renewal === null) return;
    clearInterval(this.#renewal);
    const { label } = this.#connection.place;
    try {
      const statements = createEnd([this.number]);
      const read = (): void => undefined;
      await this.#connection.submit({ statements, isWrite: true, askIds: [], read, isLast: true });
    } catch {
      // For other processes, it ends with this one.
      UNENDED.set(label, [...(UNENDED.get(label) ?? []), this.number]);
    }
  }

  async #renew(): Promise<void> {
    await this.#connection.write([], () => undefined);
  }

  /** Starts a message that writes. */
  #enter(askIds: readonly string[], isLazy: boolean): Call<void> {
    const { pid, started, space, boot, host } = this.#self;
    const sent = { atMs: this.#clock.now(), atTick: performance.now() };
    this.#turn += 1;
    const entry = sql`select enter(${this.number}, ${this.#turn}, ${textArray(askIds)}) as held`;
    const unended = UNENDED.get(this.#connection.place.label) ?? [];
    const register = sql`select register(${this.number}, ${pid}, ${started}, ${space}, ${boot}, ${host}, ${this.account})`;
    return {
      statements: this.isRegistered ? [entry] : [register, ...createEnd(unended), entry],
      isWrite: true,
      askIds,
      read: (results) => {
        if (results.at(-1)?.[0]?.held !== true) this.#isLost = true;
        // A renewal that a crash of the server may forget does not count.
        else if (!isLazy) this.#renewed = sent;
        if (!this.isRegistered) UNENDED.delete(this.#connection.place.label);
        this.#renewal ??= setInterval(() => {
          if (!this.#isRenewedWithin(RENEW_MS / 2)) this.#renew().catch(() => undefined);
        }, RENEW_MS).unref();
      },
    };
  }

  #isRenewedWithin(durationMs: number): boolean {
    const ageMs = this.#clock.now() - this.#renewed.atMs;
    return ageMs >= 0 && ageMs < durationMs && performance.now() - this.#renewed.atTick < durationMs;
  }
}

/** Releases the leases of holders, and lets others take over their open batches at once. */
function createEnd(numbers: readonly number[]): readonly Sql[] {
  if (numbers.length === 0) return [];
  const holders = numberArray(numbers);
  return [
    sql`delete from lease where holder = any(${holders})`,
    sql`update holder set epoch = 0 where number = any(${holders}) and epoch = 1`,
  ];
}
