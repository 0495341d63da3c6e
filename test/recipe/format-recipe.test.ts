import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRecipeText, formatRecipe, type RecipeDraft } from '../../src/recipe/read-recipe.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

const DRAFT: RecipeDraft = {
  input: 'in.csv',
  query: 'Find it',
  fields: ['ceo'],
  send: ['company'],
  kept: [],
};

test.each([
  'plain words',
  'a: b',
  'a #b',
  '- a',
  '@a',
  '*a',
  '&a',
  '!a',
  '%a',
  '"a"',
  "'a'",
  'true',
  'Null',
  '~',
  '1',
  '.5',
  '.inf',
  '0x1f',
  '2024-01-01',
  'a\nb',
  'a\u2028b',
  '\u0085',
  'trailing ',
  ' leading',
  'Zürich, 東京',
  '👩‍👩‍👧',
  '[a]',
  '{a}',
  '?',
  '---',
  'a,b',
  '\\d',
])('the text %j survives formatting and parsing, as a query and as a column', async (text) => {
  const recipe = formatRecipe({ ...DRAFT, query: text, send: [text, 'x'], kept: [text] }, 'a.yaml');
  expect(await checkRecipeText(recipe, 'a.yaml', {})).toMatchObject({ query: text, send: [text, 'x'] });
});

test(
  'any text survives formatting, and no file or column name can break out of a comment',
  SLOW,
  async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter((each) => each.trim() !== '' && !each.includes('${'));
    await fc.assert(
      fc.asyncProperty(text, text, fc.array(text), async (query, column, kept) => {
        const recipe = formatRecipe(
          { ...DRAFT, input: `${column}.csv`, query, send: [column], kept },
          'a.yaml',
        );
        const options = await checkRecipeText(recipe, 'a.yaml', {});
        expect([options.query, options.send]).toEqual([query, [column]]);
      }),
      { numRuns: chooseCount(500, 50) },
    );
  },
);
