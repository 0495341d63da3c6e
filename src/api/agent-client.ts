import { setMaxListeners } from 'node:events';
import type { JsonValue } from '../model/json.js';
import { formatInOrder } from '../model/key-order.js';
import type { AgentRun, AgentRunEvent, CreateRunRequest, EventPage, RunPage } from '../model/run.js';
import { AgentError } from './agent-error.js';
import { ApiHttp, type ApiRequest } from './caller.js';
import { type AgentClientOptions, resolveClientOptions } from './client-options.js';
import { streamRun, waitRun } from './follow-run.js';
import { parseEventPage, parseRunPage } from './parse-run.js';
import {
  type AgentCheck,
  checkAgent,
  createNoPageError,
  createRunPath,
  parseThisRun,
  ReadFailures,
} from './read-run.js';
import { createStartCall, OpenRun, parseCreatedRun, type StartedRun, startRun } from './start-run.js';

export type { AgentClientOptions, AgentTimeouts } from './client-options.js';
export type { AgentCheck } from './read-run.js';
export type { RetryInfo, RetryPolicy } from './retry.js';
export type { StartedRun } from './start-run.js';

/** Options that every call accepts. */
export interface CallOptions {
  /**
   * Aborts the call, which then rejects with the signal's reason. It does not cancel a run: an aborted create
   * may have started one, and a run being waited for continues.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a call that starts a run. */
interface StartOptions extends CallOptions {
  /**
   * Called in the same tick the request is sent, after a connection is open. If it throws, nothing is sent
   * and the call rejects with that error.
   */
  readonly beforeSend?: (() => void) | undefined;
}

/** Selects a page of a list. */
export interface PageOptions extends CallOptions {
  /** Entries per page, 1 to 100. @default 20, by the service */
  readonly limit?: number;
  /** The `nextCursor` of the previous page. */
  readonly cursor?: string;
}

interface StartOptions extends CallOptions {}

/** Options for waiting until a run ends. */
export interface WaitOptions extends CallOptions {
  /** Timeout from now, in milliseconds. @default no limit */
  readonly deadlineMs?: number;
  /**
   * Called as soon as the run is known to have ended, before its output is fetched: the agent can now take
   * another run. If it returns a promise, the output is fetched once that has resolved.
   */
  readonly onEnd?: () => void | Promise<void>;
}

/**
 * The client as commands use it. Programs use that of `program-client.ts`, whose messages name options instead of flags.
 */
export class AgentClient {
  readonly #caller: ApiHttp;
  readonly #closing = new AbortController();

  constructor(options: AgentClientOptions = {}) {
    this.#caller = new ApiHttp(resolveClientOptions(options));
  }

  /** HTTP requests made so far, retries included. */
  get requests(): number {
    return this.#caller.transport.requests;
  }

  /**
   * Hash of the agent's URL and the key, so that programs can tell accounts apart without the key. With a function as
   * key, of the URL alone, because the key may change.
   */
  hashAccount(salt: string): string {
    return this.#caller.transport.hashAccount(salt);
  }

  /** Starts a run and returns it as accepted, usually without output. Sent exactly once. */
  async create(request: CreateRunRequest, options: StartOptions = {}): Promise<AgentRun> {
    const call: ApiRequest = {
      method: 'POST',
      path: '/agent/runs',
      body: formatInOrder(request),
      creates: true,
      beforeSend: options.beforeSend,
    };
    return this.#within(options, async (signal) => {
      const answer = await this.#caller.open(call, signal);
      return parseCreatedRun(await this.#caller.readJson(answer, call, signal), this.#caller);
    });
  }

  /**
   * Starts a run with its event stream open and returns once the run id is known. Sent exactly once. The
   * result holds a connection: pass it to `wait` or close it.
   */
  start(request: CreateRunRequest, options: StartOptions = {}): Promise<StartedRun> {
    const call = createStartCall(request, options.beforeSend);
    return this.#within(options, (signal) => startRun(this.#caller, call, signal));
  }

