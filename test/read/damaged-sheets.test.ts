import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import { openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows, showRow } from '../helpers/rows.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

const COLUMNS = ['company', 'domain', 'city', 'country', 'industry'];
const CITIES = ['Oslo', 'Bonn', 'Porto', 'Jena', 'Leeds'];

type Cells = readonly string[];

/** A valid list of companies. */
const table = fc
  .record({ width: fc.integer({ min: 1, max: 5 }), count: fc.integer({ min: 3, max: 25 }) })
  .map(({ width, count }) => ({
    header: COLUMNS.slice(0, width),
    rows: Array.from({ length: count }, (_, at) =>
      [
        `Firm ${'ABCDEFGHIJKLMNOPQRSTUVWXY'[at]}`,
        `firm${at}.example`,
        CITIES[at % 5] ?? '',
        'NO',
        'Steel',
      ].slice(0, width),
    ),
  }));

/** What people and programs do to a sheet, each as rows above, beside and below a list. */
const damage = fc.record({
  title: fc.constantFrom<readonly (Cells | null)[]>(
    [],
    [['Customers 2024']],
    [['Customer list'], ['as of 1 May'], null],
    [null, ['Report for the board'], null, null],
  ),
  remark: fc.option(fc.nat(20)),
  below: fc.constantFrom<readonly (Cells | null)[]>(
    [],
    [null, ['Source: the register']],
    [null, ['(25 rows)']],
    [null, ['green', 'customer'], ['red', 'lost']],
  ),
  repeat: fc.option(fc.nat(20)),
  firstLine: fc.integer({ min: 1, max: 5 }),
});

test('the rows of a damaged sheet are there', SLOW, async () => {
  const folder = await createTempFolder();
  await fc.assert(
    fc.asyncProperty(table, damage, async ({ header, rows }, { title, remark, below, repeat, firstLine }) => {
      // A title of as many cells as a list of one column is another row of it.
      fc.pre(header.length > 1 || title.length === 0);
      const list = rows.map((row, at) => (remark === at ? [...row, '', 'ask Ana'] : row));
      if (repeat !== null && header.length > 1) list.splice(repeat, 0, header);
      const lines: readonly (Cells | null)[] = [...title, header, ...list, ...below];
      const sheet = lines
        .map((cells, at) => (cells === null ? '' : createRow(firstLine + at, cells)))
        .join('');
      const path = join(folder, 'list.xlsx');
      await writeFile(path, await createWorkbook({ List: sheet }));
      const input = await openInput({ path });
      expect(input.columns).toEqual(header);
      const read = (await readAllRows(input)).filter(({ skip }) => skip === undefined);
      const names = read.map((row) => (row.kind === 'cells' ? row.cells.slice(0, header.length).join() : ''));
      for (const row of rows) expect(names).toContain(row.join());
      expect(names).not.toContain(header.join());
      await input.close();
    }),
    { numRuns: chooseCount(200, 40) },
  );
});

const scalar = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const key = fc
  .string({ minLength: 1, maxLength: 6 })
  .filter((text) => text !== '__proto__' && text !== 'enrichment');
const item = fc.dictionary(key, fc.oneof(scalar, fc.array(scalar), fc.dictionary(key, scalar)), {
  minKeys: 1,
});
/** Siblings of the list: anything but lists of objects. */
const sibling = fc.oneof(scalar, fc.array(scalar), fc.array(fc.array(scalar)), fc.dictionary(key, scalar));

test('a list anywhere in a document is read, and the document comes back around it', SLOW, async () => {
  const folder = await createTempFolder();
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { minLength: 1, maxLength: 6 }),
      fc.array(key, { minLength: 1, maxLength: 3 }),
      fc.dictionary(key, sibling),
      fc.constantFrom(undefined, 1, '\t'),
      fc.constantFrom(1, 3, 64, 65_536),
      async (items, path, others, indent, pieceBytes) => {
        const document = path.reduceRight<unknown>((inner, name) => ({ ...others, [name]: inner }), items);
        const file = join(folder, 'in.json');
        await writeFile(file, JSON.stringify(document, null, indent));
        const input = await openInput({ path: file, limits: { pieceBytes } });
        const rows = await readAllRows(input);
        expect(rows.map(showRow)).toEqual(JSON.parse(JSON.stringify(items)));
        const { shape, columns } = input;
        const out = join(folder, 'out.json');
        const output = await openOutput({
          path: out,
          shape,
          columns,
          fields: [],
          overwrite: false,
          raw: false,
        });
        await output.write(rows.map((row) => createFilledRow(row)));
        await output.commit();
        const written: unknown = JSON.parse(await readFile(out, 'utf8'), (name, value: JsonValue) =>
          name === 'enrichment' ? undefined : value,
        );
        expect(written).toEqual(JSON.parse(JSON.stringify(document)));
        await input.close();
      },
    ),
    { numRuns: chooseCount(60, 20) },
  );
});
