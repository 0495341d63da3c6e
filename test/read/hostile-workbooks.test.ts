import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InputLimits } from '../../src/read/input.js';
import { openInput } from '../../src/read/open-input.js';
import { readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook, type Parts } from '../helpers/workbook.js';

const HEAD = createRow(1, ['name', 'note']);
const TEXTS = 'xl/sharedStrings.xml';

async function openBytes(bytes: Uint8Array, limits: Partial<InputLimits> = {}) {
  const path = join(await createTempFolder(), 'list.xlsx');
  await writeFile(path, bytes);
  return openInput({ path, limits });
}

async function openRows(rows: string, limits: Partial<InputLimits> = {}, others: Parts = {}) {
  return openBytes(await createWorkbook({ List: HEAD + rows }, others), limits);
}

test('a sheet that unpacks beyond all measure is taken for a bomb', async () => {
  const bomb = createRow(2, ['Acme', 'x']).repeat(20_000);
  const limits = { freeInflateBytes: 64 * 1024, maxInflateRatio: 20 };
  await expect(openRows(bomb, limits).then(readAllRows)).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
  expect(await readAllRows(await openRows(bomb))).toHaveLength(20_000);
});

test('shared texts that unpack beyond all measure are taken for a bomb before there is a row', async () => {
  const texts = `<sst>${'<si><t>x</t></si>'.repeat(50_000)}</sst>`;
  const limits = { freeInflateBytes: 64 * 1024, maxInflateRatio: 20 };
  await expect(openRows('', limits, { [TEXTS]: texts })).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
});

test('more different texts than memory is meant to hold are refused, blank ones too', async () => {
  const refused = { code: 'INPUT_WORKBOOK_TOO_LARGE', message: expect.stringContaining('more than 1 MB') };
  for (const text of ['<si/>', '<si><t>some words that take a little room</t></si>']) {
    const texts = `<sst>${text.repeat(100_000)}</sst>`;
    const limits = { maxSharedBytes: 1024 * 1024 };
    await expect(openRows('', limits, { [TEXTS]: texts })).rejects.toMatchObject(refused);
  }
});

test('a part that only tells of others is refused where it is long', async () => {
  const book = `<workbook><sheets/>${' '.repeat(65 * 1024 * 1024)}</workbook>`;
  await expect(openRows('', {}, { 'xl/workbook.xml': book })).rejects.toMatchObject({
    code: 'INPUT_WORKBOOK_BROKEN',
    message: expect.stringContaining('xl/workbook.xml is too long'),
  });
});

test('a text without end is refused after the limit, in a cell and among the shared ones', async () => {
  const limits = { maxRowLength: 100_000 };
  const text = 'x'.repeat(300_000);
  await expect(openRows(createRow(2, [text]), limits)).rejects.toMatchObject({
    code: 'INPUT_ROW_TOO_LONG',
    message: expect.stringContaining('row 2: a row of more than 100000 characters'),
  });
  const texts = `<sst><si><t>${text}</t></si></sst>`;
  await expect(openRows('', limits, { [TEXTS]: texts })).rejects.toMatchObject({
    code: 'INPUT_ROW_TOO_LONG',
  });
});

test('an attribute and a comment without end are refused', async () => {
  const long = 'x'.repeat(300_000);
  for (const rows of [`<row r="2" x="${long}"/>`, `<!--${long}-->`]) {
    await expect(openRows(rows)).rejects.toMatchObject({ code: 'INPUT_WORKBOOK_BROKEN' });
  }
});

test('two cells in the far corners of a sheet are two rows and no more', async () => {
  const corners =
    '<row r="2"><c r="A2"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>';
  const input = await openRows(corners);
  const rows = await readAllRows(input);
  expect(rows.map((row) => row.kind === 'cells' && [row.line, row.cells.length])).toEqual([
    [2, 1],
    [1_048_576, 16_384],
  ]);
  expect(input.notes.map(({ message }) => message)).toContain(
    'Blank rows: 1048573 (rows 3, 4, 5, 6, 7, …). They are left out.',
  );
});

