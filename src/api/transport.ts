import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { CreateOutcome } from '../model/agent-failure.js';
import { createMask } from '../model/foreign-text.js';
import type { ByteSource } from './answer-body.js';
import { createNetworkError } from './create-network-error.js';
import { Exchange } from './exchange.js';
import { openPool, type PoolOptions } from './open-pool.js';
import type { BaseUrl } from './resolve-base-url.js';

export interface TransportOptions extends PoolOptions {
  readonly base: BaseUrl;
  readonly apiKey: string | null;
  /** Other texts that are masked like the key. */
  readonly secrets: readonly string[];
  /** Reads the key again, which may be another one by now; null if it stays as it is. */
  readonly readKey: (() => string | null) | null;
  readonly betas: readonly string[];
  readonly userAgent: string;
  readonly bodyIdleMs: number;
}

/** One HTTP request below the API's address. */
export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path from `/agent/…` on, with its query, every part of it escaped. */
  readonly path: string;
  readonly accept: 'application/json' | 'text/event-stream';
  readonly body?: string;
  readonly lastEventId?: string;
  readonly extraBetas?: readonly string[];
  readonly headersMs: number;
  /** True for the request that starts a run: its failure has to say what it left behind. */
  readonly creates: boolean;
  /** Called in the tick in which the request leaves, its connection open; throws to keep it from leaving. */
  readonly beforeSend?: (() => void) | undefined;
}

/** An answer whose head has arrived; the body is decoded, and has to be read to its end or destroyed. */
export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ByteSource;
}

/** The one place that speaks HTTP, and the only one that knows the key: it goes to the configured origin and nowhere else. */
export class Transport {
  readonly base: BaseUrl;
  requests = 0;
  /** Takes the key out of text from outside: an agent may repeat it, by mistake or on purpose. */
  readonly mask = (text: string): string => this.#mask(text);
  readonly #options: TransportOptions;
  readonly #pool: Dispatcher;
  /** The key that is sent, then those that were sent before. */
  #keys: readonly string[];
  #mask: (text: string) => string;

  constructor(options: TransportOptions) {
    this.base = options.base;
    this.#options = options;
    this.#keys = options.apiKey === null ? [] : [options.apiKey];
    this.#mask = createMask([options.apiKey, ...options.secrets]);
    this.#pool = openPool(options.base, options);
  }

  /** Sends a request, following no redirect; rejects with the signal's reason, with what `beforeSend` threw, or with an `AgentError` without status. */
  async send(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    const [key] = this.#keys;
    const answer = await this.#exchange(request, signal);
    // Nothing was done for a refused key, so even a create may be sent again with another one.
    if (answer.status !== 401 || !this.#hasOtherKey(key)) return answer;
    answer.body.destroy();
    return this.#exchange(request, signal);
  }

  /** True if the key is another one by now: read again, or exchanged by a request beside this one. */
  #hasOtherKey(refused: string | undefined): boolean {
    const { readKey } = this.#options;
    if (readKey === null) return false;
    if (this.#keys[0] !== refused) return true;
    try {
      const key = readKey();
      if (key === null || key === refused) return false;
      this.#keys = [key, ...this.#keys];
      this.#mask = createMask([...this.#keys, ...this.#options.secrets]);
      return true;
    } catch {
      // The refusal says more than a file that cannot be read at the moment.
      return false;
    }
  }

  async #exchange(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    signal.throwIfAborted();
    this.requests += 1;
    const exchange = new Exchange(signal, request.beforeSend);
    try {
      this.#pool.dispatch(
        {
          origin: this.base.origin,
          path: this.base.prefix + request.path,
          method: request.method,
          headers: this.#createHeaders(request),
          body: request.body ?? null,
          headersTimeout: request.headersMs,
          // A stream may be silent for as long as its run works; whoever reads it keeps watch.
          bodyTimeout: request.accept === 'text/event-stream' ? 0 : this.#options.bodyIdleMs,
        },
        exchange,
      );
      const { status, headers, body } = await exchange.answer;
      return {
        status,
        contentType: readHeader(headers, 'content-type')?.toLowerCase() ?? '',
        headers,
        body: decodeBody(body, readHeader(headers, 'content-encoding')),
      };
    } catch (error) {
      if (exchange.objection !== null) throw exchange.objection.error;
      if (signal.aborted) throw signal.reason;
      throw createNetworkError(
        error,
        `${request.method} ${this.base.origin}`,
        resolveOutcome(request, exchange.written),
      );
    }
  }

  /** Closes every connection; requests and streams still open fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #createHeaders(request: WireRequest): Record<string, string> {
    const { userAgent } = this.#options;
    const [apiKey] = this.#keys;
    const betas = [...this.#options.betas, ...(request.extraBetas ?? [])];
    return {
      accept: request.accept,
      'accept-encoding': 'identity',
      'user-agent': userAgent,
      ...(betas.length === 0 ? {} : { 'exa-beta': betas.join(',') }),
      ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(request.lastEventId === undefined ? {} : { 'last-event-id': request.lastEventId }),
    };
  }
}

/** A header's value as one string; null where it is missing. */
export function readHeader(headers: WireAnswer['headers'], name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

function resolveOutcome(request: WireRequest, written: boolean): CreateOutcome | null {
  if (!request.creates) return null;
  return written ? 'unknown' : 'not_created';
}

/** Undoes a compression that was not asked for. */
function decodeBody(body: ByteSource, encoding: string | null): ByteSource {
  const decoder = createDecoder(encoding);
  return decoder === null ? body : pipeline(body, decoder, ignore);
}

function createDecoder(encoding: string | null): Transform | null {
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return null;
  }
}

function ignore(): void {}
