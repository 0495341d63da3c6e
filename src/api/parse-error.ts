import { isJsonObject, type JsonObject } from '../model/json.js';

/** What an error answer says of itself; null where it says nothing. */
export interface ErrorAnswer {
  /** True for an error in one of the two JSON shapes the service uses: the agent itself, or its gateway, said no. */
  readonly wellFormed: boolean;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string | null;
}

const MAX_MESSAGE = 500;

/** Reads the three shapes of an error body: nested `{error: {…}}`, flat `{error: "…", tag}`, or anything else. */
export function parseErrorAnswer(body: string): ErrorAnswer {
  const json = readJsonObject(body);
  if (json !== null && isJsonObject(json.error)) return parseNested(json, json.error);
  if (json !== null && typeof json.error === 'string') return parseFlat(json, json.error);
  return { wellFormed: false, type: null, code: null, message: formatSnippet(body), requestId: null };
}

/** Foreign text made fit for one line of a message: no control characters, no more than 500 characters. */
export function formatSnippet(text: string): string {
  const line = text
    .slice(0, 4 * MAX_MESSAGE)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}

function parseNested(body: JsonObject, error: JsonObject): ErrorAnswer {
  const message = readText(error.message);
  const detail = readText(error.detail) ?? readText(body.detail);
  return {
    wellFormed: message !== null || readText(error.code) !== null,
    type: readText(error.type),
    code: readText(error.code) ?? readText(error.tag),
    message: formatSnippet([message, detail].filter((part) => part !== null).join(' ')),
    requestId: readText(error.requestId) ?? readText(body.requestId),
  };
}

function parseFlat(body: JsonObject, error: string): ErrorAnswer {
  return {
    wellFormed: true,
    type: null,
    code: readText(body.tag) ?? readText(body.code),
    message: formatSnippet(error),
    requestId: readText(body.requestId),
  };
}

function readJsonObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function readText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
