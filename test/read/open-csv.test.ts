import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldName } from '../../src/model/column-name.js';
import { nameColumns } from '../../src/read/open-csv.js';

test('titles become unique, typeable names', () => {
  expect(nameColumns(['a', ' a ', '', 'a_2', 'column_3', '\ufeffb', 'two\nlines', '\u001b[1mc'])).toEqual([
    'a',
    'a_3',
    'column_3_2',
    'a_2',
    'column_3',
    'b',
    'two lines',
    '[1mc',
  ]);
});

test('every column has a unique name, and unique titles are kept', () => {
  const title = fc.string({ unit: fc.constantFrom('a', 'b', '_', '2', ' ', '1'), maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.oneof(title, fc.constantFrom('column_1', 'column_2', '__proto__'))), (titles) => {
      const names = nameColumns(titles);
      expect(new Set(names).size).toBe(titles.length);
      expect(names.every((name) => name.trim() !== '')).toBe(true);
      titles.forEach((each, index) => {
        const isAlone = titles.filter((other) => foldName(other) === foldName(each)).length === 1;
        if (isAlone && each.trim() !== '') expect(names[index]).toBe(foldName(each));
      });
    }),
    { numRuns: 1_000 },
  );
});
