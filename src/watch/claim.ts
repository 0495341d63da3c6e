import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Holder, parseHolder, RENEW_MS, readGoneAt, readHolder } from '../ledger/holder.js';
import { hasCode, isMissing } from './file-state.js';

/** An unreadable claim expires after this time without renewal. */
const LAPSE_MS = 5 * 60_000;
/** A real claim holds a few names. Anything longer was not written by a watcher. */
const MAX_CLAIM_BYTES = 64 * 1024;

/** A claim as stored. */
interface StoredClaim {
  readonly holder: Holder;
  readonly token: string;
  /** Result names that the claimed file will use in `done/` or `failed/`. */
  readonly names: readonly string[];
}

/**
 * Claims the file `id` in a folder for this process. Returns null if a live process holds it or another was faster.
 *
 * Claims are numbered files next to the claimed file, and the highest is valid. Of all processes that see a dead claim,
 * only one can create the next. Claims carry the id of the file, which is never reused, so a watcher that slept for
 * hours cannot touch the claim of a later file of the same name. `names` are the result names to reserve, by default
 * those of the previous claim.
 */
export async function takeClaim(
  folder: string,
  id: string,
  nowMs: number,
  names?: readonly string[],
): Promise<Claim | null> {
  const last = await readLastNumber(folder, id);
  if (last === null) return null;
  if (last >= MAX_NUMBER) return null;
  if (last > 0 && (await isAlive(join(folder, formatName(id, last)), nowMs))) return null;
  const token = randomBytes(8).toString('hex');
  const path = join(folder, formatName(id, last + 1));
  const kept = names ?? (await readClaim(join(folder, formatName(id, last))))?.names ?? [];
  return (await writeClaim(path, JSON.stringify({ ...readHolder(), token, names: kept })))
    ? new Claim({ folder, id, number: last + 1, token, names: kept })
    : null;
}

interface ClaimParts {
  readonly folder: string;
  readonly id: string;
  readonly number: number;
  readonly token: string;
  readonly names: readonly string[];
}

/** No watcher gets this far, and much larger numbers would not be exact. */
const MAX_NUMBER = 1_000_000;

/**
 * Tokens of claims that this process released but could not mark as released, for example while the watched folder was
 * away. On disk they look like claims of a live process.
 */
const RELEASED = new Set<string>();

/** This process's claim on a file. Renewed until it is closed. */
export class Claim {
  /** 1 for the first claim on the file, plus 1 for each takeover. */
  readonly number: number;
  /** Reserved result names; kept on takeover. */
  readonly names: readonly string[];
  readonly #folder: string;
  readonly #id: string;
  readonly #token: string;
  readonly #lost = new AbortController();
  readonly #renewal: ReturnType<typeof setInterval>;

  constructor({ folder, id, number, token, names }: ClaimParts) {
    this.#folder = folder;
    this.#id = id;
    this.#token = token;
    this.number = number;
    this.names = names;
    this.#renewal = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Aborted once another process has taken over, for example after a long sleep of this machine. */
  get lostSignal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Renews the claim. Returns false, and aborts `lostSignal`, if another process has taken over or the claim is gone. */
  async renew(): Promise<boolean> {
    if (this.#lost.signal.aborted) return false;
    try {
      const last = await readLastNumber(this.#folder, this.#id);
      // Throws if the whole watched folder is away, not just this folder.
      if (last === null) await stat(dirname(this.#folder));
      const isMine = last === this.number && (await readClaim(this.#getPath()))?.token === this.#token;
      if (isMine) await this.#setTime(new Date());
      else this.#lose();
    } catch {
      // The claim is not lost if the folder is briefly unreachable: another watcher can only take over once it has
      // expired.
    }
    return !this.#lost.signal.aborted;
  }

  /** Releases the claim, so that any process can claim the file at once. */
  async close(): Promise<void> {
    clearInterval(this.#renewal);
    if (!this.#lost.signal.aborted) await this.#setTime(new Date(0)).catch(() => RELEASED.add(this.#token));
  }

  #lose(): void {
    RELEASED.add(this.#token);
    this.#lost.abort();
  }

  #getPath(): string {
    return join(this.#folder, formatName(this.#id, this.number));
  }

  async #setTime(time: Date): Promise<void> {
    await utimes(this.#getPath(), time, time);
  }
}

/** Reads the result names reserved by the claims in a folder. */
export async function readClaimedNames(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of await listNames(folder)) {
    if (CLAIM.test(name)) names.push(...((await readClaim(join(folder, name)))?.names ?? []));
  }
  return names;
}

/** Parses the id of the claimed file from a claim's file name; null for any other name. */
export function parseClaimId(name: string): string | null {
  return CLAIM.exec(name)?.[1] ?? null;
}

/** Removes all claims of a finished file. */
export async function removeClaims(folder: string, id: string): Promise<void> {
  for (const name of await listNames(folder)) {
    if (parseClaimId(name) === id) await unlink(join(folder, name)).catch(ignoreMissing);
  }
}

/** True if a live process holds the file. */
export async function isHeldByLiveProcess(folder: string, id: string): Promise<boolean> {
  const last = await readLastNumber(folder, id);
  if (last === null || last === 0) return false;
  const path = join(folder, formatName(id, last));
  const claim = await readClaim(path);
  // Released: its process may still be alive, but is working on something else.
  if (claim === null || (await stat(path)).mtimeMs === 0) return false;
  return readClaimGoneAt(claim, 0) === Number.POSITIVE_INFINITY;
}

/** The time at which the holder of a claim counts as dead; 0 if it already does. */
function readClaimGoneAt({ holder, token }: StoredClaim, renewedAtMs: number): number {
  return RELEASED.has(token) ? 0 : readGoneAt(holder, renewedAtMs, readHolder());
}

const CLAIM = /^([0-9a-f]{8})\.claim-(\d{1,7})\.json$/;

function formatName(id: string, number: number): string {
  return `${id}.claim-${number}.json`;
}

/** Reads the number of the last claim: 0 without claims, null if the folder is gone. */
async function readLastNumber(folder: string, id: string): Promise<number | null> {
  try {
    const numbers = (await readdir(folder)).map((name) => {
      const [, owner, number] = CLAIM.exec(name) ?? [];
      return owner === id ? Number(number) : 0;
    });
    return Math.max(0, ...numbers);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function isAlive(path: string, nowMs: number): Promise<boolean> {
  let mtimeMs: number;
  try {
    ({ mtimeMs } = await stat(path));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  // Released.
  if (mtimeMs === 0) return false;
  const claim = await readClaim(path);
  // Unreadable: it is being written, or its writer died while writing.
  return nowMs < (claim === null ? mtimeMs + LAPSE_MS : readClaimGoneAt(claim, mtimeMs));
}

/** Reads a claim; null if it is empty, half-written, a folder, or gone. */
async function readClaim(path: string): Promise<StoredClaim | null> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > MAX_CLAIM_BYTES) return null;
    const text = await readFile(path, 'utf8');
    const holder = parseHolder(text);
    if (holder === null) return null;
    const { token, names } = JSON.parse(text);
    if (typeof token !== 'string' || !Array.isArray(names)) return null;
    return { holder, token, names: names.filter((name) => typeof name === 'string') };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Writes a new claim; false if another watcher was faster. Leaves no file behind if the write fails. */
async function writeClaim(path: string, text: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if (hasCode(error, 'EEXIST') || isMissing(error)) return false;
    throw error;
  }
  try {
    await file.writeFile(text);
    return true;
  } catch (error) {
    await unlink(path).catch(ignoreMissing);
    throw error;
  } finally {
    await file.close();
  }
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error) || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
