import { createUsageError } from '../errors.js';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  measureDepth,
  parseExactJson,
} from '../model/json.js';
import { OUTCOME_KEY } from '../model/output-columns.js';
import type { FaultyRow, ObjectRow } from '../model/row.js';
import type { Warnings } from './input.js';

export interface JsonReading {
  /** Name for errors. */
  readonly name: string;
  readonly maxRowLength: number;
  readonly maxDepth: number;
  readonly strict: boolean;
}

const CHUNK_ROWS = 1_000;
const CHUNK_CHARACTERS = 512 * 1024;
/** What programs leave before a line: a byte order mark, a record separator. */
const BEFORE = '\ufeff\u001e';
/** What they leave after it: the carriage return of a line end, the end mark of DOS. */
const AFTER = '\r\u001a';

/**
 * Reads JSON Lines: one object per line. Blank lines are skipped; a line that is not an object becomes a
 * faulty row.
 */
export async function* readJsonLines(
  pieces: AsyncIterable<string>,
  reading: JsonReading,
  warnings: Warnings,
): AsyncGenerator<readonly (ObjectRow | FaultyRow)[]> {
  let out: (ObjectRow | FaultyRow)[] = [];
  let outLength = 0;
  let ordinal = 0;
  let line = 0;
  for await (const lines of readLines(pieces, reading)) {
    for (const each of lines) {
      line += 1;
      const text = dropMarks(each);
      if (text.trim() === '') continue;
      out.push(parseRow(text, ordinal, line, reading, warnings));
      ordinal += 1;
      outLength += text.length;
      if (out.length >= CHUNK_ROWS || outLength >= CHUNK_CHARACTERS) {
        yield out;
        out = [];
        outLength = 0;
      }
    }
  }
  if (out.length > 0) yield out;
}

function dropMarks(line: string): string {
  let start = 0;
  let end = line.length;
  while (start < end && BEFORE.includes(line.charAt(start))) start += 1;
  while (end > start && AFTER.includes(line.charAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

/** Converts a JSON record to a row, valid or not. */
export function parseRow(
  text: string,
  ordinal: number,
  line: number,
  reading: JsonReading,
  warnings: Warnings,
): ObjectRow | FaultyRow {
  const result = parseJsonRow(text, reading.maxDepth);
  if (result.status === 'object') {
    const kept = findKeptLine(result.object);
    if (kept !== null) return parseRow(kept, ordinal, line, reading, warnings);
    return { kind: 'object', ordinal, line, object: result.object, text };
  }
  if (reading.strict) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${reading.name}, line ${line}: ${result.fault}`,
      'Correct the line, or omit --strict to treat it as a failed row.',
    );
  }
  warnings.add('ROW_FAULTY', line);
  return { kind: 'faulty', ordinal, line, text, fault: `line ${line}: ${result.fault}` };
}

/** The line that a filled file keeps in place of a row, because it could not be read; null for any other row. */
function findKeptLine({ [OUTCOME_KEY]: outcome, ...fields }: JsonObject): string | null {
  if (!isJsonObject(outcome) || typeof outcome.line !== 'string' || outcome.status !== 'failed') return null;
  return Object.values(fields).every((value) => value === null) ? outcome.line : null;
}

async function* readLines(pieces: AsyncIterable<string>, reading: JsonReading): AsyncGenerator<string[]> {
  let rest = '';
  let lineCount = 1;
  for await (const piece of pieces) {
    // Do not search a line that spans many chunks again for its end.
    if (!piece.includes('\n')) {
      rest += piece;
    } else {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      lineCount += lines.length;
      yield lines;
    }
    if (rest.length > reading.maxRowLength) {
      throw createUsageError(
        'INPUT_ROW_TOO_LONG',
        `${reading.name}, line ${lineCount}: longer than ${reading.maxRowLength} characters`,
        'JSON Lines has one object per line; check the line endings.',
      );
    }
  }
  yield [rest];
}

type JsonRowResult =
  | { readonly status: 'object'; readonly object: JsonObject }
  | { readonly status: 'fault'; readonly fault: string };

/**
 * Parses a JSON object. A number that JavaScript cannot represent becomes its text. The fault never quotes
 * the text.
 */
export function parseJsonRow(text: string, maxDepth: number): JsonRowResult {
  if (countBrackets(text, maxDepth) > maxDepth && measureDepth(text) > maxDepth) {
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

/** Explains why a text is not valid JSON, without quoting it. */
export function explainFault(text: string): string {
  const trimmed = text.trim();
  if (trimmed.endsWith(',') && parseJson(trimmed.slice(0, -1)) !== undefined) {
    return 'there is a comma after the object: JSON Lines has one object per line and nothing after it';
  }
  if (/,\s*[}\]]/.test(trimmed) && parseJson(trimmed.replace(/,(\s*[}\]])/g, '$1')) !== undefined) {
    return 'not valid JSON: there is a comma before a closing bracket';
  }
  const bare = trimmed.replace(/"[^"\\]*(?:\\[\s\S][^"\\]*)*"/g, '""');
  const word = /(?<=[:[,\s])[-+]?(?:NaN|Infinity|None|True|False|undefined)\b/.exec(bare)?.[0];
  if (word !== undefined) return `not valid JSON: ${word} is not a JSON value; write null, true or false`;
  if (bare.includes("'")) return 'not valid JSON: texts and keys must be in double quotes';
  if (/[{,]\s*[A-Za-z_]\w*\s*:/.test(bare)) return 'not valid JSON: keys must be in double quotes';
  if (/\/\/|\/\*/.test(bare)) return 'not valid JSON: it has comments';
  if (/\}\s*\{/.test(bare)) return 'not valid JSON: two objects without a comma or a line break between them';
  return 'not valid JSON';
}

function describeKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
