import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import type { FileShape } from '../../src/model/file-format.js';
import { createCsvFormatter } from '../../src/write/csv-writer.js';
import { createFilledRow } from '../helpers/rows.js';

const text = fc.string({
  unit: fc.constantFrom('a', '1', '"', ',', ';', '\n', '\r', ' ', '\t', '\ufeff', '.'),
});
const OUTCOME = ['enriched', '', '', '0.003', 'agent_run_1'];

test('a line is the same with and without cells that need quotes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(text, { minLength: 2, maxLength: 2 }), { minLength: 1 }),
      fc.constantFrom(',', ';', '\t', '|', '.'),
      fc.constantFrom('\n' as const, '\r\n' as const, '\r' as const),
      (table, delimiter, newline) => {
        const shape: FileShape = {
          format: 'csv',
          titles: ['a', 'b'],
          delimiter,
          newline,
          bom: false,
          encoding: 'utf-8',
          gzip: false,
          quoting: 'needed',
          titlesQuoted: false,
          sepLine: false,
        };
        const columns = new Map([
          ['a', 0],
          ['b', 1],
        ]);
        const formatter = createCsvFormatter({
          path: 'out.csv',
          shape,
          columns: ['a', 'b'],
          fields: [],
          overwrite: false,
          raw: false,
        });
        const rows = table.map((cells, ordinal) =>
          createFilledRow({ kind: 'cells', ordinal, line: ordinal + 2, columns, cells }),
        );
        const expected = Papa.unparse(
          table.map((cells) => [...cells, ...OUTCOME]),
          { delimiter, newline },
        );
        expect(formatter.format(rows)).toBe(expected + newline);
      },
    ),
    { numRuns: 1_000 },
  );
});
