import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerClock } from './clock.js';
import type { Contract } from './contract.js';
import { EventStream } from './event-stream.js';
import { readJsonBody } from './read-json-body.js';
import { createRateLimit, createRefusal } from './refusal.js';
import { resolveCreate } from './resolve-create.js';
import { resolveEventPage, resolveLastEventId, resolveRunId, resolveRunPage } from './resolve-page.js';
import { checkBetaHeader, resolveTeam } from './resolve-team.js';
import type { RunEngine } from './run-engine.js';
import type { StartRate } from './start-rate.js';
import type { RunStore, StoredRun } from './store-contract.js';
import { streamLive } from './stream-live.js';
import type { Tally } from './tally.js';
import { writeEventPage, writeRunPage } from './write-page.js';

export interface RouteParts {
  readonly engine: RunEngine;
  readonly store: RunStore;
  readonly clock: ServerClock;
  readonly contract: Contract;
  /** The only key that is let in; null: any. */
  readonly acceptedKey: string | null;
  readonly startRate: StartRate;
  readonly keepAliveMs: number;
  readonly tally: Tally;
  /** The open streams, so that closing the server ends them. */
  readonly streams: Set<EventStream>;
}

/** One operation: returns the JSON text to send, or null where it has answered by itself. */
type Operation = (call: Call) => Promise<string | null>;

interface Call {
  readonly teamId: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Adds every endpoint of the contract. */
export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  const add = (name: string, method: 'GET' | 'POST' | 'DELETE', url: string, operation: Operation): void => {
    app.route({ method, url, handler: (request, reply) => handle(name, operation, request, reply, parts) });
  };
  add('create', 'POST', '/agent/runs', (call) => createRun(call, parts));
  add('list', 'GET', '/agent/runs', (call) => listRuns(call, parts));
  add('get', 'GET', '/agent/runs/:id', (call) => getRun(call, parts));
  add('events', 'GET', '/agent/runs/:id/events', (call) => listEvents(call, parts));
  add('cancel', 'POST', '/agent/runs/:id/cancel', (call) => cancelRun(call, parts));
  add('delete', 'DELETE', '/agent/runs/:id', (call) => deleteRun(call, parts));
  if (parts.contract === 'current') {
    add('stop', 'POST', '/agent/runs/:id/stop', (call) => stopRun(call, parts));
  }
  app.setNotFoundHandler(async (request) => {
    resolveTeam(request.headers, parts.acceptedKey);
    const what = `${request.method} ${request.url.slice(0, 200)}`;
    throw createRefusal(404, 'NOT_FOUND', 'INVALID_REQUEST', `There is no operation ${what}.`);
  });
}

async function handle(
  name: string,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
): Promise<FastifyReply> {
  parts.tally.countRequest(name);
  const teamId = resolveTeam(request.headers, parts.acceptedKey);
  checkBetaHeader(request.headers, parts.contract);
  const text = await operation({ teamId, request, reply });
  return text === null ? reply : reply.type('application/json; charset=utf-8').send(text);
}

async function createRun(call: Call, parts: RouteParts): Promise<string | null> {
  const waitSeconds = parts.startRate.take(call.teamId);
  if (waitSeconds !== null) {
    parts.tally.count('rateRefusals');
    throw createRateLimit(call.request.id, Math.ceil(waitSeconds));
  }
  const body = readJsonBody(call.request.headers, call.request.body);
  const run = parts.engine.create(call.teamId, resolveCreate(body, parts.contract));
  if (!wantsEvents(call.request)) return run.text;
  streamLive(openStream(call, parts), run, parts);
  return null;
}

async function listRuns(call: Call, parts: RouteParts): Promise<string> {
  const page = resolveRunPage(readQuery(call));
  return writeRunPage(parts.store.list(call.teamId, { ...page, limit: page.limit + 1 }), page.limit);
}

async function getRun(call: Call, parts: RouteParts): Promise<string> {
  return findRun(call, parts).text;
}

async function listEvents(call: Call, parts: RouteParts): Promise<string | null> {
  const run = findRun(call, parts);
  if (!wantsEvents(call.request)) {
    const { limit, after } = resolveEventPage(readQuery(call));
    return writeEventPage(parts.store.listEvents(run.id, after, limit + 1), limit, run);
  }
  const after = resolveLastEventId(call.request.headers['last-event-id']);
  const stream = openStream(call, parts);
  for (const event of parts.store.listEvents(run.id, after, MAX_REPLAYED)) stream.send(event, run);
  stream.end();
  return null;
}

async function cancelRun(call: Call, parts: RouteParts): Promise<string> {
  return parts.engine.cancel(call.teamId, readId(call)).text;
}

async function stopRun(call: Call, parts: RouteParts): Promise<string> {
  return (await parts.engine.stop(call.teamId, readId(call))).text;
}

async function deleteRun(call: Call, parts: RouteParts): Promise<string> {
  const id = readId(call);
  parts.engine.remove(call.teamId, id);
  return JSON.stringify({ id, object: 'agent_run.deleted', deleted: true });
}

const MAX_REPLAYED = 10_000;

function findRun(call: Call, parts: RouteParts): StoredRun {
  return parts.engine.find(call.teamId, readId(call));
}

function readId(call: Call): string {
  return resolveRunId((call.request.params as { readonly id?: unknown }).id);
}

function readQuery(call: Call): Readonly<Record<string, unknown>> {
  return call.request.query as Readonly<Record<string, unknown>>;
}

function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('text/event-stream');
}

function openStream(call: Call, parts: RouteParts): EventStream {
  call.reply.hijack();
  const stream = new EventStream(call.reply.raw, {
    clock: parts.clock,
    keepAliveMs: parts.keepAliveMs,
    headers: { 'x-request-id': call.request.id },
  });
  parts.streams.add(stream);
  stream.onClose(() => parts.streams.delete(stream));
  return stream;
}
