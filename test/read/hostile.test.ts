import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { appendFile, open, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { INPUT_LIMITS } from '../../src/read/input.js';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { NO_FIFOS } from '../helpers/platform.js';
import { readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function writeInput(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await createTempFolder(), name);
  await writeFile(path, content);
  return path;
}

async function readPath(path: string, options: Partial<InputOptions> = {}) {
  return readAllRows(await openInput({ path, ...options }));
}

test('an endless stream is rejected at the limit, and its temporary file is deleted', async () => {
  const before = await listSpools();
  const limits = { ...INPUT_LIMITS, maxSpoolBytes: 1024 * 1024 };
  const stdin = Readable.from(repeat('a,b\n'));
  await expect(openInput({ path: '-', stdin, limits })).rejects.toMatchObject({ code: 'INPUT_TOO_LONG' });
  expect(await listSpools()).toEqual(before);
});

test.skipIf(NO_FIFOS)('an endless pipe is rejected at the limit', async () => {
  const before = await listSpools();
  const limits = { ...INPUT_LIMITS, maxSpoolBytes: 1024 * 1024 };
  const pipe = join(await createTempFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = createWriteStream(pipe);
  writer.on('error', () => {});
  Readable.from(repeat('a,b\n')).pipe(writer);
  await expect(openInput({ path: pipe, limits })).rejects.toMatchObject({ code: 'INPUT_TOO_LONG' });
  expect(await listSpools()).toEqual(before);
});

test.each([
  ['zeros', '\0'.repeat(1000)],
  ['noise', Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')],
])('a stream of %s is rejected by its first bytes', async (_what, text) => {
  const stdin = Readable.from(repeat(Buffer.from(text, 'latin1')));
  await expect(openInput({ path: '-', stdin })).rejects.toMatchObject({ code: 'INPUT_NOT_TEXT' });
});

test('text in legacy encodings or with unusual separators is accepted', async () => {
  for (const [content, encoding] of [
    [Buffer.from(`name\n${'M\xfcller\n'.repeat(9_000)}`, 'latin1'), undefined],
    [Buffer.from(`a\x01b\n${'x\x01\xe9\n'.repeat(20_000)}`, 'latin1'), undefined],
    [Buffer.from(`a,b\n${'ü,1\n'.repeat(20_000)}`, 'utf16le'), 'utf-16le'],
  ] as const) {
    const input = await openInput({ path: '-', stdin: Readable.from([content]), encoding });
    expect(input.columns.length).toBeGreaterThan(0);
    await input.close();
  }
});

function* repeat<Piece>(piece: Piece): Generator<Piece> {
  for (;;) yield piece;
}

async function listSpools(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^rowfill-[^-]{6}$/.test(name)).sort();
}

test('a line of one gigabyte is rejected at the limit without reading it all', async () => {
  const path = join(await createTempFolder(), 'in.csv');
  const file = await open(path, 'w');
  await file.write('a,b\n1,2\n');
  const block = Buffer.alloc(1024 * 1024, 'x');
  for (let block_ = 0; block_ < 40; block_ += 1) await file.write(block);
  await file.truncate(1024 ** 3);
  await file.close();
  await expect(readPath(path)).rejects.toMatchObject({
    code: 'INPUT_ROW_TOO_LONG',
    message: expect.stringContaining(`line 3: a row of more than ${INPUT_LIMITS.maxRowLength} characters`),
  });
});

test('a million columns are rejected', async () => {
  const path = await writeInput('in.csv', `${'a,'.repeat(1_000_000)}a\n1\n`);
  await expect(openInput({ path })).rejects.toMatchObject({
    code: 'INPUT_TOO_MANY_COLUMNS',
    message: expect.stringContaining('1000001 columns'),
  });
});

test('a gzip bomb is rejected once it has grown too much', async () => {
  const line = `${'x'.repeat(999)}\n`;
  const path = await writeInput('in.csv.gz', gzipSync(`a\n${line.repeat(20_000)}`));
  const limits = { freeInflateBytes: 1024 * 1024, maxInflateRatio: 100 };
  await expect(readPath(path, { limits })).rejects.toMatchObject({ code: 'INPUT_INFLATES_TOO_MUCH' });
  expect(await readPath(path)).toHaveLength(20_000);
});

test('a million brackets give a faulty row, and the next line is read', async () => {
  const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
  const path = await writeInput('in.jsonl', `{"a":0}\n${deep}\n{"a":1}\n`);
  expect((await readPath(path)).map(showRow)).toEqual([
    { a: 0 },
    { fault: 'line 2: nested deeper than 100 levels' },
    { a: 1 },
  ]);
});

test('an endless JSON line and an endless list item are rejected at the limit', async () => {
  const text = `{"a":1}\n{"a":"${'x'.repeat(300_000)}`;
  const limits = { maxRowLength: 100_000 };
  const lines = await writeInput('in.jsonl', text);
  await expect(readPath(lines, { limits })).rejects.toMatchObject({ code: 'INPUT_ROW_TOO_LONG' });
  const list = await writeInput('in.json', `[${text.replace('\n', ',\n')}`);
  await expect(readPath(list, { limits })).rejects.toMatchObject({
    code: 'INPUT_NOT_JSON',
    message: expect.stringContaining('line 2: an item is longer than 100000 characters'),
  });
});

test('invalid bytes are reported with line and offset, however far into the file', async () => {
  const head = `a,b\n${'ä,2\n'.repeat(400_000)}`;
  const path = await writeInput(
    'in.csv',
    Buffer.concat([Buffer.from(head), Buffer.from([0x31, 0xe9, 0x0a])]),
  );
  const input = await openInput({ path });
  await expect(readAllRows(input)).rejects.toMatchObject({
    code: 'INPUT_ENCODING',
    message: `${path} is not valid utf-8 at byte ${Buffer.byteLength(head) + 1}, line 400002`,
  });
});

test('an encoding is detected after megabytes of plain ASCII', async () => {
  const plain = Buffer.from(`a,b\n${'1,2\n'.repeat(700_000)}`);
  const path = await writeInput(
    'in.csv',
    Buffer.concat([plain, Buffer.from('Caf\xe9,\xc9cole\n', 'latin1')]),
  );
  const input = await openInput({ path });
  expect(input.shape.encoding).toBe('windows-1252');
  expect(showRow((await readAllRows(input)).at(-1) ?? expect.fail())).toEqual(['Café', 'École']);
});

test('rows added while a file is being read are ignored until the next run', async () => {
  const path = await writeInput('in.csv', 'a\n1\n2\n');
  const input = await openInput({ path });
  await appendFile(path, '3\n');
  expect((await readAllRows(input)).map(showRow)).toEqual([['1'], ['2']]);
  expect(input.notes.map((note) => note.code)).toContain('INPUT_GREW');
  expect(await readPath(path)).toHaveLength(3);
});

test('a file is rejected if its last row was incomplete or if it was changed', async () => {
  const path = await writeInput('in.csv', 'a,b\n1,2\n3,');
  const input = await openInput({ path });
  await appendFile(path, '4\n');
  await expect(readAllRows(input)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
  const second = await openInput({ path });
  await writeFile(path, 'a,b\n1,2\n3,5\n');
  await utimes(path, new Date(), new Date(Date.now() + 10_000));
  await expect(readAllRows(second)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
});

const LONG = `a\n${'12345\n'.repeat(60_000)}`;

test.each([
  ['a short file, by a longer one with the same columns', 'a\n1\n2\n', 'a\n8\n9\n3\n'],
  ['a short file, by one of the same length', 'a\n1\n2\n', 'a\n8\n9\n'],
  ['JSON lines', '{"a":1}\n', '{"a":2}\n{"a":3}\n'],
  ['a long file, by one that starts the same', LONG, LONG.replace(/12345\n$/, '54321\n12345\n')],
  ['a long file, by one with another header', LONG, `b\n${LONG.slice(2)}1\n`],
])('a file replaced between two reads is rejected: %s', async (_title, text, other) => {
  for (const replace of [
    async (path: string) => {
      await writeFile(`${path}.new`, other);
      await rename(`${path}.new`, path);
    },
    (path: string) => writeFile(path, other),
  ]) {
    const path = await writeInput('in.csv', text);
    const { atime, mtime } = await stat(path);
    const input = await openInput({ path });
    await readAllRows(input);
    await replace(path);
    // Some tools preserve the modification time.
    await utimes(path, atime, mtime);
    await expect(readAllRows(input)).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
      message: expect.stringContaining('changed or replaced'),
    });
    expect(input.notes.map((note) => note.code)).not.toContain('INPUT_GREW');
  }
});

test('a long file replaced before it was fully read is rejected', async () => {
  const path = await writeInput('in.csv', LONG);
  const input = await openInput({ path });
  await writeFile(`${path}.new`, `${LONG.replace(/12345\n$/, '54321\n')}12345\n`);
  await rename(`${path}.new`, path);
  await expect(readAllRows(input)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
});

test('a file rewritten by an editor with more rows counts as appended', async () => {
  for (const text of ['a\n1\n2\n', LONG]) {
    const path = await writeInput('in.csv', text);
    const input = await openInput({ path });
    const before = await readAllRows(input);
    await writeFile(`${path}.new`, `${text}3\n`);
    await rename(`${path}.new`, path);
    expect((await readAllRows(input)).length).toBe(before.length);
    expect(input.notes.map((note) => note.code)).toContain('INPUT_GREW');
  }
});

test('reading stops on abort', async () => {
  const path = await writeInput('in.csv', `a\n${'1\n'.repeat(500_000)}`);
  const input = await openInput({ path });
  const controller = new AbortController();
  let rows = 0;
  const reading = (async () => {
    for await (const chunk of input.openRows(controller.signal)) {
      rows += chunk.length;
      controller.abort();
    }
  })();
  await expect(reading).rejects.toThrow(/aborted/);
  expect(rows).toBeLessThan(500_000);
});

test('an input that breaks off, such as a closed connection, is an error', async () => {
  const stdin = Readable.from(
    (async function* () {
      yield 'a,b\n1,2\n';
      throw new Error('connection lost');
    })(),
  );
  await expect(openInput({ path: '-', stdin })).rejects.toMatchObject({
    code: 'INPUT_NOT_READABLE',
    message: expect.stringContaining('connection lost'),
  });
});

test.skipIf(NO_FIFOS)('a pipe is read like a file, any number of times', async () => {
  const path = join(await createTempFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const [input] = await Promise.all([openInput({ path }), writeFile(path, 'a,b\n1,2\n')]);
  expect((await readAllRows(input)).map(showRow)).toEqual([['1', '2']]);
  expect((await readAllRows(input)).map(showRow)).toEqual([['1', '2']]);
  await input.close();
});
