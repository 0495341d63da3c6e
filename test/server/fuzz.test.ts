import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Contract } from '../../src/server/contract.js';
import { type RunningServer, startServer } from '../../src/server/start-server.js';
import { createCheckedFetch } from '../helpers/checked-fetch.js';
import { createResult, ScriptedAgent } from '../helpers/scripted-agent.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

let server: RunningServer;
const contract: Contract = 'current';
const checkedFetch = createCheckedFetch(contract);

beforeAll(async () => {
  const agent = new ScriptedAgent(() => createResult(null));
  server = await startServer({ agent, contract, maxActiveRuns: 10_000 });
  return () => server.close();
});

const KEYS = [
  ...['query', 'systemPrompt', 'input', 'outputSchema', 'effort', 'previousRunId', 'metadata', 'budget'],
  ...[
    'dataSources',
    'data',
    'exclusion',
    'provider',
    'maxCostDollars',
    'type',
    'properties',
    'items',
    '$ref',
  ],
  ...[
    '$schema',
    '$id',
    '$defs',
    'enum',
    'pattern',
    'format',
    'required',
    '__proto__',
    'constructor',
    '$async',
  ],
];
const word = fc.oneof(
  fc.constantFrom(...KEYS, 'low', 'auto', 'object', 'array', '#', '#/properties/a', '(', 'a'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const { tree: json } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    word,
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  map: fc.dictionary(word, tie('tree'), { maxKeys: 5 }),
}));
const nearlyGood = fc.record(
  {
    query: fc.oneof({ weight: 4, arbitrary: fc.string({ minLength: 1 }) }, json),
    systemPrompt: fc.oneof(fc.string(), json),
    input: fc.oneof(fc.record({ data: json, exclusion: json }, { requiredKeys: [] }), json),
    outputSchema: json,
    effort: fc.oneof(fc.constantFrom('low', 'auto', 'ultra'), json),
    metadata: fc.oneof(fc.dictionary(word, fc.string()), json),
    budget: fc.oneof(
      fc.record({ maxCostDollars: json, maxDurationSeconds: json }, { requiredKeys: [] }),
      json,
    ),
    dataSources: json,
  },
  { requiredKeys: ['query'] },
);
const body = fc.oneof(
  nearlyGood.map((value) => JSON.stringify(value)),
  json.map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
  fc.tuple(nearlyGood, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at)),
);

async function send(method: string, path: string, text?: string): Promise<number> {
  const response = await checkedFetch(`${server.url}${path}`, {
    method,
    headers: { 'x-api-key': 'test-key', 'content-type': 'application/json' },
    ...(text === undefined ? {} : { body: text }),
  });
  await response.text();
  return response.status;
}

test('no create body makes the server fail', SLOW, async () => {
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      expect([200, 400]).toContain(await send('POST', '/agent/runs', text));
    }),
    { numRuns: chooseCount(400, 40) },
  );
});

test('no path or query makes the server fail', SLOW, async () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }).map(encodeURIComponent),
    fc.constantFrom('..', '%00', '%ff', '%', 'agent_run_x', 'events', 'cancel', 'a'.repeat(5_000)),
  );
  const path = fc
    .tuple(part, fc.constantFrom('', '/events', '/cancel', '/stop'), part, part)
    .map(([id, tail, limit, cursor]) => `/agent/runs/${id}${tail}?limit=${limit}&cursor=${cursor}`);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('GET', 'POST', 'DELETE'), path, async (method, at) => {
      expect([200, 400, 404]).toContain(await send(method, at));
    }),
    { numRuns: chooseCount(300, 30) },
  );
});
