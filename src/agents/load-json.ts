import { basename } from 'node:path';
import { describeError } from '../errors.js';
import { parseExactJson } from '../model/exact-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { createColumn, createTableError, type Table } from './table.js';

const MAX_DEPTH = 5;

interface PlacedObject {
  readonly line: number;
  readonly object: JsonObject;
}

/** Reads a table with one JSON object a line; blank lines are passed over. */
export function readJsonLines(path: string, text: string): Table {
  const objects: PlacedObject[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    objects.push({ line: index + 1, object: checkObject(path, index + 1, parseJson(path, line, index + 1)) });
  }
  return createObjectTable(path, objects);
}

/** Reads a table from a JSON file: an array of objects, or an object with one such array. */
export function readJsonRecords(path: string, text: string): Table {
  const root = parseJson(path, text, null);
  const lists = Array.isArray(root)
    ? [root]
    : isJsonObject(root)
      ? Object.values(root).filter(isRecordList)
      : [];
  const [list] = lists;
  if (list === undefined || lists.length > 1) {
    throw createTableError(
      path,
      null,
      'it holds no list of objects',
      'A JSON table is an array of objects, or an object with one such array. Move other files away.',
    );
  }
  const lines = findElementLines(text, Array.isArray(root) ? 1 : 2, list.length);
  return createObjectTable(
    path,
    list.map((object, index) => ({
      line: lines[index] ?? 1,
      object: checkObject(path, lines[index] ?? 1, object),
    })),
  );
}

function isRecordList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value) && value.length > 0 && value.every(isJsonObject);
}

function parseJson(path: string, text: string, line: number | null): JsonValue {
  try {
    return parseExactJson(text);
  } catch (error) {
    const offset = Number(/position (\d+)/.exec(describeError(error))?.[1] ?? 0);
    const at = line ?? text.slice(0, offset).split('\n').length;
    throw createTableError(path, at, 'it is not valid JSON', 'Correct this line.', error);
  }
}

function checkObject(path: string, line: number, value: JsonValue): JsonObject {
  if (isJsonObject(value)) return value;
  throw createTableError(
    path,
    line,
    'the record is no JSON object',
    'Every record must be an object: {"name": value, …}.',
  );
}

/** A nested object gives a column for each of its leaves, with dots between: `address.city`. */
function createObjectTable(path: string, objects: readonly PlacedObject[]): Table {
  const indexes = new Map<string, number>();
  const flat = objects.map(({ object }) => {
    const values = new Map<string, JsonValue>();
    flattenObject(object, '', 0, values);
    for (const name of values.keys()) if (!indexes.has(name)) indexes.set(name, indexes.size);
    return values;
  });
  const names = [...indexes.keys()];
  return {
    path,
    name: basename(path),
    unit: 'line',
    columns: names.map(createColumn),
    records: objects.map(({ line }, index) => ({
      position: line,
      values: names.map((name) => flat[index]?.get(name) ?? null),
    })),
  };
}

function flattenObject(
  object: JsonObject,
  prefix: string,
  depth: number,
  into: Map<string, JsonValue>,
): void {
  for (const [key, value] of Object.entries(object)) {
    if (isJsonObject(value) && depth < MAX_DEPTH) flattenObject(value, `${prefix}${key}.`, depth + 1, into);
    else into.set(prefix + key, value);
  }
}

/** The lines on which the elements of a list start: of the first list so deep that holds as many objects. Text in quotes is passed over. */
function findElementLines(text: string, listDepth: number, count: number): readonly number[] {
  const lists: number[][] = [];
  const open: string[] = [];
  let line = 1;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}\n]/gs)) {
    if (token === '\n') line += 1;
    else if (token === ']' || token === '}') open.pop();
    else if (token === '[' || token === '{') {
      if (token === '{' && open.length === listDepth && open.at(-1) === '[') lists.at(-1)?.push(line);
      open.push(token);
      if (token === '[' && open.length === listDepth) lists.push([]);
    }
  }
  return lists.find((lines) => lines.length === count) ?? [];
}
