import { cleanCode, cleanLine, mapTexts } from '../model/foreign-text.js';
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
export function parseErrorAnswer(body: string, mask: (text: string) => string = (text) => text): ErrorAnswer {
  const value = readJsonObject(body);
  const json = value === null ? null : (mapTexts(value, mask) as JsonObject);
  if (json !== null && isJsonObject(json.error)) return parseNested(json, json.error);
  if (json !== null && typeof json.error === 'string') return parseFlat(json, json.error);
  return { wellFormed: false, type: null, code: null, message: formatSnippet(mask(body)), requestId: null };
}

/** Foreign text made fit for one line of a message: no control characters, no more than 500 characters. */
export function formatSnippet(text: string): string {
  return cleanLine(text, MAX_MESSAGE);
}

function parseNested(body: JsonObject, error: JsonObject): ErrorAnswer {
  const message = readText(error.message);
  const detail = readText(error.detail) ?? readText(body.detail);
  return {
    wellFormed: message !== null || readText(error.code) !== null,
    type: readCode(error.type),
    code: readCode(error.code) ?? readCode(error.tag),
    message: formatSnippet([message, detail].filter((part) => part !== null).join(' ')),
    requestId: readId(error.requestId) ?? readId(body.requestId),
  };
}

function parseFlat(body: JsonObject, error: string): ErrorAnswer {
  return {
    wellFormed: true,
    type: null,
    code: readCode(body.tag) ?? readCode(body.code),
    message: formatSnippet(error),
    requestId: readId(body.requestId),
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

function readCode(value: unknown): string | null {
  const text = readText(value);
  return text === null ? null : cleanCode(text);
}

function readId(value: unknown): string | null {
  const text = readText(value);
  return text === null ? null : cleanLine(text, 200);
}

function readText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
