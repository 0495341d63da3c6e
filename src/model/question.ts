import { type Ask, formatRecord, hashRecordText } from './ask.js';
import { cleanCell } from './clean-cell.js';
import type { JsonObject, JsonValue } from './json.js';
import { isBlank, type Row, readValue } from './row.js';

/** What a row asks, before the ledger is looked at: the same for the stop that asks and the stop that joins. */
export type RowQuestion =
  | {
      readonly status: 'question';
      readonly key: string;
      readonly record: JsonObject;
      readonly fields: readonly string[];
    }
  | { readonly status: 'unchanged' }
  | { readonly status: 'unsendable'; readonly reason: string };

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
export interface QuestionGroup {
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
export function readQuestion(row: Row, ask: Ask, overwrite: boolean): RowQuestion {
  if (row.kind === 'faulty') return { status: 'unsendable', reason: row.fault };
  const fields = ask.fields.map((field) => field.name).filter((name) => overwrite || isUnfilled(row, name));
  if (fields.length === 0) return { status: 'unchanged' };
  const record = readRecord(row, ask.send);
  if (record === null) {
    return { status: 'unsendable', reason: `nothing to go by: ${ask.send.join(', ')} blank` };
  }
  const text = formatRecord(record);
  // A text has at most three bytes for each of its units, so that nearly none has to be measured.
  const bytes = text.length * 3 > MAX_RECORD_BYTES ? Buffer.byteLength(text) : 0;
  if (bytes > MAX_RECORD_BYTES) {
    return { status: 'unsendable', reason: `too large to send: ${bytes} bytes, at most ${MAX_RECORD_BYTES}` };
  }
  return { status: 'question', key: hashRecordText(text), record, fields };
}

/** The sent columns that hold something; null if none does. */
function readRecord(row: Row, send: readonly string[]): JsonObject | null {
  const entries: [string, JsonValue][] = [];
  for (const column of send) {
    const value = cleanCell(readValue(row, column));
    if (value !== undefined) entries.push([column, value]);
  }
  // Made of entries, since a value set to a column named `__proto__` would not become a column.
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/** A field of object shape lives in dotted columns (`address.city` for `address`): one blank among them leaves it unfilled. */
function isUnfilled(row: Row, field: string): boolean {
  if (!isBlank(readValue(row, field))) return false;
  if (row.kind !== 'cells') return true;
  const parts = [...row.columns.keys()].filter((column) => column.startsWith(`${field}.`));
  return parts.length === 0 || parts.some((column) => isBlank(readValue(row, column)));
}
