import { hash } from 'node:crypto';
import type { FieldAnswer } from './answer.js';
import { formatCanonicalJson, type JsonObject } from './json.js';
import type { Confidence } from './run.js';

/** One column to fill: a top-level property of the user's schema. */
export interface Field {
  readonly name: string;
  readonly schema: JsonObject | boolean;
}

/**
 * What a command asks of every row: a question (agent, query, system prompt) with its fields and effort ladder. An
 * answer belongs to the question, a row key and a field, so asks with the same question share their answers.
 */
export interface Ask {
  /** Hash of the question, 16 hex digits. */
  readonly id: string;
  /** Hash of all parts, 16 hex digits. */
  readonly version: string;
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

/** Creates an ask with its hashes. */
export function createAsk(parts: Omit<Ask, 'id' | 'version' | 'agent'> & { readonly agent?: string }): Ask {
  const { query, system, schema, fields, send, efforts, escalateBelow } = parts;
  const question = { agent: parts.agent ?? '', query, system };
  const version = formatCanonicalJson({
    ...question,
    schema,
    // In the order of an object's keys, so that the order of columns makes no difference.
    fields: Object.keys(Object.fromEntries(fields.map((field) => [field.name, true]))),
    send,
    efforts,
    escalateBelow,
  });
  return {
    ...question,
    schema,
    fields,
    send,
    efforts,
    escalateBelow,
    id: hashText(formatCanonicalJson(question), 16),
    version: hashText(version, 16),
  };
}

/** Keywords of an object schema that say nothing about the value of one property. */
const NOT_OF_A_FIELD: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$comment', 'title', 'type', 'properties', 'required', 'additionalProperties'],
  ...['unevaluatedProperties', '$defs', 'definitions'],
]);

const idsByAsk = new WeakMap<AskParts, ReadonlyMap<string, string>>();

/**
 * Ids of an ask's fields by name, 12 hex digits each: hashes of name and schema, which has the description. Definitions
 * count if the field refers to one. Rules of the whole schema, such as `if` or a description, are part of every field.
 */
export function getFieldIds(ask: AskParts): ReadonlyMap<string, string> {
  const known = idsByAsk.get(ask);
  if (known !== undefined) return known;
  const { $defs = null, definitions = null } = ask.schema;
  const rules = Object.entries(ask.schema).filter(([keyword]) => !NOT_OF_A_FIELD.has(keyword));
  const ids = ask.fields.map(({ name, schema }): [string, string] => {
    const refers = JSON.stringify([schema, rules]).includes('"$');
    const parts = { name, schema, rules, definitions: refers ? [$defs, definitions] : [] };
    return [name, hashText(formatCanonicalJson(parts), 12)];
  });
  const map = new Map(ids);
  idsByAsk.set(ask, map);
  return map;
}

/** Suffix of an agent that is a folder of tables: a hash of their content. No URL ends like this. */
export const TABLE_STATE = /#[0-9a-f]{16}$/;

/** True if the embedded agent answers the ask from a folder of tables. */
export function isEmbedded({ agent }: Pick<Ask, 'agent'>): boolean {
  return TABLE_STATE.test(agent);
}

/** Row key of a record of sent values. Equal records have equal keys, whatever the order of their columns. */
export function hashRecord(record: JsonObject): string {
  return hashRecordText(formatRecord(record));
}

/** The text that is hashed to get a record's key. */
export function formatRecord(record: JsonObject): string {
  const names = Object.keys(record);
  for (const name of names) if (typeof record[name] === 'object') return formatCanonicalJson(record);
  return JSON.stringify(record, isSorted(names) ? null : names.sort());
}

function isSorted(names: readonly string[]): boolean {
  for (let index = 1; index < names.length; index += 1)
    if ((names[index - 1] ?? '') > (names[index] ?? '')) return false;
  return true;
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
export interface LadderStep {
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
  for (const field of fields)
    if (findNextLevel(ask, answers.get(field)) < ask.efforts.length)
      return listOpenSteps(ask, fields, answers);
  return [];
}

function listOpenSteps(
  ask: Ask,
  fields: readonly string[],
  answers: ReadonlyMap<string, FieldAnswer>,
): LadderStep[] {
  const levels = fields.map((field) => findNextLevel(ask, answers.get(field)));
  return ask.efforts.flatMap((_effort, level) => {
    const climbing = fields.filter((_field, index) => levels[index] === level);
    return climbing.length === 0 ? [] : [{ fields: climbing, level }];
  });
}

function findNextLevel(ask: Ask, answer: FieldAnswer | undefined): number {
  if (answer === undefined) return 0;
  if (answer.who === 'human') return ask.efforts.length;
  if (isGoodEnough(ask, answer)) return ask.efforts.length;
  return findLevelAbove(ask.efforts, answer.triedEffort);
}

/** Index of the first level of a ladder that is above an effort; its length if none is. */
export function findLevelAbove(ladder: readonly string[], effort: string): number {
  const next = ladder.findIndex((each) => !isEffortAtLeast(effort, each, ladder));
  return next < 0 ? ladder.length : next;
}

/** The fixed effort levels, lowest first. */
const LEVELS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'ultra', 'max'];

/** A ladder with all levels above its last one. Unchanged if that is outside the scale, such as `auto`. */
export function extendLadder(ladder: readonly string[]): readonly string[] {
  const rank = LEVELS.indexOf(ladder.at(-1) ?? '');
  return rank < 0 ? ladder : [...ladder, ...LEVELS.slice(rank + 1)];
}

/** True if an effort is known to be as high as another, by a ladder that has both or by the names of the levels. */
export function isEffortAtLeast(effort: string, other: string, ladder: readonly string[]): boolean {
  if (effort === other) return true;
  const order = ladder.includes(effort) && ladder.includes(other) ? ladder : LEVELS;
  const [rank, otherRank] = [order.indexOf(effort), order.indexOf(other)];
  return rank >= 0 && otherRank >= 0 && rank >= otherRank;
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
