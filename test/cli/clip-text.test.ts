import { expect, test } from 'vitest';
import { clipText } from '../../src/cli/clip-text.js';

test.each([
  ['Acme', 4, 'Acme'],
  ['Acme Inc.', 6, 'Acme …'],
  ['株式会社日立製作所', 7, '株式会…'],
  ['株式会社日立製作所', 6, '株式…'],
  ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '👩‍👩‍👧‍👦…'],
  ['', 3, ''],
])('%s takes no more than %i columns', (text, columns, clipped) => {
  expect(clipText(text, columns)).toBe(clipped);
});
