import { onTestFinished } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import type { CreateRunRequest } from '../../src/model/run.js';
import {
  createRunJson,
  formatFrame,
  openEvents,
  openRawServer,
  type RawHandler,
  type RawServer,
  sendJson,
} from './raw-server.js';

/** A run stored by the raw agent. */
export interface RawRun {
  readonly id: string;
  readonly request: CreateRunRequest;
  /** The run as sent: completed, with the request included unless the test removes it. */
  readonly json: JsonObject;
}

/** Hooks for a test to change the behavior; all optional. */
export interface RawAgentScript {
  /** The id of the nth run, counted from 1. */
  readonly nameRun?: (number: number) => string;
  /** Changes a run before it is kept. */
  readonly changeRun?: (json: JsonObject, number: number) => JsonObject;
  /** True if the create makes a run but its reply is lost. */
  readonly losesReplies?: boolean;
  /** Handles a request itself; returns true if it did. */
  readonly intercept?: (...args: Parameters<RawHandler>) => boolean;
}

export interface RawAgent {
  readonly server: RawServer;
  readonly url: string;
  /** Every run that was created, in order. */
  readonly runs: readonly RawRun[];
}

/**
 * An agent that answers each record with its own company, and lets the test change the protocol. For two runs with the
 * same id, it returns the first, like a cache.
 */
export async function openRawAgent(script: RawAgentScript = {}): Promise<RawAgent> {
  const runs: RawRun[] = [];
  const { nameRun = (number) => `run_${number}`, changeRun = (json) => json } = script;
  const create = (body: string): RawRun => {
    const request = JSON.parse(body) as CreateRunRequest;
    const number = runs.length + 1;
    const id = nameRun(number);
    const json = createRunJson(id, {
      request,
      createdAt: new Date().toISOString(),
      output: { text: '', structured: { rows: answerAll(request) }, grounding: [] },
    }) as JsonObject;
    runs.push({ id, request, json: changeRun(json, number) });
    return runs.find((run) => run.id === id) ?? { id, request, json };
  };
  const server = await openRawServer((...args) => {
    const [request, response, socket] = args;
    if (script.intercept?.(...args) === true) return;
    if (request.method === 'POST' && request.url === '/agent/runs') {
      const { id } = create(request.body);
      if (script.losesReplies === true) {
        socket.destroy();
        return;
      }
      openEvents(response);
      const done = { id, object: 'agent_run', status: 'completed' };
      response.end(
        formatFrame('1', 'agent_run.created', { id, status: 'queued' }) +
          formatFrame('2', 'agent_run.completed', done),
      );
      return;
    }
    if (request.url.startsWith('/agent/runs?')) {
      sendJson(response, 200, {
        object: 'list',
        data: runs.map(({ json }) => json).toReversed(),
        hasMore: false,
        nextCursor: null,
      });
      return;
    }
    const id = decodeURIComponent(/^\/agent\/runs\/([^/?]+)/.exec(request.url)?.[1] ?? '');
    const run = runs.find((each) => each.id === id);
    if (run !== undefined && !request.url.endsWith('/events')) sendJson(response, 200, run.json);
    else
      sendJson(response, 404, {
        error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' },
      });
  });
  onTestFinished(() => server.close());
  return { server, url: server.url, runs };
}

function answerAll(request: CreateRunRequest): JsonValue[] {
  return (request.input?.data ?? []).map((record) => ({
    row_id: record.row_id ?? '',
    fields: { answer: `of ${String(record.company)}` },
  }));
}
