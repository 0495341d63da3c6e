import { expect, test } from 'vitest';
import { findStatedScale } from '../../src/verify/number-words.js';

test('a head of a table states thousands as a number of a currency, too', () => {
  for (const text of [
    '1.000 kr.',
    '1 000 SEK',
    'in 1.000 €',
    'x € 1.000',
    'DKK 1,000',
    '(000s)',
    'miles de euros',
  ])
    expect(findStatedScale(text), text).toBe(1_000);
});

test('an amount of a thousand in other words states nothing', () => {
  for (const text of [
    '1.000 people',
    'Capital 1.000 kr.',
    'Price from 1,000 EUR',
    'Founded 1000',
    '11.000 kr.',
  ])
    expect(findStatedScale(text), text).toBe(1);
});
