import { readFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createSocketServer, type Server } from 'node:net';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { VERSION } from '../../src/model/version.js';
import { withClient } from '../helpers/open-client.js';
import {
  createRunJson,
  formatFrame,
  openEvents,
  openRawServer,
  type RawHandler,
  sendJson,
} from '../helpers/raw-server.js';

const KEY = 'sk-never-to-be-seen-0123456789';
const RUN = JSON.stringify(createRunJson('r'));
const QUICK = { retry: { maxRetries: 0 } };

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const sendBytes =
  (...pieces: readonly string[]): RawHandler =>
  async (_request, _response, socket) => {
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
    }
  };

describe('a request', () => {
  test('sends user agent, accept and beta headers', async () => {
    await withClient(
      (_request, response) => sendJson(response, 200, createRunJson('r')),
      { apiKey: `${KEY}\n` },
      async (both) => {
        await both.client.get('r');
        await both.client.create({ query: 'q' });
        const [get, post] = both.server.requests;
        expect(get?.headers).toMatchObject({
          accept: 'application/json',
          'x-api-key': KEY,
          'exa-beta': 'agent-2026-05-07',
          'user-agent': `rowfill/${VERSION}`,
        });
        expect(get?.headers['content-type']).toBeUndefined();
        expect(post?.headers['content-type']).toBe('application/json');
        expect(post?.body).toBe('{"query":"q"}');
      },
    );
  });

  test('has no key or beta header if none is set', async () => {
    await withClient(
      (_request, response) => sendJson(response, 200, createRunJson('r')),
      { betas: [] },
      async (both) => {
        await both.client.get('r');
        expect(both.server.requests[0]?.headers['x-api-key']).toBeUndefined();
        expect(both.server.requests[0]?.headers['exa-beta']).toBeUndefined();
      },
    );
  });

  test('accepts ids of 1 to 200 letters, digits and _ . : - and rejects all others', async () => {
    await withClient(
      (_request, response) => sendJson(response, 200, createRunJson('a.b:C_-9')),
      {},
      async (both) => {
        await both.client.get('a.b:C_-9');
        expect(both.server.requests[0]?.url).toBe('/agent/runs/a.b%3AC_-9');
        for (const id of [
          '',
          '.',
          '..',
          '...',
          'a/../b',
          'a?b',
          'é',
          '\ud800',
          'a\n',
          'a\u0000',
          'x'.repeat(201),
        ]) {
          await expect(both.client.delete(id)).rejects.toMatchObject({
            code: 'INVALID_RUN_ID',
            kind: 'usage',
          });
        }
        expect(both.server.requests).toHaveLength(1);
      },
    );
  });

  test('keeps the path prefix of the base URL', async () => {
    const server = await openRawServer((_request, response) => sendJson(response, 200, { data: [] }));
    const client = new AgentClient({ baseUrl: `${server.url}/exa/`, env: {} });
    await client.list({ limit: 5, cursor: 'a b' });
    expect(server.requests[0]?.url).toBe('/exa/agent/runs?limit=5&cursor=a+b');
    await client.close();
    await server.close();
  });
});

