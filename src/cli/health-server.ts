import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { createUsageError, describeError, type RowfillError } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import { createCallerCheck } from '../server/check-caller.js';

const LOOPBACK = '127.0.0.1';
/** Others may reach this server, and must not use up the connections of the job. */
const MAX_CONNECTIONS = 64;
const JSON_TYPE = 'application/json';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What the pages show, read anew for each request. */
export interface HealthPages {
  readonly readStatus: () => Promise<JsonObject>;
  readonly readMetrics: () => Promise<string>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Answers `GET /healthz` (200 with the status while all is well, 503 in trouble) and `GET /metrics`; 403 to web pages
 * elsewhere. `address` is `PORT` on loopback, or `HOST:PORT`. `allowedHosts` are the names that it answers to besides
 * `localhost` and that of `address`.
 */
export async function openHealthServer(
  address: string,
  pages: HealthPages,
  allowedHosts: readonly string[] = [],
): Promise<{ readonly url: string; close(): void }> {
  const { host, port } = parseHealthAddress(address);
  const checkCaller = createCallerCheck(isIP(host) === 0 ? [...allowedHosts, host] : allowedHosts);
  const server = createServer(async (request, response) => {
    const { status, type, body } = await createAnswer(request, checkCaller(request), pages);
    response.writeHead(status, { 'content-type': type, connection: 'close' });
    response.end(body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw refuseAddress(`--health: cannot listen on ${host} port ${port}: ${describeError(error)}`, error);
  }
  const taken = server.address();
  const place = isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${place}:${typeof taken === 'object' && taken !== null ? taken.port : port}/healthz`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Reads `PORT`, `HOST:PORT` or `[IPv6]:PORT`. */
export function parseHealthAddress(text: string): { readonly host: string; readonly port: number } {
  const [, place, digits] = /^(?:(\[[^\]]*\]|[^:]*):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const port = Number(digits);
  const host = place === undefined ? LOOPBACK : place.replace(/^\[(.*)\]$/, '$1');
  const isBracketed = place?.startsWith('[') === true;
  const isHost = isBracketed ? isIPv6(host) : /^[\w.-]+$/.test(host);
  if (digits !== undefined && port <= 65_535 && isHost) return { host, port };
  throw refuseAddress(`--health is ${text}, which is not a port or an address`);
}

function refuseAddress(message: string, cause?: unknown): RowfillError {
  return createUsageError(
    'HEALTH_PORT',
    message,
    'Give a free port, such as 8099 (0 for any), or an address of this machine with it: 0.0.0.0:8099 or [::]:8099.',
    cause,
  );
}

async function createAnswer(
  request: IncomingMessage,
  refusal: string | null,
  { readStatus, readMetrics }: HealthPages,
): Promise<Answer> {
  if (refusal !== null) return createJson(403, { status: 'refused', message: refusal });
  const path = request.url?.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '');
  if (request.method === 'GET' && path === '/metrics')
    return { status: 200, type: METRICS_TYPE, body: await readMetrics() };
  if (request.method !== 'GET' || path !== '/healthz') return createJson(404, { status: 'not found' });
  const body = await readStatus();
  return createJson(body.status === 'ok' ? 200 : 503, body);
}

function createJson(status: number, body: JsonObject): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}
