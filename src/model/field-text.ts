import { createUsageError } from '../errors.js';
import type { Field } from './ask.js';
import type { JsonObject, JsonValue } from './json.js';
import { readNearest } from './nearest.js';

/** The types that a field can be given in short form; `enum(a|b|c)` and `list(type)` come on top. */
export const FIELD_TYPES = [
  'string',
  'number',
  'integer',
  'boolean',
  'date',
  'datetime',
  'url',
  'email',
  'phone',
] as const;

/**
 * Reads the short form of a field, `name[:type][=description]`: `ceo`, `founded:integer=Year of foundation`,
 * `size:enum(small|medium|large)`, `offices:list(string)`. The type is `string` where none is given.
 * Every type takes null as well, so that an agent can say that it found nothing.
 */
export function parseField(text: string): Field {
  const colon = text.indexOf(':');
  const equals = text.indexOf('=');
  const isTyped = colon >= 0 && (equals < 0 || colon < equals);
  const nameEnd = isTyped ? colon : equals < 0 ? text.length : equals;
  const name = text.slice(0, nameEnd).trim();
  const typeEnd = isTyped ? findTypeEnd(text, colon + 1) : nameEnd;
  const type = isTyped ? text.slice(colon + 1, typeEnd).trim() : 'string';
  const description = text.slice(typeEnd + 1).trim();
  if (/^[,\s]*$/.test(name)) throw createFieldError(text, 'it has no name');
  return { name, schema: { ...parseFieldType(type, text), ...(description === '' ? {} : { description }) } };
}

/** The schema of a type's short form, null allowed. `where` is the text that an error names. */
export function parseFieldType(type: string, where: string): JsonObject {
  const schema = parseType(type.trim(), where);
  const choices = schema.enum;
  const isEnum = Array.isArray(choices);
  return {
    ...schema,
    type: [schema.type ?? 'string', 'null'],
    ...(isEnum ? { enum: [...choices, null] } : {}),
  };
}

/** The `=` of the description comes after the type: one inside brackets belongs to the type. */
function findTypeEnd(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === '(') depth += 1;
    else if (text[index] === ')') depth -= 1;
    else if (text[index] === '=' && depth <= 0) return index;
  }
  return text.length;
}

const SCHEMAS: ReadonlyMap<string, JsonObject> = new Map<(typeof FIELD_TYPES)[number], JsonObject>([
  ['string', { type: 'string' }],
  ['number', { type: 'number' }],
  ['integer', { type: 'integer' }],
  ['boolean', { type: 'boolean' }],
  ['date', { type: 'string', format: 'date' }],
  ['datetime', { type: 'string', format: 'date-time' }],
  ['url', { type: 'string', format: 'uri' }],
  ['email', { type: 'string', format: 'email' }],
  ['phone', { type: 'string', format: 'phone' }],
]);

function parseType(type: string, where: string): JsonObject {
  const simple = SCHEMAS.get(type);
  if (simple !== undefined) return simple;
  const [, kind, inner] = /^(enum|list)\s*\((.*)\)$/s.exec(type) ?? [];
  if (kind === 'enum') return { type: 'string', enum: parseChoices(inner ?? '', where) };
  if (kind === 'list') return { type: 'array', items: parseItems((inner ?? '').trim(), where) };
  throw createTypeError(type, where);
}

function parseItems(type: string, where: string): JsonValue {
  if (type.startsWith('list')) throw createFieldError(where, 'a list of lists has no short form');
  return parseType(type, where);
}

function parseChoices(text: string, where: string): string[] {
  const choices = text.split('|').map((choice) => choice.trim());
  if (choices.includes('')) throw createFieldError(where, 'a choice of its enum is empty');
  const twice = choices.find((choice, index) => choices.indexOf(choice) !== index);
  if (twice === undefined) return choices;
  throw createFieldError(where, `its enum names ${JSON.stringify(twice)} twice`);
}

/** Words that people use for a type, and what it is called here. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['text', 'string'],
  ['str', 'string'],
  ['varchar', 'string'],
  ['int', 'integer'],
  ['float', 'number'],
  ['double', 'number'],
  ['decimal', 'number'],
  ['bool', 'boolean'],
  ['timestamp', 'datetime'],
  ['date-time', 'datetime'],
  ['uri', 'url'],
  ['link', 'url'],
  ['mail', 'email'],
  ['e-mail', 'email'],
  ['tel', 'phone'],
  ['telephone', 'phone'],
  ['array', 'list(string)'],
  ['list', 'list(string)'],
  ['enum', 'enum(a|b)'],
]);

function createTypeError(type: string, where: string): Error {
  const known = [...FIELD_TYPES, 'enum(a|b)', 'list(string)'];
  const nearest = SYNONYMS.get(type.toLowerCase()) ?? readNearest(type, known)[0];
  const guess = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  return createFieldError(
    where,
    `${JSON.stringify(type)} is no type`,
    `${guess}The types are ${known.join(', ')}.`,
  );
}

function createFieldError(text: string, what: string, hint?: string): Error {
  return createUsageError(
    'INVALID_FIELD',
    `The field ${JSON.stringify(text)} cannot be read: ${what}`,
    hint ?? 'Write a field as name, name:type or name:type=description.',
  );
}
