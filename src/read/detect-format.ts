import { createUsageError } from '../errors.js';
import { isJsonObject } from '../model/json.js';
import type { TextFormat } from '../model/shape.js';
import type { TextInput } from './input.js';

const JSON_EXTENSIONS = ['.jsonl', '.ndjson', '.json'];
const MAX_LINES = 100;

/** Tells what a text is by what stands in it; its name only says what a person expects. */
export function detectFormat({
  name,
  extension,
  sample,
}: Pick<TextInput, 'name' | 'extension' | 'sample'>): TextFormat {
  const isNamedJson = JSON_EXTENSIONS.includes(extension);
  const text = sample.text.trimStart();
  if (/^\[\s*[[{\]]/.test(text) && (isNamedJson || !text.startsWith('[['))) return 'json';
  const lines = text.split(/\r?\n/, MAX_LINES + 1).slice(0, MAX_LINES);
  if (text.startsWith('{') && lines[0] !== undefined && isObjectText(lines[0])) return 'jsonl';
  if (!isNamedJson && !/^\{\s*(?:"|\r?\n)/.test(text)) return 'csv';
  // The last line of a sample may be cut off, and a line longer than the sample is one that only the reader can judge.
  if (lines.some(isObjectText) || (lines.length === 1 && !sample.isWhole)) return 'jsonl';
  throw createUsageError(
    'INPUT_NOT_JSONL',
    `${name} holds no JSON Lines: none of its first lines is a JSON object`,
    text.startsWith('{')
      ? 'Write each object on one line, or all of them as the items of one list.'
      : 'If it is a table, give it a name that ends in .csv.',
  );
}

function isObjectText(line: string): boolean {
  try {
    return isJsonObject(JSON.parse(line.replace(/,\s*$/, '')));
  } catch {
    return false;
  }
}
