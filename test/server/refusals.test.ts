import { beforeAll, expect, test } from 'vitest';
import type { Contract } from '../../src/server/contract.js';
import { type RunningServer, startServer } from '../../src/server/start-server.js';
import { createCheckedFetch } from '../helpers/checked-fetch.js';
import { createResult, ScriptedAgent } from '../helpers/scripted-agent.js';

interface Case {
  readonly name: string;
  readonly contract?: Contract;
  readonly method?: string;
  readonly path?: string;
  /** Text and bytes are sent unchanged; anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expected: readonly [status: number, type: string, code: string];
  /** Text that the message must contain. */
  readonly says?: string;
}

const INVALID = [400, 'INVALID_REQUEST', 'INVALID_REQUEST'] as const;
const BAD_SCHEMA = [400, 'INVALID_REQUEST', 'INVALID_OUTPUT_SCHEMA'] as const;
const NO_TEAM = [401, 'AUTHENTICATION_ERROR', 'TEAM_NOT_FOUND'] as const;
const NO_RUN = [404, 'NOT_FOUND', 'RUN_NOT_FOUND'] as const;
const NO_OPERATION = [404, 'NOT_FOUND', 'INVALID_REQUEST'] as const;
const ABSENT = 'agent_run_00000000000000000000000000';

const schema = (name: string, outputSchema: unknown, says: string): Case => ({
  name: `outputSchema ${name}`,
  body: { query: 'x', outputSchema },
  expected: BAD_SCHEMA,
  says,
});
const field = (name: string, fields: object, says: string, contract?: Contract): Case => ({
  name,
  ...(contract === undefined ? {} : { contract }),
  body: { query: 'x', ...fields },
  expected: INVALID,
  says,
});
const read = (name: string, path: string, expected: Case['expected'], says = ''): Case => ({
  name,
  method: 'GET',
  path,
  expected,
  says,
});

