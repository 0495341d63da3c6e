import { onTestFinished } from 'vitest';
import type { AgentRun } from '../../src/model/run.js';
import type { Contract } from '../../src/server/contract.js';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { createCheckedFetch } from './checked-fetch.js';
import { type Frame, readFrames } from './read-frames.js';
import { ScriptedAgent } from './scripted-agent.js';

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests read bodies of many shapes, each already checked against its schema.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

/** A server for the running test, and a client that checks every response against the contract. */
export interface Served {
  readonly server: RunningServer;
  readonly contract: Contract;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  create(body: object, options?: CallOptions): Promise<AgentRun>;
  /** Opens a stream. Resolves with the response once its headers arrive. */
  open(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** Creates a run as a stream and reads it to the end. */
  stream(body: object, options?: CallOptions): Promise<Frame[]>;
  /** Creates a run and returns it once it has ended. */
  finish(body: object, options?: CallOptions): Promise<AgentRun>;
  get(id: string): Promise<AgentRun>;
}

/** Starts a server that is closed when the test ends. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Served> {
  const contract = options.contract ?? '2026-05-07';
  const server = await startServer({ agent: new ScriptedAgent(), ...options });
  onTestFinished(() => server.close());
  return createClient(server, contract);
}

function createClient(server: RunningServer, contract: Contract): Served {
  const checkedFetch = createCheckedFetch(contract);

  function open(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { body } = options;
    return checkedFetch(`${server.url}${path}`, {
      method,
      headers: {
        'x-api-key': 'test-key',
        ...(contract === 'current' ? {} : { 'exa-beta': 'agent-2026-05-07' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const response = await open(method, path, options);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: readBody(text) };
  }

  async function create(body: object, options: CallOptions = {}): Promise<AgentRun> {
    const answer = await call('POST', '/agent/runs', { ...options, body });
    if (answer.status !== 200) throw new Error(`Not created: ${answer.text}`);
    return answer.body;
  }

  async function stream(body: object, options: CallOptions = {}): Promise<Frame[]> {
    const headers = { accept: 'text/event-stream', ...options.headers };
    const response = await open('POST', '/agent/runs', { ...options, body, headers });
    return readFrames(await response.text());
  }

  async function get(id: string): Promise<AgentRun> {
    return (await call('GET', `/agent/runs/${id}`)).body;
  }

  async function finish(body: object, options: CallOptions = {}): Promise<AgentRun> {
    const [created] = await stream(body, options);
    return get(readId(created?.data));
  }

  return { server, contract, call, create, open, stream, finish, get };
}

/** The id in the data of an event. */
export function readId(data: unknown): string {
  return typeof data === 'object' && data !== null ? String(Reflect.get(data, 'id')) : '';
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
