import { setMaxListeners } from 'node:events';
import type { JsonValue } from '../model/json.js';
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
import { OpenRun, parseCreatedRun, type StartedRun, startRun } from './start-run.js';

export type { AgentClientOptions, AgentTimeouts } from './client-options.js';
export type { AgentCheck } from './read-run.js';
export type { RetryInfo, RetryPolicy } from './retry.js';
export type { StartedRun } from './start-run.js';

/** What every call takes. */
export interface CallOptions {
  /**
   * Ends the call, which then rejects with the signal's reason. It ends no run: a create that is aborted may have
   * started one, and a run that is waited for goes on.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that starts a run takes. */
export interface StartOptions extends CallOptions {
  /**
   * Called in the tick in which the request leaves, after it has waited for a connection. If it throws, nothing is sent,
   * and the call rejects with that error.
   */
  readonly beforeSend?: (() => void) | undefined;
}

/** Which part of a list is asked for. */
export interface PageOptions extends CallOptions {
  /** Entries a page, 1 to 100. @default 20, by the service */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface StartOptions extends CallOptions {}

/** How long to wait for the end of a run. */
export interface WaitOptions extends CallOptions {
  /** The longest time to wait from now, in milliseconds. @default no limit */
  readonly deadlineMs?: number;
  /** Called once the end is known, before the output has been fetched: at the agent there is room for another run. */
  readonly onEnd?: () => void;
}

/**
 * A client of the Agent Runs API over one pool of connections; close it when done.
 *
 * Every failure is an `AgentError`. Calls that may be repeated are, as `retry` says; `create`, `start` and `stream`
 * send their create exactly once, and say in `outcome` whether a run may exist all the same.
 *
 * @example
 * const client = new AgentClient({ apiKey: process.env.EXA_API_KEY });
 * const started = await client.start({ query: 'Who leads Exa today?', effort: 'low' });
 * const run = await client.wait(started);
 * console.log(run.output.text, run.costDollars.total);
 * await client.close();
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

  /** Starts a run and returns it as accepted, mostly without output. Sent exactly once. */
  async create(request: CreateRunRequest, options: StartOptions = {}): Promise<AgentRun> {
    const call: ApiRequest = {
      method: 'POST',
      path: '/agent/runs',
      body: JSON.stringify(request),
      creates: true,
      beforeSend: options.beforeSend,
    };
    return this.#within(options, async (signal) => {
      const answer = await this.#caller.open(call, signal);
      return parseCreatedRun(await this.#caller.readJson(answer, call, signal), this.#caller);
    });
  }

  /**
   * Starts a run with its event stream open, and returns as soon as its id is known. Sent exactly once.
   * Hand the result to `wait`, or close it: it holds a connection.
   */
  start(request: CreateRunRequest, options: StartOptions = {}): Promise<StartedRun> {
    return this.#within(options, (signal) => startRun(this.#caller, request, signal, options.beforeSend));
  }

