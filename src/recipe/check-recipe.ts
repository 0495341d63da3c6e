import { readFileSync } from 'node:fs';
import { suggestSimilar } from '../model/format.js';
import {
  escapeToken,
  getOwn,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  resolvePointer,
  unescapeToken,
} from '../model/json.js';
import { type CompiledSchema, compileChecked, type SchemaIssue } from '../model/schema.js';
import { isSecretName } from './create-options.js';
import { type FaultList, NO_KEYS } from './parse-recipe.js';

/** Validates a recipe against its published schema and adds readable faults. */
export function checkRecipe(value: JsonValue, faults: FaultList): void {
  if (!isJsonObject(value)) {
    faults.add('', 'a recipe must be a list of keys and values', 'Start with: query: What to find out');
    return;
  }
  const issues = openRecipeSchema().validate(value);
  for (const issue of issues) {
    if (issue.property !== undefined) addUnknownKey(issue.path, issue.property, faults);
    // Report the number of keys only if all keys are known.
    else if (!issues.some(({ property, path }) => property !== undefined && path === issue.path)) {
      addIssue(issue, value, faults);
    }
  }
}

function addUnknownKey(path: string, key: string, faults: FaultList): void {
  const at = `${path}/${escapeToken(key)}`;
  if (isSecretName(key)) {
    faults.add(
      at,
      `${key} looks like an API key, which must not be in a file`,
      NO_KEYS,
      'KEY_IN_RECIPE',
      'key',
    );
    return;
  }
  const known = Object.keys(listProperties(path));
  const [nearest] = suggestSimilar(key, known);
  const where = path === '' ? 'a recipe' : describe(path);
  faults.add(
    at,
    `${where} has no key ${quote(key)}`,
    MEANT.get(`${path}/${fold(key)}`) ??
      (nearest === undefined ? `The keys are ${known.join(', ')}.` : `Did you mean ${nearest}?`),
    'BAD_RECIPE',
    'key',
  );
}

