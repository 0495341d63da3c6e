import { isJsonObject, type JsonObject } from '../model/json.js';
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

// A number is at risk from 16 digits on, or with an exponent; where a number can stand, a bracket, comma, colon or space is before it.
const RISKY = /[:,[\s]-?(?:\d[\d.]{15}|\d+(?:\.\d+)?[eE])/;
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

function parseJson(text: string): unknown {
  try {
    const plain: unknown = JSON.parse(text);
    if (!RISKY.test(text)) return plain;
    const guarded = text.replace(STRINGS_AND_NUMBERS, (token) =>
      token.startsWith('"') || isExact(token) ? token : `"${token}"`,
    );
    return JSON.parse(guarded);
  } catch {
    return undefined;
  }
}

function isExact(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && readDigits(String(value)) === readDigits(token);
}

/** The digits that carry the value, and the power of ten of the first one. */
function readDigits(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().replace('-', '').split('e');
  const [whole = '', decimals = ''] = mantissa.split('.');
  const all = whole + decimals;
  const digits = all.replace(/^0+/, '');
  const power = Number(exponent.replace('+', '')) + whole.length - (all.length - digits.length);
  const significant = digits.replace(/0+$/, '');
  return significant === '' ? '0' : `${significant}e${power}`;
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
