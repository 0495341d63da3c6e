import { createServer, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { CreateRunRequest } from '../../src/model/run.js';

/** The proxy's answer instead of the agent's; null passes the create through. */
export type Refuse = (create: CreateRunRequest) => { readonly status: number; readonly code: string } | null;

export interface RefusingProxy {
  readonly url: string;
  /** The creates that were refused. */
  readonly refused: readonly CreateRunRequest[];
}

/** A proxy before an agent that refuses creates chosen by the test and passes everything else through unchanged. */
export async function openRefusingProxy(target: string, refuse: Refuse): Promise<RefusingProxy> {
  const refused: CreateRunRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const create: CreateRunRequest | null =
        incoming.method === 'POST' && incoming.url === '/agent/runs' ? JSON.parse(body.toString()) : null;
      const refusal = create === null ? null : refuse(create);
      if (create !== null && refusal !== null) {
        refused.push(create);
        const error = { type: 'INVALID_REQUEST', code: refusal.code, message: 'This is not wanted here.' };
        outgoing.writeHead(refusal.status, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify({ error }));
        return;
      }
      const { host: _, ...headers } = incoming.headers;
      const forwarded = openRequest(
        `${target}${incoming.url}`,
        { method: incoming.method, headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        },
      );
      forwarded.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forwarded.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refused };
}
