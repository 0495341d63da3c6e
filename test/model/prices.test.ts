import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.js';
import { computeWorstMicros, HOSTED_PRICES } from '../../src/model/prices.js';
import { createTestAsk } from '../helpers/ledger-samples.js';

function createAsk(properties: Readonly<Record<string, JsonObject>>, $defs: JsonObject = {}) {
  const fields = Object.entries(properties).map(([name, schema]) => ({ name, schema }));
  return { ...createTestAsk(), schema: { type: 'object', properties, $defs }, fields };
}

test('reserves the price of the effort, or the ceiling if metered', () => {
  const ask = createAsk({ ceo: { type: 'string' } });
  const read = (effort: string) => computeWorstMicros(HOSTED_PRICES, effort, 8, ask, ['ceo']);
  expect(['minimal', 'low', 'medium', 'high', 'xhigh', 'auto', 'ultra'].map(read)).toEqual([
    12_000, 25_000, 100_000, 500_000, 1_000_000, 5_000_000, 20_000_000,
  ]);
});

test('also reserves contacts for each row and possible entry of the requested fields', () => {
  const ask = createAsk(
    {
      mail: { type: 'string', format: 'email' },
      phones: { type: 'array', items: { type: 'string', format: 'phone' }, maxItems: 3 },
      head: { $ref: '#/$defs/person' },
    },
    { person: { type: 'object', properties: { mail: { format: 'email' } } } },
  );
  const read = (fields: string[]) => computeWorstMicros(HOSTED_PRICES, 'low', 2, ask, fields) - 25_000;
  expect(read(['mail'])).toBe(2 * 20_000);
  expect(read(['phones'])).toBe(2 * 3 * 70_000);
  expect(read(['head'])).toBe(2 * 20_000);
  expect(read(['mail', 'head'])).toBe(2 * 40_000);
});

test('a custom price list replaces that of the hosted service, for contacts too', () => {
  const ask = createAsk({ mail: { type: 'string', format: 'email' } });
  const fixed = (micros: number) => ({ worstMicros: micros, likelyMicros: micros });
  const prices = { ...HOSTED_PRICES, low: fixed(3_000), email: fixed(500) };
  expect(computeWorstMicros(prices, 'low', 8, ask, ['mail'])).toBe(3_000 + 8 * 500);
  expect(computeWorstMicros({}, 'low', 8, ask, ['mail'])).toBe(0);
});
