import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import type { Row } from '../../src/model/row.js';
import { openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createAnswer, createFilledRow, readAllRows } from '../helpers/rows.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createWorkbook } from '../helpers/workbook.js';

const FIELDS = [{ name: 'rowfill field', schema: { type: 'string' } }];

/** Fills a file into a new one in the same folder and returns the rows as read. */
async function fill(from: string, to: string, pieceBytes = 65_536): Promise<readonly Row[]> {
  const input = await openInput({ path: from, limits: { pieceBytes }, delimiter: ',', encoding: 'utf-8' });
  const { shape, columns } = input;
  const output = await openOutput({ path: to, shape, columns, fields: FIELDS, overwrite: false, raw: false });
  const rows = await readAllRows(input);
  await output.write(rows.map((row) => createFilledRow(row, { 'rowfill field': createAnswer('=Ada; <x>') })));
  await output.commit();
  return rows;
}

function readCells(rows: readonly Row[], width: number): string[][] {
  return rows.map((row) => {
    const cells = row.kind === 'cells' ? row.cells : [];
    return Array.from({ length: width }, (_, index) => cells[index] ?? '');
  });
}

/** A cell of a sheet has line feeds only; Excel shows a carriage return as `_x000D_`. */
function toSheet(cells: readonly string[]): string[] {
  return cells.map((cell) => cell.replace(/\r\n?/g, '\n'));
}

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', '0', '_', '_x0041_', '_x', '&', '<', '"', "'", '\n', '\r', ' ', '\t', '=', '\u0001'),
    fc.constantFrom('é', '😀', '漢', '\ufeff', '\uffff', '\ufffe', '\u007f', '\u0085', '\u2028'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }).filter((char) => char !== '\0'),
  ),
  maxLength: 8,
});

test(
  'any table of any text reads back equal as a workbook and is written with equal cells',
  SLOW,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }).chain((width) =>
          fc.record({
            titles: fc.array(anyText, { minLength: width, maxLength: width }),
            rows: fc.array(fc.array(anyText, { minLength: width, maxLength: width }), {
              minLength: 1,
              maxLength: 5,
            }),
          }),
        ),
        fc.constantFrom(1, 7, 65_536),
        async ({ titles, rows }, pieceBytes) => {
          const folder = await createTempFolder();
          const [csv, first, second] = ['in.csv', 'a.xlsx', 'b.xlsx'].map((name) => join(folder, name));
          const width = titles.length;
          // A blank header cannot be found.
          const header = titles.map((title) => `t${title}`);
          await writeFile(csv ?? '', Papa.unparse([header, ...rows], { newline: '\n', quotes: true }));
          expect(readCells(await fill(csv ?? '', first ?? ''), width)).toEqual(rows);
          const read = await fill(first ?? '', second ?? '', pieceBytes);
          expect(readCells(read, width)).toEqual(rows.map(toSheet));
          const again = await openInput({ path: second ?? '' });
          expect(again.shape.titles.slice(0, width)).toEqual(toSheet(header));
          expect(readCells(await readAllRows(again), width)).toEqual(rows.map(toSheet));
        },
      ),
      { numRuns: chooseCount(60, 15) },
    );
  },
);

const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
);

test('any number, in any form a workbook allows, is written with the same digits', SLOW, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyNumber, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (numbers, isWide) => {
        const raw = numbers.map((number) =>
          isWide && typeof number === 'number' ? number.toExponential(16).toUpperCase() : String(number),
        );
        const folder = await createTempFolder();
        const [from, to] = [join(folder, 'a.xlsx'), join(folder, 'b.xlsx')];
        const head = '<row r="1"><c t="str"><v>number</v></c></row>';
        const rows = raw.map(
          (text, index) => `<row r="${index + 2}"><c r="A${index + 2}"><v>${text}</v></c></row>`,
        );
        await writeFile(from, await createWorkbook({ Numbers: head + rows.join('') }));
        const read = await fill(from, to);
        expect(read.map((row) => row.kind === 'cells' && Number(row.cells[0]))).toEqual(
          numbers.map(Number).map(dropSign),
        );
        const again = await readAllRows(await openInput({ path: to }));
        expect(again.map((row) => row.kind === 'cells' && row.stored?.[0]?.raw)).toEqual(raw);
      },
    ),
    { numRuns: chooseCount(40, 10) },
  );
});

/** Treats -0 as 0. */
function dropSign(number: number): number {
  return number === 0 ? 0 : number;
}
