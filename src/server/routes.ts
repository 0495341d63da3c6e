import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Timers } from '../model/clock.js';
import type { Contract } from './contract.js';
import { EventStream, PIECE_LENGTH, splitText, streamLive, streamStored } from './event-stream.js';
import { parseJsonBody } from './http-app.js';
import { createRateLimit, createRefusal } from './refusal.js';
import { type Fault, type FaultScript, nameSubject, type Operation } from './rehearsal/fault.js';
import { findFaultNumber, injectAfter, injectBefore } from './rehearsal/play-request.js';
import { resolveCreate } from './resolve-create.js';
import {
  checkBetaHeader,
  createIdBound,
  resolveEventPage,
  resolveLastEventId,
  resolveRunId,
  resolveRunPage,
  resolveTeam,
} from './resolve-page.js';
import { writeEventPage, writeRunPage } from './run-document.js';
import type { RunEngine } from './run-engine.js';
import type { RunStore } from './store-contract.js';
import type { StartRate, Tally } from './tally.js';

interface RouteParts {
  readonly engine: RunEngine;
  readonly store: RunStore;
  readonly clock: Timers;
  readonly contract: Contract;
  /** The only accepted key; null: any. */
  readonly acceptedKey: string | null;
  readonly startRate: StartRate;
  readonly keepAliveMs: number;
  readonly tally: Tally;
  /** Scripted faults of a rehearsal; null: none. */
  readonly script: FaultScript | null;
  /** Open streams, to end when the server closes. */
  readonly streams: Set<EventStream>;
}

/** Carries out an operation. Returns the JSON text to send, or null if it has already responded. */
type Handler = (call: Call) => Promise<string | null>;

