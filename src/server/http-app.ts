import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { describeError } from '../errors.js';
import { createCallerCheck } from './check-caller.js';
import { createGatewayError, createInvalid, createRefusal, Disconnect, Refusal } from './refusal.js';

/** Maximum size of a request body. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Maximum total size of all bodies being read. */
const MAX_OPEN_BODY_BYTES = 256 * 1024 * 1024;
/** Bytes to read and discard from the body of a refused request, so that the client sees the response. */
const MAX_DRAINED_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
const SILENCE_TIMEOUT_MS = 300_000;
const HEADERS_TIMEOUT_MS = 20_000;
const MAX_CONNECTIONS = 2_048;

interface HttpAppOptions {
  /** True if a browser may open `/` from another site, as by a link. @default false */
  readonly hasPage?: boolean;
  /** How to answer an error that is no Refusal; null for the default. */
  readonly readError?: (error: Error) => Refusal | null;
}

/**
 * The HTTP layer without routes. Bodies arrive as bytes, and every error is sent in the API's envelope.
 * Requests from web pages of other origins are refused. `allowedHosts` are accepted host names in addition to
 * `localhost`.
 */
export function createHttpApp(
  allowedHosts: readonly string[] = [],
  { hasPage = false, readError = () => null }: HttpAppOptions = {},
): FastifyInstance {
  const checkCaller = createCallerCheck(allowedHosts, hasPage);
  const refuseCaller = (request: FastifyRequest): Refusal | null => {
    const reason = checkCaller(request.raw);
    if (reason === null) return null;
    // Close the connection, so that we need not read the rest of the body.
    const headers = { connection: 'close' };
    return createRefusal(403, 'INVALID_REQUEST', 'INVALID_REQUEST', reason, {}, headers);
  };
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    genReqId: () => `req_${randomUUID()}`,
    routerOptions: { maxParamLength: 4_096 },
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (error, request, reply) => sendError(refuseCaller(request) ?? error, request, reply),
  });
  app.server.headersTimeout = HEADERS_TIMEOUT_MS;
  app.server.maxConnections = MAX_CONNECTIONS;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const refusal = refuseCaller(request);
    if (refusal !== null) throw refusal;
  });
  limitOpenBodies(app);
  app.setErrorHandler((error: FastifyError, request, reply) =>
    sendError(readError(error) ?? error, request, reply),
  );
  return app;
}

/** Refuses bodies when too many bytes are being read. Bodies of unknown length count as the maximum size. */
function limitOpenBodies(app: FastifyInstance): void {
  const open = new Map<FastifyRequest, number>();
  let openBytes = 0;
  const release = (request: FastifyRequest): void => {
    openBytes -= open.get(request) ?? 0;
    open.delete(request);
  };
  app.addHook('preParsing', async (request, reply) => {
    const bytes = parseBodyLength(request);
    if (bytes === 0) return;
    if (openBytes + bytes > MAX_OPEN_BODY_BYTES) {
      const message = 'The server is reading too many large requests. Try again later.';
      throw createGatewayError(503, 'SERVICE_OVERLOADED', message, request.id, 1);
    }
    openBytes += bytes;
    open.set(request, bytes);
    reply.raw.once('close', () => release(request));
  });
  app.addHook('preValidation', async (request) => release(request));
}

function parseBodyLength({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return MAX_BODY_BYTES;
  return Math.min(MAX_BODY_BYTES, Number(headers['content-length'] ?? 0) || 0);
}

/** Discards the start of a refused body, then breaks the connection. */
function drainBody({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  let bytes = 0;
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) raw.socket.destroy();
  });
}

function sendError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Disconnect) {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  drainBody(request);
  const { status, headers, body } = error instanceof Refusal ? error : toRefusal(error);
  const isPage = typeof body === 'string';
  return reply
    .code(status)
    .headers({ ...headers, 'x-request-id': request.id })
    .type(isPage ? 'text/html' : 'application/json; charset=utf-8')
    .send(isPage ? body : JSON.stringify(body));
}

function toRefusal(error: Error & { readonly statusCode?: number }): Refusal {
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    // Only an oversized body has its own status; all other request errors are 400.
    return createRefusal(status === 413 ? 413 : 400, 'INVALID_REQUEST', 'INVALID_REQUEST', error.message);
  }
  return createRefusal(500, 'SERVER_ERROR', 'SERVER_ERROR', 'The server failed to answer this request.');
}

/** Responds to invalid HTTP, or to a request that timed out. */
function refuseBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const refusal = createRefusal(
    status,
    'INVALID_REQUEST',
    'INVALID_REQUEST',
    'The request is not valid HTTP.',
  );
  const body = JSON.stringify(refusal.body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Parses the JSON body of a request. */
export function parseJsonBody(headers: IncomingHttpHeaders, body: unknown): unknown {
  const type = headers['content-type'];
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw createInvalid(`Send the body as application/json, not as ${JSON.stringify(type.slice(0, 100))}.`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw createInvalid(`The content-encoding ${JSON.stringify(encoding.slice(0, 100))} is not supported.`);
  }
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw createInvalid('The body is empty. Send a JSON object.');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw createInvalid(`The body is not valid JSON: ${describeError(error)}`);
  }
}
