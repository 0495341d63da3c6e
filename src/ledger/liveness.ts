import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** What the system knows of a process; `unknown` if it does not say. */
export type Liveness = 'alive' | 'gone' | 'unknown';

/** A process, as it described itself. */
export interface ProcessMark {
  readonly pid: number;
  /** From `readMark`; empty if unknown. */
  readonly started: string;
}

/**
 * Tells this process from another one that gets the same pid later: its start time, or on Windows the name of its pipe.
 * Empty if the system gives neither.
 */
export function readMark(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'linux') return readStat('self').started;
  if (platform === 'win32') return openLifePipe();
  return String(Math.round(performance.timeOrigin / 1_000));
}

/** Asks the system whether a process is alive. Call it only for a process of the same machine and PID namespace. */
export function findLiveness(
  { pid, started }: ProcessMark,
  self: ProcessMark,
  platform: NodeJS.Platform = process.platform,
): Liveness {
  if (started !== '' && started === self.started && pid === self.pid) return 'alive';
  if (platform === 'win32' && started !== '') return hasPipe(pid, started) ? 'alive' : 'gone';
  if (!isPidUsed(pid)) return 'gone';
  if (platform === 'win32') return 'unknown';
  if (platform !== 'linux') return judge(readPs(pid), started, isNearlySame);
  // /proc may belong to another namespace, where pids refer to other processes.
  const isOurs = readLink('/proc/self') === String(self.pid);
  return judge(isOurs ? readStat(String(pid)) : UNKNOWN_STAT, started, (one, other) => one === other);
}

interface ProcessStat {
  /** `Z` and `X` for a process that has ended; empty if unknown. */
  readonly state: string;
  /** Start time; empty if unknown. */
  readonly started: string;
}

const UNKNOWN_STAT: ProcessStat = { state: '', started: '' };

function judge(
  now: ProcessStat,
  started: string,
  isSameStart: (one: string, other: string) => boolean,
): Liveness {
  // A killed process keeps its pid until its parent asks for its exit code, which some parents never do.
  if (now.state === 'Z' || now.state === 'X') return 'gone';
  if (started === '' || now.started === '') return 'unknown';
  return isSameStart(started, now.started) ? 'alive' : 'gone';
}

function isPidUsed(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function readStat(process: string): ProcessStat {
  const stat = readText(`/proc/${process}/stat`);
  // The second field is the program name in parentheses, which may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}

/** The same from `ps`, for systems without /proc. Its start time is in seconds since 1970. */
export function readPs(pid: number): ProcessStat {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC0' },
  });
  const [, state = '', date = ''] = /^\s*(\S)\S*\s+(\S.*\S)/.exec(stdout ?? '') ?? [];
  const startMs = Date.parse(`${date} UTC`);
  return { state, started: Number.isNaN(startMs) ? '' : String(startMs / 1_000) };
}

/** `ps` says when the system created a process, which may be a while before Node started in it. */
const START_TOLERANCE_S = 30;

function isNearlySame(one: string, other: string): boolean {
  return Math.abs(Number(one) - Number(other)) <= START_TOLERANCE_S;
}

let lifePipe: string | null = null;

/**
 * Opens a named pipe, once, and returns its name. Windows removes it when the process ends, however it ends, and lets
 * every user look for it. A start time would need a slow program to read, and may be hidden from other users.
 */
function openLifePipe(): string {
  if (lifePipe !== null) return lifePipe;
  const name = randomBytes(12).toString('hex');
  const server = createServer((socket) => socket.destroy());
  server.on('error', () => undefined);
  server.listen(pipePath(process.pid, name)).unref();
  // The system creates the pipe in the call above, unless it refuses.
  lifePipe = server.listening ? name : '';
  return lifePipe;
}

function hasPipe(pid: number, name: string): boolean {
  try {
    closeSync(openSync(pipePath(pid, name), 'r'));
    return true;
  } catch (error) {
    // Any other error comes from a pipe that is there, and busy or closed to us.
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

function pipePath(pid: number, name: string): string {
  return `\\\\.\\pipe\\rowfill-${pid}-${name}`;
}

/** Only Linux has these files. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The same for a link. */
export function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
