import type { Readable, Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { hasPublicSuffix } from '../model/entity-key.js';
import { resolveProxy, splitCredentials } from '../model/proxy.js';
import { loadClient, loadUndici, request } from '../model/undici-parts.js';
import { VERSION } from '../model/version.js';
import { type AddressGuard, RefusedAddress } from './address.js';

/** What one request may take. */
export interface FetchLimits {
  /** Decoded bytes of a page; the rest is not read. @default 5242880 */
  readonly pageBytes: number;
  /** Decoded bytes of a PDF. @default 20971520 */
  readonly pdfBytes: number;
  readonly connectMs: number;
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly bodyIdleMs: number;
  /** For the whole request. */
  readonly totalMs: number;
}

export const FETCH_LIMITS: FetchLimits = {
  pageBytes: 5 * 1024 * 1024,
  pdfBytes: 20 * 1024 * 1024,
  connectMs: 10_000,
  headersMs: 15_000,
  bodyIdleMs: 10_000,
  totalMs: 20_000,
};

/** The response to one request. Redirects are responses, too. */
export interface PageResponse {
  readonly status: number;
  /** Lower-case names. Of a repeated header, the first value. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded; empty for a redirect, and for content that has no text. */
  readonly body: Uint8Array;
  /** True if the page goes on after the limit. */
  readonly isCut: boolean;
  /** True for content that has no text, such as an image. Its body was not read. */
  readonly isSkipped: boolean;
}

export interface PageRequest {
  readonly accept?: string;
  /** `etag` and `last-modified` of the copy at hand. */
  readonly validators?: { readonly etag?: string | undefined; readonly lastModified?: string | undefined };
  readonly signal?: AbortSignal | undefined;
}

/** Names the program, so that a site can allow or refuse it. robots.txt calls it `rowfill`. */
export const USER_AGENT = `rowfill/${VERSION} (checks citations)`;

const ACCEPT =
  'text/html,application/xhtml+xml,application/pdf;q=0.9,application/json;q=0.8,text/*;q=0.8,*/*;q=0.5';

/** Sends single requests for pages, safely: only to addresses that the guard accepts, and with a limit on everything. */
export class PageFetcher {
  readonly #guard: AddressGuard;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #limits: FetchLimits;
  /** By origin, least recently used first. */
  readonly #connections = new Map<string, Connection>();
  /** Number of requests sent. */
  requests = 0;

  constructor(
    guard: AddressGuard,
    env: Readonly<Record<string, string | undefined>>,
    limits: Partial<FetchLimits> = {},
  ) {
    this.#guard = guard;
    this.#env = env;
    this.#limits = { ...FETCH_LIMITS, ...limits };
  }

  /**
   * Requests one address, without following redirects. Rejects with RefusedAddress before anything is sent, with the
   * signal's reason, or with the error of the network.
   */
  async fetch(url: URL, options: PageRequest = {}): Promise<PageResponse> {
    this.#guard.check(url);
    if (resolveProxy(url.origin, this.#env) !== null) await this.#checkBeforeProxy(url);
    const connection = this.#take(url);
    try {
      return await this.#send(connection.dispatcher, url, options);
    } finally {
      connection.requests -= 1;
      this.#closeIdle();
    }
  }

  async #send(
    dispatcher: Dispatcher,
    url: URL,
    { accept = ACCEPT, validators = {}, signal }: PageRequest,
  ): Promise<PageResponse> {
    const limits = this.#limits;
    const timeout = AbortSignal.timeout(limits.totalMs);
    const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    this.requests += 1;
    const response = await request(dispatcher, {
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: {
        'user-agent': USER_AGENT,
        accept,
        'accept-encoding': 'gzip, br, deflate',
        'accept-language': 'en;q=0.9, *;q=0.5',
        ...(validators.etag === undefined ? {} : { 'if-none-match': validators.etag }),
        ...(validators.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
      },
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      signal: stop,
    });
    const headers = readHeaders(response.headers);
    const status = response.statusCode;
    const { body } = response;
    body.on('error', () => {});
    const contentType = headers['content-type'] ?? '';
    const isSkipped = !hasText(contentType);
    if (isSkipped || status === 304 || (status >= 300 && status < 400 && headers.location !== undefined)) {
      body.destroy();
      return { status, headers, body: new Uint8Array(), isCut: false, isSkipped };
    }
    const decoded = decodeBody(body, headers['content-encoding']);
    if (decoded === null) {
      body.destroy();
      return { status, headers, body: new Uint8Array(), isCut: false, isSkipped: true };
    }
    const read = await readBytes(decoded, (start) =>
      isPdf(contentType, start) ? limits.pdfBytes : limits.pageBytes,
    );
    return { status, headers, ...read, isSkipped };
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const open = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(open.map(({ dispatcher }) => dispatcher.destroy()));
  }

  #take(url: URL): Connection {
    const connection = this.#connections.get(url.origin) ?? { dispatcher: this.#open(url), requests: 0 };
    connection.requests += 1;
    this.#connections.delete(url.origin);
    this.#connections.set(url.origin, connection);
    return connection;
  }

  #closeIdle(): void {
    for (const [origin, { dispatcher, requests }] of this.#connections) {
      if (this.#connections.size <= MAX_CONNECTIONS) return;
      if (requests > 0) continue;
      this.#connections.delete(origin);
      void dispatcher.destroy();
    }
  }

  #open(url: URL): Dispatcher {
    const connect = { timeout: this.#limits.connectMs };
    const settings = { pipelining: 1, maxHeaderSize: MAX_HEADER_BYTES };
    const proxy = resolveProxy(url.origin, this.#env);
    if (proxy !== null) {
      const parts = { ...settings, connections: 1, ...splitCredentials(proxy), requestTls: connect };
      return new (loadUndici().ProxyAgent)(
        proxy.startsWith('socks') ? parts : { ...parts, proxyTls: connect },
      );
    }
    return new (loadClient())(url.origin, {
      ...settings,
      connect: {
        ...connect,
        lookup: this.#guard.createLookup(url),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 1_000,
      },
    });
  }

  /** A proxy resolves names itself, so check them here first. Names that only the proxy can resolve must be public. */
  async #checkBeforeProxy(url: URL): Promise<void> {
    try {
      await this.#guard.resolve(url);
    } catch (error) {
      if (error instanceof RefusedAddress) throw error;
      if (!hasPublicSuffix(url.hostname)) throw new RefusedAddress(`${url.hostname} is not a public host`);
    }
  }
}

const MAX_HEADER_BYTES = 32 * 1024;
/** Connections that are kept for later requests. With TLS, each takes about 100 kB. */
const MAX_CONNECTIONS = 32;

/** The connection to one origin, which sends one request at a time. */
interface Connection {
  readonly dispatcher: Dispatcher;
  /** Requests that are under way. */
  requests: number;
}

function readHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const first = Array.isArray(value) ? value[0] : value;
    return first === undefined ? [] : [[name.toLowerCase(), first] as const];
  });
  return Object.fromEntries(entries);
}

