import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { createUsageError, describeSystemError, RowfillError } from '../../errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import { OversizeError } from '../../model/read-file.js';
import type { CellRow, FaultyRow, ObjectRow, Row } from '../../model/row.js';
import { type Input, openInput } from '../../read/open-input.js';
import { listTables, TABLE_ENDINGS } from './list-tables.js';
import { createColumn, createTableError, type Table, type TableRecord } from './table.js';

/** The tables of a folder, and what was noticed about their files. */
export interface LoadedTables {
  readonly tables: readonly Table[];
  readonly notes: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Loads every CSV, TSV, JSONL and JSON table of a folder, sorted by name, with the same reader as an input. Skips hidden
 * files, other kinds of files and those in `omit`.
 */
export async function loadTables(directory: string, omit: readonly string[] = []): Promise<LoadedTables> {
  const paths = await listTables(directory, omit);
  if (paths.length === 0) {
    throw createUsageError(
      'REFERENCE_EMPTY',
      `No tables in ${directory}.`,
      `Add at least one file with one of these extensions: ${TABLE_ENDINGS.join(', ')}.`,
    );
  }
  const tables: Table[] = [];
  const notes: { code: string; message: string }[] = [];
  for (const path of paths) {
    const loaded = await loadTable(path);
    tables.push(loaded.table);
    notes.push(...loaded.notes);
  }
  return { tables, notes };
}

interface LoadedTable {
  readonly table: Table;
  readonly notes: LoadedTables['notes'];
}

async function loadTable(path: string): Promise<LoadedTable> {
  await checkSize(path);
  const name = basename(path);
  try {
    const file = await openInput({ path, name });
    try {
      const rows: Row[] = [];
      for await (const chunk of file.openRows()) for (const row of chunk) rows.push(row);
      return { table: createTable(path, file, rows), notes: describeFile(name, file) };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof RowfillError) || error.code === 'REFERENCE_INVALID') throw error;
    // A header alone is a table without records.
    if (error.code === 'INPUT_NO_ROWS') return { table: createCellTable(path, [], []), notes: [] };
    throw createTableError(path, null, error.message, error.hint ?? undefined, error);
  }
}

/** Limit because a table is loaded into memory whole. */
const MAX_BYTES = 256 * 1024 * 1024;

async function checkSize(path: string): Promise<void> {
  const file = await stat(path).catch((error: unknown) => {
    throw createTableError(
      path,
      null,
      describeSystemError(error),
      'Make the file readable, or move it away.',
      error,
    );
  });
  if (!file.isFile()) {
    throw createTableError(path, null, 'it is a pipe or a device, not a file', 'Move it away.');
  }
  if (file.size <= MAX_BYTES) return;
  const { message } = new OversizeError(MAX_BYTES);
  throw createTableError(path, null, message, 'Keep only the columns and rows that you need.');
}

/** What was noticed about a file, without what it means for an output. */
function describeFile(
  name: string,
  { notes, doubts }: Pick<Input, 'notes' | 'doubts'>,
): LoadedTables['notes'] {
  const told = notes.flatMap(({ code, message, fact = message }) =>
    fact === null ? [] : [{ code, message: `${name}: ${fact}` }],
  );
  return [...told, ...doubts.map(({ code, message }) => ({ code, message: `${name}: ${message}.` }))];
}

function createTable(
  path: string,
  { columns, shape }: Pick<Input, 'columns' | 'shape'>,
  rows: readonly Row[],
): Table {
  const data = rows.filter(({ skip }) => skip === undefined);
  const faulty = data.find((row): row is FaultyRow => row.kind === 'faulty');
  if (faulty !== undefined) {
    const what = faulty.fault.replace(/^line \d+: /, '');
    throw createTableError(path, faulty.line, what, 'Every record must be an object: {"name": value, …}.');
  }
  const objects = data.filter((row): row is ObjectRow => row.kind === 'object');
  if (shape.format === 'csv')
    return createCellTable(
      path,
      columns,
      rows.filter((row) => row.kind === 'cells'),
      shape.titles,
    );
  const isSettings =
    objects.length === 1 && shape.format === 'jsonl' && extname(path).toLowerCase() === '.json';
  if (isSettings) {
    throw createTableError(
      path,
      null,
      'it has no list of objects',
      'A JSON table is a list of objects, or an object with one such list. Move other files away.',
    );
  }
  return createObjectTable(path, objects);
}

/** Creates a table of cells. Records are counted as in RFC 7111: a cell may span several lines, a blank line counts. */
function createCellTable(
  path: string,
  columns: readonly string[],
  rows: readonly CellRow[],
  titles: readonly string[] = [],
): Table {
  let surplus = countBreaks(titles);
  const records: TableRecord[] = [];
  for (const { cells, line, skip } of rows) {
    const position = line - surplus;
    surplus += countBreaks(cells);
    if (skip !== undefined) continue;
    if (cells.slice(columns.length).some((cell) => cell.trim() !== '')) {
      throw createTableError(
        path,
        line,
        `the record has ${cells.length} cells, the header has ${columns.length}`,
        'Put cells that contain the delimiter in quotes.',
      );
    }
    records.push({ position, values: columns.map((_column, at) => cells[at] ?? null) });
  }
  return { path, name: basename(path), unit: 'row', columns: columns.map(createColumn), records };
}

function countBreaks(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\n|\r/g)?.length ?? 0), 0);
}

/** Maximum depth of objects that become columns. */
const MAX_DEPTH = 5;

/** Creates a table in which a nested object has one dotted column per leaf: `address.city`. */
function createObjectTable(path: string, objects: readonly ObjectRow[]): Table {
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
