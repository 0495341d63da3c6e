import { RowfillError } from '../errors.js';
import type { Field } from '../model/ask.js';
import { createSchema, FIELD_TYPES, parseField, parseFieldType, readNameFault } from '../model/field.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { escapeToken } from '../model/pointer.js';
import { compileSchema, SchemaError } from '../model/schema.js';
import { checkKeywords } from './check-keywords.js';
import type { FaultList } from './fault-list.js';

/** Makes the schema of what a recipe has under `fields`: columns by name, or a list in the form of --field. */
export function resolveFields(value: JsonValue, faults: FaultList): JsonObject | undefined {
  const entries = Array.isArray(value) ? readList(value, faults) : readMap(value, faults);
  const names = entries.map(({ field }) => field.name);
  const sound = entries.filter(({ field, pointer, part }, index) => {
    const fault = names.indexOf(field.name) < index ? 'it is asked twice' : readNameFault(field.name, names);
    if (fault === null) return true;
    const message = `the field ${JSON.stringify(field.name)} cannot be filled: ${fault}`;
    faults.add(
      pointer,
      message,
      'Give it a name of its own that is no column of the result.',
      'BAD_RECIPE',
      part,
    );
    return false;
  });
  return sound.length === 0 ? undefined : createSchema(sound.map(({ field }) => field));
}

interface Entry {
  readonly field: Field;
  readonly pointer: string;
  /** Which part of the entry says its name. */
  readonly part: 'key' | 'value';
}

function readList(texts: readonly JsonValue[], faults: FaultList): Entry[] {
  return texts.flatMap((text, index) => {
    const pointer = `/fields/${index}`;
    const field = attempt(pointer, faults, () => parseField(String(text)));
    return field === null ? [] : [{ field, pointer, part: 'value' as const }];
  });
}

function readMap(value: JsonValue, faults: FaultList): Entry[] {
  return Object.entries(isJsonObject(value) ? value : {}).flatMap(([name, about]) => {
    const pointer = `/fields/${escapeToken(name)}`;
    const schema = attempt(pointer, faults, () =>
      isJsonObject(about) ? resolveObject(about, pointer, faults) : parseShort(name, String(about)),
    );
    return schema === null ? [] : [{ field: { name, schema }, pointer, part: 'key' as const }];
  });
}

/** `type`, `type=description` or `=description`; the name is only there for the messages. */
function parseShort(name: string, text: string): Field['schema'] {
  const plain = /[:=]/.test(name) ? 'field' : name;
  return parseField(text.trimStart().startsWith('=') ? `${plain}${text}` : `${plain}:${text}`).schema;
}

const JSON_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** Keywords by which a schema says what a value is. */
const TELLING = ['type', 'enum', 'const', '$ref', 'anyOf', 'oneOf', 'allOf', 'if', 'not'];

/** A field's own JSON Schema: short types are spelled out, and null is allowed, as the answer where nothing was found. */
function resolveObject(about: JsonObject, pointer: string, faults: FaultList): JsonObject | null {
  if (!checkKeywords(about, pointer, faults)) return null;
  if (!TELLING.some((keyword) => Object.hasOwn(about, keyword))) {
    faults.add(pointer, 'the field has no type', `For example: type: ${FIELD_TYPES[0]}`, 'BAD_RECIPE', 'key');
    return null;
  }
  const schema = allowNull(spellOut(about, pointer, faults));
  try {
    compileSchema({ type: 'object', properties: { field: schema } });
    return schema;
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const inner = error.path.replace(/^\/properties\/field/, '');
    const what = error.message.replace(/^The schema is not valid at [^:]*: /, '');
    faults.add(`${pointer}${inner}`, `this is no JSON Schema: ${what}`, error.hint ?? 'Correct it.');
    return null;
  }
}

function spellOut(about: JsonObject, pointer: string, faults: FaultList): JsonObject {
  const { type } = about;
  if (typeof type !== 'string' || JSON_TYPES.includes(type)) return about;
  const spelled = attempt(`${pointer}/type`, faults, () => parseFieldType(type, type));
  return spelled === null ? { ...about, type: 'string' } : { ...about, ...spelled };
}

function allowNull(schema: JsonObject): JsonObject {
  const { type } = schema;
  const choices = schema.enum;
  const open: Record<string, JsonValue> = { ...schema };
  if (typeof type === 'string' && type !== 'null') open.type = [type, 'null'];
  if (Array.isArray(choices) && !choices.includes(null)) open.enum = [...choices, null];
  return open;
}

/** Gives null, and the fault a place, where a field cannot be read. */
function attempt<Result>(pointer: string, faults: FaultList, read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RowfillError)) throw error;
    const message = `${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`;
    faults.add(pointer, message, error.hint ?? 'Write a type, such as string.');
    return null;
  }
}
