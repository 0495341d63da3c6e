import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { type Contract, EFFORTS } from '../../src/server/contract.js';

/** Kinds of responses, by operation and outcome. */
export type ResponseKind = 'run' | 'runPage' | 'eventPage' | 'deleted' | 'error' | 'gatewayError';

/** JSON Schemas (2020-12) of all response bodies that the server may send under a contract. */
export function createResponseSchemas(contract: Contract): Readonly<Record<ResponseKind, JsonObject>> {
  const run = createRunSchema(contract);
  return {
    run,
    runPage: createPageSchema(run),
    eventPage: createPageSchema(createEventSchema(contract)),
    deleted: closed({ id: RUN_ID, object: { const: 'agent_run.deleted' }, deleted: { const: true } }),
    error: closed({ error: createErrorSchema(contract) }),
    gatewayError: closed({ requestId: TEXT, error: TEXT, tag: TEXT }),
  };
}

/** Event names of a stream, each with the JSON Schema of its data. */
export function createFrameSchemas(contract: Contract): Readonly<Record<string, JsonObject>> {
  const id = RUN_ID;
  const end = (status: string): JsonObject =>
    contract === 'current'
      ? createRunSchema(contract)
      : closed({ id, object: { const: 'agent_run' }, status: { const: status } });
  return {
    'agent_run.created': closed({ id, status: { const: 'queued' }, createdAt: TIME }),
    'agent_run.started': closed({ id, status: { const: 'running' } }),
    'agent_run.completed': end('completed'),
    'agent_run.cancelled': end('cancelled'),
    'agent_run.failed': closed({ id, status: { const: 'failed' }, error: createErrorSchema(contract) }),
  };
}

const TEXT: JsonObject = { type: 'string' };
const TIME: JsonObject = { type: 'string', format: 'date-time' };
const AMOUNT: JsonObject = { type: 'number', minimum: 0 };
const COUNT: JsonObject = { type: 'integer', minimum: 0 };
const RECORDS: JsonObject = { type: 'array', items: { type: 'object' } };
const RUN_ID: JsonObject = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9_.:-]+$' };
const TEXT_MAP: JsonObject = { type: 'object', additionalProperties: TEXT };

const STOP_REASONS = ['schema_satisfied', 'budget_reached', 'error', 'cancelled'];
const LATER_STOP_REASONS = ['stopped', 'time_limit_reached'];
const ERROR_TYPES = [
  'INVALID_REQUEST',
  'AUTHENTICATION_ERROR',
  'RATE_LIMIT_ERROR',
  'NOT_FOUND',
  'SERVER_ERROR',
];
const ERROR_CODES = [
  'INVALID_REQUEST',
  'TEAM_NOT_FOUND',
  'RUN_NOT_FOUND',
  'PREVIOUS_RUN_NOT_FOUND',
  'PREVIOUS_RUN_NOT_COMPLETED',
  'CONCURRENCY_LIMIT_REACHED',
  'INVALID_OUTPUT_SCHEMA',
  'TIMEOUT',
  'SERVER_ERROR',
];
const BETA_CODES = ['MISSING_BETA_HEADER', 'INVALID_BETA_HEADER'];

function createRunSchema(contract: Contract): JsonObject {
  const isCurrent = contract === 'current';
  const stopReasons = isCurrent ? [...STOP_REASONS, ...LATER_STOP_REASONS] : STOP_REASONS;
  const required = {
    id: RUN_ID,
    object: { const: 'agent_run' },
    status: { enum: ['queued', 'running', 'completed', 'failed', 'cancelled'] },
    stopReason: { enum: [null, ...stopReasons] },
    createdAt: TIME,
    completedAt: { anyOf: [TIME, { type: 'null' }] },
    request: { anyOf: [createRequestSchema(contract), { type: 'null' }] },
    output: createOutputSchema(contract),
    usage: closed({
      agentComputeUnits: isCurrent ? AMOUNT : COUNT,
      searches: COUNT,
      emails: COUNT,
      phoneNumbers: COUNT,
    }),
    costDollars: closed({
      total: AMOUNT,
      agentCompute: AMOUNT,
      search: AMOUNT,
      emails: AMOUNT,
      phoneNumbers: AMOUNT,
    }),
  };
  return {
    ...closed(required, isCurrent ? { error: createErrorSchema(contract) } : {}),
    allOf: LIFECYCLE_RULES,
  };
}

/** Constraints on a run's other keys by its state. */
const LIFECYCLE_RULES: JsonValue = [
  {
    if: { properties: { status: { enum: ['queued', 'running'] } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: {
        stopReason: { const: null },
        completedAt: { const: null },
        output: { const: { text: '', structured: null, grounding: [] } },
        costDollars: { properties: { total: { const: 0 } } },
      },
    },
    else: { properties: { stopReason: { type: 'string' }, completedAt: { type: 'string' } } },
  },
  {
    if: { properties: { status: { const: 'cancelled' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: {
        stopReason: { const: 'cancelled' },
        output: { properties: { structured: { const: null } } },
      },
    },
  },
  {
    if: { properties: { status: { const: 'failed' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { stopReason: { const: 'error' } } },
    else: { properties: { error: false } },
  },
];

function createRequestSchema(contract: Contract): JsonObject {
  return {
    type: 'object',
    properties: {
      query: { type: 'string', minLength: 1 },
      systemPrompt: TEXT,
      input: {
        type: 'object',
        properties: { data: RECORDS, exclusion: RECORDS },
        additionalProperties: false,
      },
      outputSchema: { type: ['object', 'null'] },
      effort: { enum: EFFORTS[contract] },
      previousRunId: RUN_ID,
      metadata: TEXT_MAP,
      ...(contract === 'current'
        ? { budget: { type: 'object' }, dataSources: { type: 'array', maxItems: 5 } }
        : {}),
    },
    // In canonical form, with defaults filled in.
    required: ['query', 'effort'],
  };
}

function createOutputSchema(contract: Contract): JsonObject {
  const citation = closed({ url: { type: 'string', format: 'uri' } }, { title: TEXT });
  const confidence = { enum: ['low', 'medium', 'high', null] };
  const score = { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, { type: 'null' }] };
  const grounding = closed(
    { field: TEXT, citations: { type: 'array', items: citation } },
    { confidence, ...(contract === 'current' ? { score } : {}) },
  );
  return closed({ text: TEXT, structured: {}, grounding: { type: 'array', items: grounding } });
}

function createEventSchema(contract: Contract): JsonObject {
  return closed({
    id: { type: 'string', pattern: '^[1-9][0-9]*$' },
    event: { enum: Object.keys(createFrameSchemas(contract)) },
    data: {},
    createdAt: TIME,
  });
}

function createErrorSchema(contract: Contract): JsonObject {
  const code = { enum: [...ERROR_CODES, ...(contract === 'current' ? ['INVALID_DATA_SOURCE'] : BETA_CODES)] };
  return {
    type: 'object',
    properties: { type: { enum: ERROR_TYPES }, code, message: { type: 'string', minLength: 1 } },
    required: ['type', 'code', 'message'],
  };
}

function createPageSchema(item: JsonObject): JsonObject {
  return closed({
    object: { const: 'list' },
    data: { type: 'array', maxItems: 100, items: item },
    hasMore: { type: 'boolean' },
    nextCursor: { anyOf: [RUN_ID, { type: 'null' }] },
  });
}

/** An object with exactly these keys. */
function closed(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}
