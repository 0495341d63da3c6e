import { randomBytes } from 'node:crypto';
import { computeAloneMs } from '../alone.js';
import type { SharedAccount } from '../ledger.js';
import type { Connection } from './connection.js';
import type { ProcessHolder } from './process-holder.js';
import { type Sql, sql } from './sql.js';

/** How often batches that wait for a place look for one. */
const LOOK_MS = 50;

/** A batch that waits for a place among the active runs of the account. */
interface Waiting {
  readonly batchId: string;
  readonly startsPerSecond: number;
  /** Most active runs of its job; null for no limit. */
  readonly maxActive: number | null;
  readonly resolve: (waitMs: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Hands out places and start times among the processes that use an account. */
export class AccountPlaces implements SharedAccount {
  readonly #connection: Connection;
  readonly #process: ProcessHolder;
  /** In the order in which they came. */
  #waiting: Waiting[] = [];
  #isLooking = false;
  /** Called when a place may be free before the next look. */
  #wake: () => void = () => undefined;
  /** Batches of this process that have ended. */
  #ends = 0;
  /** True if another process had open batches of the account when this one last reserved. */
  isShared = false;
  /** Until when only this process starts runs, in ms of `performance.now()`. */
  #aloneUntilMs = 0;
  #claiming: Promise<void> | null = null;

  constructor(connection: Connection, process: ProcessHolder) {
    this.#connection = connection;
    this.#process = process;
  }

  async enterAccount(hash: (salt: string) => string): Promise<void> {
    const salt = await this.#connection.write(
      [
        sql`insert into salt (number, value) values (1, ${randomBytes(16).toString('hex')}) on conflict do nothing`,
        sql`select value from salt`,
      ],
      (results) => String(results[1]?.[0]?.value),
    );
    const account = hash(salt);
    this.#process.account = account;
    await this.#connection.write(
      [
        sql`insert into account (id) values (${account}) on conflict do nothing`,
        sql`update holder set account = ${account} where number = ${this.#process.number}`,
      ],
      () => undefined,
    );
  }

  async takePlace(
    batchId: string,
    startsPerSecond: number,
    signal: AbortSignal,
    maxActive: number | null = null,
  ): Promise<boolean> {
    signal.throwIfAborted();
    await this.#process.refresh();
    if (this.#process.account === '') return true;
    if (maxActive === null && !(await this.#needsPlace(startsPerSecond))) return true;
    signal.throwIfAborted();
    const waitMs = await new Promise<number>((resolve, reject) => {
      const drop = (): void => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        reject(signal.reason);
      };
      const waiting = {
        ...{ batchId, startsPerSecond, maxActive, reject },
        resolve: (delayMs: number) => {
          signal.removeEventListener('abort', drop);
          resolve(delayMs);
        },
      };
      signal.addEventListener('abort', drop, { once: true });
      this.#waiting.push(waiting);
      if (!this.#isLooking) void this.#look();
    });
    if (waitMs <= 0) return waitMs === 0;
    await pause(waitMs, signal);
    signal.throwIfAborted();
    return this.#connection.write(
      [sql`select leave(${batchId}) as done`],
      ([rows]) => rows?.[0]?.done === true,
    );
  }

  /**
   * Looks for places at once, because a batch of this process is about to end: if this is called in the turn in which its
   * end is sent, both go in one message.
   */
  onBatchEnd(): void {
    this.#ends += 1;
    this.#wake();
  }

  async recordRefusal(batchId: string): Promise<number> {
    const { number, account } = this.#process;
    if (account === '') return 0;
    const refusal = sql`select record_refusal(${number}, ${account}, ${batchId}) as active`;
    const active = await this.#connection.write([refusal], ([rows]) => Number(rows?.[0]?.active));
    this.isShared = active > 0;
    // The next start waits for a place.
    if (this.isShared) this.#aloneUntilMs = 0;
    return active;
  }

  async listOutOfReach(askId: string): Promise<ReadonlySet<string>> {
    const statement = sql`select batch.id from batch join job on job.number = batch.job
        join ask on ask.number = job.ask join holder on holder.number = batch.holder
      where ask.id = ${askId} and account not in ('', ${this.#process.account}) and epoch <> 1`;
    return this.#connection.read([statement], ([rows = []]) => new Set(rows.map(({ id }) => String(id))));
  }

  /** Selects whether another process has open batches of the account. */
  selectShared(): Sql {
    return sql`select is_shared(${this.#process.number}, ${this.#process.account}) as shared`;
  }

  /** False while this process alone uses the account. Others that come then start after that time. */
  async #needsPlace(startsPerSecond: number): Promise<boolean> {
    if (startsPerSecond > 0) {
      if (performance.now() < this.#aloneUntilMs) return false;
      if (!this.isShared) {
        this.#claiming ??= this.#claimStarts(startsPerSecond).finally(() => {
          this.#claiming = null;
        });
        await this.#claiming;
      }
    }
    return this.isShared;
  }

  async #claimStarts(startsPerSecond: number): Promise<void> {
    const { number, account } = this.#process;
    const aloneMs = computeAloneMs(startsPerSecond);
    const untilMs = performance.now() + aloneMs;
    const nextMs = Math.ceil(aloneMs + 1_000 / startsPerSecond);
    const statement = sql`select claim_starts(${number}, ${account}, ${nextMs}) as alone`;
    this.isShared = await this.#connection.write([statement], ([rows]) => rows?.[0]?.alone !== true);
    if (!this.isShared) this.#aloneUntilMs = untilMs;
  }

  /** Looks for places until nobody waits for one. All that wait are decided in one message, in their order. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#waiting.length > 0) {
      const asked = [...this.#waiting];
      const ends = this.#ends;
      try {
        const waits = await this.#tryPlaces(asked);
        const placed = new Map(asked.map((each, index) => [each, waits[index] ?? null]));
        this.#waiting = this.#waiting.filter((each) => (placed.get(each) ?? null) === null);
        for (const [{ resolve }, waitMs] of placed) if (waitMs !== null) resolve(waitMs);
        if (waits.includes(null) && ends === this.#ends) await this.#waitForEnd();
      } catch (error) {
        this.#waiting = this.#waiting.filter((each) => !asked.includes(each));
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isLooking = false;
  }

  /**
   * How long each must wait for its start; null without a place, -1 if it may not start any more. Once one has none, those
   * after it get none.
   */
  #tryPlaces(asked: readonly Waiting[]): Promise<readonly (number | null)[]> {
    const { number, account } = this.#process;
    // Other processes matter only to a batch whose job has no limit of its own.
    const asksShared = asked.some(({ maxActive }) => maxActive === null);
    const places = asked.map(
      ({ batchId, startsPerSecond, maxActive }) =>
        sql`select take_place(${number}, ${account}, ${batchId}, ${startsPerSecond}, ${maxActive}) as wait`,
    );
    const statements = asksShared ? [...places, this.selectShared()] : places;
    return this.#connection.write(statements, (results) => {
      if (asksShared) this.isShared = results.at(-1)?.[0]?.shared === true;
      return results.slice(0, places.length).map(([row], index) => {
        if (typeof row?.wait === 'number') return row.wait;
        // Alone, a process waits only for the runs of the same job.
        return this.isShared || (asked[index]?.maxActive ?? null) !== null ? null : 0;
      });
    });
  }

  #waitForEnd(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
  });
}
