import type { IncomingHttpHeaders } from 'node:http';
import { describeError } from '../errors.js';
import { createInvalid } from './refusal.js';

/** The JSON value in the body of a request. */
export function readJsonBody(headers: IncomingHttpHeaders, body: unknown): unknown {
  const type = headers['content-type'];
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw createInvalid(
      `Send the body as application/json; it came as ${JSON.stringify(type.slice(0, 100))}.`,
    );
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw createInvalid(
      `A body in content-encoding ${JSON.stringify(encoding.slice(0, 100))} is not read here.`,
    );
  }
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw createInvalid('The body is empty; send a JSON object.');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw createInvalid(`The body is no JSON: ${describeError(error)}`);
  }
}
