import { expect, test } from 'vitest';
import type { SavedForm } from '../../src/model/likeness.js';
import { mayStay } from '../../src/model/same-value.js';
import { formatAsSaved } from '../../src/model/saved-text.js';

test.each<[SavedForm[], number | string, string, string | null]>([
  [['decimal comma'], 1234.5, '2,5', '1234,5'],
  [['decimal comma'], -0.25, '2,5', '-0,25'],
  [['thousands points'], 1234567, '2.000', '1.234.567'],
  [['thousands points', 'decimal comma'], -1234.5, '2.000', '-1.234,5'],
  [['day first'], '2024-04-03', '14/12/2020', '03/04/2024'],
  [['month first'], '2024-04-03', '1/8/2020', '4/3/2024'],
  [['day first'], '2024-04-03', '1.8.20', '3.4.24'],
  [['month first'], '1970-04-03', '1/8/20', '4/3/70'],
  [['month first'], '1955-04-03', '1/8/20', '4/3/1955'],
  [['day first'], '1890-04-03', '01.08.20', '03.04.1890'],
  [['day first'], '2055-04-03', '01.08.20', '03.04.2055'],
  // Nothing shows how the column was saved, or how its days look.
  [[], 1234.5, '2.5', null],
  [[], '2024-04-03', '1/8/2020', null],
  [['day first', 'month first'], '2024-04-03', '8/8/2020', null],
  [['day first'], '2024-04-03', '', null],
  [['day first'], '2024-04-03T10:00:00Z', '1/8/2020', null],
  [['decimal comma'], 1e21, '2,5', null],
])('in a column of %j, %j beside %j is %j', (forms, value, shown, expected) => {
  const isSavedAs = (form: SavedForm) => forms.includes(form);
  const text = formatAsSaved(value, shown, isSavedAs);
  expect(text).toBe(expected);
  if (text !== null) expect(mayStay(text, value, { type: typeof value }, isSavedAs)).toBe(true);
});
