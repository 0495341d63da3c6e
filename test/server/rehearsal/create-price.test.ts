import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toMicros } from '../../../src/model/format.js';
import type { AgentRun, CreateRunRequest } from '../../../src/model/run.js';
import { createPrice } from '../../../src/server/rehearsal/create-price.js';
import { createRunDocument, type RunEnd } from '../../../src/server/run-document.js';
import { createResult } from '../../helpers/scripted-agent.js';

const price = createPrice('seed');
const COMPLETED: RunEnd = { status: 'completed', stopReason: 'schema_satisfied', result: createResult(null) };

function createRun(request: Partial<CreateRunRequest>): AgentRun {
  return createRunDocument('agent_run_1', '2026-01-01T00:00:00.000Z', { query: 'x', ...request });
}

test.each([
  ['minimal', 0.012],
  ['low', 0.025],
  ['medium', 0.1],
  ['high', 0.5],
  ['xhigh', 1],
])('a run at effort %s costs %d dollars', (effort, dollars) => {
  expect(price(createRun({ effort }), COMPLETED).costDollars.total).toBe(dollars);
});

test('splits the cost of a medium run like the service', () => {
  expect(price(createRun({ effort: 'medium' }), COMPLETED)).toEqual({
    usage: { agentComputeUnits: 0.55, searches: 9, emails: 0, phoneNumbers: 0 },
    costDollars: { total: 0.1, agentCompute: 0.055, search: 0.045, emails: 0, phoneNumbers: 0 },
  });
});

test('bills a failed run in full and a cancelled one by half', () => {
  const run = createRun({ effort: 'high' });
  expect(price(run, { status: 'failed', error: {} }).costDollars.total).toBe(0.5);
  expect(price(run, { status: 'cancelled' }).costDollars.total).toBe(0.25);
});

test('metered efforts cost per row, up to their ceiling or budget', () => {
  const data = Array.from({ length: 1_000 }, () => ({}));
  const total = (request: Partial<CreateRunRequest>) =>
    price(createRun(request), COMPLETED).costDollars.total;
  expect(total({ effort: 'auto', input: { data: data.slice(0, 8) } })).toBeLessThan(1);
  expect(total({ effort: 'auto', input: { data } })).toBe(5);
  expect(total({ effort: 'ultra', input: { data } })).toBe(20);
  expect(total({ effort: 'auto', input: { data }, budget: { maxCostDollars: 2.5 } })).toBe(2.5);
});

test('counts and bills found contacts with a metered effort', () => {
  const properties = {
    mail: { type: 'string', format: 'email' },
    phone: { type: 'string', format: 'phone' },
  };
  const outputSchema = { properties: { rows: { items: { properties } } } };
  const rows = [
    { mail: 'a@example.com', phone: null },
    { mail: 'b@example.com', phone: '+1 555 0100' },
  ];
  const end = { ...COMPLETED, result: createResult({ rows }) };
  const { usage, costDollars } = price(createRun({ effort: 'auto', outputSchema }), end);
  expect(usage).toMatchObject({ emails: 2, phoneNumbers: 1 });
  expect(costDollars).toMatchObject({ emails: 0.04, phoneNumbers: 0.07 });
});

test('the parts add up to the total to the micro-dollar', () => {
  const efforts = ['minimal', 'low', 'medium', 'high', 'xhigh', 'auto', 'ultra', 'max'];
  const ends: RunEnd[] = [COMPLETED, { status: 'cancelled' }, { status: 'failed', error: {} }];
  fc.assert(
    fc.property(
      fc.constantFrom(...efforts),
      fc.constantFrom(...ends),
      fc.nat({ max: 300 }),
      fc.string(),
      (effort, end, rows, query) => {
        const data = Array.from({ length: rows }, () => ({}));
        const { costDollars } = price(createRun({ effort, query, input: { data } }), end);
        const { total, ...parts } = costDollars;
        const sum = Object.values(parts).reduce((micros, part) => micros + toMicros(part), 0);
        expect(sum).toBe(toMicros(total));
        expect(total * 1e6).toBeCloseTo(toMicros(total), 4);
      },
    ),
  );
});
