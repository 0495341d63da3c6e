import { expect, test } from 'vitest';
import { askToGoOn, formatQuote } from '../../src/cli/confirm.js';
import type { Quote } from '../../src/model/quote.js';
import { createTestHost } from '../helpers/host.js';

const QUOTE: Quote = {
  rows: 5000,
  runs: 625,
  worstMicros: 15_625_000,
  likelyMicros: 15_625_000,
  columns: ['company', 'domain'],
  maxCostMicros: null,
};

test('a quote tells rows, runs, cost and the columns that leave the machine', () => {
  expect(formatQuote(QUOTE)).toEqual([
    'To be asked: 5,000 rows in 625 runs of the agent.',
    'Cost: $15.625 at worst.',
    'Columns that leave this machine: company, domain.',
  ]);
});

test('a quote tells the likely cost where it is less, and the cap where there is one', () => {
  const quote = { ...QUOTE, likelyMicros: 1_000_000, maxCostMicros: 5_000_000 };
  expect(formatQuote(quote)[1]).toBe('Cost: $15.625 at worst, likely $1.00, and never more than $5.00.');
});

test.each([
  ['n\n', false],
  ['\n', false],
  ['y\n', true],
  ['YES\n', true],
  ['yes please\n', false],
  ['\u0003', false],
  ['\u0004', false],
])('the answer %j means %s', async (typed, expected) => {
  const host = createTestHost({ isTerminal: true });
  const answer = askToGoOn(host);
  host.stdin.write(typed);
  expect(await answer).toBe(expected);
  expect(host.readStderr()).toContain('Go on? [y/N] ');
});
