import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type Consent, confirmQuote } from '../../src/cli/confirm.js';
import { openInterrupt } from '../../src/cli/interrupt.js';
import type { Quote } from '../../src/model/prices.js';
import { createTestHost, type TestHost } from '../helpers/host.js';

const QUOTE: Quote = {
  rows: 5000,
  runs: 625,
  worstMicros: 15_625_000,
  likelyMicros: 15_625_000,
  climbs: [],
  columns: ['company', 'domain'],
  maxCostMicros: null,
  spentMicros: 0,
  fields: ['ceo'],
  isOfAllFields: true,
};
const TERMINAL: Consent = { isGiven: false, canAsk: true, quiet: false };

function confirm(host: TestHost, quote = QUOTE, consent = TERMINAL): Promise<boolean> {
  return confirmQuote(
    quote,
    consent,
    host,
    openInterrupt(host, (text) => host.say(text)),
  );
}

test('the question shows rows, runs, cost and the columns to send, even with --quiet', async () => {
  for (const quiet of [false, true]) {
    const host = createTestHost({ isTerminal: true });
    const answer = confirm(host, QUOTE, { ...TERMINAL, quiet });
    host.stdin.write('y\n');
    expect(await answer).toBe(true);
    const said = host.readStderr();
    expect(said).toContain('5,000 rows to send in 625 runs.\n');
    expect(said).toContain('Cost: $15.625 at worst.\n');
    expect(said).toContain('Columns that leave this machine: company, domain.\n');
    expect(said).toContain('Continue? [y/N] ');
  }
});

test.each([
  ['n\n', false],
  ['\n', false],
  ['YES\n', true],
  ['yes please\n', false],
  ['\u0004', false],
])('the answer %j means %s', async (typed, expected) => {
  const host = createTestHost({ isTerminal: true });
  const answer = confirm(host);
  host.stdin.write(typed);
  expect(await answer).toBe(expected);
  expect(host.readStderr().endsWith('\n')).toBe(true);
});

test.each(['a Ctrl-C', 'a signal'])(
  '%s cancels the question without an answer and without a message',
  async (how) => {
    const host = createTestHost({ isTerminal: true });
    const interrupt = openInterrupt(host, (text) => host.say(text));
    const answer = confirmQuote(QUOTE, TERMINAL, host, interrupt);
    if (how === 'a Ctrl-C') host.stdin.write('\u0003');
    else host.interrupt();
    const error = await answer.catch((caught: unknown) => caught);
    expect(interrupt.hasCaused(error)).toBe(true);
    expect(stripVTControlCharacters(host.readStderr())).toMatch(/Continue\? \[y\/N\] \n$/);
  },
);

test('refuses a job that cannot be confirmed, and names both options that confirm it', async () => {
  const host = createTestHost();
  await expect(confirm(host, QUOTE, { ...TERMINAL, canAsk: false })).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('$15.625'),
    hint: expect.stringMatching(/--max-cost.*--yes/),
  });
});

test('with --yes or a cap, shows the cost and does not ask', async () => {
  const host = createTestHost();
  const quote = { ...QUOTE, likelyMicros: 1_000_000, maxCostMicros: 5_000_000 };
  expect(await confirm(host, quote, { ...TERMINAL, canAsk: false, isGiven: true })).toBe(true);
  expect(host.readStderr()).toContain('Cost: $15.625 at worst, likely $1.00, and never more than $5.00.');
  expect(host.readStderr()).not.toContain('Continue?');
});

test('prints nothing with --yes and --quiet', async () => {
  const host = createTestHost();
  expect(await confirm(host, QUOTE, { isGiven: true, canAsk: false, quiet: true })).toBe(true);
  expect(host.readStderr()).toBe('');
});

test('a column name cannot control the terminal', async () => {
  const host = createTestHost();
  const quote = { ...QUOTE, columns: ['na\u001b[2Jme\u0007'] };
  await confirm(host, quote, { ...TERMINAL, isGiven: true });
  expect(host.readStderr()).toContain('Columns that leave this machine: name\ufffd.');
});

test('with several effort levels, the question says what share of rows is assumed to go on to the next level', async () => {
  const climbs = [
    { from: 'low', to: 'medium', share: 0.5, knownRows: null },
    { from: 'medium', to: 'high', share: 0.375, knownRows: 96 },
  ];
  const host = createTestHost({ isTerminal: true });
  const answer = confirm(host, { ...QUOTE, likelyMicros: 1_000_000, climbs });
  host.stdin.write('y\n');
  await answer;
  const said = host.readStderr().replaceAll('\n', ' ');
  expect(said).toContain(
    '50 % of the rows continue from low to medium. This is a default, as too few rows are answered so far.',
  );
  expect(said).toContain('38 % of the rows continue from medium to high, based on 96 answered rows.');
});
