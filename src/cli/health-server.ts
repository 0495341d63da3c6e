import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createUsageError, describeError } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import { createCallerCheck } from '../server/check-caller.js';

const HOST = '127.0.0.1';

/**
 * Answers `GET /healthz` on loopback: 200 with the status while all is well, 503 while it is not, 403 to web pages
 * elsewhere. `allowedHosts` are the names that it answers to besides `localhost`.
 */
export async function openHealthServer(
  port: number,
  readStatus: () => JsonObject,
  allowedHosts: readonly string[] = [],
): Promise<{ readonly url: string; close(): void }> {
  const checkCaller = createCallerCheck(allowedHosts);
  const answer = (request: IncomingMessage): { readonly status: number; readonly body: JsonObject } => {
    const reason = checkCaller(request);
    if (reason !== null) return { status: 403, body: { status: 'refused', message: reason } };
    const path = request.url?.replace(/^http:\/\/[^/]*/i, '');
    if (request.method !== 'GET' || path !== '/healthz')
      return { status: 404, body: { status: 'not found' } };
    const body = readStatus();
    return { status: body.status === 'ok' ? 200 : 503, body };
  };
  const server = createServer((request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(`${JSON.stringify(body)}\n`);
  });
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch (error) {
    throw createUsageError(
      'HEALTH_PORT',
      `--health: port ${port} cannot be listened on: ${describeError(error)}`,
      'Give a port that no other program uses, or 0 for any free one.',
      error,
    );
  }
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${HOST}:${taken}/healthz`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
