import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { openInput } from '../../src/read/open-input.js';
import { readAllRows } from '../helpers/rows.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';

/** What a reader makes of a file: its rows that are data, and whether the user learns of something odd. */
async function readRows(bytes: string | Buffer) {
  const path = join(await createTempFolder(), 'in.csv');
  await writeFile(path, bytes);
  try {
    const input = await openInput({ path });
    const rows = await readAllRows(input);
    const cells = rows
      .filter(({ skip }) => skip === undefined)
      .map((row) => (row.kind === 'cells' ? row.cells : []));
    return { cells, isTold: input.notes.length + input.doubts.length > 0, columns: input.columns };
  } catch (error) {
    if (!(error instanceof RowfillError)) throw error;
    return { cells: [], isTold: true, columns: [] };
  }
}

const company = fc.constantFrom(
  'Acme',
  'Beta GmbH',
  'Tolmark, Inc.',
  'The "Best" Bakery',
  "O'Neil & Sons",
  'Müller',
  'a\nb',
  'x; y',
);
const number = fc.integer({ min: 0, max: 99_999 }).map(String);
const table = fc
  .array(fc.tuple(company, number, fc.constantFrom('Ulm', 'Bonn', '', 'New York')), {
    minLength: 2,
    maxLength: 8,
  })
  .map((rows) => rows.map(([name, amount, city], index) => [name, `c${index}.example`, amount, city]));
const HEADER = ['company', 'domain', 'amount', 'city'];

function quote(text: string, delimiter: string): string {
  return text.includes(delimiter) || /["\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The records of a valid file, without line ends. */
function writeRecords(rows: readonly (readonly string[])[], delimiter = ','): string[] {
  return [HEADER, ...rows].map((row) => row.map((cell) => quote(cell, delimiter)).join(delimiter));
}

type Damage = (records: readonly string[], at: number) => string;

/** What programs and people do to files without changing a cell. */
const HARMLESS: readonly (readonly [string, Damage])[] = [
  ['nothing', (records) => `${records.join('\n')}\n`],
  ['a mark before every line', (records) => records.map((record) => `\ufeff${record}\n`).join('')],
  ['two marks at the start', (records) => `\ufeff\ufeff${records.join('\n')}`],
  ['CR CR LF', (records) => records.map((record) => `${record}\r\r\n`).join('')],
  [
    'CRLF on some lines',
    (records, at) =>
      records.map((record, index) => record + (index % (at + 2) === 0 ? '\r\n' : '\n')).join(''),
  ],
  [
    'CR on some lines',
    (records, at) => records.map((record, index) => record + (index % (at + 2) === 1 ? '\r' : '\n')).join(''),
  ],
  ['Ctrl-Z at the end', (records) => `${records.join('\r\n')}\r\n\u001a`],
  ['a sep line', (records) => `sep=,\n${records.join('\n')}\n`],
  ['a padded sep line', (records) => `sep=,,,\n${records.join('\n')}\n`],
  [
    'the header again',
    (records, at) => [...records.slice(0, at + 1), records[0], ...records.slice(at + 1), ''].join('\n'),
  ],
  [
    'dashes below the header',
    (records) => [records[0], '-------,------,------,----', ...records.slice(1), ''].join('\n'),
  ],
  ['a title', (records) => `Customers 2024\n\n${records.join('\n')}\n`],
  ['a padded title', (records) => `Customers 2024,,,\n,,,\n${records.join('\n')}\n`],
  ['comments', (records) => `# from CRM, by Ana\n# v2\n${records.join('\n')}\n`],
  ['a footer', (records) => `${records.join('\n')}\n\n(${records.length - 1} rows affected)\n`],
  [
    'blank lines',
    (records, at) => [...records.slice(0, at + 1), '', '', ...records.slice(at + 1), ''].join('\n'),
  ],
  [
    'backslashes before quotes',
    (records) => `${records.map((record) => record.replace(/(?<=[^,])""(?=[^,])/g, '\\"')).join('\n')}\n`,
  ],
  ['every line in UTF-16', (records) => `${records.join('\n')}\n`],
];

test.each(HARMLESS)('every row of a valid file is there after %s', SLOW, async (what, damage) => {
  await fc.assert(
    fc.asyncProperty(table, fc.nat({ max: 5 }), async (rows, at) => {
      // A lone CR inside a quoted cell would be another file.
      const text = damage(writeRecords(rows), at % rows.length);
      const bytes = what.includes('UTF-16') ? Buffer.from(`\ufeff${text}`, 'utf16le') : text;
      const { cells, columns } = await readRows(bytes);
      expect(columns).toEqual(HEADER);
      expect(cells).toEqual(rows);
    }),
    { numRuns: chooseCount(60, 12) },
  );
});

/** What loses something: the reader must stop or say so, or have every row. */
const HARMFUL: readonly (readonly [string, Damage])[] = [
  ['no header', (records) => records.slice(1).join('\n')],
  ['a header one name short', (records) => ['company,domain,amount', ...records.slice(1)].join('\n')],
  ['one separator less', (records, at) => replaceIn(records, at, /,(?=\d)/, '')],
  ['one separator more', (records, at) => replaceIn(records, at, /,(?=\d)/, ',,')],
  ['an opening quote', (records, at) => replaceIn(records, at, /,(?=c\d)/, ',"')],
  ['an opening quote at the start', (records, at) => replaceIn(records, at, /^/, '"')],
  [
    'two quotes that pair up over rows',
    (records, at) => replaceIn(records, at, /^/, '"').replace(/(?<=\n[^\n"]*)$/, '"'),
  ],
  ['a cut end', (records) => records.join('\n').replace(/,[^,\n]*,[^,\n]*$/, '')],
  [
    'lines quoted as a whole',
    (records) => records.map((record) => `"${record.replaceAll('"', '""')}"`).join('\n'),
  ],
  ['another separator', (records) => records.map((record) => record.replaceAll(',', '^')).join('\n')],
  ['a CR inside a cell', (records, at) => replaceIn(records, at, /\.example/, '.ex\rample')],
];

function replaceIn(records: readonly string[], at: number, part: RegExp, by: string): string {
  return records.map((record, index) => (index === at + 1 ? record.replace(part, by) : record)).join('\n');
}

test.each(HARMFUL)(
  'rows are there, or the reader stops or says so, after %s',
  SLOW,
  async (_what, damage) => {
    await fc.assert(
      fc.asyncProperty(table, fc.nat({ max: 5 }), async (rows, at) => {
        const { cells, isTold } = await readRows(damage(writeRecords(rows), at % rows.length));
        const isWhole = JSON.stringify(cells) === JSON.stringify(rows);
        expect(isTold || isWhole).toBe(true);
      }),
      { numRuns: chooseCount(60, 12) },
    );
  },
);
