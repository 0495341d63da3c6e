import type { Ask } from './ask.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** Keywords that can forbid null whatever the `type` is. */
const CHOICES = [
  ...['$ref', '$dynamicRef', '$recursiveRef', 'const', 'allOf', 'anyOf', 'oneOf', 'not'],
  ...['if', 'then', 'else'],
];

/**
 * Copy of a field's schema that allows null too. Returns the same schema if it allows null already, or never
 * allows anything.
 */
export function allowNull(schema: JsonValue): JsonValue {
  if (!isJsonObject(schema)) return schema;
  if (CHOICES.some((keyword) => Object.hasOwn(schema, keyword))) return wrap(schema);
  const { type, enum: choices } = schema;
  const types = type === undefined ? null : [type].flat();
  const lacksType = types !== null && !types.includes('null');
  const lacksChoice = Array.isArray(choices) && !choices.includes(null);
  if (!lacksType && !lacksChoice) return schema;
  return {
    ...schema,
    ...(lacksType ? { type: [...types, 'null'] } : {}),
    ...(lacksChoice ? { enum: [...choices, null] } : {}),
  };
}

/** Adds null as a choice, unless that is there already. */
function wrap(schema: JsonObject): JsonValue {
  const { anyOf, oneOf } = schema;
  const choices = [anyOf, oneOf].filter(Array.isArray).flat();
  const hasNull = choices.some((choice) => isJsonObject(choice) && [choice.type].flat().includes('null'));
  return hasNull ? schema : { anyOf: [schema, { type: 'null' }] };
}

/** Names of the fields that are sent with null allowed, although their schema does not allow it. */
export function listNullable({ fields }: Pick<Ask, 'fields'>): readonly string[] {
  return fields.filter(({ schema }) => allowNull(schema) !== schema).map(({ name }) => name);
}
