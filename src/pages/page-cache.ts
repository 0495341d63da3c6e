import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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
      await writeFile(part, Buffer.concat([Buffer.from(`${JSON.stringify(stored)}\n`), packed]), {
        mode: 0o600,
      });
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  /** Deletes the pages of these addresses, and what their sites said to robots. Returns how many pages there were. */
  async remove(urls: Iterable<string>): Promise<number> {
    let removed = 0;
    for (const url of urls) {
      const path = this.#pathOf(dropFragment(url));
      if ((await stat(path).catch(() => null)) !== null) removed += 1;
      await rm(path, { force: true });
      if (URL.canParse('/robots.txt', url))
        await rm(this.#pathOf(new URL('/robots.txt', url).href), { force: true });
    }
    return removed;
  }

  /** Number of pages, and their size on disk in bytes. */
  async measure(): Promise<{ readonly pages: number; readonly bytes: number }> {
    let pages = 0;
    let bytes = 0;
    for (const shard of await listNames(this.#folder)) {
      for (const name of await listNames(join(this.#folder, shard))) {
        const stats = await stat(join(this.#folder, shard, name)).catch(() => null);
        pages += stats === null ? 0 : 1;
        bytes += stats?.size ?? 0;
      }
    }
    return { pages, bytes };
  }

  /** Deletes pages that were fetched before a time. Returns how many; a dry run only counts. */
  async removeOlder(beforeMs: number, isDryRun = false): Promise<number> {
    let removed = 0;
    for (const shard of await listNames(this.#folder)) {
      for (const name of await listNames(join(this.#folder, shard))) {
        const path = join(this.#folder, shard, name);
        const stats = await stat(path).catch(() => null);
        if (stats === null || stats.mtimeMs >= beforeMs) continue;
        if (!isDryRun) await rm(path, { force: true });
        removed += 1;
      }
    }
    return removed;
  }

  #pathOf(url: string): string {
    const name = hashText(url, 40);
    return join(this.#folder, name.slice(0, 2), name.slice(2));
  }
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
