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

/** Holds a recipe to its published schema, and says in words what breaks it. */
export function checkRecipe(value: JsonValue, faults: FaultList): void {
  if (!isJsonObject(value)) {
    faults.add('', 'a recipe is a list of keys and values', 'Begin with: query: What to find out');
    return;
  }
  const issues = openRecipeSchema().validate(value);
  for (const issue of issues) {
    if (issue.property !== undefined) addUnknownKey(issue.path, issue.property, faults);
    // How many keys there are matters only once all of them are known.
    else if (!issues.some(({ property, path }) => property !== undefined && path === issue.path)) {
      addIssue(issue, value, faults);
    }
  }
}

function addUnknownKey(path: string, key: string, faults: FaultList): void {
  const at = `${path}/${escapeToken(key)}`;
  if (isSecretName(key)) {
    faults.add(at, `${key} looks like a key, and no key belongs in a file`, NO_KEYS, 'KEY_IN_RECIPE', 'key');
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

/** What people write who know the options, or another tool. */
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
  ['/input', 'Name the file on the command line: a recipe serves many files.'],
  ['/limit', 'Give --limit on the command line.'],
  ['/sample', 'Give --sample on the command line.'],
  ['/yes', 'Give --yes on the command line, or a budget here.'],
  ['/refresh', 'Give --refresh on the command line.'],
  ['/maxage', 'Give --max-age on the command line.'],
  ['/agent/apiurl', 'Did you mean url?'],
  ['/agent/dir', 'Did you mean reference?'],
  ['/agent/effort', 'Write effort beside agent.'],
  ['/output/file', 'Give --output on the command line: a recipe serves many files.'],
  ['/output/path', 'Give --output on the command line: a recipe serves many files.'],
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
        : `${name} is ${show(value)}, and has to be ${listTypes(path)}`;
    case 'minimum':
    case 'maximum':
      return `${name} is ${show(value)}, and has to be ${listRange(path)}`;
    case 'enum':
      return `${name} is ${show(value)}, and has to be ${listTexts(path, 'enum').join(' or ')}`;
    case 'minLength':
    case 'pattern':
    case 'minItems':
    case 'minProperties':
      return `${name} is empty`;
    case 'maxProperties':
      return `${name} names ${Object.keys(listProperties(path)).join(' and ')}, of which there can be one`;
    case 'required':
      return `${name} has no ${listTexts(path, 'required').join(' and no ')}`;
    case 'uniqueItems':
      return `${name} names the same twice`;
    default:
      return `${name} ${message}`;
  }
}

function createHint({ path, keyword }: SchemaIssue, value: JsonValue | undefined): string {
  if (keyword === 'enum' && typeof value === 'string') {
    const [nearest] = suggestSimilar(value, listTexts(path, 'enum'));
    if (nearest !== undefined) return `Did you mean ${nearest}?`;
  }
  if (keyword === 'uniqueItems') return 'Name each once.';
  const top = path.split('/')[1] ?? '';
  // An entry's own example would stand without its key.
  const isEntry = /\/\d+$/.test(path) || /^\/(fields|prices)\/./.test(path);
  const from = isEntry ? `/${top}` : path;
  const examples = findRule(from).examples;
  const example = Array.isArray(examples) ? examples[0] : undefined;
  const key = unescapeToken(from.split('/').at(-1) ?? '');
  return example === undefined ? 'Give it a value.' : `For example: ${key}: ${formatFlow(example)}`;
}

/** A path as a person says it: `output.format`, `send, entry 2`. */
function describe(path: string): string {
  const tokens = path.split('/').slice(1).map(unescapeToken);
  return tokens.reduce((text, token) => {
    if (text === '') return token;
    return /^\d+$/.test(token) ? `entry ${Number(token) + 1} of ${text}` : `${text}.${token}`;
  }, '');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
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
  if (isJsonObject(value)) return 'keys with values';
  return typeof value === 'string' ? `the text ${quote(value)}` : String(value);
}

function quote(text: string): string {
  return `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;
}

/** A value as YAML has it on one line. */
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

/** The published schema of recipes, ready to check with; it is read when the first recipe is. */
export function openRecipeSchema(): CompiledSchema {
  compiled ??= compileChecked(readRecipeSchema());
  return compiled;
}

/** What the schema says of the value at a JSON pointer into a recipe; empty where it says nothing. */
export function findRule(pointer: string): JsonObject {
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
