import { isJsonObject, type JsonValue } from '../model/json.js';
import { formatInOrder } from '../model/key-order.js';
import {
  type AgentRun,
  type AgentRunEvent,
  type CreateRunRequest,
  describeBadRunId,
  hasEnded,
  isRunId,
} from '../model/run.js';
import { AgentError, parseErrorResponse } from './agent-error.js';
import type { ApiHttp, ApiRequest } from './caller.js';
import { type EventStream, IdleTimeout } from './event-stream.js';
import { hasResult, parseRun } from './parse-run.js';

/** A create that is ready to be sent. Its request is only bytes, outside the heap, because many may wait. */
interface StartCall {
  readonly request: ApiRequest;
  readonly effort: string | null;
}

export function createStartCall(request: CreateRunRequest, beforeSend?: () => void): StartCall {
  return {
    request: {
      method: 'POST',
      path: '/agent/runs',
      accept: 'text/event-stream',
      body: Buffer.from(formatInOrder(request)),
      creates: true,
      beforeSend,
    },
    effort: request.effort ?? null,
  };
}

/** Starts a run with its event stream open and returns once the run id is known. Never retried. */
export async function startRun(
  caller: ApiHttp,
  { request: call, effort }: StartCall,
  signal: AbortSignal,
): Promise<OpenRun> {
  const answer = await caller.open(call, signal);
  if (!answer.contentType.includes('text/event-stream')) {
    return parsePlainRun(await caller.readJson(answer, call, signal), effort, caller);
  }
  const stream = caller.readEvents(answer);
  try {
    return new OpenRun(await readRunId(stream, caller, signal), effort, { stream });
  } catch (error) {
    stream.close();
    throw signal.aborted ? signal.reason : error;
  }
}

/** Handles agents that return the run as JSON instead of an event stream. */
function parsePlainRun(value: JsonValue, effort: string | null, caller: ApiHttp): OpenRun {
  const run = parseCreatedRun(value, caller);
  return new OpenRun(run.id, effort, hasEnded(run) && hasResult(value) ? { run } : {});
}

/** Parses the response to a create; throws if it is not a run or its id cannot be used. */
export function parseCreatedRun(value: JsonValue, caller: ApiHttp): AgentRun {
  const run = parseRun(value);
  if (run === null) throw createNoRunError('POST /agent/runs', 'unknown');
  caller.noteResponse();
  if (!isRunId(run.id)) throw createBadIdError(run.id, caller);
  return run;
}

/** Error for JSON that is not a run. */
export function createNoRunError(what: string, outcome: 'unknown' | null): AgentError {
  return new AgentError('INVALID_RUN', `${what} returned JSON that is not a run: id or status is missing`, {
    status: 200,
    isFromProxy: true,
    outcome,
    hint: 'Check the address of the API (--api-url).',
  });
}

/** The run exists and may be billed, but no request can refer to it. */
function createBadIdError(id: string, caller: ApiHttp): AgentError {
  const message = `POST /agent/runs: ${describeBadRunId(caller.transport.mask(id))}`;
  return new AgentError('INVALID_RUN_ID', message, {
    status: 200,
    outcome: 'created',
    hint: "The run may be billed, but its result cannot be fetched. Report this to the agent's operator.",
  });
}

/** The first event should have the run id. After this many events or bytes without one, give up. */
const MAX_EARLY_EVENTS = 100;
const MAX_EARLY_BYTES = 4 * 1024 * 1024;

/** Reads events until one has the run id, then puts them back for the code that follows the run. */
async function readRunId(stream: EventStream, caller: ApiHttp, signal: AbortSignal): Promise<string> {
  const early: AgentRunEvent[] = [];
  const startedAt = caller.clock.now();
  // SSE comments do not extend the timeout.
  const limit = new IdleTimeout({ lastByteAt: 0 }, caller.clock, caller.timeouts.createMs);
  try {
    for (;;) {
      const item = await limit.race(stream.next());
      signal.throwIfAborted();
      if (item === null || caller.clock.now() - startedAt > caller.timeouts.createMs) {
        throw createLostError('TIMED_OUT', 'the stream sent no run id in time');
      }
      if (item.kind === 'end') {
        throw createLostError('STREAM_CUT', 'the stream ended before it sent a run id', item.cut);
      }
      early.push(item.event);
      const id = findRunId(item.event);
      if (id !== null) {
        caller.noteResponse();
        if (!isRunId(id)) throw createBadIdError(id, caller);
        stream.unread(early);
        return id;
      }
      if (item.event.event === 'error') throw createEventError(item.event);
      if (early.length >= MAX_EARLY_EVENTS || stream.receivedBytes > MAX_EARLY_BYTES) {
        const what = `${early.length} events (${stream.receivedBytes} bytes)`;
        throw createLostError('RESPONSE_TOO_LARGE', `the stream sent ${what} without a run id`);
      }
    }
  } finally {
    limit.close();
  }
}

function findRunId({ event, data }: AgentRunEvent): string | null {
  if (!isJsonObject(data)) return null;
  const isRun = event.startsWith('agent_run.') || data.object === 'agent_run';
  return isRun && typeof data.id === 'string' && data.id !== '' ? data.id : null;
}

function createLostError(code: string, message: string, cause?: unknown): AgentError {
  return new AgentError(code, `POST /agent/runs: ${message}`, {
    outcome: 'unknown',
    hint: 'A run may have started; look for its metadata in the list of runs.',
    cause,
  });
}

function createEventError(event: AgentRunEvent): AgentError {
  const error = parseErrorResponse(JSON.stringify(event.data));
  return new AgentError(
    error.code ?? 'STREAM_ERROR',
    `POST /agent/runs returned an error event: ${error.message}`,
    {
      type: error.type,
      requestId: error.requestId,
      outcome: 'unknown',
    },
  );
}

/** A started run with a known id. Holds the stream that will announce its end. */
export interface StartedRun {
  readonly id: string;
  /** Closes the stream. The run continues and can be waited for by its id. */
  close(): void;
}

/** Returned by `start` and accepted by `wait`. */
export class OpenRun implements StartedRun {
  readonly id: string;
  readonly effort: string | null;
  /** The run, if the agent returned it as JSON instead of a stream. */
  readonly run: AgentRun | null;
  #stream: EventStream | null;

  constructor(id: string, effort: string | null, held: { stream?: EventStream; run?: AgentRun }) {
    this.id = id;
    this.effort = effort;
    this.run = held.run ?? null;
    this.#stream = held.stream ?? null;
  }

  /** Returns the stream, once. The caller must close it. */
  takeStream(): EventStream | null {
    const stream = this.#stream;
    this.#stream = null;
    return stream;
  }

  close(): void {
    this.takeStream()?.close();
  }
}