describe('a response', () => {
  test.each([
    ['gzip', gzipSync(RUN)],
    ['x-gzip', gzipSync(RUN)],
    ['deflate', deflateSync(RUN)],
    ['br', brotliCompressSync(RUN)],
  ])('in %s is decoded although it was not requested', async (encoding, bytes) => {
    await withClient(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
        response.end(bytes);
      },
      {},
      async ({ client }) => expect((await client.get('r')).id).toBe('r'),
    );
  });

  test('in broken gzip is an error', async () => {
    await withClient(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        response.end(gzipSync(RUN).subarray(0, 40));
      },
      QUICK,
      async ({ client }) => {
        await expect(client.get('r')).rejects.toMatchObject({ name: 'AgentError', kind: 'unreachable' });
      },
    );
  });

  test('that decompresses to far more than the limit is stopped early', async () => {
    await withClient(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        response.end(gzipSync(Buffer.alloc(50_000_000, 97)));
      },
      { maxResponseBytes: 1_000_000 },
      async ({ client, server }) => {
        await expect(client.get('r')).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
        expect(server.requests).toHaveLength(1);
      },
    );
  });

  test('with chunks and trailers is read', async () => {
    await withClient(
      sendBytes(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n',
        `${RUN.length.toString(16)};note="x"\r\n${RUN}\r\n0\r\nx-sum: 1\r\n\r\n`,
      ),
      {},
      async ({ client }) => expect((await client.get('r')).id).toBe('r'),
    );
  });

  test('is read byte by byte', async () => {
    const text = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${RUN.length}\r\n\r\n${RUN}`;
    await withClient(sendBytes(...text), {}, async ({ client }) =>
      expect((await client.get('r')).id).toBe('r'),
    );
  });

  test('with a byte-order mark is read', async () => {
    await withClient(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`\uFEFF${RUN}`);
      },
      {},
      async ({ client }) => expect((await client.get('r')).id).toBe('r'),
    );
  });

  test('that stalls is a timeout', async () => {
    const options = { ...QUICK, timeouts: { bodyIdleMs: 1_000 } };
    await withClient(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"id":');
      },
      options,
      async ({ client }) => {
        await expect(client.get('r')).rejects.toMatchObject({ code: 'TIMED_OUT', status: null });
      },
    );
  });

  test('that trickles in beyond the request timeout is a timeout', async () => {
    let stop = false;
    const trickle: RawHandler = async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      while (!stop) {
        response.write(' ');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await withClient(trickle, { ...QUICK, timeouts: { requestMs: 50 } }, async ({ client }) => {
      await expect(client.get('r')).rejects.toMatchObject({ code: 'TIMED_OUT' });
      stop = true;
    });
  });

  test('of 204 to a GET is not accepted as a run', async () => {
    await withClient(
      (_request, response) => void response.writeHead(204).end(),
      {},
      async ({ client, server }) => {
        await expect(client.get('r')).rejects.toMatchObject({ code: 'NOT_THE_API' });
        expect(server.requests).toHaveLength(1);
      },
    );
  });
});

describe('the key', () => {
  test('is not sent to a redirect target', async () => {
    const other = await openRawServer((_request, response) => sendJson(response, 200, createRunJson('r')));
    for (const status of [301, 302, 303, 307, 308]) {
      await withClient(
        (_request, response) => {
          response.writeHead(status, { location: `${other.url}/agent/runs/r` }).end();
        },
        { apiKey: KEY },
        async ({ client }) => {
          await expect(client.get('r')).rejects.toMatchObject({ code: 'REDIRECTED', status });
        },
      );
    }
    expect(other.requests).toHaveLength(0);
    await other.close();
  });

  test('is masked in responses', async () => {
    await withClient(
      (request, response) =>
        sendJson(response, 401, { error: `Unknown key ${request.headers['x-api-key']}` }),
      { apiKey: KEY },
      async ({ client }) => {
        await expect(client.get('r')).rejects.toMatchObject({
          message: expect.stringContaining('Unknown key ***'),
        });
      },
    );
  });

  test('is not sent unencrypted to another machine', () => {
    expect(() => new AgentClient({ baseUrl: 'http://agent.example', apiKey: KEY, env: {} })).toThrow(
      expect.objectContaining({ code: 'KEY_OVER_PLAIN_HTTP', message: expect.not.stringContaining(KEY) }),
    );
  });

  test('is rejected if it cannot be a header, and not shown', () => {
    expect(() => new AgentClient({ apiKey: 'sk one\ntwo', env: {} })).toThrow(
      expect.objectContaining({ code: 'INVALID_API_KEY', message: expect.not.stringContaining('two') }),
    );
  });
});

describe('a proxy', () => {
  /** A proxy that tunnels every CONNECT to one port of this machine. */
  const openProxy = async (targetPort: number, tunnels: string[]): Promise<number> => {
    const proxy = createProxy();
    proxy.on('connect', (request, socket) => {
      tunnels.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      const onward = connect(targetPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    return listen(proxy);
  };

  test('from the environment carries the request, including the key', async () => {
    const tunnels: string[] = [];
    const server = await openRawServer((_request, response) => sendJson(response, 200, createRunJson('r')));
    const port = await openProxy(Number(new URL(server.url).port), tunnels);
    const client = new AgentClient({
      baseUrl: 'http://agent.example:8080',
      env: { HTTP_PROXY: `http://me:hunter2@127.0.0.1:${port}` },
    });
    expect((await client.get('r')).id).toBe('r');
    expect(tunnels).toEqual([`agent.example:8080 Basic ${Buffer.from('me:hunter2').toString('base64')}`]);
    await client.close();
    await server.close();
  });

  test.each([
    ['hunter%2', 'hunter%2'],
    ['50%', '50%'],
    ['%ff', '%ff'],
    ['a%40b%25', 'a@b%'],
    ['%zz%40', '%zz@'],
  ])('reads the password %s as %s', async (written, meant) => {
    const tunnels: string[] = [];
    const server = await openRawServer((_request, response) => sendJson(response, 200, createRunJson('r')));
    const port = await openProxy(Number(new URL(server.url).port), tunnels);
    const client = new AgentClient({
      baseUrl: 'http://agent.example',
      env: { HTTP_PROXY: `http://me:${written}@127.0.0.1:${port}` },
    });
    expect((await client.get('r')).id).toBe('r');
    expect(tunnels).toEqual([`agent.example:80 Basic ${Buffer.from(`me:${meant}`).toString('base64')}`]);
    await client.close();
    await server.close();
  });

  test.each(['socks5', 'socks5h', 'socks'])('with scheme %s resolves the host name itself', async (kind) => {
    const server = await openRawServer((_request, response) => sendJson(response, 200, createRunJson('r')));
    const proxy = await openSocksProxy(Number(new URL(server.url).port));
    const client = new AgentClient({
      baseUrl: 'http://agent.example:8080',
      env: { ALL_PROXY: `${kind}://me:50%25@127.0.0.1:${proxy.port}` },
    });
    expect((await client.get('r')).id).toBe('r');
    expect(proxy.seen).toEqual(['me', '50%', 'agent.example:8080']);
    await client.close();
    await server.close();
  });

  /** A SOCKS 5 proxy that requires a password and always connects to one port, whatever the client requests. */
  async function openSocksProxy(port: number): Promise<{ readonly port: number; readonly seen: string[] }> {
    const seen: string[] = [];
    const proxy = createSocketServer((socket) => {
      let step = 0;
      socket.on('error', () => {});
      socket.on('data', (data) => {
        if (step === 0) socket.write(Buffer.from([5, 2]));
        else if (step === 1) {
          const user = data.subarray(2, 2 + (data[1] ?? 0));
          seen.push(user.toString(), data.subarray(3 + user.length).toString());
          socket.write(Buffer.from([1, 0]));
        } else if (step === 2) {
          const name = data.subarray(5, 5 + (data[4] ?? 0)).toString();
          seen.push(`${name}:${data.readUInt16BE(data.length - 2)}`);
          const onward = connect(port, '127.0.0.1', () => {
            socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
            socket.removeAllListeners('data');
            socket.pipe(onward).pipe(socket);
          });
          onward.on('error', () => socket.destroy());
          socket.on('close', () => onward.destroy());
        }
        step += 1;
      });
    });
    return { port: await listen(proxy), seen };
  }

  test('is not used for this machine', async () => {
    const proxied: string[] = [];
    const port = await openProxy(1, proxied);
    await withClient(
      (_request, response) => sendJson(response, 200, createRunJson('r')),
      { env: { HTTP_PROXY: `http://127.0.0.1:${port}` } },
      async ({ client }) => expect((await client.get('r')).id).toBe('r'),
    );
    expect(proxied).toEqual([]);
  });

  test('that refuses is named without its password, and nothing was created', async () => {
    const proxy = createProxy();
    proxy.on('connect', (_request, socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
    );
    const port = await listen(proxy);
    const client = new AgentClient({
      baseUrl: 'https://agent.example',
      apiKey: KEY,
      env: { HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${port}` },
    });
    const error: unknown = await client.start({ query: 'q' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PROXY_REFUSED', outcome: 'not_created' });
    expect(String(error)).not.toContain('hunter2');
    await client.close();
  });
});

describe('a certificate', () => {
  const tls = (name: string): string =>
    readFileSync(new URL(`../helpers/tls/${name}.pem`, import.meta.url), 'utf8');
  const openTls = (): Promise<number> =>
    listen(
      createTlsServer({ key: tls('key'), cert: tls('cert') }, (_request, response) =>
        sendJson(response, 200, createRunJson('r')),
      ),
    );

  test('from a private CA is accepted once it is configured', async () => {
    const client = new AgentClient({
      baseUrl: `https://127.0.0.1:${await openTls()}`,
      apiKey: KEY,
      ca: tls('cert'),
      env: {},
    });
    expect((await client.get('r')).id).toBe('r');
    await client.close();
  });

  test('from an unknown CA is rejected at once, before the key or a create is sent', async () => {
    const client = new AgentClient({ baseUrl: `https://127.0.0.1:${await openTls()}`, apiKey: KEY, env: {} });
    await expect(client.get('r')).rejects.toMatchObject({
      code: 'TLS_ERROR',
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    await expect(client.start({ query: 'q' })).rejects.toMatchObject({ outcome: 'not_created' });
    expect(client.requests).toBe(2);
    await client.close();
  });
});

test('gzipped events arrive as they are sent, not at the end', async () => {
  await withClient(
    (_request, response) => {
      openEvents(response, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(formatFrame('1', 'agent_run.created', { id: 'r' }));
      gzip.flush();
    },
    {},
    async ({ client }) => {
      const started = await client.start({ query: 'q' });
      expect(started.id).toBe('r');
      started.close();
    },
  );
});