interface Call {
  readonly name: Operation;
  readonly teamId: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Adds every endpoint of the contract. */
export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  const add = (name: Operation, method: 'GET' | 'POST' | 'DELETE', url: string, handler: Handler): void => {
    app.route({
      method,
      url,
      // Before the body is read, so that nothing from unauthorized clients is kept.
      onRequest: async (request) => admit(name, request, parts),
      handler: (request, reply) => handle(name, handler, request, reply, parts),
    });
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
  const refuseUnknown = async (request: FastifyRequest): Promise<void> => {
    if (!request.is404) return;
    resolveTeam(request.headers, parts.acceptedKey);
    const what = `${request.method} ${request.url.slice(0, 200)}`;
    throw createRefusal(404, 'NOT_FOUND', 'INVALID_REQUEST', `Unknown operation: ${what}.`);
  };
  app.addHook('onRequest', refuseUnknown);
  app.setNotFoundHandler(refuseUnknown);
}

/** Throws if a request must be refused regardless of its body. */
function admit(name: Operation, request: FastifyRequest, parts: RouteParts): void {
  parts.tally.countRequest(name);
  const teamId = resolveTeam(request.headers, parts.acceptedKey);
  checkBetaHeader(request.headers, parts.contract);
  const waitSeconds = name === 'create' ? parts.startRate.take(teamId) : null;
  if (waitSeconds === null) return;
  parts.tally.count('rateRefusals');
  throw createRateLimit(request.id, Math.ceil(waitSeconds));
}

async function handle(
  name: Operation,
  handler: Handler,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
): Promise<FastifyReply> {
  const teamId = resolveTeam(request.headers, parts.acceptedKey);
  const text = await handler({ name, teamId, request, reply });
  if (text === null) return reply;
  reply.type('application/json; charset=utf-8');
  if (text.length <= PIECE_LENGTH) return reply.send(text);
  // Send in pieces, so that a client that does not read holds one piece in memory rather than the whole text.
  return reply.header('content-length', Buffer.byteLength(text)).send(Readable.from(splitText(text)));
}

async function createRun(call: Call, parts: RouteParts): Promise<string | null> {
  const body = parseJsonBody(call.request.headers, call.request.body);
  const request = resolveCreate(body, parts.contract);
  // Only a rehearsal needs the subject.
  const subject = parts.script === null ? '' : nameSubject(request);
  const play = beginPlay(call, subject, parts);
  const run = parts.engine.create(call.teamId, request);
  parts.script?.remember(run.id, subject);
  await play.finish();
  if (!wantsEvents(call.request)) return run.text;
  streamLive(openStream(call, parts), run, parts, findFaultNumber(play.faults, 'cut_stream', 'afterEvents'));
  return null;
}

async function listRuns(call: Call, parts: RouteParts): Promise<string> {
  const { limit, before } = resolveRunPage(getQuery(call));
  const play = beginPlay(call, 'list', parts);
  const lagMs = findFaultNumber(play.faults, 'list_lags', 'lagMs');
  const newest = lagMs === null ? null : createIdBound(parts.clock.now() - lagMs);
  const bound = newest === null || (before !== null && before < newest) ? before : newest;
  const runs = parts.engine.list(call.teamId, { limit: limit + 1, before: bound });
  await play.finish();
  return writeRunPage(runs, limit);
}

async function getRun(call: Call, parts: RouteParts): Promise<string> {
  return await playOnRun(call, parts, async (id) => parts.engine.find(call.teamId, id).text);
}

async function cancelRun(call: Call, parts: RouteParts): Promise<string> {
  return await playOnRun(call, parts, async (id) => parts.engine.cancel(call.teamId, id).text);
}

async function stopRun(call: Call, parts: RouteParts): Promise<string> {
  return await playOnRun(call, parts, async (id) => (await parts.engine.stop(call.teamId, id)).text);
}

async function deleteRun(call: Call, parts: RouteParts): Promise<string> {
  return await playOnRun(call, parts, async (id) => {
    parts.engine.remove(call.teamId, id);
    return JSON.stringify({ id, object: 'agent_run.deleted', deleted: true });
  });
}

async function listEvents(call: Call, parts: RouteParts): Promise<string | null> {
  const id = getId(call);
  const play = beginPlay(call, nameRunSubject(id, parts), parts);
  const run = parts.engine.find(call.teamId, id);
  if (wantsEvents(call.request)) {
    const after = resolveLastEventId(call.request.headers['last-event-id']);
    await play.finish();
    const cutAfter = findFaultNumber(play.faults, 'cut_stream', 'afterEvents');
    streamStored(openStream(call, parts), run, after, parts, cutAfter);
    return null;
  }
  const { limit, after } = resolveEventPage(getQuery(call));
  const text = writeEventPage(parts.store.listEvents(run.id, after, limit + 1), limit, run);
  await play.finish();
  return text;
}

async function playOnRun(
  call: Call,
  parts: RouteParts,
  work: (id: string) => Promise<string>,
): Promise<string> {
  const id = getId(call);
  const play = beginPlay(call, nameRunSubject(id, parts), parts);
  const text = await work(id);
  await play.finish();
  return text;
}

/** Starts a request of a rehearsal: throws faults that replace it, and returns those to inject afterwards. */
function beginPlay(call: Call, subject: string, parts: RouteParts): Play {
  const faults = parts.script?.meetRequest(call.name, subject) ?? [];
  if (faults.length === 0) return CALM;
  const closed = new AbortController();
  call.reply.raw.once('close', () => closed.abort());
  const facts = {
    requestId: call.request.id,
    maxActiveRuns: parts.engine.readMaxActive(),
    clock: parts.clock,
    signal: closed.signal,
  };
  injectBefore(faults, facts);
  return { faults, finish: () => injectAfter(faults, facts) };
}

interface Play {
  readonly faults: readonly Fault[];
  finish(): Promise<void>;
}

const CALM: Play = { faults: [], finish: async () => {} };

function nameRunSubject(id: string, parts: RouteParts): string {
  return parts.script?.readSubject(id) ?? id;
}

function getId(call: Call): string {
  return resolveRunId((call.request.params as { readonly id?: unknown }).id);
}

function getQuery(call: Call): Readonly<Record<string, unknown>> {
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
