import { type JsonValue, parseAgentJson } from './json.js';

/** The JSON list or object in a text, also in a code fence or a sentence; undefined for none, or several. */
export function parseJsonText(text: string): JsonValue | undefined {
  // Fast path: nearly no text has a bracket.
  const start = text.search(/[[{]/);
  if (start < 0) return undefined;
  const whole = parsePart(text);
  if (whole !== undefined) return whole;
  const fenced = listFenced(text)
    .map(parsePart)
    .filter((value) => value !== undefined);
  if (fenced.length > 0) return fenced.length === 1 ? fenced[0] : undefined;
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  return end <= start ? undefined : parsePart(text.slice(start, end + 1));
}

/** The contents of the code fences in a text. */
function listFenced(text: string): string[] {
  const parts = text.split('```');
  return parts.filter((_, index) => index % 2 === 1).map((part) => part.replace(/^[a-z0-9]{0,10}\s/i, ''));
}

function parsePart(text: string): JsonValue | undefined {
  try {
    const value = parseAgentJson(text.trim());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
