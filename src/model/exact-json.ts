import type { JsonValue } from './json.js';

// A number is at risk from 16 digits on, or with an exponent; where a number can stand, a bracket, comma, colon or space is before it.
const RISKY = /[:,[\s]-?(?:\d[\d.]{15}|\d+(?:\.\d+)?[eE])/;
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** Reads JSON; a number that would not survive as a JavaScript number becomes its text. Throws what `JSON.parse` throws. */
export function parseExactJson(text: string): JsonValue {
  // JSON.parse gives JSON values and nothing else.
  const plain = JSON.parse(text) as JsonValue;
  if (!RISKY.test(text)) return plain;
  const guarded = text.replace(STRINGS_AND_NUMBERS, (token) =>
    token.startsWith('"') || isExact(token) ? token : `"${token}"`,
  );
  return JSON.parse(guarded) as JsonValue;
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
