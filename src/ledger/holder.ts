import { hostname } from 'node:os';
import { findLiveness, readLink, readMark, readText } from './liveness.js';

/** A process that holds a lease or a claim, with enough detail to tell whether it is still alive. */
export interface Holder {
  readonly pid: number;
  /**
   * What tells the process from a later one with the same pid: its start time, or on Windows the name of its pipe;
   * empty if unknown.
   */
  readonly started: string;
  /** PID namespace of the process: each container has its own. Empty on systems without namespaces. */
  readonly space: string;
  /** Boot id of the machine, shared by its containers; empty if unknown. */
  readonly boot: string;
  readonly host: string;
}

/** Start of the name of a lease that shows a worker, also while it has no batch. */
export const WORKER_LEASE = 'worker:';

/** Renewal interval of leases and claims. */
export const RENEW_MS = 15_000;
/** A holder on this machine counts as gone after three missed renewals. */
const GONE_MS = 3 * RENEW_MS;
/** Longer for other machines, because clocks may differ. */
const GONE_ELSEWHERE_MS = 5 * 60_000;

/** Describes this process as a holder. */
export function readHolder(): Holder {
  return {
    pid: process.pid,
    started: readMark(),
    space: readLink('/proc/self/ns/pid'),
    boot: readText('/proc/sys/kernel/random/boot_id').trim(),
    host: hostname(),
  };
}

/**
 * Returns the time, in milliseconds since 1970, from which a holder counts as gone unless it renews: 0 if it
 * is known to be gone, infinity if it is known to be alive. Within one PID namespace, the system decides; across
 * namespaces, only renewals do. `isShared` for a ledger of many machines, where all times are by one clock.
 */
export function readGoneAt(holder: Holder, renewedAtMs: number, self: Holder, isShared = false): number {
  // Two machines may have one name, so only a boot id says that a pid is one of this machine.
  if (isSameSpace(holder, self) && (!isShared || holder.boot !== '')) {
    const liveness = findLiveness(holder, self);
    if (liveness !== 'unknown') return liveness === 'alive' ? Number.POSITIVE_INFINITY : 0;
    return renewedAtMs + GONE_MS;
  }
  return renewedAtMs + (isShared || isSameBoot(holder, self) ? GONE_MS : GONE_ELSEWHERE_MS);
}

/** A holder of leases, and the time of its last renewal and of now, by the clock of the ledger. */
export interface HeldRow extends Holder {
  readonly renewed_at: number;
  readonly now: number;
}

/** Names the holders that may be alive. `isShared` as for `readGoneAt`. */
export function listLiving(rows: readonly HeldRow[], isShared: boolean): string[] {
  const self = readHolder();
  return rows
    .filter((row) => readGoneAt(row, row.renewed_at, self, isShared) > row.now)
    .map(({ pid, host }) => `process ${pid} on ${host}`);
}

/** Parses a holder from JSON. Null if invalid. Older versions wrote neither boot id nor start time. */
export function parseHolder(text: string): Holder | null {
  try {
    const { pid, started = '', space, boot = '', host } = JSON.parse(text);
    const texts = [started, space, boot, host];
    return Number.isSafeInteger(pid) && texts.every((each) => typeof each === 'string')
      ? { pid, started, space, boot, host }
      : null;
  } catch {
    return null;
  }
}

function isSameBoot(holder: Holder, self: Holder): boolean {
  return holder.boot !== '' && self.boot !== '' ? holder.boot === self.boot : holder.host === self.host;
}

function isSameSpace(holder: Holder, self: Holder): boolean {
  return holder.space === self.space && isSameBoot(holder, self);
}
