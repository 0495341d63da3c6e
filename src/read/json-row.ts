import { parseExactJson } from '../model/exact-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { readDepth } from '../model/json-text.js';

export type JsonRowResult =
  | { readonly status: 'object'; readonly object: JsonObject }
  | { readonly status: 'fault'; readonly fault: string };

/** Reads a JSON object; a number that would not survive as a JavaScript number becomes its text. The fault never quotes the text. */
export function readJsonRow(text: string, maxDepth: number): JsonRowResult {
  if (countBrackets(text, maxDepth) > maxDepth && readDepth(text) > maxDepth) {
    return { status: 'fault', fault: `nested deeper than ${maxDepth} levels` };
  }
  const value = parseJson(text);
  if (value === undefined) return { status: 'fault', fault: explainFault(text) };
  if (!isJsonObject(value)) return { status: 'fault', fault: `${describeKind(value)}, not a JSON object` };
  return { status: 'object', object: value };
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

function countBrackets(text: string, enough: number): number {
  let count = 0;
  for (const bracket of '{[') {
    for (let at = text.indexOf(bracket); at !== -1 && count <= enough; at = text.indexOf(bracket, at + 1))
      count += 1;
  }
  return count;
}

function explainFault(text: string): string {
  const trimmed = text.trim();
  if (trimmed.endsWith(',') && parseJson(trimmed.slice(0, -1)) !== undefined) {
    return 'a comma follows the object: JSON Lines has one object a line and nothing behind it';
  }
  if (/,\s*[}\]]/.test(trimmed) && parseJson(trimmed.replace(/,(\s*[}\]])/g, '$1')) !== undefined) {
    return 'not valid JSON: a comma stands before a closing bracket';
  }
  return 'not valid JSON';
}

function describeKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
