import { createUsageError, type RowfillError } from '../errors.js';
import { formatNumber, formatPart } from '../model/format.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { InputWarning, TextInput } from './input.js';
import { type DocumentOutline, type FoundList, outlineDocument, readEnvelope } from './json-document.js';
import { explainFault } from './jsonl-reader.js';

/** Where the rows of a JSON text are. */
export type JsonLayout =
  /** One object per line. */
  | { readonly kind: 'lines' }
  /** Objects one after another, over any number of lines. */
  | { readonly kind: 'values' }
  /** The items of a list, which starts at this position. */
  | { readonly kind: 'list'; readonly start: number; readonly envelope: Envelope | null };

/** The text of a document around its list, brackets included. */
interface Envelope {
  readonly head: string;
  readonly tail: string;
}

interface FoundLayout {
  readonly layout: JsonLayout;
  readonly notes: readonly InputWarning[];
}

/** Decides where the rows of a JSON text are. `rowsAt` names a list; `.` is the object itself. */
export async function findJsonLayout(input: TextInput, rowsAt: string | undefined): Promise<FoundLayout> {
  const text = input.sample.text.replace(BEFORE, '');
  if (text.startsWith('[')) {
    if (rowsAt !== undefined && rowsAt !== '.') throw refusePath(input.name, rowsAt, []);
    checkListLines(input.name, text);
    const start = input.sample.text.length - text.length;
    return { layout: { kind: 'list', start, envelope: null }, notes: [] };
  }
  const lines = text.split(/\r?\n/, MAX_LINES + 1).slice(0, MAX_LINES);
  const hasRows = lines.some(isObjectText);
  if (rowsAt === undefined && isObjectText(lines[0] ?? '') && text.slice(lines[0]?.length).trim() !== '')
    return { layout: { kind: 'lines' }, notes: [] };
  const outline = await outlineDocument(input.openText());
  const start = input.sample.text.length - text.length;
  const first = outline.end <= input.sample.text.length ? input.sample.text.slice(start, outline.end) : null;
  const isWhole = text.startsWith('{') && outline.isClosed && (first === null || isObjectText(first));
  if (isWhole && !outline.hasMore) return findRows(input, outline, first, rowsAt);
  if (rowsAt !== undefined) throw refusePath(input.name, rowsAt, []);
  if (isWhole && !hasRows) return { layout: { kind: 'values' }, notes: [] };
  if (isWhole && first !== null && /[\r\n]/.test(first)) return { layout: { kind: 'values' }, notes: [] };
  if (hasRows || (lines.length === 1 && !input.sample.isWhole)) {
    return { layout: { kind: 'lines' }, notes: [] };
  }
  throw refuseText(input.name, text, outline, first);
}

const MAX_LINES = 100;
/** What may come before the first value. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
const BEFORE = /^[\s\u001e\ufeff]+/;

function isObjectText(text: string): boolean {
  return isJsonObject(parseText(text.replace(/,\s*$/, '')));
}

function parseText(text: string): JsonValue | undefined {
  try {
    // JSON.parse returns only JSON values.
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Refuses a file with one list per line. */
function checkListLines(name: string, text: string): void {
  const [first = '', second = ''] = text.split(/\r?\n/, 2);
  if (!second.trimStart().startsWith('[') || !Array.isArray(parseText(first))) return;
  throw createUsageError(
    'INPUT_NOT_OBJECTS',
    `${name} has a list on each line, without the names of its columns`,
    'Write one object per line, such as {"company": "Acme"}, or save the table as CSV.',
  );
}

