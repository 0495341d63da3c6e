import { isJsonObject, type JsonValue } from '../model/json.js';
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

/** Starts a run with its event stream open, and returns as soon as its id is known. Never repeated. */
export async function startRun(
  caller: ApiHttp,
  request: CreateRunRequest,
  signal: AbortSignal,
  beforeSend?: () => void,
): Promise<OpenRun> {
  const call: ApiRequest = {
    method: 'POST',
    path: '/agent/runs',
    accept: 'text/event-stream',
    body: JSON.stringify(request),
    creates: true,
    beforeSend,
  };
  const answer = await caller.open(call, signal);
  const effort = request.effort ?? null;
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

/** Some agents answer with the run itself where events were asked for. */
function parsePlainRun(value: JsonValue, effort: string | null, caller: ApiHttp): OpenRun {
  const run = parseCreatedRun(value, caller);
  return new OpenRun(run.id, effort, hasEnded(run) && hasResult(value) ? { run } : {});
}

/** Reads the answer to a create; throws where it names no run, or one with an id that cannot be used. */
export function parseCreatedRun(value: JsonValue, caller: ApiHttp): AgentRun {
  const run = parseRun(value);
  if (run === null) throw createNoRunError('POST /agent/runs', 'unknown');
  caller.noteResponse();
  if (!isRunId(run.id)) throw createBadIdError(run.id, caller);
  return run;
}

/** An error for JSON that is not a run. */
export function createNoRunError(what: string, outcome: 'unknown' | null): AgentError {
  return new AgentError('INVALID_RUN', `${what} answered JSON that is no run: it has no id or no status`, {
    status: 200,
    isFromProxy: true,
    outcome,
    hint: 'Check the address of the API (--api-url).',
  });
}

/** The run was created, so it may be billed; no further call can name it. */
function createBadIdError(id: string, caller: ApiHttp): AgentError {
  const message = `POST /agent/runs: ${describeBadRunId(caller.transport.mask(id))}`;
  return new AgentError('INVALID_RUN_ID', message, {
    status: 200,
    outcome: 'created',
    hint: 'The run may be billed, and its result cannot be fetched. Report this to whoever runs the agent.',
  });
}

/** The first event names the run. An agent that sends far more than this without naming one never will. */
const MAX_EARLY_EVENTS = 100;
const MAX_EARLY_BYTES = 4 * 1024 * 1024;

/** Reads events until one names the run, and puts them back for whoever follows the run. */
async function readRunId(stream: EventStream, caller: ApiHttp, signal: AbortSignal): Promise<string> {
  const early: AgentRunEvent[] = [];
  const startedAt = caller.clock.now();
  // Comments do not put the limit off.
  const limit = new IdleTimeout({ lastByteAt: 0 }, caller.clock, caller.timeouts.createMs);
  try {
    for (;;) {
      const item = await limit.race(stream.next());
      signal.throwIfAborted();
      if (item === null || caller.clock.now() - startedAt > caller.timeouts.createMs) {
        throw createLostError('TIMED_OUT', 'the stream did not name its run in time');
      }
      if (item.kind === 'end') {
        throw createLostError('STREAM_CUT', 'the stream ended before it named its run', item.cut);
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
        throw createLostError('RESPONSE_TOO_LARGE', `the stream sent ${what} without naming its run`);
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
    hint: 'A run may have been started; the list of runs tells, by its metadata.',
    cause,
  });
}

function createEventError(event: AgentRunEvent): AgentError {
  const error = parseErrorResponse(JSON.stringify(event.data));
  return new AgentError(
    error.code ?? 'STREAM_ERROR',
    `POST /agent/runs answered with an error event: ${error.message}`,
    {
      type: error.type,
      requestId: error.requestId,
      outcome: 'unknown',
    },
  );
}

/** A run that was started and whose id is known; it holds the stream on which its end will be announced. */
export interface StartedRun {
  readonly id: string;
  /** Lets go of the stream without waiting. The run goes on, and can be waited for by its id. */
  close(): void;
}

/** What `start` hands out and `wait` takes back. */
export class OpenRun implements StartedRun {
  readonly id: string;
  readonly effort: string | null;
  /** The run as the agent gave it, where it answered with JSON in place of a stream. */
  readonly run: AgentRun | null;
  #stream: EventStream | null;

  constructor(id: string, effort: string | null, held: { stream?: EventStream; run?: AgentRun }) {
    this.id = id;
    this.effort = effort;
    this.run = held.run ?? null;
    this.#stream = held.stream ?? null;
  }

  /** Hands the stream over, once: whoever takes it closes it. */
  takeStream(): EventStream | null {
    const stream = this.#stream;
    this.#stream = null;
    return stream;
  }

  close(): void {
    this.takeStream()?.close();
  }
}
