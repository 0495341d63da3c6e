import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { decodeWithTable } from '../../src/read/guess-encoding.js';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createAnswer, createFilledRow, readAllRows } from '../helpers/rows.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const FIELDS = [{ name: 'rowfill field', schema: { type: 'string' } }];
const TEXT_1252 = decodeWithTable(
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  'windows-1252',
);

function encode(text: string, encoding: string): Buffer {
  switch (encoding) {
    case 'utf-16le':
      return Buffer.from(text, 'utf16le');
    case 'utf-16be':
      return Buffer.from(text, 'utf16le').swap16();
    case 'windows-1252':
      return Buffer.from(Array.from(text, (char) => TEXT_1252.indexOf(char)));
    default:
      return Buffer.from(text, 'utf8');
  }
}

/** Reads a file, fills it and reads the output: the rows before and after, input columns only. */
async function fillAndRead(name: string, bytes: Uint8Array, options: Partial<InputOptions>) {
  const folder = await createTempFolder();
  await writeFile(join(folder, name), bytes);
  const input = await openInput({ ...options, path: join(folder, name) });
  const rows = await readAllRows(input);
  const path = join(folder, `out-${name}`);
  const { shape, columns } = input;
  const output = await openOutput({ path, shape, columns, fields: FIELDS, overwrite: false, raw: false });
  for (const row of rows) {
    await output.write([createFilledRow(row, { 'rowfill field': createAnswer('=Ada; "x",\ny|') })]);
  }
  await output.commit();
  const { delimiter } = options;
  const filled = await openInput({ path, ...(delimiter === undefined ? {} : { delimiter }) });
  return { input, rows, filled, filledRows: await readAllRows(filled), text: await readFile(path) };
}

const OUR_COLUMNS = 3 + 5;

const anyText = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', '\t', '|', '=', '\u2028', '\ufeff'),
      fc.constantFrom('é', 'ß', '😀', '漢', 'e\u0301'),
      fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }).filter((char) => char !== '\0'),
    ),
    maxLength: 12,
  })
  .filter((text) => !text.startsWith('="'));
const anyTable = fc.integer({ min: 2, max: 4 }).chain((width) =>
  fc.record({
    titles: fc.array(anyText, { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(anyText, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
  }),
);

test(
  'any table in any dialect and encoding, with any chunk boundaries, is read and written with equal cells',
  SLOW,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTable,
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.constantFrom('utf-8', 'utf-16le', 'utf-16be', 'windows-1252'),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(1, 2, 3, 7, 64, 65_536),
        async ({ titles, rows }, delimiter, newline, encoding, quotes, isGzip, pieceBytes) => {
          const isIn1252 = (text: string) => Array.from(text).every((char) => TEXT_1252.includes(char));
          fc.pre(titles.join('').trim() !== '' && !/^\ufeff/.test(titles[0] ?? ''));
          fc.pre(encoding !== 'windows-1252' || [titles, ...rows].flat().every(isIn1252));
          const text = Papa.unparse([titles, ...rows], { delimiter, newline, quotes }) + newline;
          const hasMark = encoding.startsWith('utf-16');
          const plain = encode((hasMark ? '\ufeff' : '') + text, encoding);
          const {
            input,
            rows: read,
            filledRows,
          } = await fillAndRead(isGzip ? 'in.csv.gz' : 'in.csv', isGzip ? gzipSync(plain) : plain, {
            delimiter,
            headerRow: 1,
            limits: { pieceBytes },
            ...(hasMark ? {} : { encoding }),
          });
          expect(input.shape.titles).toEqual(titles);
          expect(read.map((row) => (row.kind === 'cells' ? row.cells : null))).toEqual(rows);
          expect(
            filledRows.map((row) => (row.kind === 'cells' ? row.cells.slice(0, -OUR_COLUMNS) : null)),
          ).toEqual(rows);
        },
      ),
      { numRuns: chooseCount(60, 15) },
    );
  },
);

const word = fc.constantFrom(
  'Acme',
  'Müller & Söhne',
  'Tōkyō',
  'Inc.',
  'x',
  '東京',
  'The "Best"',
  'two\nlines',
);
const plausibleCell = fc.oneof(
  { weight: 4, arbitrary: word },
  { weight: 1, arbitrary: fc.constantFrom('', '1,5', '-0,25', '1.234,56', '2024-01-31', '01234') },
  { weight: 1, arbitrary: fc.constantFrom('Acme, Inc.', 'a; b', 'x | y', 'left, right; both', '=1+1') },
);

test('the dialect of a typical table is detected', SLOW, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }).chain((width) =>
        fc.array(fc.array(plausibleCell, { minLength: width, maxLength: width }), {
          minLength: 3,
          maxLength: 12,
        }),
      ),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.constantFrom('\n' as const, '\r\n' as const, '\r' as const),
      fc.boolean(),
      fc.boolean(),
      async (rows, delimiter, newline, quotes, bom) => {
        const titles = (rows[0] ?? []).map((_, index) => `Column ${index + 1}`);
        const text = Papa.unparse([titles, ...rows], { delimiter, newline, quotes }) + newline;
        const {
          input,
          rows: read,
          text: output,
        } = await fillAndRead('in.csv', Buffer.from((bom ? '\ufeff' : '') + text), {});
        expect(input.shape).toMatchObject({ delimiter, newline, bom, encoding: 'utf-8' });
        expect(read.map((row) => (row.kind === 'cells' ? row.cells : null))).toEqual(rows);
        expect(output.toString().startsWith(bom ? '\ufeff' : quotes ? '"Column 1"' : 'Column 1')).toBe(true);
      },
    ),
    { numRuns: chooseCount(60, 15) },
  );
});

test(
  'any JSON Lines, with any chunk boundaries, keep their exact text apart from additions',
  SLOW,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom('', ' ', '\t')), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(1, 2, 5, 65_536),
        async (objects, newline, pieceBytes) => {
          const lines = objects.map(([object, space]) => `${JSON.stringify(object)}${space}`);
          const { rows, text } = await fillAndRead('in.jsonl', Buffer.from(lines.join(newline)), {
            limits: { pieceBytes },
          });
          expect(rows.map((row) => (row.kind === 'object' ? row.text : null))).toEqual(lines);
          const out = text.toString().split(/\r?\n/).slice(0, -1);
          out.forEach((line, index) => {
            const own = lines[index] ?? '';
            expect(line.startsWith(own.trimEnd().slice(0, -1).trimEnd())).toBe(true);
            expect(JSON.parse(line)).toMatchObject({ enrichment: { status: 'enriched' } });
          });
        },
      ),
      { numRuns: chooseCount(60, 15) },
    );
  },
);
