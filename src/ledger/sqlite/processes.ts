import { createLeaseLostError } from '../../errors.js';
import type { Clock } from '../../model/clock.js';
import { type Holder, readGoneAt } from '../holder.js';
import type { LeaseResult, LedgerProcess, OpenBatch, ProcessBatch } from '../ledger.js';
import { listOpenBatches } from './batches.js';
import type { Database } from './database.js';
import type { Store } from './store.js';

interface HolderRow extends Holder {
  readonly account: string;
  readonly number: number;
  readonly epoch: number;
  readonly renewedAtMs: number;
}

/** A holder with this epoch may write. A takeover increases it, and closing the ledger sets it to 0. */
const HELD = 1;
const HOLDER = 'holder.number, epoch, pid, started, space, boot, host, renewed_at as renewedAtMs, account';

/** Interval of renewals. Other processes may take over after three missed ones of 15 s each. */
const RENEW_MS = 5_000;
/** A holder that was renewed within this time cannot have been taken over. */
const FRESH_MS = 30_000;
/** Attempts to renew at once, blocking this process, before a request leaves. */
const RENEW_ATTEMPTS = 400;
/** Never notified, so that waiting on it is a pause. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4));
/** Holders of this process, by file, whose end could not be written. The next one that registers writes it. */
const UNENDED = new Map<string, number[]>();

/**
 * This process as a holder of leases and batches. Methods are called inside transactions, but for `refuseLost` and
 * `close`.
 */
export class ProcessHolder {
  /** Hash of the agent's URL and the key; empty if none was entered. */
  account = '';
  readonly #store: Store;
  readonly #database: Database;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #self: Holder;
  #renewal: NodeJS.Timeout | null = null;
  #isLost = false;
  /** Writes of other processes up to which this one has made sure that it was not taken over. */
  #checkedWrites = 0;
  /** When it was last renewed, by both clocks: one may be set back, the other may stop while the machine sleeps. */
  #renewedAtMs = 0;
  #renewedAtTick = 0;

  constructor(store: Store, clock: Pick<Clock, 'now'>, self: Holder) {
    this.#store = store;
    this.#database = store.database;
    this.#clock = clock;
    this.#self = self;
  }

  /** Registers this process, once, and keeps it renewed. Returns false if another process has taken over. */
  hold(): boolean {
    if (this.#store.holder > 0) return !this.noticeLoss();
    this.#markRenewed();
    const { file } = this.#database;
    for (const number of UNENDED.get(file) ?? []) endHolder(this.#database, number);
    UNENDED.delete(file);
    this.#store.holder = registerHolder(this.#database, this.#self, this.#renewedAtMs, this.account);
    this.#renewal = setInterval(() => {
      this.#database.write(() => this.#renew()).catch(() => undefined);
    }, RENEW_MS).unref();
    return true;
  }

  /** Sets the account of this process's batches. */
  enterAccount(account: string): void {
    this.account = account;
    this.#database.run('update holder set account = ? where number = ?', account, this.#store.holder);
  }

  /** True if another process has taken over. */
  noticeLoss(): boolean {
    const { foreignWrites } = this.#database;
    if (!this.#isLost && foreignWrites > this.#checkedWrites && this.#store.holder > 0) {
      this.#checkedWrites = foreignWrites;
      const held = `select 1 from holder where number = ? and epoch = ${HELD}`;
      this.#isLost = this.#database.get(held, this.#store.holder) === undefined;
    }
    return this.#isLost;
  }

  /** Throws LEASE_LOST if another process may have taken over, after it has tried to renew. */
  refuseLost(): void {
    if (this.#store.holder === 0) return;
    for (let attempt = 0; attempt < RENEW_ATTEMPTS && !this.#isLost && !this.#isFresh(); attempt += 1) {
      if (!this.#database.tryWrite(() => this.#renew())) Atomics.wait(PAUSE, 0, 0, 5);
    }
    if (this.#isLost || !this.#isFresh()) throw createLeaseLostError();
  }

  /** True if another process has taken over, after it has tried to renew. */
  isTakenOver(): boolean {
    try {
      this.refuseLost();
      return false;
    } catch {
      return true;
    }
  }

  /** Acquires a lease, unless a process that may be alive has it. */
  acquireLease(name: string): LeaseResult {
    if (!this.hold()) throw createLeaseLostError();
    const nowMs = this.#clock.now();
    const row = this.#database.get<HolderRow & { acquiredAtMs: number }>(
      `select ${HOLDER}, acquired_at as acquiredAtMs
       from lease join holder on holder.number = lease.holder where lease.name = ?`,
      name,
    );
    if (row !== undefined) {
      const { number, epoch, account, acquiredAtMs, renewedAtMs, ...holder } = row;
      const goneAtMs = number === this.#store.holder ? Number.POSITIVE_INFINITY : this.#findGoneAt(row);
      if (goneAtMs > nowMs) return { status: 'busy', holder, acquiredAtMs, renewedAtMs, goneAtMs };
      this.#fence(number);
    }
    this.#database.run(
      'insert or replace into lease (name, holder, acquired_at) values (?, ?, ?)',
      ...[name, this.#store.holder, nowMs],
    );
    return { status: 'held' };
  }

  releaseLease(name: string): void {
    this.#database.run('delete from lease where name = ? and holder = ?', name, this.#store.holder);
  }

  /** Names of leases whose holders may still be alive. */
  listHeldLeases(): string[] {
    const rows = this.#database.all<HolderRow & { name: string }>(
      `select lease.name, ${HOLDER} from lease join holder on holder.number = lease.holder`,
    );
    return rows.filter((row) => this.#findGoneAt(row) > this.#clock.now()).map(({ name }) => name);
  }

  /** Processes that hold leases or open batches. */
  listProcesses(): LedgerProcess[] {
    const leases = this.#database.all<{ name: string; holder: number }>('select name, holder from lease');
    const batches = this.#database.all<ProcessBatch & { holder: number }>(
      `select batch.holder, batch.id as batchId, job.id as jobId, batch.run_id as runId, batch.state
       from batch join job on job.number = batch.job order by batch.number`,
    );
    const rows = this.#database.all<HolderRow>(
      `select ${HOLDER} from holder where number in (select holder from lease union select holder from batch)
       order by number`,
    );
    return rows.map((row) => {
      const { number, epoch: _epoch, account: _account, renewedAtMs: _renewed, ...holder } = row;
      return {
        holder,
        isAlive: this.#findGoneAt(row) > this.#clock.now(),
        leases: leases.filter((lease) => lease.holder === number).map(({ name }) => name),
        batches: batches
          .filter((batch) => batch.holder === number)
          .map(({ holder: _holder, ...batch }) => batch),
      };
    });
  }

