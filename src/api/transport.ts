import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { hashText } from '../model/ask.js';
import type { CreateOutcome } from '../model/run.js';
import { createMask } from '../model/untrusted-text.js';
import { createNetworkError } from './agent-error.js';
import type { BaseUrl } from './base-url.js';
import { openPool, type PoolOptions } from './open-pool.js';

export interface TransportOptions extends PoolOptions {
  readonly base: BaseUrl;
  readonly apiKey: string | null;
  /** Other secrets to mask. */
  readonly secrets: readonly string[];
  /** Reads the key again in case it changed; null if it cannot change. */
  readonly readKey: (() => string | null) | null;
  readonly betas: readonly string[];
  readonly userAgent: string;
  readonly bodyIdleMs: number;
}

/** One HTTP request below the API's address. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path starting with `/agent/…`, including the query, escaped. */
  readonly path: string;
  readonly accept: 'application/json' | 'text/event-stream';
  readonly body?: string | Uint8Array;
  readonly lastEventId?: string;
  readonly extraBetas?: readonly string[];
  readonly headersMs: number;
  /** True for the request that starts a run: its errors must say whether a run may exist. */
  readonly creates: boolean;
  /** Called in the same tick the request is sent, with the connection open; throws to stop it. */
  readonly beforeSend?: (() => void) | undefined;
}

/** A response whose headers have arrived. The body is decoded and must be read to its end or destroyed. */
export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ByteSource;
}

/** The only module that uses HTTP and knows the key, which is sent only to the configured origin. */
export class Transport {
  readonly base: BaseUrl;
  requests = 0;
  /** Removes the key from untrusted text, since an agent may echo it. */
  readonly mask = (text: string): string => this.#mask(text);
  readonly #options: TransportOptions;
  readonly #pool: Dispatcher;
  /** The current key, then earlier ones. */
  #keys: readonly string[];
  #mask: (text: string) => string;

  constructor(options: TransportOptions) {
    this.base = options.base;
    this.#options = options;
    this.#keys = options.apiKey === null ? [] : [options.apiKey];
    this.#mask = createMask([options.apiKey, ...options.secrets]);
    this.#pool = openPool(options.base, options);
  }

