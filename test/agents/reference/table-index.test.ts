import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSimilarNames } from '../../../src/agents/reference/table-index.js';

describe('createSimilarNames', () => {
  it.each([
    ['microsft', 'microsoft'],
    ['micorsoft', 'microsoft'],
    ['xicrosoft', 'microsoft'],
    ['volkswagon', 'volkswagen'],
    ['delta airlines', 'delta air lines'],
    ['internatonal business machines', 'international business machines'],
  ])('matches %j with %j in both directions', (name, other) => {
    expect(createSimilarNames([other, 'something else'])(name)).toEqual([other]);
    expect(createSimilarNames([name, 'something else'])(other)).toEqual([name]);
  });

  it.each([
    ['appel', 'apple'],
    ['studio 54', 'studio 55'],
    ['fund ii holdings', 'fund iii holdings'],
    ['group a holdings', 'group b holdings'],
    ['bank of india', 'bank of indiana'],
    ['apple', 'apple hospitality'],
    ['$mart shop', 'smart shop'],
    ['disney+ club', 'disneys club'],
    ['delta airways', 'delta airlines'],
    ['same name', 'same name'],
    ['', ''],
  ])('does not match %j with %j', (name, other) => {
    expect(createSimilarNames([other])(name)).toEqual([]);
    expect(createSimilarNames([name])(other)).toEqual([]);
  });

  it('returns all equally near names', () => {
    expect(createSimilarNames(['maricon', 'maribon', 'marizzz'])('marixon')).toEqual(['maricon', 'maribon']);
  });

  it('finds a name with a letter dropped, doubled or swapped anywhere', () => {
    const name = fc.stringMatching(/^[a-z]{7,30}$/);
    fc.assert(
      fc.property(name, fc.nat(), fc.constantFrom('drop', 'add', 'swap'), (whole, seed, slip) => {
        const at = seed % (whole.length - 1);
        const [before, here, next, after] = [
          whole.slice(0, at),
          whole[at],
          whole[at + 1],
          whole.slice(at + 2),
        ];
        const slips = {
          drop: before + next + after,
          add: `${before}${here}${here}${next}${after}`,
          swap: `${before}${next}${here}${after}`,
        };
        const typed = slips[slip];
        if (typed !== whole) expect(createSimilarNames([whole])(typed)).toEqual([whole]);
      }),
    );
  });
});
