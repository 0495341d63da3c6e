import { hashText } from '../model/ask.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { splitRowIds } from '../model/row-entries.js';
import type { CreateRunRequest } from '../model/run.js';
import { compileSchema, SchemaError } from '../model/schema.js';
import { type Contract, DEFAULT_EFFORT, EFFORTS, isLongEffort, isMeteredEffort } from './contract.js';
import { createInvalid, type Refusal } from './refusal.js';
import { RUN_ID_PATTERN } from './resolve-page.js';

/** Maximum number of records in each list of a request. */
const MAX_RECORDS = 10_000;
const MAX_DEPTH = 256;

const CONTRACT_KEYS: readonly string[] = [
  'query',
  'systemPrompt',
  'input',
  'outputSchema',
  'effort',
  'previousRunId',
  'metadata',
  'budget',
];
const KNOWN_KEYS: Readonly<Record<Contract, readonly string[]>> = {
  '2026-05-07': CONTRACT_KEYS,
  current: [...CONTRACT_KEYS, 'dataSources'],
};

/**
 * Validates the body of a create and returns the request to store. Refuses it with the location of the fault.
 */
export function resolveCreate(body: unknown, contract: Contract): CreateRunRequest {
  if (!isJsonObject(body)) throw createInvalid(`The body must be a JSON object, but is ${nameType(body)}.`);
  checkDepth(body, '', 0);
  const unknown = Object.keys(body).filter((key) => !KNOWN_KEYS[contract].includes(key));
  if (contract === 'current' && unknown.length > 0) throw createUnknownKeys(unknown);
  const effort = parseEffort(body.effort, contract);
  const request = {
    query: parseQuery(body.query),
    ...keep('systemPrompt', parseText(body.systemPrompt, 'systemPrompt')),
    ...keep('input', parseInput(body.input)),
    ...keep('outputSchema', parseOutputSchema(body.outputSchema)),
    effort,
    ...keep('previousRunId', parsePreviousRunId(body.previousRunId)),
    ...keep('metadata', parseMetadata(body.metadata)),
    ...keep('budget', parseBudget(body.budget, effort, contract)),
    ...(contract === 'current' ? keep('dataSources', parseDataSources(body.dataSources)) : {}),
  };
  const extras = contract === 'current' ? [] : unknown;
  return { ...request, ...Object.fromEntries(extras.map((key) => [key, body[key]])) };
}

