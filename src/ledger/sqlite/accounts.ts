import { randomBytes } from 'node:crypto';
import { computeAloneMs } from '../alone.js';
import type { SharedAccount } from '../ledger.js';
import type { Database } from './database.js';
import type { ProcessHolder } from './processes.js';
import type { Store } from './store.js';

/** How often a batch that waits for a place looks for one. */
const LOOK_MS = 50;
/** Who found no place this recently gets its share of the next ones. */
const HUNGRY_MS = 500;
/** After this many starts, or this long after a refusal, one more run than the limit is tried. */
const STARTS_PER_PROBE = 20;
const PROBE_AGAIN_MS = 60_000;
/** Refusals within this time count as one. */
const LOWER_AGAIN_MS = 1_000;

interface AccountRow {
  /** Active runs that the agent accepts, as refusals have shown; null if it has refused none. */
  readonly activeLimit: number | null;
  /** Most runs that were active at the same time. */
  readonly proven: number;
  readonly refusedAtMs: number;
  /** Starts since the last refusal or probe. */
  readonly starts: number;
  readonly nextStartMs: number;
}

const COUNT_ACTIVE = `
  select count(*) as active, count(run_id) as started, coalesce(sum(batch.holder = ?2), 0) as own
  from batch join holder on holder.number = batch.holder
  where account = ?1 and (state = 'sent' or (state = 'intended' and has_place = 1))`;

/** Runs of the account: with a place, of those with a known run, and of this process. */
interface ActiveRuns {
  readonly active: number;
  readonly started: number;
  readonly own: number;
}

const NO_RUNS: ActiveRuns = { active: 0, started: 0, own: 0 };

/** A batch that waits for a place. */
interface PlaceWish {
  readonly batchId: string;
  readonly startsPerSecond: number;
  /** Most active runs of its job; null for no limit. */
  readonly maxActive: number | null;
}

/** Hands out places and start times among the processes that use an account. */
export class AccountPlaces implements SharedAccount {
  readonly #store: Store;
  readonly #database: Database;
  readonly #process: ProcessHolder;
  readonly #now: () => number;
  /** Batches get their places one after the other. */
  #last: Promise<void> = Promise.resolve();
  /** True if another process has open batches of the account, as of a number of foreign writes. */
  #isShared = false;
  #checkedWrites = -1;
  /** Until when only this process starts runs, in ms of `performance.now()`. */
  #aloneUntilMs = 0;

  constructor(store: Store, process: ProcessHolder, now: () => number) {
    this.#store = store;
    this.#database = store.database;
    this.#process = process;
    this.#now = now;
  }

