import { type Clock, systemClock } from '../model/clock.js';
import { cleanLine } from '../model/untrusted-text.js';
import { AddressGuard, RefusedAddress, type Resolve } from './address.js';
import { type FetchLimits, PageFetcher, type PageResponse } from './fetch-page.js';
import { HostQueue } from './host-queue.js';
import {
  dropFragment,
  type FetchedPage,
  type FetchFailure,
  hashBytes,
  PageCache,
  type StoredFetch,
} from './page-cache.js';
import { type RobotsRules, readRobots } from './robots.js';

export interface PagesOptions {
  /** Folder of the cache. */
  readonly folder: string;
  /** Pages that were fetched earlier are fetched again. */
  readonly freshSinceMs: number;
  /** Failed fetches from before this time are tried again. */
  readonly retrySinceMs: number;
  /** Private hosts that may be fetched: `HOST`, `HOST:PORT` or a range of addresses. @default none */
  readonly allowPrivate?: readonly string[];
  /** Pause between two requests to a site, in ms. @default 1000 */
  readonly hostDelayMs?: number;
  /** Sites that are requested at once. @default 20 */
  readonly concurrency?: number;
  readonly limits?: Partial<FetchLimits>;
  /** Resolves when there is memory for another page. Called before each request. @default at once */
  readonly waitForRoom?: () => Promise<void>;
  /** Variables that name a proxy. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock;
  /** @default the system's resolver */
  readonly resolve?: Resolve | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fetches pages, each address once. */
export interface Pages {
  /** The page of an address, from the cache if it is fresh. Never rejects for a page that cannot be fetched. */
  fetch(url: string, rules?: FetchRules): Promise<FetchedPage>;
  /** Requests sent so far, with those for robots.txt. */
  readonly requests: number;
  close(): Promise<void>;
}

/** How an address is fetched. */
export interface FetchRules {
  /** True for an address that is meant for programs: robots.txt does not count. @default false */
  readonly isApi?: boolean;
  /** Least pause between two requests to its site, in ms. */
  readonly delayMs?: number;
}

const MAX_REDIRECTS = 5;
/** A busy site is waited for this long at most, before it is asked once more. */
const MAX_RETRY_AFTER_MS = 60_000;
/** A host that fails this many times in a row is given up. */
const MAX_FAILURES = 5;
const TRIES = 2;

/** Opens the pages of the web: safe, polite, and cached on disk. */
export function openPages(options: PagesOptions): Pages {
  return new WebPages(options);
}

class WebPages implements Pages {
  readonly #options: PagesOptions;
  readonly #clock: Clock;
  readonly #cache: PageCache;
  readonly #guard: AddressGuard;
  readonly #fetcher: PageFetcher;
  readonly #queue: HostQueue;
  readonly #running = new Map<string, Promise<FetchedPage>>();
  readonly #robots = new Map<string, Promise<RobotsRules>>();
  #online: Promise<boolean> | null = null;
  /** Failures in a row, by host. */
  readonly #failures = new Map<string, number>();

  constructor(options: PagesOptions) {
    const { clock = systemClock, hostDelayMs = 1_000, concurrency = 20 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#cache = new PageCache(options.folder);
    this.#guard = new AddressGuard(options.allowPrivate, options.resolve);
    this.#fetcher = new PageFetcher(this.#guard, options.env ?? process.env, options.limits);
    this.#queue = new HostQueue(clock, hostDelayMs, concurrency);
  }

  get requests(): number {
    return this.#fetcher.requests;
  }

  fetch(address: string, rules: FetchRules = {}): Promise<FetchedPage> {
    const url = dropFragment(address);
    const running = this.#running.get(url);
    if (running !== undefined) return running;
    const started = this.#fetch(url, rules).finally(() => this.#running.delete(url));
    this.#running.set(url, started);
    return started;
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
  }

  async #fetch(url: string, rules: FetchRules): Promise<FetchedPage> {
    const stored = await this.#cache.read(url);
    if (stored !== null && this.#isFresh(stored)) return stored;
    return await this.#load(url, stored?.failure === null && stored.status < 300 ? stored : null, rules);
  }

  #isFresh({ failure, status, fetchedAtMs }: StoredFetch): boolean {
    const { freshSinceMs, retrySinceMs, allowPrivate = [] } = this.#options;
    // It may be allowed now, and refusing it again costs nothing.
    if (failure === 'refused' && allowPrivate.length > 0) return false;
    const isFailed = failure !== null ? failure !== 'refused' : status >= 500 || status === 429;
    return fetchedAtMs >= (isFailed ? Math.max(retrySinceMs, freshSinceMs) : freshSinceMs);
  }