/** True for a type that may be text, and for no type at all. */
function hasText(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === '' || TEXT_TYPE.test(type);
}

const TEXT_TYPE =
  /^(?:text\/.+|application\/(?:.+\+(?:xml|json)|xml|json|pdf|x-pdf|x-ndjson|javascript|x-javascript|octet-stream|xhtml))$/;

function isPdf(contentType: string, start: Uint8Array): boolean {
  return /pdf/i.test(contentType) || Buffer.from(start.subarray(0, 5)).toString('latin1') === '%PDF-';
}

/** Null for an encoding that is not supported. Several at once are refused, because each may inflate the last. */
function decodeBody(body: Readable, encoding = ''): Readable | null {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decoder = createDecoder(name);
  if (decoder === null) return null;
  body.on('error', (error) => decoder.destroy(error));
  decoder.on('close', () => body.destroy());
  return body.pipe(decoder);
}

function createDecoder(name: string): Transform | null {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliDecompress();
    case 'deflate':
      return createInflate();
    default:
      return null;
  }
}

/** Reads a body up to a limit that depends on its first bytes. */
async function readBytes(
  body: Readable,
  findLimit: (start: Uint8Array) => number,
): Promise<Pick<PageResponse, 'body' | 'isCut'>> {
  const pieces: Uint8Array[] = [];
  let limit: number | null = null;
  let size = 0;
  // Leaving the loop destroys the body.
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    limit ??= findLimit(piece);
    size += piece.length;
    pieces.push(piece);
    if (size > limit) return { body: join(pieces, limit), isCut: true };
  }
  return { body: join(pieces, size), isCut: false };
}

/** Joins pieces in a buffer of its own, which can be handed to a worker without a copy. */
function join(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(at + piece.length > size ? piece.subarray(0, size - at) : piece, at);
    at += piece.length;
  }
  return whole;
}
