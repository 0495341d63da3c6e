import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clipText } from '../../src/cli/clip-text.js';
import { cleanText } from '../../src/cli/host.js';

test.each([
  ['\u001b[31mred\u001b[0m', 'red'],
  ['a\u001b[2Jb\u0007', 'ab\ufffd'],
  ['\u001b]0;title\u0007text', 'text'],
  ['\u001b]8;;http://evil.example\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['\u001b]52;c;cGFzdGU=', ''],
  ['\u001bPq#0\u001b\\after', 'after'],
  ['\u009b31mred', 'red'],
  ['\u001bcreset', 'reset'],
  ['a\rb', 'a\ufffdb'],
  ['a\bb\u0000', 'a\ufffdb\ufffd'],
  ['\u202egnp.exe', '\ufffdgnp.exe'],
  ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
  ['Zürich 東京 🏔️ مرحبا', 'Zürich 東京 🏔️ مرحبا'],
])('%j is shown as %j', (text, shown) => {
  expect(cleanText(text)).toBe(shown);
});

test('removes control characters from any text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u001b', '\u001b[', '\u001b]', '\u009d', '\u0007'),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      expect(cleanText(pieces.join(''))).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
    }),
  );
});

test.each([
  ['Acme', 4, 'Acme'],
  ['Acme Inc.', 6, 'Acme …'],
  ['株式会社日立製作所', 7, '株式会…'],
  ['株式会社日立製作所', 6, '株式…'],
  ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '👩‍👩‍👧‍👦…'],
  ['', 3, ''],
])('clips %s to %i columns', (text, columns, clipped) => {
  expect(clipText(text, columns)).toBe(clipped);
});