const CASES: readonly Case[] = [
  // Authentication
  {
    name: 'no key',
    headers: { 'x-api-key': '' },
    body: { query: 'x' },
    expected: NO_TEAM,
    says: 'x-api-key',
  },
  { name: 'a blank key', headers: { 'x-api-key': '   ' }, body: { query: 'x' }, expected: NO_TEAM },
  {
    name: 'an authorization of another kind',
    headers: { 'x-api-key': '', authorization: 'Basic a2V5Og==' },
    body: { query: 'x' },
    expected: NO_TEAM,
  },
  {
    name: 'a bearer without a key',
    headers: { 'x-api-key': '', authorization: 'Bearer ' },
    body: { query: 'x' },
    expected: NO_TEAM,
  },
  {
    name: 'no key for a path that does not exist',
    path: '/nowhere',
    headers: { 'x-api-key': '' },
    expected: NO_TEAM,
  },
  { name: 'no key and no beta header', headers: { 'x-api-key': '', 'exa-beta': '' }, expected: NO_TEAM },
  { name: 'no key for a GET', method: 'GET', headers: { 'x-api-key': '' }, expected: NO_TEAM },
  {
    name: 'no beta header',
    headers: { 'exa-beta': '' },
    body: { query: 'x' },
    expected: [400, 'INVALID_REQUEST', 'MISSING_BETA_HEADER'],
    says: 'current',
  },
  {
    name: 'no beta header for a GET',
    method: 'GET',
    path: `/agent/runs/${ABSENT}`,
    headers: { 'exa-beta': '' },
    expected: [400, 'INVALID_REQUEST', 'MISSING_BETA_HEADER'],
  },
  {
    name: 'another beta',
    headers: { 'exa-beta': 'agent-2027-01-01' },
    body: { query: 'x' },
    expected: [400, 'INVALID_REQUEST', 'INVALID_BETA_HEADER'],
    says: 'agent-2026-05-07',
  },
  {
    name: 'another beta next to the right one',
    headers: { 'exa-beta': 'agent-2026-05-07, agent-max-effort-2026-07-27' },
    body: { query: 'x' },
    expected: [400, 'INVALID_REQUEST', 'INVALID_BETA_HEADER'],
  },
  // The body as a whole
  { name: 'no body', expected: INVALID, says: 'empty' },
  { name: 'a body that is not JSON', body: '{"query": ', expected: INVALID, says: 'not valid JSON' },
  { name: 'a body of white space', body: '  \n', expected: INVALID },
  { name: 'bytes that are not UTF-8', body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]), expected: INVALID },
  { name: 'an array', body: [], expected: INVALID, says: 'an array' },
  { name: 'null', body: 'null', expected: INVALID, says: 'null' },
  { name: 'text', body: '"query"', expected: INVALID, says: 'a string' },
  { name: 'a number', body: '7', expected: INVALID, says: 'a number' },
  {
    name: 'a form',
    body: 'query=x',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    expected: INVALID,
    says: 'application/json',
  },
  {
    name: 'plain text that holds JSON',
    body: '{"query":"x"}',
    headers: { 'content-type': 'text/plain' },
    expected: INVALID,
  },
  {
    name: 'a compressed body',
    body: { query: 'x' },
    headers: { 'content-encoding': 'gzip' },
    expected: INVALID,
    says: 'gzip',
  },
  {
    name: 'a body nested too deep',
    body: `{"query":"x","input":{"data":[{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}]}}`,
    expected: INVALID,
    says: 'nested',
  },
  {
    name: 'a body that is too large',
    body: `{"query":"${'x'.repeat(16 * 1024 * 1024)}"}`,
    expected: [413, 'INVALID_REQUEST', 'INVALID_REQUEST'],
  },
  // query, systemPrompt
  { name: 'no query', body: {}, expected: INVALID, says: 'query' },
  { name: 'an empty query', body: { query: '' }, expected: INVALID, says: 'query' },
  { name: 'a query that is null', body: { query: null }, expected: INVALID, says: 'null' },
  { name: 'a query that is a number', body: { query: 3 }, expected: INVALID, says: 'a number' },
  { name: 'a query that is an array', body: { query: ['x'] }, expected: INVALID, says: 'an array' },
  field('a systemPrompt that is an object', { systemPrompt: {} }, 'systemPrompt'),
  field('a systemPrompt that is null', { systemPrompt: null }, 'systemPrompt'),
  // input
  field('an input that is an array', { input: [] }, 'input'),
  field('an input that is null', { input: null }, 'input'),
  field('data that is an object', { input: { data: {} } }, 'input.data'),
  field('data that is text', { input: { data: 'a,b' } }, 'input.data'),
  field('a record that is text', { input: { data: [{}, 'x'] } }, 'input.data[1]'),
  field('a record that is null', { input: { data: [null] } }, 'input.data[0]'),
  field('a record that is an array', { input: { data: [[]] } }, 'input.data[0]'),
  field('more records than a run may have', { input: { data: Array(10_001).fill({}) } }, '10001'),
  field('an exclusion that is an object', { input: { exclusion: {} } }, 'input.exclusion'),
  field('an excluded record that is a number', { input: { exclusion: [{}, {}, 5] } }, 'input.exclusion[2]'),
  // effort
  field('an unknown effort', { effort: 'extreme' }, 'low, medium, high, xhigh, auto'),
  field('an effort in capitals', { effort: 'LOW' }, 'effort'),
  field('an effort that is null', { effort: null }, 'effort'),
  field('an effort that is a number', { effort: 1 }, 'effort'),
  field('the effort ultra before its time', { effort: 'ultra' }, 'ultra'),
  field('the effort minimal before its time', { effort: 'minimal' }, 'minimal'),
  field('an unknown effort today', { effort: 'extreme' }, 'ultra', 'current'),
  // metadata
  field('metadata that is an array', { metadata: [] }, 'metadata'),
  field('metadata that is text', { metadata: 'x' }, 'metadata'),
  field('metadata with a number', { metadata: { batch: 3 } }, 'metadata.batch'),
  field('metadata with null', { metadata: { batch: null } }, 'metadata.batch'),
  field('metadata with an object', { metadata: { batch: {} } }, 'metadata.batch'),
  // previousRunId
  field('a previousRunId that is a number', { previousRunId: 7 }, 'previousRunId'),
  field('an empty previousRunId', { previousRunId: '' }, 'previousRunId'),
  field('a previousRunId with a space', { previousRunId: 'agent run' }, 'previousRunId'),
  field('a previousRunId that is too long', { previousRunId: 'a'.repeat(201) }, 'previousRunId'),
  {
    name: 'an unknown previousRunId',
    body: { query: 'x', previousRunId: ABSENT },
    expected: [400, 'INVALID_REQUEST', 'PREVIOUS_RUN_NOT_FOUND'],
    says: ABSENT,
  },
  // outputSchema
  field('an outputSchema that is text', { outputSchema: '{}' }, 'outputSchema'),
  field('an outputSchema that is an array', { outputSchema: [] }, 'outputSchema'),
  field('an outputSchema that is true', { outputSchema: true }, 'outputSchema'),
  schema('with an unknown type', { type: 'objekt' }, '/type'),
  schema('with properties that are a list', { type: 'object', properties: ['a'] }, '/properties'),
  schema(
    'with a fault deep inside',
    { properties: { a: { items: { maxLength: -1 } } } },
    '/properties/a/items',
  ),
  schema('with an enum that is text', { properties: { a: { enum: 'b' } } }, '/properties/a/enum'),
  schema('with a pattern that is none', { properties: { a: { pattern: '(' } } }, '/properties/a/pattern'),
  schema('with a reference that leads nowhere', { $ref: '#/$defs/none' }, '#/$defs/none'),
  schema(
    'with a reference into the network',
    { $ref: 'https://example.com/a.json' },
    'https://example.com/a.json',
  ),
  schema('of a draft that is not taken', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema'),
  schema(
    'with keywords of another draft',
    { $schema: 'http://json-schema.org/draft-07/schema#', required: 'a' },
    '/required',
  ),
  // budget and data sources
  field('a budget that is a number', { budget: 5 }, 'budget'),
  field('a cost that is text', { budget: { maxCostDollars: '5' } }, 'budget.maxCostDollars'),
  field('a cost below nothing', { budget: { maxCostDollars: -1 } }, 'budget.maxCostDollars'),
  field('a budget on a fixed effort', { effort: 'low', budget: { maxCostDollars: 5 } }, 'low', 'current'),
  field('a cost below a dollar', { budget: { maxCostDollars: 0.5 } }, '1 and 100', 'current'),
  field('a cost above a hundred dollars', { budget: { maxCostDollars: 101 } }, '1 and 100', 'current'),
  field('a duration without ultra', { budget: { maxDurationSeconds: 600 } }, 'ultra', 'current'),
  field(
    'a duration below five minutes',
    { effort: 'ultra', budget: { maxDurationSeconds: 60 } },
    '300',
    'current',
  ),
  field(
    'a duration above three hours',
    { effort: 'ultra', budget: { maxDurationSeconds: 10_801 } },
    '10800',
    'current',
  ),
  field(
    'a duration that is text',
    { effort: 'ultra', budget: { maxDurationSeconds: '600' } },
    'number',
    'current',
  ),
  field('data sources that are an object', { dataSources: {} }, 'dataSources', 'current'),
  field('a data source without a provider', { dataSources: [{}] }, 'dataSources[0]', 'current'),
  {
    name: 'an unknown data source',
    contract: 'current',
    body: { query: 'x', dataSources: [{ provider: 'fiber' }, { provider: 'nobody' }] },
    expected: [400, 'INVALID_REQUEST', 'INVALID_DATA_SOURCE'],
    says: 'dataSources[1]',
  },
  {
    name: 'six data sources',
    contract: 'current',
    body: { query: 'x', dataSources: Array(6).fill({ provider: 'fiber' }) },
    expected: [400, 'INVALID_REQUEST', 'INVALID_DATA_SOURCE'],
  },
  field('a key that nobody knows', { stream: true }, '"stream"', 'current'),
  // Reads
  read('a limit of 0', '/agent/runs?limit=0', INVALID, 'limit'),
  read('a limit above 100', '/agent/runs?limit=101', INVALID, 'limit'),
  read('a limit below 0', '/agent/runs?limit=-1', INVALID, 'limit'),
  read('half a limit', '/agent/runs?limit=1.5', INVALID, 'limit'),
  read('a limit that is a word', '/agent/runs?limit=all', INVALID, 'limit'),
  read('an empty limit', '/agent/runs?limit=', INVALID, 'limit'),
  read('two limits', '/agent/runs?limit=1&limit=2', INVALID, 'limit'),
  read('an empty cursor', '/agent/runs?cursor=', INVALID, 'cursor'),
  read('a cursor that no page gave', '/agent/runs?cursor=abc', INVALID, 'cursor'),
  read('an absent run', `/agent/runs/${ABSENT}`, NO_RUN, ABSENT),
  read('a run id with a space', '/agent/runs/agent%20run', INVALID, 'run id'),
  read('a run id with a slash', '/agent/runs/a%2Fb', INVALID, 'run id'),
  read('a run id that is too long', `/agent/runs/${'a'.repeat(201)}`, INVALID, 'run id'),
  read('a path that cannot be decoded', '/agent/runs/%E0%A4%A', INVALID),
  read('events of an absent run', `/agent/runs/${ABSENT}/events`, NO_RUN),
  { name: 'a cancel of an absent run', path: `/agent/runs/${ABSENT}/cancel`, expected: NO_RUN },
  { name: 'a cancel of an invalid id', path: '/agent/runs/a%20b/cancel', expected: INVALID },
  { name: 'a delete of an absent run', method: 'DELETE', path: `/agent/runs/${ABSENT}`, expected: NO_RUN },
  {
    name: 'a stop of an absent run',
    contract: 'current',
    path: `/agent/runs/${ABSENT}/stop`,
    expected: NO_RUN,
  },
  { name: 'a stop in the older contract', path: `/agent/runs/${ABSENT}/stop`, expected: NO_OPERATION },
  // Unknown operations
  read('the root', '/', NO_OPERATION),
  read('another path', '/agent', NO_OPERATION),
  read('a path below a run', `/agent/runs/${ABSENT}/output`, NO_OPERATION),
  read('the report of a rehearsal that is none', '/__rehearsal', NO_OPERATION),
  { name: 'a PUT', method: 'PUT', body: { query: 'x' }, expected: NO_OPERATION, says: 'PUT /agent/runs' },
  {
    name: 'a PATCH of a run',
    method: 'PATCH',
    path: `/agent/runs/${ABSENT}`,
    body: {},
    expected: NO_OPERATION,
  },
  { name: 'an OPTIONS', method: 'OPTIONS', expected: NO_OPERATION },
  { name: 'a delete of everything', method: 'DELETE', expected: NO_OPERATION },
];