/** Names the type of a JSON value, for messages. */
function nameType(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function parseQuery(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw createInvalid(`query must be text, but is ${nameType(value)}.`);
  if (value === '') throw createInvalid('query must not be empty.');
  return value;
}

function parseText(value: JsonValue | undefined, path: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw createInvalid(`${path} must be text, but is ${nameType(value)}.`);
}

function parseInput(value: JsonValue | undefined): CreateRunRequest['input'] {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw createInvalid(`input must be an object, but is ${nameType(value)}.`);
  return {
    ...keep('data', parseRecords(value.data, 'input.data')),
    ...keep('exclusion', parseRecords(value.exclusion, 'input.exclusion')),
  };
}

function parseRecords(value: JsonValue | undefined, path: string): readonly JsonObject[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw createInvalid(`${path} must be an array, but is ${nameType(value)}.`);
  if (value.length > MAX_RECORDS) {
    throw createInvalid(
      `${path} has ${value.length} records; this server accepts at most ${MAX_RECORDS} per run.`,
    );
  }
  return value.map((record: JsonValue, index) => {
    if (isJsonObject(record)) return record;
    throw createInvalid(`${path}[${index}] must be an object, but is ${nameType(record)}.`);
  });
}

function parseOutputSchema(value: JsonValue | undefined): JsonObject | null | undefined {
  if (value === undefined || value === null) return value;
  if (!isJsonObject(value)) {
    throw createInvalid(`outputSchema must be an object or null, but is ${nameType(value)}.`);
  }
  const fault = checkOutputSchema(value);
  if (fault !== null) {
    throw createInvalid(`outputSchema: ${fault.message}`, 'INVALID_OUTPUT_SCHEMA', { path: fault.path });
  }
  return value;
}

function parseEffort(value: JsonValue | undefined, contract: Contract): string {
  if (value === undefined) return DEFAULT_EFFORT;
  const known = EFFORTS[contract];
  if (typeof value === 'string' && known.includes(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : nameType(value);
  throw createInvalid(`effort must be one of ${known.join(', ')}, but is ${shown}.`);
}

function parsePreviousRunId(value: JsonValue | undefined): string | undefined {
  const id = parseText(value, 'previousRunId');
  if (id === undefined || RUN_ID_PATTERN.test(id)) return id;
  throw createInvalid('previousRunId must be 1 to 200 letters, digits or any of _ . : -');
}

function parseMetadata(value: JsonValue | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw createInvalid(`metadata must be an object, but is ${nameType(value)}.`);
  const entries = Object.entries(value).map(([key, inner]): [string, string] => {
    if (typeof inner === 'string') return [key, inner];
    throw createInvalid(`metadata.${key.slice(0, 100)} must be text, but is ${nameType(inner)}.`);
  });
  return Object.fromEntries(entries);
}

function checkDepth(value: JsonValue, path: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) {
    throw createInvalid(`The body is nested deeper than ${MAX_DEPTH} levels, at ${path.slice(0, 100)}.`);
  }
  for (const [key, inner] of Object.entries(value))
    checkDepth(inner, depth < 4 ? `${path}/${key}` : path, depth + 1);
}

function createUnknownKeys(keys: readonly string[]) {
  const names = keys.map((key) => `"${key.slice(0, 100)}"`).join(', ');
  const message = `Unrecognized key(s) in the body: ${names}.`;
  const detail = JSON.stringify([{ code: 'unrecognized_keys', keys, path: [], message }]);
  return createInvalid(message, 'INVALID_REQUEST', { detail });
}

function keep<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

const PROVIDERS: readonly string[] = [
  'affiliate',
  'baselayer',
  'fiber',
  'fiber_ai',
  'financial_datasets',
  'jinko',
  'macrobond',
  'particle',
  'particle_news',
  'polymarket',
  'similarweb',
];
const MAX_PROVIDERS = 5;

type Budget = NonNullable<CreateRunRequest['budget']>;

/** Validates the spending limits of a request. The contract of 2026-05-07 ignores them. */
function parseBudget(value: JsonValue | undefined, effort: string, contract: Contract): Budget | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw createInvalid('budget must be an object.');
  const dollars = parseNumber(value.maxCostDollars, 'budget.maxCostDollars');
  if (contract === '2026-05-07') {
    if (dollars !== undefined && dollars < 0)
      throw createInvalid('budget.maxCostDollars must not be negative.');
    return undefined;
  }
  const seconds = parseNumber(value.maxDurationSeconds, 'budget.maxDurationSeconds');
  if (dollars !== undefined) checkCost(dollars, effort);
  if (seconds !== undefined) checkDuration(seconds, effort);
  return {
    ...(dollars === undefined ? {} : { maxCostDollars: dollars }),
    ...(seconds === undefined ? {} : { maxDurationSeconds: seconds }),
  };
}

/** Validates the paid data sources of a request in the current contract. */
function parseDataSources(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw createInvalid('dataSources must be an array.');
  if (value.length > MAX_PROVIDERS)
    throw createBadSource(`dataSources has more than ${MAX_PROVIDERS} entries.`);
  value.forEach((source: JsonValue, index) => {
    const provider = isJsonObject(source) ? source.provider : undefined;
    if (typeof provider !== 'string') {
      throw createInvalid(`dataSources[${index}] must be an object whose provider is text.`);
    }
    if (!PROVIDERS.includes(provider)) {
      throw createBadSource(`dataSources[${index}].provider "${provider.slice(0, 100)}" is not known.`);
    }
  });
  return value;
}

function parseNumber(value: JsonValue | undefined, path: string): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  throw createInvalid(`${path} must be a number.`);
}

function checkCost(dollars: number, effort: string): void {
  if (!isMeteredEffort(effort)) {
    throw createInvalid(
      `budget.maxCostDollars is only allowed for the efforts auto and ultra, not ${effort}.`,
    );
  }
  if (dollars < 1 || dollars > 100) throw createInvalid('budget.maxCostDollars must be between 1 and 100.');
}

function checkDuration(seconds: number, effort: string): void {
  if (!isLongEffort(effort)) {
    throw createInvalid(`budget.maxDurationSeconds is only allowed for the effort ultra, not ${effort}.`);
  }
  if (seconds < 300 || seconds > 10_800) {
    throw createInvalid('budget.maxDurationSeconds must be between 300 and 10800.');
  }
}

function createBadSource(message: string): Refusal {
  return createInvalid(message, 'INVALID_DATA_SOURCE');
}

/** Validates an outputSchema by its draft. Returns the fault and its location, or null. */
export function checkOutputSchema(schema: JsonObject): SchemaError | null {
  const key = createKey(schema);
  if (KNOWN_GOOD.has(key)) return null;
  try {
    compileSchema(schema);
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
  if (KNOWN_GOOD.size >= MAX_KNOWN) KNOWN_GOOD.clear();
  KNOWN_GOOD.add(key);
  return null;
}

/** Row ids differ in each run, but only their number decides whether a schema is valid. */
function createKey(schema: JsonObject): string {
  const split = splitRowIds(schema);
  return hashText(JSON.stringify(split === null ? schema : [split.rest, split.rowIds.length]), 32);
}

/**
 * Cache, because a job sends the same schema thousands of times and compiling it costs more than the rest of
 * a create.
 */
const KNOWN_GOOD = new Set<string>();
const MAX_KNOWN = 1_000;
