import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that holds a lease or a claim: enough to find out whether it still lives. */
export interface Holder {
  readonly pid: number;
  /** Start time of the process, as its system counts it; empty if unknown. A pid is used again, the pair is not. */
  readonly started: string;
  /** Process space in which the pid counts: each container has its own. Empty where there are no such spaces. */
  readonly space: string;
  /** Id of the boot of the machine, shared by its containers; empty if unknown. */
  readonly boot: string;
  readonly host: string;
}

/** How often leases and claims are renewed. */
export const RENEW_MS = 15_000;
/** A holder on this machine that has missed three renewals is gone. */
const GONE_MS = 3 * RENEW_MS;
/** The clocks of two machines may differ. */
const GONE_ELSEWHERE_MS = 5 * 60_000;

/** Describes this process as a holder. */
export function readHolder(): Holder {
  return {
    pid: process.pid,
    started: readStart('self'),
    space: readLink('/proc/self/ns/pid'),
    boot: readText('/proc/sys/kernel/random/boot_id').trim(),
    host: hostname(),
  };
}

/**
 * Returns the time, in milliseconds since 1970, from which on a holder counts as gone if it does not renew again:
 * 0 if it is known to be gone, infinity if it is known to live. In one process space pid and start time decide; across
 * spaces only renewals do.
 */
export function readGoneAt(holder: Holder, renewedAtMs: number, self: Holder): number {
  if (isSameSpace(holder, self)) {
    if (!isRunning(holder.pid)) return 0;
    const started = readStartOf(holder.pid, self);
    if (holder.started !== '' && started !== '')
      return holder.started === started ? Number.POSITIVE_INFINITY : 0;
    return renewedAtMs + GONE_MS;
  }
  return renewedAtMs + (isSameBoot(holder, self) ? GONE_MS : GONE_ELSEWHERE_MS);
}

/** Reads a holder from JSON; null if the text is not one. Older versions wrote neither boot nor start time. */
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
    // EPERM: the process lives and belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Start time of a process of this space; empty if it cannot be known. */
function readStartOf(pid: number, self: Holder): string {
  // A process space may see the /proc of another one, where its pids mean other processes.
  return readLink('/proc/self') === String(self.pid) ? readStart(String(pid)) : '';
}

function readStart(process: string): string {
  const stat = readText(`/proc/${process}/stat`);
  // The second field is the program's name in brackets, which may hold spaces and brackets itself.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Only Linux has these files: elsewhere pid and renewals have to do. */
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