  /** Follows redirects by hand, so that every address on the way is checked like the first. Stores the page. */
  async #load(
    url: string,
    known: FetchedPage | null,
    { isApi = false, delayMs = 0 }: FetchRules,
  ): Promise<FetchedPage> {
    let at = url;
    try {
      for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
        const target = new URL(at);
        this.#guard.check(target);
        if (delayMs > 0) this.#queue.slowDown(target.hostname, delayMs);
        if (!isApi && !(await this.#findRobots(target)).isAllowed(at))
          return await this.#fail(url, at, 'robots', `robots.txt of ${target.host} forbids it`);
        const validators = known !== null && known.finalUrl === at ? known : {};
        const { response, page } = await this.#request(target, validators, (answer) => {
          if (answer.status === 304 && known !== null) return { ...known, fetchedAtMs: this.#clock.now() };
          return findRedirect(at, answer) === null ? this.#describe(url, at, answer) : null;
        });
        if (page !== null) return page;
        at = dropFragment(findRedirect(at, response) ?? at);
      }
      return await this.#fail(url, at, 'redirects', `more than ${MAX_REDIRECTS} redirects`);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (error instanceof RefusedAddress) return await this.#fail(url, at, 'refused', error.message);
      if (error instanceof GivenUp) return await this.#fail(url, at, 'given_up', error.message);
      const code = readCode(error);
      const isMissing = NO_HOST.has(code) && (await this.#isOnline());
      return isMissing
        ? await this.#fail(url, at, 'no_host', `${readHost(at)} does not exist`)
        : await this.#fail(url, at, 'network', describeFailure(at, code, error));
    }
  }

  /** True if a host name that always exists resolves (RFC 2606). Offline, every lookup fails. */
  #isOnline(): Promise<boolean> {
    this.#online ??= this.#guard.resolve(new URL('https://example.com/')).then(
      () => true,
      () => false,
    );
    return this.#online;
  }

  /**
   * Sends a request in its site's turn. Retries once after a failure, or after the pause that a busy site asks for. What
   * `keep` makes of the response is stored before the next request to the site, so that a killed process loses at most
   * one page of it.
   */
  async #request(
    url: URL,
    validators: Partial<StoredFetch>,
    keep: (response: PageResponse) => FetchedPage | null,
  ): Promise<{ readonly response: PageResponse; readonly page: FetchedPage | null }> {
    const { signal, waitForRoom } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { response, page } = await this.#queue.run(url.hostname, signal, async () => {
          if ((this.#failures.get(url.host) ?? 0) >= MAX_FAILURES)
            throw new GivenUp(`${url.host} failed ${MAX_FAILURES} times in a row`);
          await waitForRoom?.();
          const answer = await this.#fetcher.fetch(url, { validators, signal });
          const kept = keep(answer);
          if (kept !== null) await this.#cache.write(kept);
          return { response: answer, page: kept };
        });
        const waitMs = readRetryAfter(response, this.#clock.now());
        const isBusy = response.status === 429 || response.status >= 500;
        if (!isBusy) this.#failures.delete(url.host);
        if (!isBusy || attempt >= TRIES || waitMs > MAX_RETRY_AFTER_MS) {
          if (isBusy) this.#countFailure(url.host);
          return { response, page };
        }
        this.#queue.hold(url.hostname, waitMs);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof RefusedAddress || error instanceof GivenUp) throw error;
        const isLasting = NO_HOST.has(readCode(error)) || LASTING.test(readCode(error));
        if (isLasting || attempt >= TRIES) {
          this.#countFailure(url.host);
          throw error;
        }
      }
    }
  }

  #countFailure(host: string): void {
    this.#failures.set(host, (this.#failures.get(host) ?? 0) + 1);
  }

  #findRobots(page: URL): Promise<RobotsRules> {
    const known = this.#robots.get(page.origin);
    if (known !== undefined) return known;
    const found = this.#loadRobots(page);
    this.#robots.set(page.origin, found);
    // A page that failed with it may be tried again.
    found.catch(() => this.#robots.delete(page.origin));
    if (this.#robots.size > MAX_ROBOTS) {
      const [oldest] = this.#robots.keys();
      if (oldest !== undefined) this.#robots.delete(oldest);
    }
    return found;
  }

  async #loadRobots(page: URL): Promise<RobotsRules> {
    const address = `${page.origin}/robots.txt`;
    const stored = await this.#cache.read(address);
    // A server that failed may work for this command.
    const isKnown =
      stored !== null && stored.status < 500 && stored.fetchedAtMs >= this.#clock.now() - ROBOTS_AGE_MS;
    const file = isKnown ? stored : await this.#fetchRobots(address);
    const rules = readRobots(address, file.status, file.body);
    if (rules.delayMs > 0) this.#queue.slowDown(page.hostname, rules.delayMs);
    return rules;
  }

  async #fetchRobots(address: string): Promise<FetchedPage> {
    let at = address;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const { response, page } = await this.#request(new URL(at), {}, (answer) =>
        findRedirect(at, answer) === null ? this.#describe(address, at, answer) : null,
      );
      if (page !== null) return page;
      at = findRedirect(at, response) ?? at;
    }
    // A file that cannot be reached is like a missing one.
    return this.#describe(address, at, NO_FILE);
  }

  #describe(url: string, finalUrl: string, response: PageResponse): FetchedPage {
    const { status, headers, body, isCut, isSkipped } = response;
    return {
      url,
      finalUrl,
      status,
      failure: null,
      reason: null,
      contentType: headers['content-type'] ?? null,
      etag: headers.etag,
      lastModified: headers['last-modified'],
      isCut,
      isSkipped,
      hash: body.length === 0 ? null : hashBytes(body),
      fetchedAtMs: this.#clock.now(),
      body,
    };
  }

  /** Stores why an address has no page. */
  async #fail(url: string, finalUrl: string, failure: FetchFailure, reason: string): Promise<FetchedPage> {
    const page: FetchedPage = {
      url,
      finalUrl,
      status: 0,
      failure,
      reason: cleanLine(reason, 300),
      contentType: null,
      isCut: false,
      isSkipped: false,
      hash: null,
      fetchedAtMs: this.#clock.now(),
      body: new Uint8Array(),
    };
    await this.#cache.write(page);
    return page;
  }
}

