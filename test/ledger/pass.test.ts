import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openTestLedger } from '../helpers/ledger-samples.js';

test('each key is claimed once in a pass, however the chunks fall', () => {
  const ledger = openTestLedger();
  const chunks = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')));
  fc.assert(
    fc.property(chunks, (keys) => {
      const met = new Set<string>();
      const pass = ledger.startPass();
      for (const chunk of keys) {
        const expected = chunk.map((key) => !met.has(key) && Boolean(met.add(key)));
        expect(pass.claimKeys(chunk)).toEqual(expected);
      }
      pass.end();
    }),
  );
  ledger.close();
});

test('two passes at the same time know nothing of each other', () => {
  const ledger = openTestLedger();
  const one = ledger.startPass();
  const two = ledger.startPass();
  expect(one.claimKeys(['a'])).toEqual([true]);
  expect(two.claimKeys(['a', 'a'])).toEqual([true, false]);
  two.end();
  expect(one.claimKeys(['a'])).toEqual([false]);
  ledger.close();
});
