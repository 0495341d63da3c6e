import { hash } from 'node:crypto';
import type { FieldAnswer } from './answer.js';
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

/** What an ask is asked from again and again: its schema and its fields never change. */
type AskParts = Pick<Ask, 'schema' | 'fields'>;

/** Makes something of an ask and of some of its fields once, and hands the same out for every batch after that. */
export function memoizeByAsk<Value>(
  make: (ask: AskParts, fieldNames: readonly string[]) => Value,
): (ask: AskParts, fieldNames: readonly string[]) => Value {
  const made = new WeakMap<AskParts, Map<string, Value>>();
  return (ask, fieldNames) => {
    const byFields = made.get(ask) ?? new Map<string, Value>();
    made.set(ask, byFields);
    const key = JSON.stringify(fieldNames);
    const known = byFields.get(key);
    if (known !== undefined) return known;
    const value = make(ask, fieldNames);
    byFields.set(key, value);
    return value;
  };
}

/** The next thing to ask about a row: some of its fields, at one level of the effort ladder. */
export interface LadderStep {
  readonly fields: readonly string[];
  /** Index in `ask.efforts`. */
  readonly level: number;
}

const CONFIDENCES: readonly (Confidence | null)[] = [null, 'low', 'medium', 'high'];

/** The steps that some of these fields still have to climb, the lowest first; none once every field is as good as it gets. */
export function listNextSteps(
  ask: Ask,
  fields: readonly string[],
  answers: ReadonlyMap<string, FieldAnswer> | undefined,
): LadderStep[] {
  if (answers === undefined) return fields.length === 0 ? [] : [{ fields, level: 0 }];
  const levels = fields.map((field) => findNextLevel(ask, answers.get(field)));
  return ask.efforts.flatMap((_effort, level) => {
    const climbing = fields.filter((_field, index) => levels[index] === level);
    return climbing.length === 0 ? [] : [{ fields: climbing, level }];
  });
}

function findNextLevel(ask: Ask, answer: FieldAnswer | undefined): number {
  if (answer === undefined) return 0;
  return isGoodEnough(ask, answer) ? ask.efforts.length : ask.efforts.indexOf(answer.triedEffort) + 1;
}

/** False for a field that climbs to the next level of the effort ladder, if there is one. */
export function isGoodEnough(
  ask: Pick<Ask, 'escalateBelow'>,
  answer: Pick<FieldAnswer, 'value' | 'confidence'>,
): boolean {
  if (answer.value === null) return false;
  return ask.escalateBelow === null || !isBelow(answer.confidence, ask.escalateBelow);
}

/** True where one confidence is less than another; none at all is the least. */
export function isBelow(confidence: Confidence | null, other: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) < CONFIDENCES.indexOf(other);
}