  /**
   * Starts a run and yields each event once, up to the terminal one, reconnecting if the connection drops.
   * Unknown event names are passed through. If there is no terminal event, the last event is built from the
   * run and has an empty id.
   */
  async *stream(request: CreateRunRequest, options: CallOptions = {}): AsyncGenerator<AgentRunEvent, void> {
    const scope = linkSignal(options.signal, this.#closing.signal);
    try {
      yield* streamRun(
        this.#caller,
        await startRun(this.#caller, createStartCall(request), scope.signal),
        scope.signal,
      );
    } finally {
      scope.close();
    }
  }

  /** Fetches the current state of the run. */
  async get(id: string, options: CallOptions = {}): Promise<AgentRun> {
    return this.#askRun(id, { method: 'GET', path: createRunPath(id) }, options);
  }

  /** A page of the account's runs, newest first. */
  async list(options: PageOptions = {}): Promise<RunPage> {
    const call: ApiRequest = { method: 'GET', path: `/agent/runs${formatPage(options)}` };
    return this.#ask(call, options, (value) => requirePage(parseRunPage(value), call));
  }

  /** All runs of the account, newest first, page by page as they are taken. `limit` is the size of a page. */
  async *listAll(options: PageOptions = {}): AsyncGenerator<AgentRun, void> {
    const seen = new Set<string>();
    let cursor = options.cursor;
    for (;;) {
      const page = await this.list({ ...options, ...(cursor === undefined ? {} : { cursor }) });
      yield* page.data;
      const next = page.nextCursor;
      // A cursor that comes again would never end.
      if (!page.hasMore || next === null || seen.has(next)) return;
      seen.add(next);
      cursor = next;
    }
  }

  /** A page of the run's stored events, oldest first. */
  async events(id: string, options: PageOptions = {}): Promise<EventPage> {
    const call: ApiRequest = { method: 'GET', path: createRunPath(id, `/events${formatPage(options)}`) };
    return this.#ask(call, options, (value) => requirePage(parseEventPage(value), call));
  }

  /**
   * Cancels a run. A run that has ended is returned unchanged. What it used is billed; its results are
   * discarded.
   */
  async cancel(id: string, options: CallOptions = {}): Promise<AgentRun> {
    return this.#askRun(id, { method: 'POST', path: createRunPath(id, '/cancel') }, options);
  }

  /**
   * Ends a run of the highest effort now and keeps its results so far. A run that has ended is returned
   * unchanged.
   */
  async stop(id: string, options: CallOptions = {}): Promise<AgentRun> {
    const call: ApiRequest = { method: 'POST', path: createRunPath(id, '/stop') };
    try {
      return await this.#askRun(id, call, options);
    } catch (error) {
      if (!(error instanceof AgentError) || error.status !== 400 || !/beta/i.test(error.message)) throw error;
      return this.#askRun(id, { ...call, extraBetas: [STOP_BETA] }, options);
    }
  }

  /** Removes a run from the account's history. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    const call: ApiRequest = { method: 'DELETE', path: createRunPath(id) };
    return this.#within(options, (signal) =>
      this.#caller.repeat(call, signal, this.#caller.retry, async (attempt) => {
        try {
          const answer = await this.#caller.open(call, signal);
          if (answer.status !== 204) await this.#caller.readJson(answer, call, signal);
        } catch (error) {
          // The first attempt may have deleted it even though its response was lost.
          if (attempt === 1 || !(error instanceof AgentError) || error.status !== 404) throw error;
        }
      }),
    );
  }

  /**
   * Waits until a run ends, whether completed or not, and returns it with its output. A run from `start` is
   * followed on its stream; if that breaks, or if only an id is given, by replaying its events and polling.
   * Outages of up to `patienceMs` are retried. After `deadlineMs` it rejects with `WAIT_TIMED_OUT`; the run
   * continues and can be waited for again. It rejects with `RUN_UNREADABLE` if this run cannot be read for
   * `unreadableMs` while others can.
   */
  wait(run: StartedRun | string, options: WaitOptions = {}): Promise<AgentRun> {
    const target = typeof run === 'string' || run instanceof OpenRun ? run : run.id;
    const id = typeof target === 'string' ? target : target.id;
    const trouble = new ReadFailures(this.#caller);
    return this.#within(
      options,
      (signal) => waitRun(this.#caller, target, { signal, onEnd: options.onEnd, trouble }),
      options.deadlineMs === undefined
        ? undefined
        : { id, deadlineMs: options.deadlineMs, readGraceMs: () => trouble.readGraceMs() },
    );
  }

  /** Checks, at no cost, that the Agent Runs API answers at this address and accepts the key. */
  check(options: CallOptions = {}): Promise<AgentCheck> {
    return this.#within(options, (signal) => checkAgent(this.#caller, signal));
  }

  /** Aborts all pending calls and closes all connections. Runs continue. */
  async close(): Promise<void> {
    this.#closing.abort(new AgentError('CLIENT_CLOSED', 'The client of the agent was closed'));
    await this.#caller.transport.close();
  }

  /** Rewords an error for those who called. */
  protected explain(error: unknown): unknown {
    return error;
  }

  #askRun(id: string, call: ApiRequest, options: CallOptions): Promise<AgentRun> {
    return this.#ask(call, options, (value) => parseThisRun(value, id, call));
  }

  #ask<T>(call: ApiRequest, options: CallOptions, parse: (value: JsonValue) => T): Promise<T> {
    return this.#within(options, (signal) => this.#caller.ask(call, signal, parse));
  }

  /** Runs a call until the caller's signal aborts, its deadline passes or the client is closed. */
  async #within<T>(
    options: CallOptions,
    call: (signal: AbortSignal) => Promise<T>,
    limit?: WaitLimit,
  ): Promise<T> {
    const scope = linkSignal(options.signal, this.#closing.signal);
    const deadline = { cancel: (): void => undefined };
    const watch = (waitLimit: WaitLimit, delayMs: number): void => {
      deadline.cancel = this.#caller.clock.schedule(() => {
        const graceMs = waitLimit.readGraceMs();
        if (graceMs > 0) watch(waitLimit, graceMs);
        else scope.abort(createDeadlineError(waitLimit));
      }, delayMs);
    };
    if (limit !== undefined) watch(limit, limit.deadlineMs);
    try {
      return await call(scope.signal);
    } catch (error) {
      throw this.explain(error);
    } finally {
      deadline.cancel();
      scope.close();
    }
  }
}