  async enterAccount(hash: (salt: string) => string): Promise<void> {
    await this.#database.write(() => {
      this.#database.run(
        'insert into salt (number, value) values (1, ?) on conflict do nothing',
        randomBytes(16).toString('hex'),
      );
      const salt = this.#database.get<{ value: string }>('select value from salt')?.value ?? '';
      const account = hash(salt);
      this.#database.run('insert into account (id) values (?) on conflict do nothing', account);
      this.#process.enterAccount(account);
    });
  }

  async takePlace(
    batchId: string,
    startsPerSecond: number,
    signal: AbortSignal,
    maxActive: number | null = null,
  ): Promise<boolean> {
    const wish = { batchId, startsPerSecond, maxActive };
    // A job that has all its runs must not hold back another one.
    if (maxActive !== null) {
      await this.#waitForPlace(wish, signal);
      return true;
    }
    if (!(await this.#needsPlace(startsPerSecond))) return true;
    const before = this.#last;
    const own = before.then(() => this.#waitForPlace(wish, signal));
    this.#last = own.catch(() => undefined);
    await own;
    return true;
  }

  async recordRefusal(batchId: string): Promise<number> {
    if (!(await this.#readShared())) return 0;
    // The next start waits for a place.
    this.#aloneUntilMs = 0;
    return this.#database.write(() => {
      this.#database.run('update batch set has_place = 0 where id = ?', batchId);
      const { active } = this.#countActive();
      const row = this.#readAccount();
      if (row === undefined) return 0;
      const nowMs = this.#now();
      // Runs may have ended since the refusal. So each start raises the limit again, up to what was proven, which falls by
      // one for all refusals at the same time.
      const isLower = active < row.proven && nowMs - row.refusedAtMs > LOWER_AGAIN_MS;
      const proven = isLower ? row.proven - 1 : row.proven;
      const limit = Math.max(1, active);
      this.#database.run(
        'update account set active_limit = min(coalesce(active_limit, ?1), ?1), proven = ?2, refused_at = ?3, starts = 0 where id = ?4',
        ...[limit, proven, nowMs, this.#process.account],
      );
      return active;
    });
  }

  async listOutOfReach(askId: string): Promise<ReadonlySet<string>> {
    return this.#database.read(() => {
      const rows = this.#database.all<{ id: string }>(
        `select batch.id from batch join job on job.number = batch.job join ask on ask.number = job.ask
           join holder on holder.number = batch.holder
         where ask.id = ? and account not in ('', ?) and epoch <> 1`,
        ...[askId, this.#process.account],
      );
      return new Set(rows.map(({ id }) => id));
    });
  }

  /** False while this process alone uses the account. Others that come then start after that time. */
  async #needsPlace(startsPerSecond: number): Promise<boolean> {
    const { account } = this.#process;
    if (startsPerSecond === 0 || account === '') return this.#readShared();
    const tick = performance.now();
    if (tick < this.#aloneUntilMs) return false;
    if (await this.#readShared()) return true;
    const aloneMs = computeAloneMs(startsPerSecond);
    return this.#database.write(() => {
      if (this.#findShared()) return true;
      this.#aloneUntilMs = tick + aloneMs;
      this.#database.run(
        'update account set next_start_at = max(next_start_at, ?) where id = ?',
        ...[Math.ceil(this.#now() + aloneMs + 1_000 / startsPerSecond), account],
      );
      return false;
    });
  }

  async #waitForPlace(wish: PlaceWish, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const startMs = await this.#database.write(() => this.#tryPlace(wish));
      if (startMs !== null) return this.#pause(startMs - this.#now(), signal, false);
      await this.#pause(LOOK_MS, signal, true);
      if (wish.maxActive === null && !(await this.#readShared())) return;
    }
  }

  /** Takes a place. Returns the time at which the run may start, or null if there is no place. */
  #tryPlace({ batchId, startsPerSecond, maxActive }: PlaceWish): number | null {
    const { account } = this.#process;
    const nowMs = this.#now();
    const row = this.#readAccount();
    if (row === undefined) return nowMs;
    if (maxActive !== null && this.#countJobActive(batchId) >= maxActive) return null;
    const { activeLimit, refusedAtMs, starts } = row;
    const { active, started, own } = this.#countActive();
    let [limit, startsSince] = [activeLimit, starts + 1];
    if (limit !== null) {
      const mayProbe = starts >= STARTS_PER_PROBE || nowMs - refusedAtMs > PROBE_AGAIN_MS;
      if (active >= (mayProbe ? limit + 1 : limit)) {
        this.#markHungry(nowMs);
        return null;
      }
      const hungry = this.#countHungry(nowMs);
      if (hungry > 0 && own >= Math.ceil(limit / (hungry + 1))) return null;
      if (active >= limit) [limit, startsSince] = [active + 1, 0];
      else if (limit < row.proven) limit += 1;
    }
    this.#database.run('update batch set has_place = 1 where id = ?', batchId);
    this.#database.run('update holder set hungry_at = 0 where number = ?', this.#store.holder);
    const startMs = startsPerSecond > 0 ? Math.max(nowMs, row.nextStartMs) : nowMs;
    this.#database.run(
      'update account set active_limit = ?, proven = max(proven, ?), starts = ?, next_start_at = ? where id = ?',
      ...[limit, started, startsSince],
      ...[startsPerSecond > 0 ? Math.ceil(startMs + 1_000 / startsPerSecond) : 0, account],
    );
    return startMs;
  }

  #readAccount(): AccountRow | undefined {
    return this.#database.get<AccountRow>(
      `select active_limit as activeLimit, proven, refused_at as refusedAtMs, starts, next_start_at as nextStartMs
       from account where id = ?`,
      this.#process.account,
    );
  }

  #countActive(): ActiveRuns {
    const { account } = this.#process;
    return this.#database.get<ActiveRuns>(COUNT_ACTIVE, account, this.#store.holder) ?? NO_RUNS;
  }

  /** Active runs of a batch's job, without the batch. */
  #countJobActive(batchId: string): number {
    const row = this.#database.get<{ count: number }>(
      `select count(*) as count from batch where job = (select job from batch where id = ?1) and id <> ?1
         and (state = 'sent' or (state = 'intended' and has_place = 1))`,
      batchId,
    );
    return row?.count ?? 0;
  }

  #countHungry(nowMs: number): number {
    const row = this.#database.get<{ count: number }>(
      'select count(*) as count from holder where account = ? and number <> ? and hungry_at > ?',
      ...[this.#process.account, this.#store.holder, nowMs - HUNGRY_MS],
    );
    return row?.count ?? 0;
  }

  /** Written only now and then, because each write wakes the other processes. */
  #markHungry(nowMs: number): void {
    this.#database.run(
      'update holder set hungry_at = ? where number = ? and hungry_at < ?',
      ...[nowMs, this.#store.holder, nowMs - HUNGRY_MS / 2],
    );
  }

  /** True if another process has open batches of the account. Read again only after another process has written. */
  async #readShared(): Promise<boolean> {
    if (this.#process.account === '' || this.#checkedWrites === this.#database.foreignWrites) {
      return this.#isShared;
    }
    return this.#database.read(() => this.#findShared());
  }

  #findShared(): boolean {
    this.#checkedWrites = this.#database.foreignWrites;
    const row = this.#database.get(
      `select 1 from holder where account = ? and number <> ? and epoch = 1
         and number in (select holder from batch) limit 1`,
      ...[this.#process.account, this.#store.holder],
    );
    this.#isShared = row !== undefined;
    return this.#isShared;
  }

  /** Waits until the signal is aborted or, if `endsEarly`, one of this process's batches ends. */
  #pause(delayMs: number, signal: AbortSignal, endsEarly: boolean): Promise<void> {
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      signal.addEventListener('abort', end, { once: true });
      if (endsEarly) this.#store.onBatchEnd = end;
    });
  }
}
