import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { type CsvReading, readCsvRecords } from '../../src/read/csv-reader.js';
import { cutRecord, DOUBLE_QUOTES, isIncomplete } from '../../src/read/csv-record.js';

const COMMA: CsvReading = {
  delimiter: ',',
  newline: '\n',
  quotes: DOUBLE_QUOTES,
  hasEscapes: false,
  isPadded: false,
  name: 'in.csv',
  width: 2,
  maxRowLength: 1_000_000,
  from: { offset: 0, line: 1 },
  quotesEmpty: false,
  isWrapped: false,
  looksLikeRow: () => false,
};

async function* cutInPieces(text: string, cuts: readonly number[]): AsyncGenerator<string> {
  const sorted = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort(
    (a, b) => a - b,
  );
  for (const [index, end] of sorted.entries()) if (index > 0) yield text.slice(sorted[index - 1], end);
}

async function readRecords(text: string, reading: Partial<CsvReading> = {}, cuts: readonly number[] = []) {
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  const repairedLines: number[] = [];
  for await (const records of readCsvRecords(cutInPieces(text, cuts), { ...COMMA, ...reading })) {
    for (const { cells, line, fault } of records) {
      rows.push(cells);
      lines.push(line);
      if (fault === 'quotes') repairedLines.push(line);
    }
  }
  return { rows, lines, repairedLines };
}

const hardText = fc.string({
  unit: fc.constantFrom('a', 'é', '"', ',', ';', '\n', '\r', ' ', '\t', '😀'),
});

test('any table is read back equal, for any chunk boundaries, delimiter and line ends', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(hardText, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (table, delimiter, newline, quotes, isClosed, cuts) => {
        const text = Papa.unparse(table, { delimiter, newline, quotes }) + (isClosed ? newline : '');
        const reading = { delimiter, newline: newline === '\r' ? ('\r' as const) : ('\n' as const) };
        const { rows, lines, repairedLines } = await readRecords(text, reading, cuts);
        expect(rows).toEqual(table);
        expect(repairedLines).toEqual([]);
        expect(lines).toEqual(countLines(table, reading.newline));
      },
    ),
    { numRuns: 500 },
  );
});

function countLines(table: readonly (readonly string[])[], newline: string): number[] {
  let line = 1;
  return table.map((row) => {
    const start = line;
    line += 1 + row.join('').split(newline).length - 1;
    return start;
  });
}

test('any text, even with invalid quotes, is read the same for any chunk boundaries', async () => {
  await fc.assert(
    fc.asyncProperty(
      hardText.filter((text) => text !== ''),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (text, cuts) => {
        const settle = (promise: Promise<unknown>) => promise.catch((error: { code: string }) => error.code);
        expect(await settle(readRecords(text, {}, cuts))).toEqual(await settle(readRecords(text)));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a valid record is read without a guess', () => {
  fc.assert(
    fc.property(fc.array(fc.array(hardText, { minLength: 2, maxLength: 3 }), { minLength: 1 }), (table) => {
      const text = `${Papa.unparse(table, { newline: '\n' })}\n`;
      const rows: (readonly string[])[] = [];
      for (let at = 0; at < text.length; ) {
        const found = cutRecord(text, at, COMMA, true, table[0]?.length ?? 0);
        if (isIncomplete(found)) throw new Error('a record is whole');
        expect(found.isMended).toBe(false);
        rows.push(found.cells);
        at = found.end;
      }
      expect(rows).toEqual(table);
    }),
    { numRuns: 500 },
  );
});

test('a quote inside text does not swallow the following rows', async () => {
  const text = 'name,size\n"Acme" Inc,5\n"Beta",6\n"he said "hi" to me",7\n"27" monitor",8\n';
  expect(await readRecords(text)).toEqual({
    rows: [
      ['name', 'size'],
      ['"Acme" Inc', '5'],
      ['Beta', '6'],
      ['he said "hi" to me', '7'],
      ['27" monitor', '8'],
    ],
    lines: [1, 2, 3, 4, 5],
    repairedLines: [2, 4, 5],
  });
});

test('a file may mix LF and CRLF', async () => {
  const { rows, lines } = await readRecords('a,b\r\n1,"2\r\n3"\r\n4,5\n"6",7\r\n');
  expect(rows).toEqual([
    ['a', 'b'],
    ['1', '2\r\n3'],
    ['4', '5'],
    ['6', '7'],
  ]);
  expect(lines).toEqual([1, 2, 4, 5]);
});

test('an unclosed quote is rejected with the line on which it opens', async () => {
  await expect(readRecords('a,b\n1,2\n3,"4\n5,6\n')).rejects.toMatchObject({
    code: 'INPUT_QUOTE_NOT_CLOSED',
    message: 'in.csv, line 3: a quote is opened here and never closed',
  });
  const endless = `a,b\n1,2\n3,"4\n${'5,6\n'.repeat(5_000)}`;
  const cuts = Array.from({ length: 200 }, (_, index) => index * 100);
  await expect(readRecords(endless, { maxRowLength: 10_000 }, cuts)).rejects.toMatchObject({
    code: 'INPUT_QUOTE_NOT_CLOSED',
    message: 'in.csv, line 3: a quote is opened here and never closed',
  });
});

test('an endless row is rejected with its line', async () => {
  const cuts = Array.from({ length: 200 }, (_, index) => index * 100);
  await expect(
    readRecords(`a\n1\n${'x'.repeat(20_000)}`, { maxRowLength: 10_000 }, cuts),
  ).rejects.toMatchObject({
    code: 'INPUT_ROW_TOO_LONG',
    message: 'in.csv, line 3: a row of more than 10000 characters',
  });
});
