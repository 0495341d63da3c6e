import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Contract } from '../../src/server/contract.js';
import { readFrames } from './read-frames.js';
import { createFrameSchemas, createResponseSchemas, type ResponseKind } from './response-schemas.js';

const CHECKERS = { '2026-05-07': createChecker('2026-05-07'), current: createChecker('current') };

/** A fetch that validates every response against the schemas of a contract, and throws if one is invalid. */
export function createCheckedFetch(contract: Contract): typeof fetch {
  const checker = CHECKERS[contract];
  return async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    if (!/^req_[0-9a-f-]{36}$/.test(response.headers.get('x-request-id') ?? '')) {
      throw new Error(`No x-request-id in the answer to ${request.method} ${request.url}`);
    }
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return new Response(response.body?.pipeThrough(createFrameCheck(checker)) ?? null, response);
    }
    const text = await response.text();
    const { pathname } = new URL(request.url);
    if (pathname !== '/__rehearsal') checker.checkBody(request.method, pathname, response, text);
    return new Response(text, response);
  };
}

interface Checker {
  checkBody(method: string, path: string, response: Response, text: string): void;
  checkFrames(text: string): void;
}

function createChecker(contract: Contract): Checker {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  formats.default(ajv);
  const bodies = compileAll(ajv, createResponseSchemas(contract));
  const frames = compileAll(ajv, createFrameSchemas(contract));

  function checkBody(method: string, path: string, response: Response, text: string): void {
    const type = response.headers.get('content-type');
    if (type === 'text/html' && response.status === 502) return;
    if (type !== 'application/json; charset=utf-8')
      throw new Error(`${method} ${path} answered with ${type}`);
    const body: unknown = JSON.parse(text);
    const kind = nameKind(method, path, response.status, body);
    check(bodies.get(kind), body, `${response.status} ${method} ${path} as ${kind}`);
  }

  function checkFrames(text: string): void {
    if (text.includes('\r')) throw new Error('A stream holds a carriage return.');
    const events = readFrames(text);
    events.forEach((event, index) => {
      check(frames.get(event.event), event.data, `event ${event.event}`);
      const previous = events[index - 1];
      if (previous !== undefined && event.id !== previous.id + 1) throw new Error('Event ids skip a number.');
      if (previous !== undefined && isLast(previous.event)) throw new Error('An event follows the last one.');
    });
  }

  return { checkBody, checkFrames };
}

function isLast(event: string): boolean {
  return event !== 'agent_run.created' && event !== 'agent_run.started';
}

function nameKind(method: string, path: string, status: number, body: unknown): ResponseKind {
  if (status !== 200) {
    const error = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
    return typeof error === 'string' ? 'gatewayError' : 'error';
  }
  if (method === 'DELETE') return 'deleted';
  if (path.endsWith('/events')) return 'eventPage';
  return method === 'GET' && path === '/agent/runs' ? 'runPage' : 'run';
}

function createFrameCheck(checker: Checker): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let text = '';
  return new TransformStream({
    transform(chunk, controller) {
      text += decoder.decode(chunk, { stream: true });
      controller.enqueue(chunk);
    },
    flush: () => checker.checkFrames(text),
  });
}

function compileAll(ajv: Ajv2020, schemas: Readonly<Record<string, object>>): Map<string, ValidateFunction> {
  return new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));
}

function check(validate: ValidateFunction | undefined, value: unknown, what: string): void {
  if (validate === undefined) throw new Error(`${what} is not known to the contract.`);
  if (validate(value)) return;
  const errors = (validate.errors ?? []).map(
    (error: ErrorObject) => `${error.instancePath} ${error.message}`,
  );
  throw new Error(
    `${what} breaks its schema: ${errors.join('; ')}\n${JSON.stringify(value).slice(0, 2_000)}`,
  );
}
