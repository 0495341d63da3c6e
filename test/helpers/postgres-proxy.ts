import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Stands between a ledger and its server. */
export interface PostgresProxy {
  /** The URL of the ledger through the proxy. */
  readonly url: string;
  /** Connections that were made so far. */
  readonly connections: number;
  /** Pieces of requests that came so far. A short message is one. */
  readonly messages: number;
  /**
   * From the next message on: `pass` all; `swallow` requests; `mute` replies, after the server has done what it was
   * asked; `keep` requests until the next call.
   */
  behave(how: Behavior): void;
}

type Behavior = 'pass' | 'swallow' | 'mute' | 'keep';

/** Opens a proxy in front of a ledger's URL, until the test ends. */
export async function openPostgresProxy(url: string): Promise<PostgresProxy> {
  let behavior: Behavior = 'pass';
  let connections = 0;
  let messages = 0;
  const kept: (() => void)[] = [];
  const server = createServer((client) => {
    connections += 1;
    const upstream = connectTo(url);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('data', (bytes) => {
      messages += 1;
      if (behavior === 'keep') kept.push(() => void upstream.write(bytes));
      else if (behavior !== 'swallow') upstream.write(bytes);
    });
    upstream.on('data', (bytes) => void (behavior === 'mute' || client.write(bytes)));
    // The server does not hear that a kept request has lost its sender.
    client.on('close', () => void (kept.length > 0 || upstream.destroy()));
    upstream.on('close', () => client.destroy());
    onTestFinished(() => void upstream.destroy());
  });
  return {
    url: await listen(server, url),
    get connections() {
      return connections;
    },
    get messages() {
      return messages;
    },
    behave(how) {
      behavior = how;
      for (const send of kept.splice(0)) send();
    },
  };
}

/** Listens in place of the server of a URL. Returns the URL that leads here. */
async function listen(server: Server, url: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-proxy-'));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const own = new URL(url);
  const isSocket = own.searchParams.has('host');
  await new Promise<void>((resolve) =>
    isSocket
      ? void server.listen(join(folder, '.s.PGSQL.5432'), resolve)
      : void server.listen(0, '127.0.0.1', resolve),
  );
  const address = server.address();
  if (isSocket) own.searchParams.set('host', folder);
  else if (address !== null && typeof address === 'object') own.host = `127.0.0.1:${address.port}`;
  return own.href;
}

/** Connects to the server of a URL. */
export function connectTo(url: string): Socket {
  const { hostname, port, searchParams } = new URL(url);
  const folder = searchParams.get('host');
  return folder === null
    ? createConnection(Number(port === '' ? 5432 : port), hostname)
    : createConnection(join(folder, '.s.PGSQL.5432'));
}

/** A pooler in transaction mode: each transaction may get another session than the one before it. */
export async function openPooler(url: string, sessions = 3): Promise<string> {
  const server = createServer((client) => {
    client.on('error', () => undefined);
    new PooledClient(client, url, sessions);
  });
  return listen(server, url);
}

/** Length of the header of a message: its type and its length, which counts itself. */
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const READY_FOR_QUERY = 'Z'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);

/** A client of the pooler. What it asks before it has its reply waits for the end of the transaction, and its order is kept. */
class PooledClient {
  readonly #client: Socket;
  readonly #sessions: Socket[] = [];
  readonly #waiting: Buffer[] = [];
  #next = 0;
  #isAsking = false;

  constructor(client: Socket, url: string, sessions: number) {
    this.#client = client;
    for (let index = 0; index < sessions; index += 1) {
      const session = connectTo(url);
      session.on('error', () => undefined);
      client.on('close', () => session.destroy());
      this.#sessions.push(session);
    }
    client.once('data', (startup) => this.#start(startup));
  }

  /** All sessions get the startup message; the client hears the first. */
  #start(startup: Buffer): void {
    let ready = 0;
    for (const [index, session] of this.#sessions.entries()) {
      session.write(startup);
      readUntilReady(session, (bytes, isReady) => {
        if (index === 0) this.#client.write(bytes.subarray(0, isReady ? bytes.length - 6 : bytes.length));
        ready += isReady ? 1 : 0;
        if (ready === this.#sessions.length) this.#serve(bytes.subarray(bytes.length - 6));
        return isReady;
      });
    }
  }

  #serve(greeting: Buffer): void {
    readMessages(this.#client, (message) => {
      this.#waiting.push(message);
      this.#forward();
    });
    this.#client.write(greeting);
  }

  #forward(): void {
    const session = this.#sessions[this.#next];
    if (session === undefined || this.#isAsking || this.#waiting.length === 0) return;
    this.#isAsking = true;
    session.write(this.#waiting.shift() ?? '');
    readUntilReady(session, (bytes, isReady) => {
      this.#client.write(bytes);
      if (!isReady) return false;
      // A transaction keeps its session.
      if (bytes.at(-1) === IDLE) this.#next = (this.#next + 1) % this.#sessions.length;
      this.#isAsking = false;
      // In a later turn, so that this listener is gone.
      setImmediate(() => this.#forward());
      return true;
    });
  }
}

/** Passes on each whole message of a client. */
function readMessages(socket: Socket, onMessage: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= TYPE_BYTES + LENGTH_BYTES) {
      const length = TYPE_BYTES + rest.readUInt32BE(TYPE_BYTES);
      if (rest.length < length) return;
      onMessage(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}

/** Passes on what a server says until `onBytes` returns true. `isReady` once it waits for the next request. */
function readUntilReady(socket: Socket, onBytes: (bytes: Buffer, isReady: boolean) => boolean): void {
  let rest = Buffer.alloc(0);
  const read = (bytes: Buffer): void => {
    rest = Buffer.concat([rest, bytes]);
    let isReady = false;
    let end = 0;
    while (rest.length - end >= TYPE_BYTES + LENGTH_BYTES) {
      const length = TYPE_BYTES + rest.readUInt32BE(end + TYPE_BYTES);
      if (rest.length - end < length) break;
      isReady = rest[end] === READY_FOR_QUERY;
      end += length;
    }
    const whole = rest.subarray(0, end);
    rest = rest.subarray(end);
    if (whole.length > 0 && onBytes(whole, isReady)) socket.off('data', read);
  };
  socket.on('data', read);
}