  /**
   * Takes over the open batches of an ask whose process is gone. Returns them, oldest first. Those of another account
   * stay, because an agent shows a run only to its own account.
   */
  adoptBatches(askId: string): OpenBatch[] {
    if (!this.hold()) return [];
    // If this process stood still, others may have too, so take over only from those known to be gone.
    const nowMs = this.#isFresh() ? this.#clock.now() : 0;
    this.#renew();
    const view = this.#store.findView(askId);
    if (view === null) return [];
    const holders = this.#database.all<HolderRow>(
      `select ${HOLDER} from holder where number <> ? and number in (select holder from batch where ${view.range})`,
      this.#store.holder,
    );
    const gone = holders.filter((row) => this.#findGoneAt(row) <= nowMs);
    const adopted = gone.flatMap(({ number, account }) => {
      // First, so that the earlier holder can renew nothing, and so send nothing.
      this.#fence(number);
      if (account !== '' && account !== this.account) return [];
      const batches = listOpenBatches(this.#database, askId, number);
      this.#database.run(
        `update batch set holder = ? where holder = ? and ${view.range}`,
        this.#store.holder,
        number,
      );
      return batches;
    });
    return adopted.sort((a, b) => a.intendedAtMs - b.intendedAtMs);
  }

  /** Releases its leases, and lets others take over its open batches at once. */
  async close(): Promise<void> {
    if (this.#renewal === null) return;
    clearInterval(this.#renewal);
    const { file } = this.#database;
    const end = (): void => endHolder(this.#database, this.#store.holder);
    try {
      await this.#database.write(end).catch(() => {
        // An earlier write failed, but this one may succeed.
        if (!this.#database.tryWrite(end)) throw new Error('another program is writing');
      });
    } catch {
      // For other processes, it ends with this one.
      UNENDED.set(file, [...(UNENDED.get(file) ?? []), this.#store.holder]);
    }
  }

  #renew(): void {
    const renew = `update holder set renewed_at = ? where number = ? and epoch = ${HELD}`;
    if (this.#database.run(renew, this.#clock.now(), this.#store.holder) === 1) this.#markRenewed();
    else this.#isLost = true;
  }

  #markRenewed(): void {
    this.#renewedAtMs = this.#clock.now();
    this.#renewedAtTick = performance.now();
  }

  /** True while no other process can have taken over. */
  #isFresh(): boolean {
    const ageMs = this.#clock.now() - this.#renewedAtMs;
    return ageMs >= 0 && ageMs < FRESH_MS && performance.now() - this.#renewedAtTick < FRESH_MS;
  }

  #findGoneAt(row: HolderRow): number {
    return row.epoch === HELD ? readGoneAt(row, row.renewedAtMs, this.#self) : 0;
  }

  #fence(holder: number): void {
    this.#database.run(`update holder set epoch = epoch + 1 where number = ? and epoch = ${HELD}`, holder);
  }
}

/** Releases the leases of a holder, and lets others take over its open batches at once. */
function endHolder(database: Database, holder: number): void {
  database.run('delete from lease where holder = ?', holder);
  database.run('update holder set epoch = 0 where number = ?', holder);
}

/** Stores a holder, and forgets those that nothing refers to. Returns its number. */
function registerHolder(
  database: Database,
  { pid, started, space, boot, host }: Holder,
  nowMs: number,
  account: string,
): number {
  database.run(
    `delete from holder where epoch <> ${HELD} and number not in (select holder from batch)
       and number not in (select holder from lease)`,
  );
  database.run(
    `insert into holder (epoch, pid, started, space, boot, host, renewed_at, account)
     values (${HELD}, ?, ?, ?, ?, ?, ?, ?)`,
    ...[pid, started, space, boot, host, nowMs, account],
  );
  return database.get<{ number: number }>('select last_insert_rowid() as number')?.number ?? 0;
}