/** Beta token that early versions of the service required for `stop`. */
const STOP_BETA = 'agent-max-effort-2026-07-27';

interface WaitLimit {
  readonly id: string;
  readonly deadlineMs: number;
  /** How much longer to retry a run that cannot be read at the deadline, in ms. */
  readonly readGraceMs: () => number;
}

function requirePage<T>(page: T | null, call: ApiRequest): T {
  if (page === null) throw createNoPageError(call);
  return page;
}

function formatPage({ limit, cursor }: PageOptions): string {
  const query = new URLSearchParams();
  if (limit !== undefined) query.set('limit', String(limit));
  if (cursor !== undefined) query.set('cursor', cursor);
  return query.size === 0 ? '' : `?${query}`;
}

function createDeadlineError({ id, deadlineMs }: WaitLimit): AgentError {
  return new AgentError('WAIT_TIMED_OUT', `Run ${id} did not end within ${deadlineMs} ms`, {
    hint: 'The run continues; wait for it again by its id.',
  });
}

/** Links one call to the caller's signal and to the client's closing, with one listener on each. */
interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Aborts the call with a reason of our own. */
  abort(reason: unknown): void;
  /** Removes the listeners. Call it when the call is over. */
  close(): void;
}

/** Creates a signal that aborts with the reason of whichever source aborts first. */
function linkSignal(signal: AbortSignal | undefined, closing: AbortSignal): LinkedSignal {
  const controller = new AbortController();
  const sources = signal === undefined ? [closing] : [signal, closing];
  const listeners = sources.map((source) => {
    // One listener per active run is expected here, so silence the leak warning.
    setMaxListeners(0, source);
    const onAbort = (): void => controller.abort(source.reason);
    if (source.aborted) onAbort();
    else source.addEventListener('abort', onAbort, { once: true });
    return { source, onAbort };
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    close: () => {
      for (const { source, onAbort } of listeners) source.removeEventListener('abort', onAbort);
    },
  };
}
