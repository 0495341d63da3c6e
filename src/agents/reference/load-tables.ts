import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import Papa from 'papaparse';
import { createUsageError, describeError, describeSystemError, RowfillError } from '../../errors.js';
import { isJsonObject, type JsonObject, type JsonValue, parseExactJson } from '../../model/json.js';
import { OversizeError, readWholeFile } from '../../model/read-file.js';
import { listTables, TABLE_ENDINGS } from './list-tables.js';
import { createColumn, createTableError, type Table, type TableRecord } from './table.js';

const MAX_DEPTH = 5;

interface PlacedObject {
  readonly line: number;
  readonly object: JsonObject;
}

/** Parses a table with one JSON object per line. Skips blank lines. */
function parseJsonLines(path: string, text: string): Table {
  const objects: PlacedObject[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    objects.push({ line: index + 1, object: checkObject(path, index + 1, parseJson(path, line, index + 1)) });
  }
  return createObjectTable(path, objects);
}

/** Parses a table from a JSON file: an array of objects, or an object with one such array. */
function parseJsonRecords(path: string, text: string): Table {
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
      'it has no list of objects',
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
    'the record is not a JSON object',
    'Every record must be an object: {"name": value, …}.',
  );
}

/** Creates a table in which a nested object has one dotted column per leaf: `address.city`. */
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

/**
 * Finds the lines where the elements of a list start: the first list at that depth with `count` objects.
 * Ignores quoted text.
 */
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

/**
 * Loads every CSV, TSV, JSONL and JSON table of a folder, sorted by name. Skips hidden files, other kinds of
 * files and those in `omit`.
 */
export async function loadTables(directory: string, omit: readonly string[] = []): Promise<Table[]> {
  const paths = await listTables(directory, omit);
  if (paths.length === 0) {
    throw createUsageError(
      'REFERENCE_EMPTY',
      `No tables in ${directory}.`,
      `Add at least one file with one of these extensions: ${TABLE_ENDINGS.join(', ')}.`,
    );
  }
  const tables: Table[] = [];
  for (const path of paths) tables.push(await loadTable(path));
  return tables;
}

type Reader = (path: string, text: string) => Table;

const READERS: Readonly<Record<(typeof TABLE_ENDINGS)[number], Reader>> = {
  '.csv': (path, text) => parseDelimited(path, text, findDelimiter(text)),
  '.tsv': (path, text) => parseDelimited(path, text, '\t'),
  '.jsonl': parseJsonLines,
  '.ndjson': parseJsonLines,
  '.json': parseJsonRecords,
};

async function loadTable(path: string): Promise<Table> {
  const bytes = await readBytes(path);
  const ending = TABLE_ENDINGS.find((each) => each === extname(path).toLowerCase());
  if (ending === undefined) throw createTableError(path, null, 'its file type is unknown');
  return READERS[ending](path, decodeText(path, bytes));
}

/** Limit because a table is loaded into memory whole. */
const MAX_BYTES = 256 * 1024 * 1024;

async function readBytes(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) {
      throw createTableError(path, null, 'it is a pipe or a device, not a file', 'Move it away.');
    }
    return await readWholeFile(path, MAX_BYTES);
  } catch (error) {
    if (error instanceof RowfillError) throw error;
    const hint =
      error instanceof OversizeError
        ? 'Keep only the columns and rows that you need.'
        : 'Make the file readable, or move it away.';
    throw createTableError(path, null, describeSystemError(error), hint, error);
  }
}

function decodeText(path: string, bytes: Buffer): string {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe;
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff;
  try {
    return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8', { fatal: true }).decode(
      bytes,
    );
  } catch (error) {
    throw createTableError(path, null, 'it is not UTF-8 text', 'Save it as UTF-8.', error);
  }
}

function parseDelimited(path: string, text: string, delimiter: string): Table {
  const { data, errors } = Papa.parse<string[]>(text, { delimiter });
  const lines = countLines(data);
  const fault = errors.find((error) => error.type === 'Quotes');
  if (fault !== undefined) {
    throw createTableError(
      path,
      lines[fault.row ?? 0] ?? null,
      fault.message,
      'Correct the quotes of this record.',
    );
  }
  const start = data.findIndex((cells) => !isEmptyRecord(cells));
  if (start < 0) {
    throw createTableError(path, null, 'it is empty', 'The first line must have the column names.');
  }
  const columns = (data[start] ?? []).map((name) => createColumn(name.trim()));
  const records: TableRecord[] = [];
  for (const [index, cells] of data.entries()) {
    if (index <= start || isEmptyRecord(cells)) continue;
    if (cells.slice(columns.length).some((cell) => cell.trim() !== '')) {
      throw createTableError(
        path,
        lines[index] ?? null,
        `the record has ${cells.length} cells, the header has ${columns.length}`,
        'Put cells that contain the delimiter in quotes.',
      );
    }
    records.push({ position: index + 1, values: columns.map((_column, at) => cells[at] ?? null) });
  }
  return { path, name: basename(path), unit: 'row', columns, records };
}

const MAX_HEADER_CHARACTERS = 100_000;

/**
 * Detects the delimiter from the unquoted part of the header, where other uses of these characters are
 * rarest.
 */
function findDelimiter(text: string): string {
  const header = (
    /^\s*((?:"(?:[^"]|"")*"|[^"\r\n])*)/.exec(text.slice(0, MAX_HEADER_CHARACTERS))?.[1] ?? ''
  ).replace(/"(?:[^"]|"")*"/g, '');
  const count = (mark: string): number => header.split(mark).length;
  return [',', ';', '\t', '|'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

function isEmptyRecord(cells: readonly string[]): boolean {
  return cells.every((cell) => cell.trim() === '');
}

/** Line on which each record starts. A quoted cell may span several lines. */
function countLines(data: readonly (readonly string[])[]): number[] {
  let line = 1;
  return data.map((cells) => {
    const start = line;
    line += 1;
    for (const cell of cells) line += cell.match(/\r\n|\n|\r/g)?.length ?? 0;
    return start;
  });
}
