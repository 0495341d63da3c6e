import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const KEEPER = join(import.meta.dirname, '../helpers/postgres-keeper.mjs');
/** A server that is not up by then is given up. */
const START_MS = 60_000;

let started = null;
let schemas = 0;

/**
 * The PostgreSQL server of the measurements, which starts with the first of them and ends with this process; null if none
 * can be started.
 */
export function openPostgres() {
  started ??= startPostgres().catch(() => null);
  return started;
}

async function startPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-bench-postgres-'));
  const child = spawn(process.execPath, [KEEPER, folder], { stdio: ['pipe', 'pipe', 'ignore'] });
  // It must not keep this process alive: it ends when its stdin closes.
  child.unref();
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.kill(), START_MS);
  const url = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('close', () => reject(new Error('PostgreSQL could not be started')));
  });
  clearTimeout(timer);
  for (const stream of [child.stdin, child.stdout]) stream.unref();
  return {
    /** URL of a new ledger. */
    createLedger() {
      schemas += 1;
      return `${url}&schema=bench_${schemas}`;
    },
    /** CPU time of the server so far, in ms; NaN where the system does not tell. */
    readCpuMs: () => readCpuMs(join(folder, 'data/postmaster.pid')),
  };
}

/** Processor time of the server's processes, with those that have ended. */
function readCpuMs(pidFile) {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    const processes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(readTimes);
    const own = processes.find((each) => each?.pid === pid);
    const children = processes.filter((each) => each?.parent === pid);
    const ticks = children.reduce((sum, each) => sum + each.ticks, own.ticks + own.endedTicks);
    return (ticks * 1_000) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}

const TICKS_A_SECOND = 100;

function readTimes(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system, endedUser, endedSystem] = words.slice(11, 15).map(Number);
    return {
      pid: Number(pid),
      parent: Number(words[1]),
      ticks: user + system,
      endedTicks: endedUser + endedSystem,
    };
  } catch {
    return null;
  }
}
