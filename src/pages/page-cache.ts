import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { hasErrorCode } from '../errors.js';
import { hashText } from '../model/ask.js';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** What is kept of a fetch, next to the page's bytes. */
export interface StoredFetch {
  /** The address that was asked for, without fragment. */
  readonly url: string;
  /** The address after redirects. */
  readonly finalUrl: string;
  /** HTTP status; 0 if there was no response, then `failure` says why. */
  readonly status: number;
  readonly failure: FetchFailure | null;
  /** One line about a failure. */
  readonly reason: string | null;
  readonly contentType: string | null;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** True if the page goes on after the size limit. */
  readonly isCut: boolean;
  /** True for content without text, whose body was not read. */
  readonly isSkipped: boolean;
  /** SHA-256 of the bytes in hex; null without bytes. */
  readonly hash: string | null;
  readonly fetchedAtMs: number;
}

/** Why there was no response. */
export type FetchFailure = 'refused' | 'robots' | 'no_host' | 'network' | 'redirects' | 'given_up';

/** A fetched page: what is known of it, and its decoded bytes. */
export interface FetchedPage extends StoredFetch {
  readonly body: Uint8Array;
}

/**
 * Pages on disk, one file each: a line of JSON, then the compressed bytes. Only their owner can read them. A file that
 * is damaged counts as missing.
 */
export class PageCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(url: string): Promise<FetchedPage | null> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.#pathOf(url));
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return null;
      throw error;
    }
    const end = bytes.indexOf(0x0a);
    try {
      const stored = JSON.parse(bytes.subarray(0, end).toString('utf8')) as StoredFetch;
      const body = stored.hash === null ? new Uint8Array() : await decompress(bytes.subarray(end + 1));
      const isWhole = stored.url === url && (stored.hash === null || hashBytes(body) === stored.hash);
      return isWhole ? { ...stored, body } : null;
    } catch {
      return null;
    }
  }

  async write({ body, ...stored }: FetchedPage): Promise<void> {
    const path = this.#pathOf(stored.url);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const packed = stored.hash === null ? new Uint8Array() : await compress(body);
    const part = `${path}.${randomUUID()}.part`;
    try {
      await writeFile(part, [`${JSON.stringify(stored)}\n`, packed], { mode: 0o600 });
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  /**
   * Deletes the pages of these addresses with their copies in an archive, and what their sites said to robots. Returns
   * how many pages there were; a dry run only counts.
   */
  async remove(urls: Iterable<string>, isDryRun = false): Promise<number> {
    const pages = new Set([...urls].map(dropFragment));
    const robots = new Set([...pages].flatMap(locateRobots));
    let removed = 0;
    if (pages.size === 0) return removed;
    for await (const path of this.#listPaths()) {
      const url = await readUrl(path);
      if (url === null) continue;
      const isPage = pages.has(url) || listArchived(url).some((each) => pages.has(dropFragment(each)));
      if (isPage) removed += 1;
      if (!isDryRun && (isPage || robots.has(url))) await rm(path, { force: true });
    }
    return removed;
  }

  /** Number of pages, and their size on disk in bytes. */
  async measure(): Promise<{ readonly pages: number; readonly bytes: number }> {
    let pages = 0;
    let bytes = 0;
    for await (const path of this.#listPaths()) {
      const stats = await stat(path).catch(() => null);
      pages += stats === null ? 0 : 1;
      bytes += stats?.size ?? 0;
    }
    return { pages, bytes };
  }

  /** Deletes pages that were fetched before a time. Returns how many; a dry run only counts. */
  async removeOlder(beforeMs: number, isDryRun = false): Promise<number> {
    let removed = 0;
    for await (const path of this.#listPaths()) {
      const stats = await stat(path).catch(() => null);
      if (stats === null || stats.mtimeMs >= beforeMs) continue;
      if (!isDryRun) await rm(path, { force: true });
      removed += 1;
    }
    return removed;
  }

  async *#listPaths(): AsyncGenerator<string> {
    for (const shard of await listNames(this.#folder)) {
      for (const name of await listNames(join(this.#folder, shard))) yield join(this.#folder, shard, name);
    }
  }

  #pathOf(url: string): string {
    const name = hashText(url, 40);
    return join(this.#folder, name.slice(0, 2), name.slice(2));
  }
}

const HEAD_BYTES = 64 * 1024;

/** The address that a stored page was fetched from; null if it cannot be read. */
async function readUrl(path: string): Promise<string | null> {
  const file = await open(path).catch(() => null);
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
    return (JSON.parse(buffer.toString('utf8', 0, end)) as StoredFetch).url;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

function locateRobots(url: string): string[] {
  return URL.canParse('/robots.txt', url) ? [new URL('/robots.txt', url).href] : [];
}

/** The addresses whose copies an address of an archive looks for, or is. */
function listArchived(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { pathname, searchParams } = new URL(url);
  const asked = pathname.endsWith('/wayback/available') ? searchParams.get('url') : null;
  const copied = /\/web\/\d{4,14}(?:id_)?\/(.+)$/.exec(url)?.[1];
  return [asked, copied].filter((each) => each !== null && each !== undefined);
}

/** The address of the page that a citation is on. */
export function dropFragment(url: string): string {
  const at = url.indexOf('#');
  return at < 0 ? url : url.slice(0, at);
}

export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
