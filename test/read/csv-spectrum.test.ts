import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const SUITE = dirname(fileURLToPath(import.meta.resolve('csv-spectrum')));

/** Where the suite's own two files differ: the JSON has another phone number than the CSV. */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  location_coordinates: { 'Contact Phone Number': '2095257564' },
};

test.each(readdirSync(join(SUITE, 'csvs')))(
  '%s of the public suite csv-spectrum reads as its JSON, and comes back with equal cells',
  async (name) => {
    const input = await openInput({ path: join(SUITE, 'csvs', name) });
    const rows = await readAllRows(input);
    const { titles } = input.shape;
    const stem = name.replace('.csv', '');
    const expected: unknown = JSON.parse(readFileSync(join(SUITE, 'json', `${stem}.json`), 'utf8'));
    const records = rows.map((row) =>
      Object.fromEntries(titles.map((title, at) => [title, row.kind === 'cells' ? row.cells[at] : null])),
    );
    expect(records).toEqual(
      [expected].flat().map((record) => ({ ...(record as Record<string, string>), ...DIFFERENT[stem] })),
    );

    const path = join(await createTempFolder(), name);
    const output = await openOutput({
      path,
      format: 'csv',
      shape: input.shape,
      columns: input.columns,
      fields: [],
      overwrite: false,
      raw: false,
    });
    await output.write(rows.map((row) => createFilledRow(row)));
    await output.commit();
    await input.close();
    const again = await openInput({ path });
    const written = await readAllRows(again);
    const listCells = (all: typeof rows) =>
      all.map((row) => (row.kind === 'cells' ? row.cells.slice(0, titles.length) : null));
    expect(listCells(written)).toEqual(listCells(rows));
  },
);
