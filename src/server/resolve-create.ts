import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { CreateRunRequest } from '../model/run.js';
import { checkOutputSchema } from './check-output-schema.js';
import { type Contract, DEFAULT_EFFORT, EFFORTS } from './contract.js';
import { createInvalid } from './refusal.js';
import { readBudget, readDataSources } from './resolve-paid-options.js';
import { RUN_ID_PATTERN } from './run-id.js';

/** The most records that one request may carry in each list. */
export const MAX_RECORDS = 10_000;
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

/** Turns the body of a create into the request as it is stored, or refuses it and says where it is wrong. */
export function resolveCreate(body: unknown, contract: Contract): CreateRunRequest {
  if (!isJsonObject(body)) throw createInvalid(`The body must be a JSON object, but is ${nameType(body)}.`);
  checkDepth(body, '', 0);
  const unknown = Object.keys(body).filter((key) => !KNOWN_KEYS[contract].includes(key));
  if (contract === 'current' && unknown.length > 0) throw createUnknownKeys(unknown);
  const effort = readEffort(body.effort, contract);
  const request = {
    query: readQuery(body.query),
    ...keep('systemPrompt', readText(body.systemPrompt, 'systemPrompt')),
    ...keep('input', readInput(body.input)),
    ...keep('outputSchema', readOutputSchema(body.outputSchema)),
    effort,
    ...keep('previousRunId', readPreviousRunId(body.previousRunId)),
    ...keep('metadata', readMetadata(body.metadata)),
    ...keep('budget', readBudget(body.budget, effort, contract)),
    ...(contract === 'current' ? keep('dataSources', readDataSources(body.dataSources)) : {}),
  };
  const extras = contract === 'current' ? [] : unknown;
  return { ...request, ...Object.fromEntries(extras.map((key) => [key, body[key]])) };
}

/** What a JSON value is, for a message. */
export function nameType(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function readQuery(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw createInvalid(`query must be text, but is ${nameType(value)}.`);
  if (value === '') throw createInvalid('query must not be empty.');
  return value;
}

function readText(value: JsonValue | undefined, path: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw createInvalid(`${path} must be text, but is ${nameType(value)}.`);
}

function readInput(value: JsonValue | undefined): CreateRunRequest['input'] {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw createInvalid(`input must be an object, but is ${nameType(value)}.`);
  return {
    ...keep('data', readRecords(value.data, 'input.data')),
    ...keep('exclusion', readRecords(value.exclusion, 'input.exclusion')),
  };
}

function readRecords(value: JsonValue | undefined, path: string): readonly JsonObject[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw createInvalid(`${path} must be an array, but is ${nameType(value)}.`);
  if (value.length > MAX_RECORDS) {
    throw createInvalid(`${path} holds ${value.length} records; this server takes ${MAX_RECORDS} a run.`);
  }
  return value.map((record: JsonValue, index) => {
    if (isJsonObject(record)) return record;
    throw createInvalid(`${path}[${index}] must be an object, but is ${nameType(record)}.`);
  });
}

function readOutputSchema(value: JsonValue | undefined): JsonObject | null | undefined {
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

function readEffort(value: JsonValue | undefined, contract: Contract): string {
  if (value === undefined) return DEFAULT_EFFORT;
  const known = EFFORTS[contract];
  if (typeof value === 'string' && known.includes(value)) return value;
  const said = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : nameType(value);
  throw createInvalid(`effort must be one of ${known.join(', ')}, but is ${said}.`);
}

function readPreviousRunId(value: JsonValue | undefined): string | undefined {
  const id = readText(value, 'previousRunId');
  if (id === undefined || RUN_ID_PATTERN.test(id)) return id;
  throw createInvalid('previousRunId must be 1 to 200 letters, digits or any of _ . : - characters.');
}

function readMetadata(value: JsonValue | undefined): Readonly<Record<string, string>> | undefined {
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
