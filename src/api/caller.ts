import type { Clock } from '../model/clock.js';
import type { JsonValue } from '../model/json.js';
import type { AgentTimeouts, ClientSettings } from './client-options.js';
import { EventStream } from './event-stream.js';
import { isSuccess, type ResponseContext, readError, readJson } from './read-response.js';
import { type RetryInfo, type RetryPolicy, repeatCall } from './retry.js';
import { type HttpRequest, type HttpResponse, Transport } from './transport.js';

/** A request; options that are not given use defaults. */
export type ApiRequest = Pick<HttpRequest, 'method' | 'path'> &
  Partial<
    Pick<
      HttpRequest,
      'accept' | 'body' | 'lastEventId' | 'extraBetas' | 'creates' | 'headersMs' | 'beforeSend'
    >
  >;

/** Sends requests over one transport, with or without retries, and reads the responses. */
export class ApiHttp {
  readonly clock: Clock;
  readonly timeouts: AgentTimeouts;
  readonly retry: RetryPolicy;
  readonly transport: Transport;
  /** True once the API itself has responded. After that, a response in another shape counts as an outage. */
  hasResponded = false;
  /** When the last valid response was read; null if never. */
  lastReadAt: number | null = null;
  readonly #settings: ClientSettings;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.clock = settings.clock;
    this.timeouts = settings.timeouts;
    this.retry = settings.retry;
    this.transport = new Transport(settings.transport);
  }

  /** Sends a request once; a non-2xx response is an error. */
  async open(request: ApiRequest, signal: AbortSignal): Promise<HttpResponse> {
    const creates = request.creates ?? false;
    const headersMs = creates ? this.timeouts.createMs : this.timeouts.headersMs;
    const wire = { accept: 'application/json', headersMs, ...request, creates } as const;
    const answer = await this.transport.send(wire, signal);
    if (isSuccess(answer)) return answer;
    return preferAbortReason(signal, async () => {
      const error = await readError(answer, this.#createContext(request));
      this.hasResponded ||= !error.isFromProxy;
      throw error;
    });
  }

  /** Reads a response as JSON. */
  readJson(answer: HttpResponse, request: ApiRequest, signal: AbortSignal): Promise<JsonValue> {
    return preferAbortReason(signal, () => readJson(answer, this.#createContext(request)));
  }

  /** Opens a response as an event stream. */
  readEvents(answer: HttpResponse): EventStream {
    return new EventStream(
      answer.body,
      this.#settings.maxResponseBytes,
      () => this.clock.now(),
      this.transport.mask,
    );
  }

  /**
   * Sends a request that is safe to repeat, with retries as the policy allows. `parse` throws an `AgentError`
   * for JSON of the wrong kind.
   */
  ask<T>(
    request: ApiRequest,
    signal: AbortSignal,
    parse: (value: JsonValue) => T,
    policy: RetryPolicy = this.retry,
  ): Promise<T> {
    return this.repeat(request, signal, policy, () => this.askOnce(request, signal, parse));
  }

  /** Sends a request once and reads its response. */
  async askOnce<T>(request: ApiRequest, signal: AbortSignal, parse: (value: JsonValue) => T): Promise<T> {
    const answer = await this.open(request, signal);
    const value = parse(await this.readJson(answer, request, signal));
    this.noteResponse();
    return value;
  }

  /** Records that the API gave a valid response. */
  noteResponse(): void {
    this.hasResponded = true;
    this.lastReadAt = this.clock.now();
  }

  /** Retries a call as the policy allows. */
  repeat<T>(
    request: ApiRequest,
    signal: AbortSignal,
    policy: RetryPolicy,
    call: (attempt: number) => Promise<T>,
  ): Promise<T> {
    const { clock, onRetry } = this.#settings;
    return repeatCall(call, {
      what: describeRequest(request),
      policy,
      clock,
      signal,
      onRetry,
      hasAnswered: () => this.hasResponded,
    });
  }

  /** Reports a failure that will be retried. */
  reportRetry(info: RetryInfo): void {
    this.#settings.onRetry(info);
  }

  #createContext({ creates = false, ...request }: ApiRequest): ResponseContext {
    return {
      what: describeRequest(request),
      address: this.transport.base.origin,
      creates,
      maxBytes: this.#settings.maxResponseBytes,
      requestMs: creates ? this.timeouts.createMs : this.timeouts.requestMs,
      clock: this.clock,
      mask: this.transport.mask,
    };
  }
}

/** Method and path of a request, for messages. */
export function describeRequest(request: Pick<ApiRequest, 'method' | 'path'>): string {
  return `${request.method} ${request.path}`;
}

/** If the call was aborted, rejects with the abort reason instead of its error. */
async function preferAbortReason<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