/** Hints for keys that users carry over from the options or from other tools. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['/prompt', 'Did you mean query?'],
  ['/question', 'Did you mean query?'],
  ['/instructions', 'Did you mean system?'],
  ['/field', 'Did you mean fields?'],
  ['/columns', 'Did you mean fields, the columns to fill, or send, the columns that are sent?'],
  ['/outputschema', 'Did you mean schema?'],
  ['/cost', 'Did you mean budget?'],
  ['/maxcost', 'Did you mean budget?'],
  ['/batchsize', 'Did you mean batch?'],
  ['/excludeon', 'Write exclude: {file: customers.csv, on: [domain]}.'],
  ['/reference', 'Write agent: {reference: ./tables}.'],
  ['/apiurl', 'Write agent: {url: http://127.0.0.1:4747}.'],
  ['/url', 'Write agent: {url: http://127.0.0.1:4747}.'],
  ['/format', 'Write output: {format: csv}.'],
  ['/citationsfile', 'Write output: {citations_file: citations.jsonl}.'],
  ['/overwrite', 'Write output: {overwrite: true}.'],
  ['/raw', 'Write output: {raw: true}.'],
  ['/bom', 'Write output: {bom: true}.'],
  ['/plain', 'Write output: {plain: true}.'],
  ['/sources', 'Write output: {sources: comments}.'],
  ['/input', 'Give the file on the command line: a recipe can be used for many files.'],
  ['/limit', 'Give --limit on the command line.'],
  ['/sample', 'Give --sample on the command line.'],
  ['/yes', 'Give --yes on the command line, or a budget here.'],
  ['/refresh', 'Give --refresh on the command line.'],
  ['/maxage', 'Give --max-age on the command line.'],
  ['/agent/apiurl', 'Did you mean url?'],
  ['/agent/dir', 'Did you mean reference?'],
  ['/agent/effort', 'Write effort next to agent, not inside it.'],
  ['/output/file', 'Give --output on the command line: a recipe can be used for many files.'],
  ['/output/path', 'Give --output on the command line: a recipe can be used for many files.'],
  ['/output/citations', 'Did you mean citations_file?'],
  ['/exclude/path', 'Did you mean file?'],
  ['/exclude/columns', 'Did you mean on?'],
]);

function addIssue(issue: SchemaIssue, recipe: JsonValue, faults: FaultList): void {
  const { path, keyword } = issue;
  const value = resolvePointer(recipe, path);
  const at = keyword === 'uniqueItems' ? `${path}/${findRepeat(value)}` : path;
  const part = keyword === 'required' || value === null ? 'key' : 'value';
  faults.add(at, explain(issue, value), createHint(issue, value), 'BAD_RECIPE', part);
}

function explain({ path, keyword, message }: SchemaIssue, value: JsonValue | undefined): string {
  const name = describe(path);
  switch (keyword) {
    case 'type':
      return value === null
        ? `${name} has no value`
        : `${name} is ${show(value)}, but must be ${listTypes(path)}`;
    case 'minimum':
    case 'maximum':
      return `${name} is ${show(value)}, but must be ${listRange(path)}`;
    case 'enum':
      return `${name} is ${show(value)}, but must be ${listTexts(path, 'enum').join(' or ')}`;
    case 'minLength':
    case 'pattern':
    case 'minItems':
    case 'minProperties':
      return `${name} is empty`;
    case 'maxProperties':
      return `${name} has ${Object.keys(listProperties(path)).join(' and ')}, but only one is allowed`;
    case 'required':
      return `${name} has no ${listTexts(path, 'required').join(' and no ')}`;
    case 'uniqueItems':
      return `${name} has a duplicate`;
    default:
      return `${name} ${message}`;
  }
}

function createHint({ path, keyword }: SchemaIssue, value: JsonValue | undefined): string {
  if (keyword === 'enum' && typeof value === 'string') {
    const [nearest] = suggestSimilar(value, listTexts(path, 'enum'));
    if (nearest !== undefined) return `Did you mean ${nearest}?`;
  }
  if (keyword === 'uniqueItems') return 'List each entry once.';
  const top = path.split('/')[1] ?? '';
  // The example of an entry does not include its key.
  const isEntry = /\/\d+$/.test(path) || /^\/(fields|prices)\/./.test(path);
  const from = isEntry ? `/${top}` : path;
  const examples = findRule(from).examples;
  const example = Array.isArray(examples) ? examples[0] : undefined;
  const key = unescapeToken(from.split('/').at(-1) ?? '');
  return example === undefined ? 'Set a value.' : `For example: ${key}: ${formatFlow(example)}`;
}

/** Formats a path for display: `output.format`, `send, entry 2`. */
function describe(path: string): string {
  const tokens = path.split('/').slice(1).map(unescapeToken);
  return tokens.reduce((text, token) => {
    if (text === '') return token;
    return /^\d+$/.test(token) ? `entry ${Number(token) + 1} of ${text}` : `${text}.${token}`;
  }, '');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function listTypes(path: string): string {
  const { type } = findRule(path);
  const types = Array.isArray(type) ? type : [type];
  return types.map((each) => TYPE_NAMES[String(each)] ?? String(each)).join(' or ');
}

function listRange(path: string): string {
  const { minimum, maximum } = findRule(path);
  return maximum === undefined ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

function listTexts(path: string, keyword: 'enum' | 'required'): string[] {
  const values = findRule(path)[keyword];
  return Array.isArray(values) ? values.map(String) : [];
}

function listProperties(path: string): Readonly<Record<string, JsonValue>> {
  const { properties } = findRule(path);
  return isJsonObject(properties) ? properties : {};
}

function findRepeat(value: JsonValue | undefined): number {
  const items = Array.isArray(value) ? value.map((item) => JSON.stringify(item)) : [];
  return Math.max(
    0,
    items.findIndex((item, index) => items.indexOf(item) < index),
  );
}

function show(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return 'a list';
  if (isJsonObject(value)) return 'an object';
  return typeof value === 'string' ? `the text ${quote(value)}` : String(value);
}

function quote(text: string): string {
  return `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;
}

/** Formats a value as YAML on one line. */
function formatFlow(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(formatFlow).join(', ')}]`;
  if (!isJsonObject(value)) return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}: ${formatFlow(inner)}`)
    .join(', ')}}`;
}

function fold(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, '');
}

let compiled: CompiledSchema | null = null;
let schema: JsonObject | null = null;

/** The compiled schema of recipes, loaded on first use. */
export function openRecipeSchema(): CompiledSchema {
  compiled ??= compileChecked(readRecipeSchema());
  return compiled;
}

/** The schema's rule for the value at a JSON pointer into a recipe; empty if it has none. */
function findRule(pointer: string): JsonObject {
  let rule: JsonValue = readRecipeSchema();
  for (const token of pointer.split('/').slice(1).map(unescapeToken)) {
    if (!isJsonObject(rule)) break;
    const named: JsonValue | undefined = isJsonObject(rule.properties)
      ? getOwn(rule.properties, token)
      : undefined;
    const inner: JsonValue | undefined = /^\d+$/.test(token) ? rule.items : rule.additionalProperties;
    rule = named ?? inner ?? {};
  }
  return isJsonObject(rule) ? rule : {};
}

function readRecipeSchema(): JsonObject {
  schema ??= JSON.parse(readFileSync(new URL('./recipe.schema.json', import.meta.url), 'utf8')) as JsonObject;
  return schema;
}