  /**
   * Sends a request without following redirects. Rejects with the signal's reason, the error that
   * `beforeSend` threw, or an `AgentError` without status.
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const [key] = this.#keys;
    const answer = await this.#exchange(request, signal);
    // A rejected key created nothing, so even a create may be sent again with another key.
    if (answer.status !== 401 || !this.#hasOtherKey(key)) return answer;
    answer.body.destroy();
    return this.#exchange(request, signal);
  }

  hashAccount(salt: string): string {
    const { base, apiKey, readKey } = this.#options;
    const key = readKey === null ? apiKey : null;
    return hashText(JSON.stringify([salt, base.origin, base.prefix, key]), 32);
  }

  /** True if there is a different key now: read again, or replaced by a concurrent request. */
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
      // The 401 is more useful than an error about the key file.
      return false;
    }
  }

  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    signal.throwIfAborted();
    this.requests += 1;
    const exchange = new HttpExchange(signal, request.beforeSend);
    try {
      this.#pool.dispatch(
        {
          origin: this.base.origin,
          path: this.base.prefix + request.path,
          method: request.method,
          headers: this.#createHeaders(request),
          body: request.body ?? null,
          headersTimeout: request.headersMs,
          // A stream may be silent while its run works; its reader has its own timeout.
          bodyTimeout: request.accept === 'text/event-stream' ? 0 : this.#options.bodyIdleMs,
        },
        exchange,
      );
      const { status, headers, body } = await exchange.answer;
      return {
        status,
        contentType: getHeader(headers, 'content-type')?.toLowerCase() ?? '',
        headers,
        body: decodeBody(body, getHeader(headers, 'content-encoding')),
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

  /** Closes all connections; open requests and streams fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #createHeaders(request: HttpRequest): Record<string, string> {
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

/** A header's value as one string; null if missing. */
export function getHeader(headers: HttpResponse['headers'], name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

function resolveOutcome(request: HttpRequest, written: boolean): CreateOutcome | null {
  if (!request.creates) return null;
  return written ? 'unknown' : 'not_created';
}

/** Decompresses a body that was compressed although we did not ask for it. */
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

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Status, headers and streaming body of a response. */
interface ExchangeResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ResponseBody;
}

/** One request in the pool: turns undici's callbacks into a promise and a body. */
class HttpExchange implements Dispatcher.DispatchHandler {
  /** Settles when the response headers arrive. */
  readonly answer: Promise<ExchangeResponse>;
  /** True once bytes of the request may have been sent. */
  written = false;
  readonly #body: ResponseBody;
  #controller: Dispatcher.DispatchController | null = null;
  #objection: { readonly error: unknown } | null = null;
  #aborted: { readonly reason: Error } | null = null;
  #resolve: (answer: ExchangeResponse) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  readonly #beforeSend: () => void;

  /**
   * Fails with the signal's reason as soon as it aborts. `beforeSend` is called when the connection is open,
   * right before the request is written. If it throws, the exchange fails and nothing is written.
   */
  constructor(signal: AbortSignal, beforeSend: () => void = () => {}) {
    this.#beforeSend = beforeSend;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const onAbort = (): void => this.#abort(toError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#body = new ResponseBody({
      abort: (reason) => this.#abort(reason),
      resume: () => this.#controller?.resume(),
      onEnd: () => signal.removeEventListener('abort', onAbort),
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted === null) this.#tryBeforeSend();
    // Aborted while waiting for a connection, so write nothing.
    if (this.#aborted !== null) controller.abort(this.#aborted.reason);
    else this.written = true;
  }

  /** The error that `beforeSend` threw, or null. */
  get objection(): { readonly error: unknown } | null {
    return this.#objection;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // 1xx responses are only interim.
    if (status >= 200) this.#resolve({ status, headers, body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#body.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#body.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #tryBeforeSend(): void {
    try {
      this.#beforeSend();
    } catch (error) {
      this.#objection = { error };
      this.#aborted = { reason: toError(error) };
      this.#fail(this.#aborted.reason);
    }
  }

  #abort(reason: Error): void {
    if (this.#aborted !== null) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    // The pool may report it later, or never while the request waits for a connection.
    this.#fail(reason);
  }

  #fail(error: Error): void {
    this.#reject(error);
    this.#body.fail(error);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The call was aborted', { cause: reason });
}

/** A byte stream that is read once, in order, and can be canceled. */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Discards the rest and closes the connection. */
  destroy(): void;
}

/** What a body needs from its request. */
interface BodyOwner {
  abort(reason: Error): void;
  /** Resumes reading after `push` returned false. */
  resume(): void;
  /** Called once, after the last byte or on failure. */
  onEnd(): void;
}

const HIGH_WATER_BYTES = 64 * 1024;

/** A response body: a bounded queue between the connection, which is paused when it is full, and one reader. */
class ResponseBody implements ByteSource {
  readonly #owner: BodyOwner;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #end: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** Adds a chunk; returns false to ask for a pause. */
  push(chunk: Buffer): boolean {
    if (this.#end !== null) return true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    return this.#bytes < HIGH_WATER_BYTES;
  }

  end(): void {
    this.#finish(null);
  }

  fail(error: unknown): void {
    this.#finish(error);
  }

  destroy(): void {
    if (this.#end !== null) return;
    const reason = new Error('The rest of the response was discarded');
    this.#finish(reason);
    this.#owner.abort(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          const wasFull = this.#bytes >= HIGH_WATER_BYTES;
          this.#bytes -= chunk.length;
          if (wasFull && this.#bytes < HIGH_WATER_BYTES) this.#owner.resume();
          yield chunk;
        } else if (this.#end === null) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#end.error === null) {
          return;
        } else {
          throw this.#end.error;
        }
      }
    } finally {
      this.destroy();
    }
  }

  #finish(error: unknown): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#owner.onEnd();
    this.#wake();
  }
}
