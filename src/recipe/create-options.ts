import type { EnrichOptions } from '../model/enrich-options.js';
import { isJsonObject, type JsonValue, readOwn } from '../model/json.js';
import { readNearest } from '../model/nearest.js';
import { HOSTED_PRICES } from '../model/prices.js';
import type { ParsedRecipe } from './parse-recipe.js';
import { formatPlace } from './recipe-fault.js';
import { resolveFields } from './resolve-fields.js';
import { findVariable, resolvePath, resolveUrl, type Surroundings } from './resolve-place.js';

/** What a recipe gives: options of a job, and where each of them stands. */
export type RecipeOptions = Partial<Omit<EnrichOptions, 'input'>>;

type Reader = (value: JsonValue, pointer: string, around: Surroundings) => unknown;

/** Which option each key is, and how its value is read; the recipe has been held to its schema. */
const READERS: readonly (readonly [string, keyof RecipeOptions, Reader])[] = [
  ['/query', 'query', readText],
  ['/system', 'system', readText],
  ['/fields', 'schemaObject', (value, _pointer, { faults }) => resolveFields(value, faults)],
  ['/schema', 'schema', readPath],
  ['/send', 'send', readValue],
  ['/share_answers', 'shareAnswers', readValue],
  ['/blank', 'blank', readValue],
  ['/exclude/file', 'exclude', readPath],
  ['/exclude/on', 'excludeOn', readValue],
  ['/effort', 'effort', (value) => (Array.isArray(value) ? value : [value])],
  ['/escalate_below', 'escalateBelow', readValue],
  ['/batch', 'batchSize', readValue],
  ['/concurrency', 'concurrency', readValue],
  ['/starts_per_second', 'startsPerSecond', readValue],
  ['/budget', 'maxCost', readValue],
  ['/keep_going', 'keepGoing', readValue],
  ['/prices', 'prices', readValue],
  ['/agent/reference', 'reference', readPath],
  ['/agent/url', 'apiUrl', (value, pointer, around) => resolveUrl(String(value), pointer, around)],
  ['/output/format', 'format', readValue],
  ['/output/citations_file', 'citationsFile', readPath],
  ['/output/overwrite', 'overwrite', readValue],
  ['/output/raw', 'raw', readValue],
  ['/output/bom', 'bom', readValue],
];

/** Makes options of a recipe that has been held to its schema; adds to the faults what a schema cannot tell. */
export function createRecipeOptions(
  parsed: ParsedRecipe,
  recipe: string,
  around: Surroundings,
): RecipeOptions {
  const options: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const [pointer, name, read] of READERS) {
    const value = readAt(parsed.value, pointer);
    if (value === undefined) continue;
    options[name] = read(value, pointer, around);
    origins[name] = formatPlace(recipe, parsed.locate(pointer, 'key'));
    for (const index of Array.isArray(value) ? value.keys() : []) {
      origins[`${name}/${index}`] = formatPlace(recipe, parsed.locate(`${pointer}/${index}`, 'value'));
    }
  }
  // Each value was made by the reader of its option, after the schema of recipes had checked its type.
  const made = options as RecipeOptions;
  checkTogether(made, around);
  return { ...made, origins };
}

function readAt(recipe: JsonValue, pointer: string): JsonValue | undefined {
  return pointer
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>(
      (value, key) => (isJsonObject(value) ? readOwn(value, key) : undefined),
      recipe,
    );
}

function readValue(value: JsonValue): JsonValue {
  return value;
}

function readText(value: JsonValue, pointer: string, { faults }: Surroundings): string {
  const text = String(value);
  const variable = findVariable(text);
  if (variable !== null) {
    const hint = 'Cells are sent beside the query, so name the column in words, without the braces.';
    faults.add(pointer, `${variable} is not replaced in a text`, hint);
  }
  return text;
}

function readPath(value: JsonValue, pointer: string, around: Surroundings): string {
  return resolvePath(String(value), pointer, around);
}

function checkTogether(
  { schema, schemaObject, effort, escalateBelow, prices }: RecipeOptions,
  { faults }: Surroundings,
): void {
  if (schema !== undefined && schemaObject !== undefined) {
    faults.add(
      '/schema',
      'schema and fields both say what to fill',
      'Keep one of them.',
      'BAD_RECIPE',
      'key',
    );
  }
  const known = Object.keys({ ...HOSTED_PRICES, ...prices });
  for (const [index, level] of (effort ?? []).entries()) {
    if (known.includes(level)) continue;
    const [nearest] = readNearest(level, known);
    const guess = nearest === undefined ? '' : `Did you mean ${nearest}? `;
    faults.add(
      `/effort/${index}`,
      `effort is ${JSON.stringify(level)}, which has no known price, so its cost cannot be capped`,
      `${guess}Levels: ${known.join(', ')}; give others a price under prices.`,
    );
  }
  if (escalateBelow !== undefined && (effort ?? []).length < 2) {
    const hint = 'Give a ladder, such as effort: [low, high].';
    faults.add(
      '/escalate_below',
      'escalate_below needs a second effort to climb to',
      hint,
      'BAD_RECIPE',
      'key',
    );
  }
}
