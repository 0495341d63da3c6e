import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A page of the server. A text is an HTML page. */
export type ServedPage =
  | string
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string | string[]>>;
      readonly body?: string | Uint8Array;
    }
  | RequestListener;

export interface SeenRequest {
  readonly host: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface PageServer {
  readonly port: number;
  /** `127.0.0.1:PORT`, as `--fetch-private` takes it. */
  readonly host: string;
  readonly url: string;
  /** Requests in the order of their arrival, those for robots.txt included. */
  readonly requests: readonly SeenRequest[];
  /** The paths requested, without robots.txt. */
  paths(): readonly string[];
  /** The most requests that were open at a time for one `Host`. */
  readonly mostAtOnce: number;
}

/**
 * Serves pages by path on a free port of 127.0.0.1 until the test ends. A key that ends in `*` is for all paths that
 * start like it. Other paths answer 404.
 */
export async function servePages(pages: Readonly<Record<string, ServedPage>>): Promise<PageServer> {
  const requests: SeenRequest[] = [];
  const open = new Map<string, number>();
  let mostAtOnce = 0;
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    const { url: path = '/', headers } = request;
    const { host = '' } = headers;
    requests.push({ host, path, headers });
    open.set(host, (open.get(host) ?? 0) + 1);
    mostAtOnce = Math.max(mostAtOnce, open.get(host) ?? 0);
    response.on('close', () => open.set(host, (open.get(host) ?? 1) - 1));
    const prefix = Object.keys(pages).find((key) => key.endsWith('*') && path.startsWith(key.slice(0, -1)));
    const page = pages[path] ?? pages[prefix ?? ''];
    if (typeof page === 'function') return page(request, response);
    const {
      status = 200,
      body = '',
      headers: extra = {},
    } = page === undefined ? { status: 404 } : typeof page === 'string' ? { body: page } : page;
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...extra });
    // The page is counted as open until it is sent.
    setImmediate(() => response.end(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    port,
    host,
    url: `http://${host}`,
    requests,
    paths: () => requests.map(({ path }) => path).filter((path) => path !== '/robots.txt'),
    get mostAtOnce() {
      return mostAtOnce;
    },
  };
}
