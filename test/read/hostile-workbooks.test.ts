import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
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

test('a sheet that expands enormously is rejected as a zip bomb', async () => {
  const bomb = createRow(2, ['Acme', 'x']).repeat(20_000);
  const limits = { freeInflateBytes: 64 * 1024, maxInflateRatio: 20 };
  await expect(openRows(bomb, limits).then(readAllRows)).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
  expect(await readAllRows(await openRows(bomb))).toHaveLength(20_000);
});

test('shared strings that expand enormously are rejected before the first row', async () => {
  const texts = `<sst>${'<si><t>x</t></si>'.repeat(50_000)}</sst>`;
  const limits = { freeInflateBytes: 64 * 1024, maxInflateRatio: 20 };
  await expect(openRows('', limits, { [TEXTS]: texts })).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
});

test('more distinct texts than the memory limit are rejected, blank ones too', async () => {
  const refused = { code: 'INPUT_WORKBOOK_TOO_LARGE', message: expect.stringContaining('more than 1 MB') };
  for (const text of ['<si/>', '<si><t>some words that take a little room</t></si>']) {
    const texts = `<sst>${text.repeat(100_000)}</sst>`;
    const limits = { maxSharedBytes: 1024 * 1024 };
    await expect(openRows('', limits, { [TEXTS]: texts })).rejects.toMatchObject(refused);
  }
});

test('a metadata part that is too long is rejected', async () => {
  const book = `<workbook><sheets/>${' '.repeat(65 * 1024 * 1024)}</workbook>`;
  await expect(openRows('', {}, { 'xl/workbook.xml': book })).rejects.toMatchObject({
    code: 'INPUT_WORKBOOK_BROKEN',
    message: expect.stringMatching(/xl\/workbook\.xml.* is too long/),
  });
});

test('an endless text is rejected at the limit, in a cell and in the shared strings', async () => {
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

test('an endless attribute and an endless comment are rejected', async () => {
  const long = 'x'.repeat(21 * 1024 * 1024);
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
    '1048573 blank rows (rows 3, 4, 5, 6, 7, …). Blank rows are kept in .xlsx output and dropped from other formats.',
  );
});

test('very many rows with only one cell far to the right are rejected as a zip bomb', async () => {
  const far = '<row><c r="XFD1"><v>1</v></c></row>'.repeat(100);
  await expect(openRows(far, { maxBlankCells: 1_000_000 }).then(readAllRows)).rejects.toMatchObject({
    code: 'INPUT_INFLATES_TOO_MUCH',
  });
  expect(await readAllRows(await openRows(far))).toHaveLength(100);
});

test.each(['A0', '1', 'é1', 'XFE1', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA1', ''])(
  'rejects the invalid cell reference %j, or uses only its column letters',
  async (place) => {
    const cell = `<row r="2"><c r="${place}" t="str"><v>Acme</v></c></row>`;
    const reading = openRows(cell).then(readAllRows);
    if (place === 'A0') expect((await reading)[0]).toMatchObject({ line: 2, cells: ['Acme'] });
    else await expect(reading).rejects.toMatchObject({ code: 'INPUT_TOO_MANY_COLUMNS' });
  },
);

test.each(['0', '-1', '1.5', 'x', '1048577', '1e9'])('row number %s is rejected', async (line) => {
  const rows = `<row r="${line}"><c t="str"><v>Acme</v></c></row>`;
  await expect(openRows(rows)).rejects.toMatchObject({ code: 'INPUT_TOO_MANY_ROWS' });
});

test('names with a meaning in JavaScript are plain names', async () => {
  const sheet = createRow(1, ['__proto__', 'constructor']) + createRow(2, ['a', 'b']);
  const input = await openBytes(await createWorkbook({ toString: sheet }));
  expect(input.columns).toEqual(['__proto__', 'constructor']);
  expect(await readAllRows(input)).toMatchObject([{ cells: ['a', 'b'] }]);
});

test('a zip file with very many parts is rejected', async () => {
  await expect(openBytes(packEmptyParts(10_001))).rejects.toMatchObject({
    code: 'INPUT_WORKBOOK_BROKEN',
    message: expect.stringContaining('over 10000 parts'),
  });
});

test('a workbook truncated at any byte is rejected, never read in part', async () => {
  const whole = await createWorkbook({ List: HEAD + createRow(2, ['Acme', 'a']) });
  for (let length = 4; length < whole.length; length += 97) {
    await expect(openBytes(whole.subarray(0, length)).then(readAllRows)).rejects.toMatchObject({
      kind: 'usage',
    });
  }
});

test('a workbook with any changed byte gives the same rows or a clear error, never others', async () => {
  const whole = await createWorkbook({ List: HEAD + createRow(2, ['Acme', 'a']) });
  const rows = await openBytes(whole).then(readAllRows);
  for (let at = 4; at < whole.length; at += 37) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x55;
    const outcome = await openBytes(bytes).then(readAllRows, (error: unknown) => error);
    if (Array.isArray(outcome)) expect(outcome).toEqual(rows);
    else expect(outcome).toMatchObject({ name: 'RowfillError', kind: 'usage' });
  }
});

test.each([
  ['checksum', 16],
  ['size', 24],
])('a sheet with another %s than its directory says is rejected', async (_, field) => {
  const bytes = await createWorkbook({ List: HEAD + createRow(2, ['Acme', 'a']) });
  const entry = bytes.lastIndexOf('xl/worksheets/s0.xml') - 46;
  bytes.writeUInt32LE(bytes.readUInt32LE(entry + field) + 1, entry + field);
  await expect(openBytes(bytes)).rejects.toMatchObject({ code: 'INPUT_WORKBOOK_BROKEN' });
});

test('readers of one workbook do not wait for each other', async () => {
  const noise = createHash('shake256', { outputLength: 2 * 1024 * 1024 })
    .update('noise')
    .digest('hex');
  const row = (line: number) =>
    createRow(line, noise.slice(line * 80_000, (line + 1) * 80_000).match(/.{80}/g) ?? []);
  const input = await openRows(Array.from({ length: 50 }, (_, at) => row(at + 2)).join(''));
  const readers = Array.from({ length: 4 }, () => input.openRows()[Symbol.asyncIterator]());
  // A reader that waits for a timer never ends.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    for (const reader of readers) expect((await reader.next()).done).toBe(false);
    for (const reader of readers) await reader.return?.();
  } finally {
    vi.useRealTimers();
  }
}, 20_000);

test('reading stops on abort', async () => {
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

/** A zip file of N empty parts, written by hand because a tool would be slow. */
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