test('rows of blank cells with one far to the right are taken for a bomb once there are very many', async () => {
  const far = '<row><c r="XFD1"><v>1</v></c></row>'.repeat(100);
  await expect(openRows(far, { maxBlankCells: 1_000_000 }).then(readAllRows)).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
  expect(await readAllRows(await openRows(far))).toHaveLength(100);
});

test.each(['A0', '1', 'é1', 'XFE1', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA1', ''])(
  'a cell at %j is at no place, or at the one that its letters say',
  async (place) => {
    const cell = `<row r="2"><c r="${place}" t="str"><v>Acme</v></c></row>`;
    const reading = openRows(cell).then(readAllRows);
    if (place === 'A0') expect((await reading)[0]).toMatchObject({ line: 2, cells: ['Acme'] });
    else await expect(reading).rejects.toMatchObject({ code: 'INPUT_TOO_MANY_COLUMNS' });
  },
);

test.each(['0', '-1', '1.5', 'x', '1048577', '1e9'])('a row %s is refused', async (line) => {
  const rows = `<row r="${line}"><c t="str"><v>Acme</v></c></row>`;
  await expect(openRows(rows)).rejects.toMatchObject({ code: 'INPUT_TOO_MANY_ROWS' });
});

test('names that mean something to JavaScript are names', async () => {
  const sheet = createRow(1, ['__proto__', 'constructor']) + createRow(2, ['a', 'b']);
  const input = await openBytes(await createWorkbook({ toString: sheet }));
  expect(input.columns).toEqual(['__proto__', 'constructor']);
  expect(await readAllRows(input)).toMatchObject([{ cells: ['a', 'b'] }]);
});

test('a zip file of very many parts is refused', async () => {
  await expect(openBytes(packEmptyParts(10_001))).rejects.toMatchObject({
    code: 'INPUT_WORKBOOK_BROKEN',
    message: expect.stringContaining('over 10000 parts'),
  });
});

test('a workbook that ends anywhere is refused, and never read in part', async () => {
  const whole = await createWorkbook({ List: HEAD + createRow(2, ['Acme', 'a']) });
  for (let length = 4; length < whole.length; length += 97) {
    await expect(openBytes(whole.subarray(0, length)).then(readAllRows)).rejects.toMatchObject({
      kind: 'usage',
    });
  }
});

test('a workbook in which any byte is another one gives rows or a clear error', async () => {
  const whole = await createWorkbook({ List: HEAD + createRow(2, ['Acme', 'a']) });
  for (let at = 4; at < whole.length; at += 37) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x55;
    const outcome = await openBytes(bytes).then(readAllRows, (error: unknown) => error);
    if (!Array.isArray(outcome)) expect(outcome).toMatchObject({ name: 'RowfillError', kind: 'usage' });
  }
});

test('reading stops when it is told to', async () => {
  const input = await openRows(createRow(2, ['Acme', 'x']).repeat(50_000));
  const controller = new AbortController();
  let rows = 0;
  const reading = (async () => {
    for await (const chunk of input.openRows(controller.signal)) {
      rows += chunk.length;
      controller.abort();
    }
  })();
  await expect(reading).rejects.toThrow(/aborted/);
  expect(rows).toBeLessThan(50_000);
});

/** A zip file of so many parts without content, written out by hand: a tool would take its time. */
function packEmptyParts(count: number): Buffer {
  const local = Buffer.alloc(30 + 6);
  local.write('PK\x03\x04\x14', 'latin1');
  local.writeUInt16LE(6, 26);
  local.write('p00000', 30);
  const entries = Array.from({ length: count }, (_, index) => {
    const entry = Buffer.alloc(46 + 6);
    entry.write('PK\x01\x02\x14\0\x14', 'latin1');
    entry.writeUInt16LE(6, 28);
    entry.write(`p${String(index).padStart(5, '0')}`, 46);
    return entry;
  });
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(count * 52, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, ...entries, end]);
}
