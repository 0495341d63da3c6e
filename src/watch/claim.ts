import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHolder, RENEW_MS, readGoneAt, readHolder } from '../ledger/holder.js';
import { hasCode, isMissing } from './file-state.js';

/** A claim whose text cannot be read is nobody's after this time without a renewal. */
const LAPSE_MS = 5 * 60_000;

/**
 * Claims a folder for this process, unless a living process has it; null if it has, or another was faster.
 * Claims are numbered files, and the highest counts: of those who see a dead one, only one can make the next.
 */
export async function takeClaim(folder: string, nowMs: number): Promise<Claim | null> {
  try {
    const last = await readLastNumber(folder);
    if (last > 0 && (await isAlive(join(folder, formatName(last)), nowMs))) return null;
    const path = join(folder, formatName(last + 1));
    await writeFile(path, JSON.stringify(readHolder()), { flag: 'wx' });
    return new Claim(folder, last + 1);
  } catch (error) {
    if (hasCode(error, 'EEXIST') || isMissing(error)) return null;
    throw error;
  }
}

/** The hold of this process on a folder; it is renewed until it is let go. */
export class Claim {
  /** 1 for the first who claimed the folder, and one more for each who took over from a dead one. */
  readonly number: number;
  readonly #folder: string;
  readonly #lost = new AbortController();
  readonly #renewal: ReturnType<typeof setInterval>;

  constructor(folder: string, number: number) {
    this.#folder = folder;
    this.number = number;
    this.#renewal = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Aborted once another process has taken over, as after a long sleep of this machine. */
  get lostSignal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Holds on to the folder, or notes that it is lost. */
  async renew(): Promise<void> {
    try {
      if ((await readLastNumber(this.#folder)) > this.number) this.#lost.abort();
      else await this.#setTime(new Date());
    } catch {
      // A folder that cannot be reached for a moment is no loss yet; another watcher would have to see it lapse first.
    }
  }

  /** Lets go: anyone may claim the folder at once. */
  async close(): Promise<void> {
    clearInterval(this.#renewal);
    if (!this.#lost.signal.aborted) await this.#setTime(new Date(0)).catch(() => undefined);
  }

  async #setTime(time: Date): Promise<void> {
    await utimes(join(this.#folder, formatName(this.number)), time, time);
  }
}

async function readLastNumber(folder: string): Promise<number> {
  const numbers = (await readdir(folder)).map((name) => Number(/^claim-(\d+)\.json$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

function formatName(number: number): string {
  return `claim-${number}.json`;
}

async function isAlive(path: string, nowMs: number): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  // Let go, whoever had it.
  if (mtimeMs === 0) return false;
  const holder = parseHolder(await readFile(path, 'utf8'));
  // Empty: it is just being written.
  return nowMs < (holder === null ? mtimeMs + LAPSE_MS : readGoneAt(holder, mtimeMs, readHolder()));
}
