import { isAbsolute, join, normalize, resolve } from 'node:path';
import { RowfillError } from '../errors.js';
import type { Field } from '../model/ask.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { createSchema, FIELD_TYPES, findNameFault, parseField, parseFieldType } from '../model/field.js';
import { suggestSimilar } from '../model/format.js';
import { escapeToken, getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { isLedgerUrl, parseLedgerUrl } from '../model/ledger-url.js';
import { HOSTED_PRICES } from '../model/prices.js';
import { compileSchema, SchemaError } from '../model/schema.js';
import { type FaultList, formatPlace, type ParsedRecipe } from './parse-recipe.js';

/** Job options from a recipe, and where each one was set. */
export type RecipeOptions = Partial<Omit<EnrichOptions, 'input' | 'schemaObject'>> & {
  readonly schemaObject?: JsonObject;
};

type Reader = (value: JsonValue, pointer: string, around: Surroundings, parsed: ParsedRecipe) => unknown;

/** Maps each key to an option and a parser. The recipe was validated before. */
const READERS: readonly (readonly [string, keyof RecipeOptions, Reader])[] = [
  ['/query', 'query', parseText],
  ['/system', 'system', parseText],
  ['/fields', 'schemaObject', (value, _pointer, { faults }, parsed) => resolveFields(value, parsed, faults)],
  ['/schema', 'schema', parsePath],
  ['/send', 'send', parseValue],
  ['/share_answers', 'shareAnswers', parseValue],
  ['/blank', 'blank', parseValue],
  ['/exclude/file', 'exclude', parsePath],
  ['/exclude/on', 'excludeOn', parseValue],
  ['/effort', 'effort', (value) => (Array.isArray(value) ? value : [value])],
  ['/escalate_below', 'escalateBelow', parseValue],
  ['/batch', 'batchSize', parseValue],
  ['/concurrency', 'concurrency', parseValue],
  ['/starts_per_second', 'startsPerSecond', parseValue],
  ['/budget', 'maxCost', parseValue],
  ['/keep_going', 'keepGoing', parseValue],
  ['/ledger', 'ledger', parseLedger],
  ['/prices', 'prices', parseValue],
  ['/agent/reference', 'reference', parsePath],
  ['/look_up', 'lookUp', parsePairs],
  ['/agent/url', 'apiUrl', (value, pointer, around) => resolveUrl(String(value), pointer, around)],
  ['/output/format', 'format', parseValue],
  ['/output/citations_file', 'citationsFile', parsePath],
  ['/output/overwrite', 'overwrite', parseValue],
  ['/output/raw', 'raw', parseValue],
  ['/output/bom', 'bom', parseValue],
  ['/output/plain', 'plain', parseValue],
  ['/output/sources', 'sources', parseValue],
];

/** Creates options from a validated recipe. Adds faults that a schema cannot express. */
export function createRecipeOptions(
  parsed: ParsedRecipe,
  recipe: string,
  around: Surroundings,
): RecipeOptions {
  const options: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const [pointer, name, read] of READERS) {
    const value = getAt(parsed.value, pointer);
    if (value === undefined) continue;
    options[name] = read(value, pointer, around, parsed);
    origins[name] = formatPlace(recipe, parsed.locate(pointer, 'key'));
    for (const index of Array.isArray(value) ? value.keys() : []) {
      origins[`${name}/${index}`] = formatPlace(recipe, parsed.locate(`${pointer}/${index}`, 'value'));
    }
  }
  // Each value comes from the parser of its option, after its type was validated.
  const made = options as RecipeOptions;
  checkTogether(made, around);
  return { ...made, origins };
}

function getAt(recipe: JsonValue, pointer: string): JsonValue | undefined {
  return pointer
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>(
      (value, key) => (isJsonObject(value) ? getOwn(value, key) : undefined),
      recipe,
    );
}

/** Writes a map as `field=column` pairs. */
function parsePairs(value: JsonValue): readonly string[] {
  return Object.entries(isJsonObject(value) ? value : {}).map(
    ([field, column]) => `${field}=${String(column)}`,
  );
}

function parseValue(value: JsonValue): JsonValue {
  return value;
}

function parseText(value: JsonValue, pointer: string, { faults }: Surroundings): string {
  const text = String(value);
  const variable = findVariable(text);
  if (variable !== null) {
    const hint = 'Cells are sent together with the query, so write the column name without braces.';
    faults.add(pointer, `${variable} is not replaced in text`, hint);
  }
  return text;
}

function parsePath(value: JsonValue, pointer: string, around: Surroundings): string {
  return resolvePath(String(value), pointer, around);
}