/** Chooses the rows of a document that is one object: its only list of objects, or the object itself. */
async function findRows(
  input: TextInput,
  { lists }: DocumentOutline,
  text: string | null,
  rowsAt: string | undefined,
): Promise<FoundLayout> {
  const { name, limits } = input;
  const tables = lists.filter(({ objects }) => objects > 0);
  const wanted = rowsAt === undefined ? undefined : lists.find(({ path }) => path === rowsAt);
  if (rowsAt !== undefined && rowsAt !== '.' && wanted === undefined) throw refusePath(name, rowsAt, tables);
  const [only, other] = tables;
  // One line stays as it is written.
  const object: FoundLayout = {
    layout: { kind: text !== null && !/[\r\n]/.test(text) ? 'lines' : 'values' },
    notes: [],
  };
  if (rowsAt === '.' || (wanted === undefined && only !== undefined && isRow(input, only, tables.length)))
    return object;
  if (wanted === undefined && only !== undefined && other !== undefined) throw refuseChoice(name, tables);
  const list = wanted ?? only;
  if (list === undefined) {
    checkShape(input, text === null ? undefined : parseText(text), lists);
    return object;
  }
  if (list.objects === 0) throw refuseItems(name, list);
  const envelope = await readEnvelope(input.openText(), list);
  if (envelope.head.length + envelope.tail.length > limits.maxRowLength) {
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${name} has more than ${limits.maxRowLength} characters around its list ${list.path}`,
      'Save the list as a file of its own.',
    );
  }
  const fact = `Using the list ${formatPart(list.path)} (${formatNumber(list.items, 'item')}) as the rows.`;
  const message = `${fact} To use another, or the object itself (.), set --rows-at.`;
  const notes = wanted === undefined ? [{ code: 'ROWS_AT', message, fact }] : [];
  return { layout: { kind: 'list', start: list.start, envelope }, notes };
}

const LINE_NAMES = ['.jsonl', '.ndjson'];
/** Usual names of the list in a response. */
const RESULTS =
  /^(?:data|results?|items?|records?|rows?|features|values?|entries|hits|docs|documents|edges|nodes)$/i;

/** In a file of lines, a single object is a row, unless its list has the name of a result. */
function isRow({ extension }: TextInput, list: FoundList, count: number): boolean {
  return LINE_NAMES.includes(extension) && (count > 1 || !isResult(list));
}

function isResult({ path }: FoundList): boolean {
  return RESULTS.test(path.slice(path.lastIndexOf('.') + 1));
}

/** Refuses an object that holds a table by columns, by keys, or as lists. In a file of lines it is a row. */
function checkShape(
  { name, extension }: TextInput,
  object: JsonValue | undefined,
  lists: readonly FoundList[],
): void {
  const results = lists.filter(isResult);
  const rows = results.find(({ innerLists }) => innerLists > 0);
  if (rows !== undefined) throw refuseItems(name, rows);
  const empty = results.find(({ items }) => items === 0);
  if (empty !== undefined) {
    throw createUsageError(
      'INPUT_NO_ROWS',
      `${name} has no rows: its list ${empty.path} is empty`,
      'Use a file with at least one object.',
    );
  }
  if (isJsonObject(object) && !LINE_NAMES.includes(extension)) checkValues(name, object, lists);
}

function checkValues(name: string, object: JsonObject, lists: readonly FoundList[]): void {
  const values = Object.values(object);
  const [first] = values;
  if (values.length === 0 || first === undefined) return;
  if (values.length === 1 && Array.isArray(first) && lists[0] !== undefined)
    throw refuseItems(name, lists[0]);
  if (isColumns(values)) {
    throw refuseShape(name, `is a table by columns: each of its ${values.length} keys has a list of values`);
  }
  if (values.length > 1 && values.every(isJsonObject) && haveSameKeys(values)) {
    throw refuseShape(
      name,
      `is one object whose ${values.length} keys each hold an object with the same keys`,
    );
  }
  // The table may be below a key of its own.
  for (const [key, value] of Object.entries(object)) {
    if (isJsonObject(value) && (values.length === 1 || RESULTS.test(key))) checkValues(name, value, []);
  }
}

function isColumns(values: readonly JsonValue[]): boolean {
  const [first] = values;
  if (!Array.isArray(first) || values.length < 2) return false;
  return values.every((value) => Array.isArray(value) && value.length === first.length && first.length > 0);
}

/** True if most keys of the first object are in each of the others. */
function haveSameKeys([first = {}, ...others]: readonly JsonObject[]): boolean {
  const keys = Object.keys(first);
  const isShared = (key: string): boolean => others.every((other) => Object.hasOwn(other, key));
  return keys.length > 0 && keys.filter(isShared).length * 2 >= keys.length;
}

function refuseShape(name: string, what: string): RowfillError {
  return createUsageError(
    'INPUT_NOT_OBJECTS',
    `${name} ${what}`,
    'Write a list with one object per row, or save the table as CSV. With pandas: to_json(orient="records").',
  );
}

function refuseItems(name: string, { path, innerLists, items }: FoundList): RowfillError {
  const kind = innerLists > 0 ? 'lists' : 'plain values';
  const what = items === 0 ? 'is empty' : `holds ${kind}, not objects`;
  return refuseShape(name, `has no rows: its list ${formatPart(path)} ${what}`);
}

function refuseChoice(name: string, tables: readonly FoundList[]): RowfillError {
  const [first] = [...tables].sort(
    (a, b) => Number(isResult(b)) - Number(isResult(a)) || b.objects - a.objects,
  );
  return createUsageError(
    'INPUT_MANY_LISTS',
    `${name} has ${tables.length} lists of objects: ${describeLists(tables)}`,
    `Choose the rows with --rows-at ${formatPart(first?.path ?? '')}.`,
  );
}

function refusePath(name: string, path: string, tables: readonly FoundList[]): RowfillError {
  return createUsageError(
    'UNKNOWN_LIST',
    `${name} has no list at ${formatPart(path)}`,
    tables.length === 0
      ? 'Remove --rows-at: the file has no lists inside an object.'
      : `It has ${describeLists(tables)}.`,
  );
}

const MAX_LISTED = 10;

function describeLists(tables: readonly FoundList[]): string {
  const shown = tables
    .slice(0, MAX_LISTED)
    .map(({ path, items }) => `${formatPart(path)} (${formatNumber(items, 'item')})`);
  return shown.join(', ') + (tables.length > MAX_LISTED ? ', …' : '');
}

function refuseText(
  name: string,
  text: string,
  outline: DocumentOutline,
  first: string | null,
): RowfillError {
  if (!text.startsWith('{')) {
    return createUsageError(
      'INPUT_NOT_JSONL',
      `${name} is not JSON Lines: none of its first lines is a JSON object`,
      'If it is a table, give it a name that ends in .csv.',
    );
  }
  const why = outline.isClosed
    ? explainFault(first ?? text.slice(0, outline.end))
    : 'its first object is never closed: the file may be truncated';
  return createUsageError(
    'INPUT_NOT_JSONL',
    `${name} has no JSON object: ${why}`,
    'Correct the file: one JSON object per line, or one list of objects.',
  );
}
