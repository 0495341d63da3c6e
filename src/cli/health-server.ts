import { once } from 'node:events';
import { createServer } from 'node:http';
import { createUsageError, describeError } from '../errors.js';
import type { JsonObject } from '../model/json.js';

const HOST = '127.0.0.1';

/** Answers `GET /healthz` on loopback: 200 with the status while all is well, 503 while it is not. */
export async function openHealthServer(
  port: number,
  readStatus: () => JsonObject,
): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const isKnown = request.method === 'GET' && request.url === '/healthz';
    const body = isKnown ? readStatus() : { status: 'not found' };
    const status = isKnown ? (body.status === 'ok' ? 200 : 503) : 404;
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
