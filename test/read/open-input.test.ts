import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { InputOptions } from '../../src/read/open-input.js';
import { openInput } from '../../src/read/open-input.js';
import { readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function writeTemporary(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await createTempFolder(), name);
  await writeFile(path, content);
  return path;
}

async function readFile(name: string, content: string | Uint8Array, options: Partial<InputOptions> = {}) {
  const path = await writeTemporary(name, content);
  const input = await openInput({ path, ...options });
  const rows = await readAllRows(input);
  return { input, rows, values: rows.map(showRow), lines: rows.map((row) => row.line) };
}

test('a table is read with its columns, rows and their line numbers', async () => {
  const { input, rows, values, lines } = await readFile(
    'in.csv',
    'company,note\nAcme,"two\nlines"\n"Beta, Inc","a ""b"""\n',
  );
  expect(input.columns).toEqual(['company', 'note']);
  expect(values).toEqual([
    ['Acme', 'two\nlines'],
    ['Beta, Inc', 'a "b"'],
  ]);
  expect(lines).toEqual([2, 4]);
  expect(rows.map((row) => row.ordinal)).toEqual([0, 1]);
  expect(input.shape).toMatchObject({ format: 'csv', delimiter: ',', newline: '\n', bom: false });
});

test('rows can be read any number of times from the start', async () => {
  const { input, values } = await readFile('in.csv', 'a\n1\n2\n');
  expect((await readAllRows(input)).map(showRow)).toEqual(values);
});

test('semicolons, CRLFs and the byte order mark of a European spreadsheet are detected', async () => {
  const { input, values } = await readFile('in.csv', '\ufeffname;revenue\r\nAcme;1,5\r\nBeta;2,7\r\n');
  expect(input.shape).toMatchObject({ delimiter: ';', newline: '\r\n', bom: true });
  expect(input.columns).toEqual(['name', 'revenue']);
  expect(values).toEqual([
    ['Acme', '1,5'],
    ['Beta', '2,7'],
  ]);
});

test('UTF-16 without a byte order mark is detected beside characters whose low byte is zero', async () => {
  const bytes = Buffer.from('key,note\na,😀 一\nb,Ā\n', 'utf16le');
  for (const content of [bytes, Buffer.from(bytes).swap16()]) {
    expect((await readFile('in.csv', content)).values).toEqual([
      ['a', '😀 一'],
      ['b', 'Ā'],
    ]);
  }
});

test('columns with the same or no name get unique names, and titles stay unchanged', async () => {
  const { input } = await readFile('in.csv', 'name, name ,,name_2\n1,2,3,4\n');
  expect(input.columns).toEqual(['name', 'name_3', 'column_3', 'name_2']);
  expect(input.shape.titles).toEqual(['name', ' name ', '', 'name_2']);
  expect(input.notes.map((note) => note.code)).toEqual(['COLUMNS_NAMED']);
});

test('rows that do not fit the header are kept and reported with their lines', async () => {
  const { input, values } = await readFile('in.csv', 'a,b\n1\n1,2,3\n\n1,2\n');
  expect(values).toEqual([['1'], ['1', '2', '3'], ['1', '2']]);
  expect(input.notes).toMatchObject([
    {
      code: 'ROW_TOO_SHORT',
      message: '1 row has fewer cells than the header (line 2). Missing cells count as empty.',
    },
    { code: 'BLANK_LINE', message: '1 blank line (line 4). Blank lines are dropped.' },
    {
      code: 'ROW_TOO_LONG',
      message:
        '1 row has more cells than the header (line 3). The extra cells are kept at the end of the row.',
    },
  ]);
});

test('JSON Lines are read as objects, and other lines become faulty rows', async () => {
  const { input, rows, values } = await readFile(
    'in.jsonl',
    '{"id": 12345678901234567890, "a": {"b": 1.50}}\n\n{"id": 2},\n[1]\n{"id": 3, "c": null}\n',
  );
  expect(input.columns).toEqual(['id', 'a', 'c']);
  expect(values).toEqual([
    { id: '12345678901234567890', a: { b: 1.5 } },
    {
      fault:
        'line 3: there is a comma after the object: JSON Lines has one object per line and nothing after it',
    },
    { fault: 'line 4: a list, not a JSON object' },
    { id: 3, c: null },
  ]);
  expect(rows[0]).toMatchObject({ text: '{"id": 12345678901234567890, "a": {"b": 1.50}}' });
});