function checkTogether(
  { schema, schemaObject, effort, escalateBelow, prices }: RecipeOptions,
  { faults }: Surroundings,
): void {
  if (schema !== undefined && schemaObject !== undefined) {
    faults.add(
      '/schema',
      'schema and fields cannot be used together',
      'Keep one of the two.',
      'BAD_RECIPE',
      'key',
    );
  }
  const known = Object.keys({ ...HOSTED_PRICES, ...prices });
  for (const [index, level] of (effort ?? []).entries()) {
    if (known.includes(level)) continue;
    const [nearest] = suggestSimilar(level, known);
    const guess = nearest === undefined ? '' : `Did you mean ${nearest}? `;
    faults.add(
      `/effort/${index}`,
      `unknown effort level ${JSON.stringify(level)}`,
      `${guess}The levels are ${known.join(', ')}. Any other level needs a price under prices.`,
    );
  }
  if (escalateBelow !== undefined && (effort ?? []).length < 2) {
    const hint = 'Set several levels, such as effort: [low, high].';
    faults.add('/escalate_below', 'escalate_below needs a second effort level', hint, 'BAD_RECIPE', 'key');
  }
}

/** Rejects misspelled keywords in a field's schema, which JSON Schema would silently ignore. */
function checkKeywords(schema: JsonObject, pointer: string, faults: FaultList): boolean {
  let isSound = true;
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${pointer}/${escapeToken(keyword)}`;
    if (!KEYWORDS.has(keyword) && !keyword.startsWith('x-')) {
      const [nearest] = suggestSimilar(keyword, [...KEYWORDS]);
      const hint =
        nearest === undefined ? 'Delete it, or use a keyword of JSON Schema.' : `Did you mean ${nearest}?`;
      faults.add(at, `${keyword} is not a keyword of JSON Schema`, hint, 'BAD_RECIPE', 'key');
      isSound = false;
    } else if (!checkInner(keyword, value, at, faults)) {
      isSound = false;
    }
  }
  return isSound;
}

function checkInner(keyword: string, value: JsonValue, pointer: string, faults: FaultList): boolean {
  if (!isJsonObject(value)) return true;
  if (keyword === 'items' || keyword === 'additionalProperties') return checkKeywords(value, pointer, faults);
  if (keyword !== 'properties') return true;
  return Object.entries(value)
    .map(
      ([name, inner]) =>
        !isJsonObject(inner) || checkKeywords(inner, `${pointer}/${escapeToken(name)}`, faults),
    )
    .every(Boolean);
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `$anchor $comment $defs $id $ref $schema additionalItems additionalProperties allOf anyOf const contains
  contentEncoding contentMediaType default definitions dependencies dependentRequired dependentSchemas deprecated
  description else enum examples exclusiveMaximum exclusiveMinimum format if items maxContains maxItems maxLength
  maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not oneOf pattern
  patternProperties prefixItems properties propertyNames readOnly required then title type unevaluatedItems
  unevaluatedProperties uniqueItems writeOnly`.split(/\s+/),
);

/** Creates the schema for a recipe's `fields`: columns by name, or a list in the form of --field. */
function resolveFields(value: JsonValue, parsed: ParsedRecipe, faults: FaultList): JsonObject | undefined {
  const entries = Array.isArray(value) ? parseList(value, faults) : parseMap(value, parsed, faults);
  const names = entries.map(({ field }) => field.name);
  const sound = entries.filter(({ field, pointer, part }, index) => {
    const fault = names.indexOf(field.name) < index ? 'it is listed twice' : findNameFault(field.name, names);
    if (fault === null) return true;
    const message = `the field ${JSON.stringify(field.name)} cannot be filled: ${fault}`;
    faults.add(pointer, message, 'Give it a unique name that is not a result column.', 'BAD_RECIPE', part);
    return false;
  });
  return sound.length === 0 ? undefined : createSchema(sound.map(({ field }) => field));
}

interface Entry {
  readonly field: Field;
  readonly pointer: string;
  /** The part of the entry that has the name. */
  readonly part: 'key' | 'value';
}

function parseList(texts: readonly JsonValue[], faults: FaultList): Entry[] {
  return texts.flatMap((text, index) => {
    const pointer = `/fields/${index}`;
    const field = attempt(pointer, faults, () => parseField(String(text)));
    return field === null ? [] : [{ field, pointer, part: 'value' as const }];
  });
}

function parseMap(value: JsonValue, parsed: ParsedRecipe, faults: FaultList): Entry[] {
  const abouts = isJsonObject(value) ? value : {};
  return parsed.listKeys('/fields').flatMap((name) => {
    const about = getOwn(abouts, name) ?? null;
    const pointer = `/fields/${escapeToken(name)}`;
    const schema = attempt(pointer, faults, () =>
      isJsonObject(about) ? resolveObject(about, pointer, faults) : parseShort(name, String(about)),
    );
    return schema === null ? [] : [{ field: { name, schema }, pointer, part: 'key' as const }];
  });
}

/** Parses `type`, `type=description` or `=description`. `name` is only used in messages. */
function parseShort(name: string, text: string): Field['schema'] {
  const plain = /[:=]/.test(name) ? 'field' : name;
  return parseField(text.trimStart().startsWith('=') ? `${plain}${text}` : `${plain}:${text}`).schema;
}

const JSON_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** Keywords that define a value's type. */
const TELLING = ['type', 'enum', 'const', '$ref', 'anyOf', 'oneOf', 'allOf', 'if', 'not'];

/**
 * Resolves a field's own JSON Schema: expands short types, and allows null for values that were not found.
 */
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
    faults.add(`${pointer}${inner}`, `this is not a valid JSON Schema: ${what}`, error.hint ?? 'Correct it.');
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

/** Returns null and adds a fault with its location if a field cannot be parsed. */
function attempt<Result>(pointer: string, faults: FaultList, read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RowfillError)) throw error;
    const message = `${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`;
    faults.add(pointer, message, error.hint ?? 'Use a type such as string.');
    return null;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Context for resolving the paths and URLs of a recipe. */
interface Surroundings {
  /** Folder of the recipe. */
  readonly folder: string;
  readonly env: Environment;
  readonly faults: FaultList;
}

/** Resolves a path in a recipe: replaces variables, relative to the recipe's folder. */
function resolvePath(text: string, pointer: string, around: Surroundings): string {
  return placePath(fillVariables(text, pointer, around), pointer, around);
}

function placePath(path: string, pointer: string, around: Surroundings): string {
  if (/^~([/\\]|$)/.test(path)) {
    const home = process.platform === 'win32' ? 'USERPROFILE' : 'HOME';
    const hint = `Write \${${home}}${path.slice(1)}.`;
    around.faults.add(pointer, '~ is not expanded here', hint);
  }
  return isAbsolute(path) ? normalize(path) : join(around.folder, path);
}

/**
 * Resolves an agent's URL in a recipe. It must have only an origin and a path, so that it contains no
 * secrets.
 */
function resolveUrl(text: string, pointer: string, around: Surroundings): string {
  const address = fillVariables(text, pointer, around, OWN_VARIABLE);
  const url = URL.canParse(address) ? new URL(address) : null;
  const { faults } = around;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    faults.add(pointer, 'the URL is not an http or https URL', 'For example: url: http://127.0.0.1:4747');
  } else if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const hint = 'Remove user name, password, query and fragment; set EXA_API_KEY in the environment.';
    faults.add(pointer, 'the URL has more than a host and a path', hint);
  }
  return address;
}

/** The path or URL of a ledger. A password may come from a variable, but must not be in the file. */
function parseLedger(value: JsonValue, pointer: string, around: Surroundings): string {
  const text = String(value);
  try {
    if (!isLedgerUrl(text)) {
      const filled = fillVariables(text, pointer, around);
      // Absolute, because a folder may look like a part of a URL.
      return isLedgerUrl(filled) ? filled : resolve(placePath(filled, pointer, around));
    }
    const bare = text.replace(/\$\{[^{}]*\}/g, '');
    if (parseLedgerUrl(bare).passwords.length > 0) {
      const hint =
        'Delete it here, and set PGPASSWORD or use a password file (~/.pgpass). If others have seen it, change it.';
      around.faults.add(pointer, 'the URL has a password', hint, 'KEY_IN_RECIPE');
    }
    return fillVariables(text, pointer, around, OWN_VARIABLE);
  } catch (error) {
    if (!(error instanceof RowfillError)) throw error;
    around.faults.add(pointer, error.message, error.hint ?? '');
    return text;
  }
}

/** The first placeholder in a text that looks like a variable, or null. */
function findVariable(text: string): string | null {
  return /\$\{[^{}]*\}/.exec(text)?.[0] ?? null;
}

/** Values in a URL leave this machine, so only rowfill's own variables are allowed there. */
const OWN_VARIABLE = /^ROWFILL_/;

function fillVariables(text: string, pointer: string, { env, faults }: Surroundings, allowed = /^/): string {
  return text.replace(/\$\{([^{}]*)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      faults.add(
        pointer,
        `${whole} is not an environment variable`,
        `Write \${NAME} without spaces or default values.`,
      );
    } else if (isSecretName(name)) {
      const hint = 'Remove it: rowfill reads EXA_API_KEY from the environment and sends it safely.';
      faults.add(pointer, `\${${name}} looks like an API key, which must not be here`, hint, 'KEY_IN_RECIPE');
    } else if (!allowed.test(name)) {
      const hint = `Call the variable ROWFILL_${name}, or write the URL itself.`;
      const message = `${whole} is not allowed in a URL: only variables that begin with ROWFILL_ are sent`;
      faults.add(pointer, message, hint, 'RECIPE_VARIABLE_FOREIGN');
      return '';
    } else if (value === undefined || value === '') {
      const [nearest] = suggestSimilar(
        name,
        Object.keys(env).filter((known) => !isSecretName(known) && allowed.test(known)),
      );
      const guess = nearest === undefined ? '' : ` Or did you mean ${nearest}?`;
      faults.add(
        pointer,
        `the environment variable ${name} is not set`,
        `Set it: export ${name}=…${guess}`,
        'RECIPE_VARIABLE_UNSET',
      );
    }
    return value ?? '';
  });
}

/** True for a variable name that suggests a secret. */
export function isSecretName(name: string): boolean {
  const folded = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    /apikey|secret|password|passwd|credential|authorization|bearer|privatekey|accesskey|token$/.test(
      folded,
    ) ||
    /^(key|auth|exakey)$/.test(folded) ||
    /_KEY$/.test(name)
  );
}
