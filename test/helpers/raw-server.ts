import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as received. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface RawServer {
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly RawRequest[];
  /** Currently open connections. */
  readonly sockets: ReadonlySet<Socket>;
  /** Number of connections opened so far. */
  readonly accepted: number;
  close(): Promise<void>;
}

export type RawHandler = (
  request: RawRequest,
  response: ServerResponse,
  socket: Socket,
) => void | Promise<void>;

/** A bare HTTP server on a free loopback port that sends exactly the bytes the test gives. */
export async function openRawServer(handler: RawHandler): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    void readBody(incoming).then((body) => {
      const request = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body,
      };
      requests.push(request);
      return handler(request, response, incoming.socket);
    });
  });
  let accepted = 0;
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    sockets,
    get accepted() {
      return accepted;
    },
    close: () => closeServer(server),
  };
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

/** Starts an event stream. */
export function openEvents(response: ServerResponse, headers = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
}

/** One frame of an event stream. */
export function formatFrame(id: string, event: string, data: unknown, newline = '\n'): string {
  return [`id: ${id}`, `event: ${event}`, `data: ${JSON.stringify(data)}`, '', ''].join(newline);
}

/** A valid run by the contract, with the test's changes. */
export function createRunJson(id: string, over: Readonly<Record<string, unknown>> = {}): object {
  return {
    id,
    object: 'agent_run',
    status: 'completed',
    stopReason: 'schema_satisfied',
    createdAt: '2026-05-07T18:31:00.000Z',
    completedAt: '2026-05-07T18:32:00.000Z',
    request: { query: 'q' },
    output: { text: 'done', structured: { rows: [] }, grounding: [] },
    usage: { agentComputeUnits: 1, searches: 2, emails: 0, phoneNumbers: 0 },
    costDollars: { total: 0.025, agentCompute: 0.015, search: 0.01, emails: 0, phoneNumbers: 0 },
    ...over,
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
