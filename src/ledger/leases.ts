import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Database } from './database.js';

/** Who asks: enough to tell, on the same machine, whether it is still alive. */
export interface LeaseHolder {
  readonly pid: number;
  readonly host: string;
  /** Where the pid means something: containers may share a host's name, but count their processes apart. */
  readonly space: string;
}

export interface Lease {
  readonly askId: string;
  readonly token: string;
}

export type LeaseResult =
  | { readonly status: 'held'; readonly lease: Lease }
  | {
      readonly status: 'busy';
      readonly holder: LeaseHolder;
      readonly acquiredAtMs: number;
      readonly expiresAtMs: number;
    };

interface LeaseRow extends LeaseHolder {
  readonly acquiredAt: number;
  readonly expiresAt: number;
}

/** This process, as a holder of leases. */
export function readHolder(): LeaseHolder {
  return { pid: process.pid, host: hostname(), space: readProcessSpace() };
}

/** Takes the lease unless a living holder has it: one that has lapsed, or whose process is gone, is taken over. */
export function acquireLease(
  database: Database,
  lease: Lease,
  holder: LeaseHolder,
  ttlMs: number,
  nowMs: number,
): LeaseResult {
  const row = database.get<LeaseRow>(
    `select pid, host, space, acquired_at as acquiredAt, expires_at as expiresAt
     from lease where ask_id = ? and token <> ?`,
    lease.askId,
    lease.token,
  );
  if (row !== undefined && row.expiresAt > nowMs && !isHolderGone(row, holder)) {
    return {
      status: 'busy',
      holder: { pid: row.pid, host: row.host, space: row.space },
      acquiredAtMs: row.acquiredAt,
      expiresAtMs: row.expiresAt,
    };
  }
  database.run(
    `insert or replace into lease (ask_id, token, pid, host, space, acquired_at, expires_at)
     values (?, ?, ?, ?, ?, ?, ?)`,
    lease.askId,
    lease.token,
    holder.pid,
    holder.host,
    holder.space,
    nowMs,
    nowMs + ttlMs,
  );
  return { status: 'held', lease };
}

/** False: the lease lapsed and another holder has it now. */
export function renewLease(database: Database, lease: Lease, ttlMs: number, nowMs: number): boolean {
  const changes = database.run(
    'update lease set expires_at = ? where ask_id = ? and token = ?',
    nowMs + ttlMs,
    lease.askId,
    lease.token,
  );
  return changes === 1;
}

export function releaseLease(database: Database, lease: Lease): void {
  database.run('delete from lease where ask_id = ? and token = ?', lease.askId, lease.token);
}

/** True for a holder on this machine whose process has ended; of any other, nothing can be told. */
export function isHolderGone(holder: LeaseHolder, self: LeaseHolder): boolean {
  if (holder.host !== self.host || holder.space !== self.space) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    // EPERM: it is alive, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

function readProcessSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has process namespaces.
    return '';
  }
}
