import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that holds a lease or a claim, with enough detail to tell whether it is still alive. */
export interface Holder {
  readonly pid: number;
  /**
   * Start time of the process in system units; empty if unknown. Pids are reused, but not with the same start
   * time.
   */
  readonly started: string;
  /** PID namespace of the process: each container has its own. Empty on systems without namespaces. */
  readonly space: string;
  /** Boot id of the machine, shared by its containers; empty if unknown. */
  readonly boot: string;
  readonly host: string;
}

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
    started: readStat('self').started,
    space: readLink('/proc/self/ns/pid'),
    boot: readText('/proc/sys/kernel/random/boot_id').trim(),
    host: hostname(),
  };
}

/**
 * Returns the time, in milliseconds since 1970, from which a holder counts as gone unless it renews: 0 if it
 * is known to be gone, infinity if it is known to be alive. Within one PID namespace, pid and start time
 * decide; across namespaces, only renewals do.
 */
export function readGoneAt(holder: Holder, renewedAtMs: number, self: Holder): number {
  if (isSameSpace(holder, self)) {
    if (!isRunning(holder.pid)) return 0;
    const { state, started } = readStatOf(holder.pid, self);
    // A killed process keeps its pid until its parent asks for its exit code, which some parents never do.
    if (state === 'Z' || state === 'X') return 0;
    if (holder.started !== '' && started !== '')
      return holder.started === started ? Number.POSITIVE_INFINITY : 0;
    return renewedAtMs + GONE_MS;
  }
  return renewedAtMs + (isSameBoot(holder, self) ? GONE_MS : GONE_ELSEWHERE_MS);
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

interface ProcessStat {
  /** `Z` and `X` for a process that has ended; empty if unknown. */
  readonly state: string;
  /** Start time; empty if unknown. */
  readonly started: string;
}

const UNKNOWN_STAT: ProcessStat = { state: '', started: '' };

/** State and start time of a process in this namespace. */
function readStatOf(pid: number, self: Holder): ProcessStat {
  // /proc may belong to another namespace, where pids refer to other processes.
  return readLink('/proc/self') === String(self.pid) ? readStat(String(pid)) : UNKNOWN_STAT;
}

function readStat(process: string): ProcessStat {
  const stat = readText(`/proc/${process}/stat`);
  // The second field is the program name in parentheses, which may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}

/** Only Linux has these files. Other systems rely on pid and renewals. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
