import { expect, test } from 'vitest';
import { showName } from '../../src/model/show-name.js';

test.each([
  ['\u200b', '"\\u200b"'],
  ['', '""'],
  [' ', '" "'],
  ['name\u00a0', '"name\\u00a0"'],
  ['\ufeffname', '"\\ufeffname"'],
  ['na\u00adme', '"na\\u00adme"'],
  ['a\nb', '"a\\nb"'],
  ['a\u202eb', '"a\\u202eb"'],
  ['\u3164', '"\\u3164"'],
  ['\u{e0041}x', '"\\udb40\\udc41x"'],
  ['name\u200d', '"name\\u200d"'],
  ['Umsatz (€)', 'Umsatz (€)'],
  ['first name', 'first name'],
  ['👨\u200d👩\u200d👧 family', '👨\u200d👩\u200d👧 family'],
  ['❤\ufe0f', '❤\ufe0f'],
  ['می\u200cخواهم', 'می\u200cخواهم'],
])('%j is shown as %s', (name, shown) => {
  expect(showName(name)).toBe(shown);
});
