import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapText } from '../../src/cli/wrap-text.js';
import { createTestHost } from '../helpers/host.js';

test.each([
  ['short', 20, 'short'],
  ['one two three four', 10, 'one two\nthree four'],
  [
    'what to do: look at https://example.com/a/very/long/path now',
    20,
    'what to do: look at\nhttps://example.com/a/very/long/path\nnow',
  ],
  ['  12  rows with a long text', 16, '  12  rows with\n      a long\n      text'],
  ['ok    disk    much free space here', 30, 'ok    disk    much free space\n              here'],
  ['first line\n  second line of text', 14, 'first line\n  second line\n  of text'],
  ['\u001b[31merror: \u001b[0mit failed', 17, '\u001b[31merror: \u001b[0mit failed'],
  ['株式会社 日立製作所', 12, '株式会社\n日立製作所'],
])('wraps %j at %i columns', (text, width, wrapped) => {
  expect(wrapText(text, width)).toBe(wrapped);
});

test('changes nothing but spaces, and no line with several words is too long', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }).map((list) => list.join(' '));
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 40 }), (text, width) => {
      const wrapped = wrapText(text, width);
      expect(wrapped.replace(/\s+/g, ' ')).toBe(text);
      for (const line of wrapped.split('\n'))
        expect(line.length <= width || !line.trim().includes(' ')).toBe(true);
    }),
  );
});

test('messages are wrapped on a terminal only', () => {
  const text = `${'word '.repeat(30)}end`;
  const terminal = createTestHost({ isTerminal: true, columns: 40 });
  const pipe = createTestHost();
  for (const host of [terminal, pipe]) {
    host.say(text);
    host.tell(text);
  }
  for (const shown of [terminal.readStderr(), terminal.readStdout()])
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(pipe.readStderr()).toBe(`${text}\n`);
  expect(pipe.readStdout()).toBe(`${text}\n`);
});
