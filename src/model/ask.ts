import { hash } from 'node:crypto';
import type { FieldAnswer } from './answer.js';
import { formatCanonicalJson, type JsonObject } from './json.js';
import type { Confidence } from './run.js';

/** One column to fill: a top-level property of the user's schema. */
export interface Field {
  readonly name: string;
  readonly schema: JsonObject | boolean;
}

/** The question for every row, and the agent that answers it. */
export interface Ask {
  /** Hash of all other fields, 16 hex digits. */
  readonly id: string;
  /**
   * The agent: a URL, or a folder of tables with a hash of its content. Answers are not shared between
   * agents.
   */
  readonly agent: string;
  readonly query: string;
  readonly system: string | null;
  /** The user's complete JSON Schema: an object schema whose properties are the fields. */
  readonly schema: JsonObject;
  readonly fields: readonly Field[];
  /** The only columns that leave this machine, in the order they are sent. */
  readonly send: readonly string[];
  /** Effort ladder, lowest first. Each next level is used only for what is still missing. */
  readonly efforts: readonly string[];
  /** Answers below this confidence are retried at the next effort, as if they were missing. */
  readonly escalateBelow: Confidence | null;
}

/** Creates an ask. Its id is a hash of its parts. */
export function createAsk(parts: Omit<Ask, 'id' | 'agent'> & { readonly agent?: string }): Ask {
  const agent = parts.agent ?? '';
  const text = formatCanonicalJson({
    agent,
    query: parts.query,
    system: parts.system,
    schema: parts.schema,
    // In the order of an object's keys, so that the order of columns is not another question.
    fields: Object.keys(Object.fromEntries(parts.fields.map((field) => [field.name, true]))),
    send: parts.send,
    efforts: parts.efforts,
    escalateBelow: parts.escalateBelow,
  });
  return { ...parts, agent, id: hashText(text, 16) };
}

/** Suffix of an agent that is a folder of tables: a hash of their content. No URL ends like this. */
export const TABLE_STATE = /#[0-9a-f]{16}$/;

/** True if the embedded agent answers the ask from a folder of tables. */
export function isEmbedded({ agent }: Pick<Ask, 'agent'>): boolean {
  return TABLE_STATE.test(agent);
}

/** Row key of a record of sent values, in the ask's column order. Equal records have equal keys. */
export function hashRecord(record: JsonObject): string {
  return hashRecordText(formatRecord(record));
}

/** The text that is hashed to get a record's key. */
export function formatRecord(record: JsonObject): string {
  const isFlat = Object.values(record).every((value) => typeof value !== 'object');
  return isFlat ? JSON.stringify(record) : formatCanonicalJson(record);
}

/** Row key for the text of a record. */
export function hashRecordText(text: string): string {
  return hashText(text, 32);
}

/** The first `digits` hex digits of the SHA-256 of a text. */
export function hashText(text: string, digits: number): string {
  return hash('sha256', text, 'hex').slice(0, digits);
}

/** The parts of an ask that lookups are memoized by. They never change. */
type AskParts = Pick<Ask, 'schema' | 'fields'>;

/** Memoizes a function of (ask, field names), so that it runs once and not once per batch. */
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

/** The next request for a row: some of its fields, at one effort level. */
interface LadderStep {
  readonly fields: readonly string[];
  /** Index in `ask.efforts`. */
  readonly level: number;
}

const CONFIDENCES: readonly (Confidence | null)[] = [null, 'low', 'medium', 'high'];

/**
 * The next effort level for each field that needs one, grouped by level, lowest first. Empty if no field
 * does.
 */
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
  if (answer.who === 'human') return ask.efforts.length;
  return isGoodEnough(ask, answer) ? ask.efforts.length : ask.efforts.indexOf(answer.triedEffort) + 1;
}

/** False if the field should be retried at the next effort level, if there is one. */
export function isGoodEnough(
  ask: Pick<Ask, 'escalateBelow'>,
  answer: Pick<FieldAnswer, 'value' | 'confidence'>,
): boolean {
  if (answer.value === null) return false;
  return ask.escalateBelow === null || !isBelow(answer.confidence, ask.escalateBelow);
}

/** True if one confidence is lower than another. Null is the lowest. */
export function isBelow(confidence: Confidence | null, other: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) < CONFIDENCES.indexOf(other);
}
