import { expect, test } from 'vitest';
import { type Consent, confirmQuote } from '../../src/cli/confirm.js';
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
const TERMINAL: Consent = { isGiven: false, canAsk: true, quiet: false };

test('the question tells rows, runs, cost and the columns that leave the machine, also to the quiet', async () => {
  for (const quiet of [false, true]) {
    const host = createTestHost({ isTerminal: true });
    const answer = confirmQuote(QUOTE, { ...TERMINAL, quiet }, host);
    host.stdin.write('y\n');
    expect(await answer).toBe(true);
    const said = host.readStderr();
    expect(said).toContain('To be asked: 5,000 rows in 625 runs of the agent.\n');
    expect(said).toContain('Cost: $15.625 at worst.\n');
    expect(said).toContain('Columns that leave this machine: company, domain.\n');
    expect(said).toContain('Go on? [y/N] ');
  }
});

test.each([
  ['n\n', false],
  ['\n', false],
  ['YES\n', true],
  ['yes please\n', false],
  ['\u0003', false],
  ['\u0004', false],
])('the answer %j means %s', async (typed, expected) => {
  const host = createTestHost({ isTerminal: true });
  const answer = confirmQuote(QUOTE, TERMINAL, host);
  host.stdin.write(typed);
  expect(await answer).toBe(expected);
  expect(host.readStderr().endsWith('\n')).toBe(true);
});

test('where nobody can be asked the job is refused, and both ways out are named', async () => {
  const host = createTestHost();
  await expect(confirmQuote(QUOTE, { ...TERMINAL, canAsk: false }, host)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('$15.625'),
    hint: expect.stringMatching(/--max-cost.*--yes/),
  });
});

test('with --yes or a cap the cost is told, and nothing is asked', async () => {
  const host = createTestHost();
  const quote = { ...QUOTE, likelyMicros: 1_000_000, maxCostMicros: 5_000_000 };
  expect(await confirmQuote(quote, { ...TERMINAL, canAsk: false, isGiven: true }, host)).toBe(true);
  expect(host.readStderr()).toContain('Cost: $15.625 at worst, likely $1.00, and never more than $5.00.');
  expect(host.readStderr()).not.toContain('Go on?');
});

test('with --yes and --quiet nothing is said', async () => {
  const host = createTestHost();
  expect(await confirmQuote(QUOTE, { isGiven: true, canAsk: false, quiet: true }, host)).toBe(true);
  expect(host.readStderr()).toBe('');
});

test('a column name cannot steer the terminal', async () => {
  const host = createTestHost();
  const quote = { ...QUOTE, columns: ['na\u001b[2Jme\u0007'] };
  await confirmQuote(quote, { ...TERMINAL, isGiven: true }, host);
  expect(host.readStderr()).toContain('Columns that leave this machine: name\ufffd.');
});
