import { hash } from 'node:crypto';
import { formatCanonicalJson, type JsonObject } from './json.js';
import type { Confidence } from './run.js';

/** One column to fill: a top-level property of the user's schema. */
export interface Field {
  readonly name: string;
  readonly schema: JsonObject | boolean;
}

/** What is asked of every row, and of whom. */
export interface Ask {
  /** Hash of everything below, 16 hexadecimal digits. */
  readonly id: string;
  /** Who is asked: an address, or a folder of tables as it is now. Another agent's answers are no answers of this one. */
  readonly agent: string;
  readonly query: string;
  readonly system: string | null;
  /** The user's JSON Schema, whole: an object schema whose properties are the fields. */
  readonly schema: JsonObject;
  readonly fields: readonly Field[];
  /** The only columns that leave this machine, in the order in which they are sent. */
  readonly send: readonly string[];
  /** Effort ladder: the first level is asked first, the next only for what is still missing. */
  readonly efforts: readonly string[];
  /** Answers below this confidence climb the ladder as if they were missing. */
  readonly escalateBelow: Confidence | null;
}

/** Makes an ask of its parts and names it by their hash. */
export function createAsk(parts: Omit<Ask, 'id' | 'agent'> & { readonly agent?: string }): Ask {
  const agent = parts.agent ?? '';
  const text = formatCanonicalJson({
    agent,
    query: parts.query,
    system: parts.system,
    schema: parts.schema,
    fields: parts.fields.map((field) => field.name),
    send: parts.send,
    efforts: parts.efforts,
    escalateBelow: parts.escalateBelow,
  });
  return { ...parts, agent, id: hashText(text, 16) };
}

/** Behind the name of a folder of tables; no address of an agent ends so. */
export const TABLE_STATE = /#[0-9a-f]{16}$/;

/** True for an ask that the embedded agent answers, from a folder of tables. */
export function isEmbedded({ agent }: Pick<Ask, 'agent'>): boolean {
  return TABLE_STATE.test(agent);
}

/** The row key of a record of sent values, which stand in the ask's order: records that are equal have the same key. */
export function hashRecord(record: JsonObject): string {
  return hashRecordText(formatRecord(record));
}

/** The text that a record's key is hashed from. */
export function formatRecord(record: JsonObject): string {
  const isFlat = Object.values(record).every((value) => typeof value !== 'object');
  return isFlat ? JSON.stringify(record) : formatCanonicalJson(record);
}

/** The row key of a record's text. */
export function hashRecordText(text: string): string {
  return hashText(text, 32);
}

/** The first `digits` hexadecimal digits of a SHA-256. */
export function hashText(text: string, digits: number): string {
  return hash('sha256', text, 'hex').slice(0, digits);
}
