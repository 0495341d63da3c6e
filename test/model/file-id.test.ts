import { closeSync, fstatSync, linkSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatFileId, isSameFileId, readFileId } from '../../src/model/file-id.js';
import { readSources } from '../helpers/architecture.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const exact = (path: string) => readFileId(statSync(path, { bigint: true }));

test('all names and descriptors of a file have its id, and no other file has it', async () => {
  const folder = await createTempFolder();
  const [one, link, other] = [join(folder, 'one'), join(folder, 'link'), join(folder, 'other')];
  writeFileSync(one, 'a');
  writeFileSync(other, 'a');
  linkSync(one, link);
  expect(exact(link)).toEqual(exact(one));
  expect(isSameFileId(exact(one), exact(other))).toBe(false);
  const descriptor = openSync(one, 'r');
  expect(readFileId(fstatSync(descriptor, { bigint: true }))).toEqual(exact(one));
  closeSync(descriptor);
});

test('two files are told apart by the last digits of long inodes', () => {
  // As a number, both are 9851624184963316.
  const [folder, file] = [9_851_624_184_963_315n, 9_851_624_184_963_316n];
  const ids = [folder, file].map((ino) => readFileId({ dev: 1n, ino }));
  expect(ids.map(formatFileId)).toEqual(['1:9851624184963315', '1:9851624184963316']);
});

test('on Windows, a device is the same by path and by descriptor', () => {
  const byPath = { dev: 0x1234_5678_9abc_def0n, ino: 7n };
  const byDescriptor = { dev: 0x9abc_def0n, ino: 7n };
  expect(isSameFileId(readFileId(byPath, 'win32'), readFileId(byDescriptor, 'win32'))).toBe(true);
  expect(isSameFileId(readFileId(byPath, 'linux'), readFileId(byDescriptor, 'linux'))).toBe(false);
});

test('no other code reads inodes, which are too long for the number that Node gives by default', () => {
  const readers = [...readSources(join(import.meta.dirname, '../../src'))].filter(([, text]) =>
    /\.ino\b|[{,] *ino\b/.test(text),
  );
  expect(readers.map(([path]) => path)).toEqual(['model/file-id.ts']);
});
