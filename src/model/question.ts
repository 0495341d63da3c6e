import { type Ask, formatRecord, hashRecordText } from './ask.js';
import { type Blanks, DEFAULT_BLANKS } from './blank.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { createFieldColumns } from './output-columns.js';
import { cleanCell, getValue, type Row } from './row.js';

/** What a row asks, before the ledger is looked at: the same for the stop that asks and the stop that joins. */
export type RowQuestion =
  | {
      readonly status: 'question';
      readonly key: string;
      /** The key under which the row was asked while placeholders were still sent; left out if it is the same. */
      readonly formerKey?: string;
      readonly record: JsonObject;
      readonly fields: readonly string[];
    }
  | { readonly status: 'unchanged' }
  | { readonly status: 'invalid'; readonly reason: string };

/** A question on its way: what is still to be asked about one row key, and how often that was tried. */
export interface Question {
  readonly key: string;
  readonly record: JsonObject;
  /** Names of the fields to ask, in the ask's order. */
  readonly fields: readonly string[];
  /** Index in the effort ladder. */
  readonly level: number;
  /** 1 for the first time round at this level. */
  readonly attempt: number;
  /** What was wrong with the last answer, in words that hold no cell text. */
  readonly fault: string | null;
}

/** The most that the record of one row may weigh, and those of one batch together, in bytes of JSON. */
export const MAX_RECORD_BYTES = 200_000;

/** Questions that go out together: they share fields, level and attempt. */
export interface PendingBatch {
  readonly questions: readonly Question[];
  readonly fields: readonly string[];
  readonly level: number;
  readonly attempt: number;
  /** The run that a follow-up continues. */
  readonly previousRunId: string | null;
  /** How often its request was lost on the way without a run coming of it; left out for never. */
  readonly resends?: number;
}

/** Reads a row as a question: its sent values, cleaned, and the fields that are still blank in it. */
export function createQuestion(
  row: Row,
  ask: Ask,
  overwrite: boolean,
  blanks: Blanks = DEFAULT_BLANKS,
): RowQuestion {
  if (row.kind === 'faulty') return { status: 'invalid', reason: row.fault };
  const fields = readOpenFields(row, ask, overwrite, blanks);
  if (fields.length === 0) return { status: 'unchanged' };
  const { record, former } = createRecord(row, ask.send, blanks);
  if (record === null) {
    return { status: 'invalid', reason: `nothing to go by: ${ask.send.join(', ')} blank` };
  }
  const text = formatRecord(record);
  // A text has at most three bytes for each of its units, so that nearly none has to be measured.
  const bytes = text.length * 3 > MAX_RECORD_BYTES ? Buffer.byteLength(text) : 0;
  if (bytes > MAX_RECORD_BYTES) {
    return { status: 'invalid', reason: `too large to send: ${bytes} bytes, at most ${MAX_RECORD_BYTES}` };
  }
  const question = { status: 'question', key: hashRecordText(text), record, fields } as const;
  return former === null ? question : { ...question, formerKey: hashRecordText(formatRecord(former)) };
}

/** Rows that ask for every field share one list of them. */
function readOpenFields(row: Row, ask: Ask, overwrite: boolean, blanks: Blanks): readonly string[] {
  const { places, names } = listFieldPlaces(ask);
  if (overwrite) return names;
  const open = places.filter((field) => isUnfilled(row, field, blanks));
  return open.length === names.length ? names : open.map(({ name }) => name);
}

interface SentRecord {
  /** The sent columns that hold something; null if none does. */
  readonly record: JsonObject | null;
  /** The same with its placeholders, as it was sent once; null if it has none. */
  readonly former: JsonObject | null;
}

function createRecord(row: Row, send: readonly string[], blanks: Blanks): SentRecord {
  const entries: [string, JsonValue][] = [];
  let hasPlaceholders = false;
  for (const column of send) {
    const value = cleanCell(getValue(row, column));
    if (value === undefined) continue;
    if (blanks.isBlank(value)) hasPlaceholders = true;
    else entries.push([column, value]);
  }
  return {
    // Made of entries, since a value set to a column named `__proto__` would not become a column.
    record: entries.length === 0 ? null : Object.fromEntries(entries),
    former: hasPlaceholders ? readFormerRecord(row, send) : null,
  };
}

function readFormerRecord(row: Row, send: readonly string[]): JsonObject {
  const entries = send.flatMap((column): [string, JsonValue][] => {
    const value = cleanCell(getValue(row, column));
    return value === undefined ? [] : [[column, value]];
  });
  return Object.fromEntries(entries);
}

/** The key that a row goes by: the former one if its answer was bought under it, so that nothing is bought twice. */
export function resolveKey(
  { key, formerKey }: Pick<RowQuestion & { readonly status: 'question' }, 'key' | 'formerKey'>,
  isKnown: (key: string) => boolean,
): string {
  return formerKey !== undefined && isKnown(formerKey) ? formerKey : key;
}

/** The keys under which a row's answer may be found. */
export function listKeys(question: RowQuestion): string[] {
  if (question.status !== 'question') return [];
  const { key, formerKey } = question;
  return formerKey === undefined ? [key] : [formerKey, key];
}

/** A field of object shape lives in dotted columns (`address.city` for `address`): one blank among them leaves it unfilled. */
function isUnfilled(row: Row, { name, columns }: FieldPlaces, blanks: Blanks): boolean {
  if (!blanks.isUnfilled(name, getValue(row, name))) return false;
  if (row.kind !== 'cells') return true;
  const parts = columns ?? [...row.columns.keys()].filter((column) => column.startsWith(`${name}.`));
  return parts.length === 0 || parts.some((column) => blanks.isUnfilled(column, getValue(row, column)));
}

interface FieldPlaces {
  readonly name: string;
  /** The columns of a table that hold the field; null for an object of which only the input knows the parts. */
  readonly columns: readonly string[] | null;
}

interface AskPlaces {
  readonly places: readonly FieldPlaces[];
  readonly names: readonly string[];
}

const placesByAsk = new WeakMap<Ask, AskPlaces>();

/** Once an ask: every row is looked at with it. */
function listFieldPlaces(ask: Ask): AskPlaces {
  const known = placesByAsk.get(ask);
  if (known !== undefined) return known;
  const places = createFieldColumns(ask.fields, ask.schema).map(({ name, values }, index) => {
    const titles = values.map(({ title }) => title);
    const schema = ask.fields[index]?.schema;
    const isOpen = titles[0] === name && isJsonObject(schema) && [schema.type].flat().includes('object');
    return { name, columns: isOpen ? null : titles };
  });
  const found = { places, names: ask.fields.map(({ name }) => name) };
  placesByAsk.set(ask, found);
  return found;
}
