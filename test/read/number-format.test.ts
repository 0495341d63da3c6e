import { expect, test } from 'vitest';
import { classifyNumberFormat } from '../../src/read/number-format.js';

test.each([
  ['General', 'number'],
  ['0.00', 'number'],
  ['#,##0_);[Red](#,##0)', 'number'],
  ['0.0" days"', 'number'],
  ['\\d0', 'number'],
  ['[$€-2] #,##0.00', 'number'],
  ['0;yyyy', 'number'],
  ['@', 'number'],
  ['', 'number'],
  ['mm-dd-yy', 'date'],
  ['mmm', 'date'],
  ['[$-409]d/m/yyyy;@', 'date'],
  ['[$-F800]dddd, mmmm dd, yyyy', 'date'],
  ['yyyy"年"m"月"d"日"', 'date'],
  ['[$-411]ggge"年"m"月"d"日"', 'date'],
  ['[$-411]e', 'date'],
  ['b2yyyy', 'date'],
  ['aaa', 'date'],
  ['"a;b" d', 'date'],
  ['m/d/yy h:mm', 'datetime'],
  ['yyyy-mm-dd\\Thh:mm:ss', 'datetime'],
  ['h:mm AM/PM', 'time'],
  ['mm:ss.0', 'time'],
  ['[$-x-systime]h:mm:ss', 'time'],
  ['[h]:mm:ss', 'duration'],
  ['[mm]:ss', 'duration'],
  ['[ss]', 'duration'],
  ['[Red][h]:mm;0', 'duration'],
  ['"unclosed', 'number'],
  ['yyyy[', 'number'],
])('the format %s makes a %s', (format, kind) => {
  expect(classifyNumberFormat(format)).toBe(kind);
});