/** Rules of this many sites are kept in memory. */
const MAX_ROBOTS = 2_000;
const ROBOTS_AGE_MS = 24 * 60 * 60_000;
const NO_FILE: PageResponse = {
  status: 404,
  headers: {},
  body: new Uint8Array(),
  isCut: false,
  isSkipped: false,
};

/** A host that keeps failing is not requested again. */
class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** The address that a response redirects to; null if it is the page itself. */
function findRedirect(from: string, { status, headers }: PageResponse): string | null {
  if (status < 300 || status >= 400 || headers.location === undefined) return null;
  if (!URL.canParse(headers.location, from)) throw new RefusedAddress('it redirects to an invalid address');
  return new URL(headers.location, from).href;
}

/** The pause that a busy site asks for, in ms; 0 if none. */
function readRetryAfter({ headers }: PageResponse, nowMs: number): number {
  const text = headers['retry-after']?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

const NO_HOST: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);
/** Errors that a second try does not mend. */
const LASTING = /CERT|SSL|TLS|ERR_INVALID|HPE_|UND_ERR_HEADERS_OVERFLOW/;

function readCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at.name === 'TimeoutError') return 'ETIMEDOUT';
  }
  return '';
}

function readHost(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}

function describeFailure(url: string, code: string, error: unknown): string {
  const host = readHost(url);
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return `${host} took too long to answer`;
  if (NO_HOST.has(code) || code === 'EAI_AGAIN') return `the address of ${host} cannot be looked up`;
  if (code === 'ECONNREFUSED') return `${host} refuses connections`;
  if (/CERT|SSL|TLS|ALTNAME/.test(code)) return `the certificate of ${host} is not valid (${code})`;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return `the headers from ${host} are too large`;
  const what = code !== '' ? code : error instanceof Error ? error.message : String(error);
  return `${host} could not be read (${what})`;
}
