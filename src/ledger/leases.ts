import type { Database } from './database.js';
import { type Holder, readGoneAt } from './holder.js';

export interface Lease {
  readonly askId: string;
  readonly token: string;
}

export type LeaseResult =
  | { readonly status: 'held'; readonly lease: Lease }
  | {
      readonly status: 'busy';
      readonly holder: Holder;
      readonly acquiredAtMs: number;
      readonly renewedAtMs: number;
      /**
       * Time from which the lease can be taken over unless renewed; infinity if its holder is known to be
       * alive.
       */
      readonly goneAtMs: number;
    };

interface LeaseRow extends Holder {
  readonly askId: string;
  readonly acquiredAt: number;
  readonly renewedAt: number;
}

const SELECT = `
  select ask_id as askId, pid, started, space, boot, host, acquired_at as acquiredAt, renewed_at as renewedAt
  from lease`;

/** Acquires the lease, unless another holder that may be alive has it. */
export function acquireLease(database: Database, lease: Lease, self: Holder, nowMs: number): LeaseResult {
  const row = database.get<LeaseRow>(`${SELECT} where ask_id = ? and token <> ?`, lease.askId, lease.token);
  if (row !== undefined) {
    const { askId: _, acquiredAt, renewedAt, ...holder } = row;
    const goneAtMs = readGoneAt(holder, renewedAt, self);
    if (goneAtMs > nowMs) {
      return { status: 'busy', holder, acquiredAtMs: acquiredAt, renewedAtMs: renewedAt, goneAtMs };
    }
  }
  database.run(
    `insert or replace into lease (ask_id, token, pid, started, space, boot, host, acquired_at, renewed_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    lease.askId,
    lease.token,
    self.pid,
    self.started,
    self.space,
    self.boot,
    self.host,
    nowMs,
    nowMs,
  );
  return { status: 'held', lease };
}

/** Returns false if another holder has taken the lease. */
export function renewLease(database: Database, lease: Lease, nowMs: number): boolean {
  const changes = database.run(
    'update lease set renewed_at = ? where ask_id = ? and token = ?',
    nowMs,
    lease.askId,
    lease.token,
  );
  return changes === 1;
}

export function releaseLease(database: Database, lease: Lease): void {
  database.run('delete from lease where ask_id = ? and token = ?', lease.askId, lease.token);
}

/** Asks whose lease holders may still be alive. */
export function listHeldAsks(database: Database, self: Holder, nowMs: number): string[] {
  const rows = database.all<LeaseRow>(SELECT);
  return rows.filter((row) => readGoneAt(row, row.renewedAt, self) > nowMs).map((row) => row.askId);
}
