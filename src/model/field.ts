import { createUsageError } from '../errors.js';
import type { Field } from './ask.js';
import { suggestSimilar } from './format.js';
import type { JsonObject, JsonValue } from './json.js';
import { createFieldLayout, detectDraft, findProperties, indexSchema, SchemaError } from './schema-index.js';

/** Schema for a list of fields: a closed object in which every field is required. Null means not found. */
export function createSchema(fields: readonly Field[]): JsonObject {
  checkFieldNames(fields.map((field) => field.name));
  const properties = new Map<string, JsonValue>(fields.map((field) => [field.name, field.schema]));
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: fields.map((field) => field.name),
    additionalProperties: false,
  };
}

/**
 * Lists the fields of a schema: the properties of its root, including those behind a local reference or in
 * `allOf`. A field's schema has its references resolved, for display and column layout. Values are validated
 * against the whole schema.
 */
export function listFields(schema: JsonObject): Field[] {
  const index = indexSchema(schema, detectDraft(schema));
  const properties = findProperties(index);
  if (properties.size === 0) throw createRootError(schema);
  checkFieldNames([...properties.keys()]);
  return [...properties].map(([name, [pointer = '']]) => ({
    name,
    schema: createFieldLayout(index, pointer),
  }));
}

/** Throws if a name cannot be a column next to the result columns. */
export function checkFieldNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const fault = seen.has(name) ? 'it is listed twice' : findNameFault(name, names);
    if (fault !== null) {
      throw createUsageError(
        'INVALID_FIELD',
        `The field ${JSON.stringify(name)} cannot be filled: ${fault}`,
        'Give each field a unique name that is not a result column.',
      );
    }
    seen.add(name);
  }
}

const MAX_NAME_LENGTH = 200;
/** Columns that a field adds. */
const OWN_SUFFIXES = ['_confidence', '_citations', '_verdict', '_passage_url'];

/**
 * Why a name cannot be a column next to the result columns, or null if it can. `names` are all requested
 * fields.
 */
export function findNameFault(name: string, names: readonly string[]): string | null {
  if (name.trim() === '') return 'its name is empty';
  if (name !== name.trim()) return 'its name starts or ends with a space';
  if (name.length > MAX_NAME_LENGTH) return `its name is longer than ${MAX_NAME_LENGTH} characters`;
  if (/\p{Cc}/u.test(name)) return 'its name contains a control character';
  if (name === '__proto__') return 'its name is reserved in JavaScript';
  if (/^enrichment(_|$)/i.test(name))
    return 'names that begin with "enrichment" are reserved for result columns';
  const owner = names.find((other) => OWN_SUFFIXES.some((suffix) => name === other + suffix));
  if (owner !== undefined) return `${JSON.stringify(owner)} already adds a column of that name`;
  const parent = names.find((other) => name.startsWith(`${other}.`));
  return parent === undefined
    ? null
    : `the parts of ${JSON.stringify(parent)} already use columns of that form`;
}

function createRootError(schema: JsonObject): SchemaError {
  const { type } = schema;
  const isObject =
    type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
  return new SchemaError(
    isObject ? '' : '/type',
    isObject ? 'its root has no properties' : `its root is not an object but ${JSON.stringify(type)}`,
    'The root must be an object whose properties are the fields to fill, one column each.',
  );
}

/** Short types of a field, in addition to `enum(a|b|c)` and `list(type)`. */
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
 * Parses the short form of a field, `name[:type][=description]`: `ceo`, `founded:integer=Year of foundation`,
 * `size:enum(small|medium|large)`, `offices:list(string)`. The default type is `string`. Every type also
 * allows null, so that an agent can report that it found nothing.
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

/** Schema of a short type, with null allowed. `where` is shown in errors. */
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

/** Finds the `=` before the description. One inside brackets belongs to the type. */
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
  if (choices.includes('')) throw createFieldError(where, 'its enum has an empty choice');
  const twice = choices.find((choice, index) => choices.indexOf(choice) !== index);
  if (twice === undefined) return choices;
  throw createFieldError(where, `its enum lists ${JSON.stringify(twice)} twice`);
}

/** Common words for a type, and its name here. */
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
  const nearest = SYNONYMS.get(type.toLowerCase()) ?? suggestSimilar(type, known)[0];
  const guess = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  return createFieldError(
    where,
    `${JSON.stringify(type)} is not a valid type`,
    `${guess}The types are ${known.join(', ')}.`,
  );
}

function createFieldError(text: string, what: string, hint?: string): Error {
  return createUsageError(
    'INVALID_FIELD',
    `The field ${JSON.stringify(text)} is not valid: ${what}`,
    hint ?? 'Write a field as name, name:type or name:type=description.',
  );
}

/** The values of fields in the form `name[:type][=description]`; any object if the texts are not known as literals. */
export type FieldValues<Fields> = Fields extends readonly (infer Text extends string)[]
  ? string extends Text
    ? JsonObject
    : { readonly [Each in Text as FieldName<Each>]: FieldValue<FieldType<Each>> | null }
  : JsonObject;

type Trim<Text extends string> = Text extends ` ${infer Rest}` | `${infer Rest} ` ? Trim<Rest> : Text;
type DropDescription<Text extends string> = Text extends `${infer Head}=${string}` ? Head : Text;
type FieldName<Text extends string> =
  DropDescription<Text> extends `${infer Name}:${string}` ? Trim<Name> : Trim<DropDescription<Text>>;
type FieldType<Text extends string> =
  DropDescription<Text> extends `${string}:${infer Type}` ? Trim<Type> : 'string';

type FieldValue<Type extends string> = Type extends 'integer' | 'number'
  ? number
  : Type extends 'boolean'
    ? boolean
    : Type extends `list(${infer Item})`
      ? readonly FieldValue<Trim<Item>>[]
      : Type extends `enum(${infer Choices})`
        ? Choice<Choices>
        : string;

type Choice<Text extends string> = Text extends `${infer First}|${infer Rest}`
  ? Trim<First> | Choice<Rest>
  : Trim<Text>;