  /**
   * Starts a run and yields its events up to the terminal one, each once, also across a cut connection. Names that we do
   * not know pass through. Where no terminal event can be had, the last event is made from the run, with an empty id.
   */
  async *stream(request: CreateRunRequest, options: CallOptions = {}): AsyncGenerator<AgentRunEvent, void> {
    const scope = linkSignal(options.signal, this.#closing.signal);
    try {
      yield* streamRun(this.#caller, await startRun(this.#caller, request, scope.signal), scope.signal);
    } finally {
      scope.close();
    }
  }

  /** The run as it stands now. */
  async get(id: string, options: CallOptions = {}): Promise<AgentRun> {
    return this.#askRun(id, { method: 'GET', path: createRunPath(id) }, options);
  }

  /** A page of the account's runs, newest first. */
  async list(options: PageOptions = {}): Promise<RunPage> {
    const call: ApiRequest = { method: 'GET', path: `/agent/runs${formatPage(options)}` };
    return this.#ask(call, options, (value) => orNoPage(parseRunPage(value), call));
  }

  /** A page of the run's stored events, oldest first. */
  async events(id: string, options: PageOptions = {}): Promise<EventPage> {
    const call: ApiRequest = { method: 'GET', path: createRunPath(id, `/events${formatPage(options)}`) };
    return this.#ask(call, options, (value) => orNoPage(parseEventPage(value), call));
  }

  /** Cancels a run; one that has ended is returned unchanged. What it used is billed, and its results are not kept. */
  async cancel(id: string, options: CallOptions = {}): Promise<AgentRun> {
    return this.#askRun(id, { method: 'POST', path: createRunPath(id, '/cancel') }, options);
  }

  /** Ends a run of the highest effort now and keeps what it found; one that has ended is returned unchanged. */
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
          // The first try may have removed it although its answer was lost.
          if (attempt === 1 || !(error instanceof AgentError) || error.status !== 404) throw error;
        }
      }),
    );
  }

  /**
   * Waits for the end of a run, completed or not, and returns it with its output. A run from `start` is followed on its
   * stream; where that breaks, or with an id alone, by replaying its events and by polling. An outage is sat out for
   * `patienceMs`. Past `deadlineMs` it rejects with `WAIT_TIMED_OUT`; the run goes on and can be waited for again. A run
   * that cannot be read for `unreadableMs` while others can ends the wait with `RUN_UNREADABLE`.
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

  /** Finds out, before anything is spent, whether the Agent Runs API answers at the address and takes the key. */
  check(options: CallOptions = {}): Promise<AgentCheck> {
    return this.#within(options, (signal) => checkAgent(this.#caller, signal));
  }

  /** Ends every call that is under way and closes all connections. Runs go on. */
  async close(): Promise<void> {
    this.#closing.abort(new AgentError('CLIENT_CLOSED', 'The client of the agent was closed'));
    await this.#caller.transport.close();
  }

  #askRun(id: string, call: ApiRequest, options: CallOptions): Promise<AgentRun> {
    return this.#ask(call, options, (value) => parseThisRun(value, id, call));
  }

  #ask<T>(call: ApiRequest, options: CallOptions, parse: (value: JsonValue) => T): Promise<T> {
    return this.#within(options, (signal) => this.#caller.ask(call, signal, parse));
  }

  /** Runs a call inside the caller's signal, its deadline and the client's life. */
  async #within<T>(
    options: CallOptions,
    call: (signal: AbortSignal) => Promise<T>,
    limit?: WaitLimit,
  ): Promise<T> {
    const scope = linkSignal(options.signal, this.#closing.signal);
    const deadline = { callOff: (): void => undefined };
    const watch = (waitLimit: WaitLimit, delayMs: number): void => {
      deadline.callOff = this.#caller.clock.schedule(() => {
        const graceMs = waitLimit.readGraceMs();
        if (graceMs > 0) watch(waitLimit, graceMs);
        else scope.abort(createDeadlineError(waitLimit));
      }, delayMs);
    };
    if (limit !== undefined) watch(limit, limit.deadlineMs);
    try {
      return await call(scope.signal);
    } finally {
      deadline.callOff();
      scope.close();
    }
  }
}

/** The token that early versions of the service wanted for a stop. */
const STOP_BETA = 'agent-max-effort-2026-07-27';

interface WaitLimit {
  readonly id: string;
  readonly deadlineMs: number;
  /** How much longer a run that cannot be read at the deadline is tried. */
  readonly readGraceMs: () => number;
}

function orNoPage<T>(page: T | null, call: ApiRequest): T {
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
    hint: 'The run goes on; wait for it again by its id.',
  });
}

/** Ties one call to the caller's signal and to the client's life, with no more than one listener on each. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Ends the call from inside, with a reason of our own. */
  abort(reason: unknown): void;
  /** Lets go of both; to be called when the call is over. */
  close(): void;
}

/** Opens the scope of a call; its signal aborts with the reason of whichever of the two aborts first. */
export function linkSignal(signal: AbortSignal | undefined, closing: AbortSignal): LinkedSignal {
  const controller = new AbortController();
  const sources = signal === undefined ? [closing] : [signal, closing];
  const listeners = sources.map((source) => {
    // As many calls as there are runs wait on one signal: that is no leak.
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