test('standard input is saved, so it can be read twice', async () => {
  const stdin = Readable.from(['a,b\n1,', '2\n']);
  const input = await openInput({ path: '-', stdin });
  expect((await readAllRows(input)).map(showRow)).toEqual([['1', '2']]);
  expect((await readAllRows(input)).map(showRow)).toEqual([['1', '2']]);
  await input.close();
  await expect(readAllRows(input)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
});

const REFUSED: [name: string, content: string | Uint8Array, code: string][] = [
  ['empty.csv', '', 'INPUT_EMPTY'],
  ['only-a-mark.csv', '\ufeff', 'INPUT_EMPTY'],
  ['only-blank-lines.csv', '\n\r\n  \n', 'INPUT_EMPTY'],
  ['header-only.csv', 'a,b\n', 'INPUT_NO_ROWS'],
  ['header-only-no-newline.csv', 'a,b', 'INPUT_NO_ROWS'],
  ['picture.csv', Buffer.from('\x89PNG\r\n\x1a\n\0\0', 'latin1'), 'INPUT_NOT_TEXT'],
  ['zeros.csv', Buffer.alloc(64), 'INPUT_NOT_TEXT'],
  ['sheet.csv', Buffer.from('PK\x03\x04xl/workbook.xml', 'latin1'), 'INPUT_WORKBOOK_BROKEN'],
  ['sheet.xlsx.gz', gzipSync(Buffer.from('PK\x03\x04xl/workbook.xml', 'latin1')), 'INPUT_NOT_TEXT'],
  ['page.csv', '<!DOCTYPE html><html></html>', 'INPUT_NOT_TABLE'],
  ['quote.csv', 'a,b\n1,"2\n3,4\n', 'INPUT_QUOTE_NOT_CLOSED'],
];

test.each(REFUSED)('%s is rejected', async (name, content, code) => {
  await expect(readFile(name, content)).rejects.toMatchObject({ code, kind: 'usage' });
});

test('a missing file and a folder give different errors', async () => {
  const folder = await createTempFolder();
  await mkdir(join(folder, 'in.csv'));
  await expect(openInput({ path: join(folder, 'none.csv') })).rejects.toMatchObject({
    code: 'INPUT_NOT_FOUND',
  });
  await expect(openInput({ path: join(folder, 'in.csv') })).rejects.toMatchObject({
    code: 'INPUT_IS_FOLDER',
  });
});

test.each(['jsonl', 'json'])('a late key of %s is a column after readColumns', async (format) => {
  const objects = Array.from({ length: 2_500 }, (_, index) =>
    JSON.stringify(index < 2_400 ? { name: `n${index}` } : { name: `n${index}`, late: index }),
  );
  const text = format === 'json' ? `[${objects.join(',\n')}]` : objects.join('\n');
  const path = await writeTemporary(`late.${format}`, text);
  const input = await openInput({ path });
  try {
    expect(input.columns).toEqual(['name']);
    await input.readColumns();
    expect(input.columns).toEqual(['name', 'late']);
  } finally {
    await input.close();
  }
});

test('more distinct keys than the column limit are rejected with the line, wherever they are', async () => {
  const spread = Array.from({ length: 40 }, (_, line) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${line * 500 + at}`, 1]))),
  );
  const path = await writeTemporary('wide.jsonl', spread.join('\n'));
  const opening = (async () => {
    const input = await openInput({ path });
    await input.readColumns();
  })();
  await expect(opening).rejects.toMatchObject({
    code: 'INPUT_TOO_MANY_COLUMNS',
    message: expect.stringMatching(/wide\.jsonl, line 33: .*more than 16384 distinct keys/),
  });
  const one = JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, at])));
  const huge = await writeTemporary('huge.jsonl', `{"k":1}\n${one}\n`);
  await expect(openInput({ path: huge })).rejects.toMatchObject({
    message: expect.stringContaining('line 2'),
  });
});
