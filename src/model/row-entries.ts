import { getOwn, isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';
import { parseJsonText } from './json-text.js';
import type { RunOutput } from './run.js';

/** The entries of an answer, and where they are. */
interface RowEntries {
  /** The keys that lead to the list, or to the single entry. Grounding paths start with them. */
  readonly keys: readonly string[];
  readonly isList: boolean;
  /** If the entries are in an object by their row ids: its keys, one per entry. */
  readonly ids: readonly string[] | null;
  readonly values: readonly JsonValue[];
}

/** The structured answer of a run, or the JSON in its text if it has only that. */
export function findStructured({ structured, text }: Pick<RunOutput, 'structured' | 'text'>): JsonValue {
  if (structured !== null) return structured;
  const json = parseJsonText(text) ?? null;
  return isJsonObject(json) || isRowList(json) ? json : null;
}

/** Wrappers around the list, such as `{"data": {"rows": …}}`. */
const MAX_WRAPPERS = 4;

/**
 * Lists the entries of an answer. Agents return them in `rows`, in a single list under another name, as a bare list,
 * in an object keyed by row id, as a JSON string, nested in another object, or as one bare object.
 */
export function listRowEntries(structured: JsonValue, rowIds: readonly string[] = []): RowEntries {
  const root = decodeText(structured);
  if (Array.isArray(root)) return createList([], root);
  if (!isJsonObject(root)) return { keys: [], isList: false, ids: null, values: [] };
  // The usual shape needs no search.
  if (Object.hasOwn(root, 'rows') && Array.isArray(root.rows)) return createList(['rows'], root.rows);
  const ids: KnownIds = { folded: new Set(rowIds.map(foldId)), numbers: new Set(rowIds.map(findNumber)) };
  return findEntries(root, [], ids) ?? { keys: [], isList: false, ids: null, values: [root] };
}

/** The ids of the rows, folded, and the numbers at their ends. */
interface KnownIds {
  readonly folded: ReadonlySet<string>;
  readonly numbers: ReadonlySet<number | null>;
}

function findEntries(object: JsonObject, keys: readonly string[], ids: KnownIds): RowEntries | null {
  const [rowsKey] = Object.hasOwn(object, 'rows') ? ['rows'] : matchNames(object, ['rows']).values();
  const rows = rowsKey === undefined ? undefined : decodeText(object[rowsKey] ?? null);
  if (rowsKey !== undefined && Array.isArray(rows)) {
    if (keys.length === 0 || isRowList(rows)) return createList([...keys, rowsKey], rows);
  } else if (rowsKey !== undefined && isJsonObject(rows)) {
    if (isIdMap(rows, ids)) return createMap([...keys, rowsKey], rows);
    const isEntry = keys.length === 0 || isRow(rows);
    if (isEntry) return { keys: [...keys, rowsKey], isList: false, ids: null, values: [rows] };
  }
  if (isRow(object)) return null;
  if (isIdMap(object, ids)) return createMap(keys, object);
  const found = Object.entries(object).flatMap(([name, value]) => {
    const inner = decodeText(value);
    if (isRowList(inner)) return [createList([...keys, name], inner)];
    const isWrapper = isJsonObject(inner) && keys.length < MAX_WRAPPERS;
    return (isWrapper ? findEntries(inner, [...keys, name], ids) : null) ?? [];
  });
  const [only = null] = found;
  return found.length === 1 ? only : null;
}

function createList(keys: readonly string[], list: readonly JsonValue[]): RowEntries {
  return { keys, isList: true, ids: null, values: list.map(decodeText) };
}

function createMap(keys: readonly string[], map: JsonObject): RowEntries {
  return { keys, isList: true, ids: Object.keys(map), values: Object.values(map).map(decodeText) };
}

/** The list or object in a text, or the value itself. */
function decodeText(value: JsonValue): JsonValue {
  return typeof value === 'string' ? (parseJsonText(value) ?? value) : value;
}

/** True for an object of entries by row id, or by the number at its end. */
function isIdMap(object: JsonObject, { folded, numbers }: KnownIds): boolean {
  const keys = Object.keys(object);
  // Numbers count only if all are there: others may be the names of fields.
  const isNumbered =
    keys.length === folded.size && keys.every((key) => /^\d{1,6}$/.test(key) && numbers.has(Number(key)));
  const isKnown = isNumbered || keys.some((key) => folded.has(foldId(key)));
  return (
    keys.length > 0 && isKnown && Object.values(object).every((value) => isJsonObject(decodeText(value)))
  );
}

function foldId(id: string): string {
  return id
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

/**
 * Matches the ids of entries to those of rows: the row id for each, or null if none or several fit. An id may come in
 * another case, with blanks or other punctuation, as a number or as a list of one. A bare number is the one at the end of
 * a row's id, if the entries together name each of these once: agents that number their own list give other numbers.
 */
export function matchIds(
  ids: readonly (JsonValue | undefined)[],
  rowIds: readonly string[],
): readonly (string | null)[] {
  const exact = new Set(rowIds);
  const found: string[] = [];
  for (const id of ids) {
    const text = formatId(id);
    if (text === null || !exact.has(text)) return matchOddIds(ids, rowIds);
    found.push(text);
  }
  return found;
}

function matchOddIds(
  ids: readonly (JsonValue | undefined)[],
  rowIds: readonly string[],
): readonly (string | null)[] {
  const exact = new Set(rowIds);
  const folded = groupByFold(rowIds, foldId);
  const found = ids.map((id) => {
    const text = formatId(id);
    if (text === null) return null;
    return exact.has(text) ? text : (folded.get(foldId(text)) ?? null);
  });
  if (ids.length !== rowIds.length || !found.includes(null)) return found;
  const byNumber = new Map(rowIds.map((rowId) => [findNumber(rowId), rowId]));
  const matched = ids.map((id, index) => {
    const given = findGivenNumber(formatId(id));
    return found[index] ?? (given === null ? null : (byNumber.get(given) ?? null));
  });
  const isComplete = !matched.includes(null) && new Set(matched).size === ids.length;
  return isComplete ? matched : found;
}

/** The number at the end of a row's id. */
function findNumber(rowId: string): number | null {
  const [digits] = /\d{1,6}$/.exec(rowId) ?? [];
  return digits === undefined ? null : Number(digits);
}

function formatId(value: JsonValue | undefined): string | null {
  if (Array.isArray(value) && value.length === 1) return formatId(value[0]);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** The number in `137`, `#137`, `row 137` or `r137`; null for any other id. */
export function findGivenNumber(id: string | null): number | null {
  const [, digits] = /^(?:row|record|entry|item|r|#|no\.?)?[\s_#-]*(\d{1,6})$/i.exec(id?.trim() ?? '') ?? [];
  return digits === undefined ? null : Number(digits);
}

/** The id that an entry gives. */
export function findEntryId(entry: JsonObject): JsonValue | undefined {
  const own = getOwn(entry, 'row_id');
  if (own !== undefined) return own;
  const [key] = matchNames(entry, ['row_id']).values();
  return key === undefined ? getOwn(entry, 'id') : entry[key];
}

/** The fields of an entry. */
interface EntryFields {
  /** The key that leads to the values; none if they are next to the `row_id`. */
  readonly keys: readonly string[];
  readonly fields: JsonObject;
  /** Keys of the entry for fields that it spells differently, by field name. */
  readonly spelled: ReadonlyMap<string, string>;
}

/**
 * The values of an entry and the keys that lead to them: in its `fields`, next to its `row_id`, or in its
 * only object that has them. Next to a `row_id`, `row_id` and an object in `fields` are never values of fields
 * with those names. Null if the entry has none of the names.
 */
export function findEntryFields(entry: JsonObject, names: readonly string[]): EntryFields | null {
  const wrapped = getOwn(entry, 'fields');
  const inFields = wrapped === undefined ? null : createEntryFields(['fields'], decodeText(wrapped), names);
  if (inFields !== null) return inFields;
  const { row_id: _, fields, ...others } = entry;
  const beside = fields === undefined || isJsonObject(fields) ? others : { ...others, fields };
  const besideId = createEntryFields([], beside, names);
  if (besideId !== null) return besideId;
  const inside = Object.entries(others).flatMap(
    ([key, value]) => createEntryFields([key], decodeText(value), names) ?? [],
  );
  return inside.length === 1 ? (inside[0] ?? null) : null;
}

function createEntryFields(
  keys: readonly string[],
  value: JsonValue,
  names: readonly string[],
): EntryFields | null {
  if (!isJsonObject(value)) return null;
  const spelled = matchNames(value, names);
  if (spelled.size > 0) {
    const renamed = [...spelled].map(([name, key]): [string, JsonValue] => [name, value[key] ?? null]);
    return { keys, fields: { ...value, ...Object.fromEntries(renamed) }, spelled };
  }
  for (const name of names) if (Object.hasOwn(value, name)) return { keys, fields: value, spelled };
  return null;
}

const NOT_SPELLED: ReadonlyMap<string, string> = new Map();

/**
 * The keys of an object that are another spelling of a name that it lacks: another case, blanks, `_` or `-`,
 * or other Unicode composition. Only if one key fits one name.
 */
export function matchNames(object: JsonObject, names: readonly string[]): ReadonlyMap<string, string> {
  return hasAll(object, names) ? NOT_SPELLED : matchSpelling(object, names);
}

function hasAll(object: JsonObject, names: readonly string[]): boolean {
  for (const name of names) if (!Object.hasOwn(object, name)) return false;
  return true;
}

function matchSpelling(object: JsonObject, names: readonly string[]): ReadonlyMap<string, string> {
  const known = new Set(names);
  const spare = Object.keys(object).filter((key) => !known.has(key));
  if (spare.length === 0) return NOT_SPELLED;
  const keys = groupByFold(spare, foldName);
  const byName = groupByFold(names, foldName);
  const found = new Map<string, string>();
  for (const [folded, name] of byName) {
    const key = keys.get(folded);
    if (name !== null && typeof key === 'string' && !Object.hasOwn(object, name)) found.set(name, key);
  }
  return found;
}

function foldName(name: string): string {
  const folded = name
    .normalize('NFC')
    // The capital letter of ß is SS.
    .toUpperCase()
    .toLowerCase()
    .replace(/[\s_.\p{Pd}]+/gu, '');
  return folded === '' ? name : folded;
}

/** The texts by their folded form; null for two of the same. */
function groupByFold(
  texts: readonly string[],
  fold: (text: string) => string,
): ReadonlyMap<string, string | null> {
  const groups = new Map<string, string | null>();
  for (const text of texts) {
    const folded = fold(text);
    groups.set(folded, groups.has(folded) ? null : text);
  }
  return groups;
}

function isRow(object: JsonObject): boolean {
  if (Object.hasOwn(object, 'row_id') || isJsonObject(getOwn(object, 'fields'))) return true;
  return matchNames(object, ['row_id']).size > 0;
}

function isRowList(value: JsonValue): value is readonly JsonValue[] {
  if (!Array.isArray(value)) return false;
  return value.map(decodeText).some((item) => isJsonObject(item) && isRow(item));
}

/** The schema of a run's answer in two parts: the row ids that it allows, and the rest, which is the same for many runs. */
interface SplitSchema {
  readonly rowIds: readonly string[];
  readonly rest: JsonObject;
}

/** Where rowfill writes the ids of the rows that it sends. */
const PATH = ['properties', 'rows', 'items', 'properties', 'row_id', 'enum'];

/** Splits the row ids off a schema; null if it has none, or if they are not the different texts that every draft allows. */
export function splitRowIds(schema: JsonObject): SplitSchema | null {
  const rowIds = resolvePointer(schema, `/${PATH.join('/')}`);
  if (!Array.isArray(rowIds) || rowIds.length === 0) return null;
  if (!rowIds.every((id) => typeof id === 'string') || new Set(rowIds).size < rowIds.length) return null;
  return { rowIds, rest: dropMember(schema, PATH) };
}

function dropMember(object: JsonObject, [key = '', ...path]: readonly string[]): JsonObject {
  const entries = Object.entries(object).flatMap(([name, value]): [string, JsonValue][] => {
    if (name !== key) return [[name, value]];
    return isJsonObject(value) && path.length > 0 ? [[name, dropMember(value, path)]] : [];
  });
  return Object.fromEntries(entries);
}