const agent = new ScriptedAgent(() => createResult(null));
const servers = new Map<Contract, RunningServer>();

beforeAll(async () => {
  for (const contract of ['2026-05-07', 'current'] as const) {
    servers.set(contract, await startServer({ agent, contract }));
  }
  return () => Promise.all([...servers.values()].map((server) => server.close()));
});

async function send(refused: Case): Promise<Response> {
  const { contract = '2026-05-07', method = 'POST', path = '/agent/runs', body } = refused;
  const headers: Record<string, string> = {
    'x-api-key': 'test-key',
    'exa-beta': 'agent-2026-05-07',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...refused.headers,
  };
  return await createCheckedFetch(contract)(`${servers.get(contract)?.url}${path}`, {
    method,
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')),
    ...(body === undefined ? {} : { body: toBytes(body) }),
  });
}

function toBytes(body: unknown): Uint8Array<ArrayBuffer> | string {
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

test.each(CASES)('refuses $name', async (refused) => {
  const response = await send(refused);
  const { error } = JSON.parse(await response.text());
  expect([response.status, error.type, error.code]).toEqual([...refused.expected]);
  expect(error.message).toContain(refused.says ?? '');
});

test('a refused create never reaches the agent', () => {
  expect(agent.tasks).toEqual([]);
  expect([...servers.values()].map((server) => server.report().runs.created)).toEqual([0, 0]);
});

test('lists an unknown key in a machine-readable detail', async () => {
  const response = await send({
    name: '',
    contract: 'current',
    body: { query: 'x', foo: 1 },
    expected: INVALID,
  });
  const { error } = JSON.parse(await response.text());
  expect(JSON.parse(error.detail)).toEqual([
    { code: 'unrecognized_keys', keys: ['foo'], path: [], message: expect.any(String) },
  ]);
});

test('reports the fault of a schema as a JSON pointer', async () => {
  const outputSchema = { properties: { 'a/b': { type: 5 } } };
  const response = await send({ name: '', body: { query: 'x', outputSchema }, expected: BAD_SCHEMA });
  expect(JSON.parse(await response.text()).error.path).toBe('/properties/a~1b/type');
});
