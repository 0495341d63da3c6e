import { expect, expectTypeOf, test } from 'vitest';
import { enrich, enrichRows } from '../../src/index.js';
import type { FieldValues } from '../../src/model/field.js';
import { toLibraryWords, translateMessages } from '../../src/model/library-words.js';

test.each([
  [
    'no agent given: EXA_API_KEY is not set, and neither is --reference or --api-url',
    'no agent given: apiKey is not set, and neither is reference or apiUrl',
  ],
  ['For the hosted service, set EXA_API_KEY or EXA_API_KEY_FILE.', 'For the hosted service, set apiKey.'],
  ['Check EXA_API_KEY, or the file that EXA_API_KEY_FILE names: refused', 'Check apiKey: refused'],
  [
    'Add --max-cost USD to set a limit, or --yes to confirm.',
    'Add maxCost to set a limit, or yes to confirm.',
  ],
  ['--run-timeout is 5 ms', 'runTimeoutMs is 5 ms'],
  ['use a lower --concurrency.', 'use a lower concurrency.'],
  ['Free some space, then run the same command again.', 'Free some space, then call it again.'],
  [
    'Add --wait to wait until it ends, or stop it with Ctrl-C. Its answers are then available here too.',
    'Leave out wait: false to wait until it ends. Its answers are then available here too.',
  ],
  [
    'Set ROWFILL_HOME to a persistent folder on a local disk.',
    'Set ledger to a path in a persistent folder on a local disk.',
  ],
  ['Choose a ledger on a local disk with --ledger.', 'Choose a ledger on a local disk with ledger.'],
  ['Spent by this command: $1.00', 'Spent by this call: $1.00'],
  [
    'Free some space, for example with rowfill prune --runs 30d, or wait',
    'Free some space, for example with rowfill prune --runs 30d, or wait',
  ],
  ['cancel it with `rowfill cancel`, and then forget it', 'cancel it with cancelJob, and then forget it'],
  [
    'To write it to another file: rowfill export j_12ab --output FILE',
    'To write it to another file: exportJob with output',
  ],
  ['rowfill verify j_12ab tries again', 'verifyJob tries again'],
  ['ROWFILL_MAX_COST_PER_DAY is reached', 'ledgerMaxCostPerDay is reached'],
  ['EXA_API_KEY_FILE', 'apiKey'],
  ['Give --limit on the command line.', 'Give limit in the options.'],
  ['a dash -- and a name-with-dashes stay', 'a dash -- and a name-with-dashes stay'],
])('%j is %j for a program', (text, words) => {
  expect(toLibraryWords(text)).toBe(words);
});

test('only messages and hints of plain values are rewritten', () => {
  const date = new Date(0);
  const event = {
    code: 'X',
    message: 'use --sheet',
    values: { note: '--sheet' },
    list: [{ hint: '--bom' }],
    date,
  };
  expect(translateMessages(event)).toEqual({
    code: 'X',
    message: 'use sheet',
    values: { note: '--sheet' },
    list: [{ hint: 'bom' }],
    date,
  });
});

test('the library names options, not flags, in errors of every entry point', async () => {
  const job = { input: 'in.csv', fields: ['a'] };
  await expect(enrich(job)).rejects.toMatchObject({
    code: 'NO_AGENT',
    message: 'no agent given: apiKey is not set, and neither is reference or apiUrl',
    hint: expect.not.stringContaining('--'),
  });
  await expect(enrich({ ...job, reference: '.', batchSize: 0 })).rejects.toMatchObject({
    message: 'batchSize is 0',
  });
  const rows = enrichRows([{ a: 1 }], { fields: ['b'], reference: '.', effort: ['hi'] });
  await expect(rows[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'BAD_EFFORT' });
});

test('values have the types that fields declare', () => {
  type Values = FieldValues<
    readonly ['ceo', 'staff:integer=How many', 'size: enum(small|large)', 'tags:list(string)']
  >;
  expectTypeOf<Values>().toEqualTypeOf<{
    readonly ceo: string | null;
    readonly staff: number | null;
    readonly size: 'small' | 'large' | null;
    readonly tags: readonly string[] | null;
  }>();
  expectTypeOf<FieldValues<readonly string[]>>().toHaveProperty('anything');
});
