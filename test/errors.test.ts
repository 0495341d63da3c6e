import { mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeSystemError } from '../src/errors.js';
import { ON_WINDOWS } from './helpers/platform.js';
import { createTempFolder } from './helpers/temp-folder.js';

function describe(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return describeSystemError(error);
  }
  return 'it did not fail';
}

test('says in words why the system refuses a path, without its codes and calls', async () => {
  const folder = await createTempFolder();
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('file'), '');
  expect(describe(() => readFileSync(path('none')))).toBe('no such file or folder');
  expect(describe(() => readFileSync(folder))).toBe('it is a folder');
  expect(describe(() => mkdirSync(path('file')))).toBe('it already exists');
});

// Windows reports a missing file for these.
test.skipIf(ON_WINDOWS)('says which part of a path is wrong', async () => {
  const folder = await createTempFolder();
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('file'), '');
  symlinkSync('loop', path('loop'));
  expect(describe(() => readdirSync(path('file')))).toBe('it is not a folder');
  expect(describe(() => readFileSync(path('file/none')))).toBe('a part of its path is a file, not a folder');
  expect(describe(() => readFileSync(path('loop')))).toBe('its links lead in a circle');
  expect(describe(() => openSync(path('a'.repeat(300)), 'w'))).toBe('its name is too long');
});

test('keeps the message of other errors', () => {
  expect(describeSystemError(new Error('it is larger than 5 MB'))).toBe('it is larger than 5 MB');
  expect(describeSystemError('nothing')).toBe('nothing');
  const rare = Object.assign(new Error('EDOM: so it is, read'), { code: 'EDOM', syscall: 'read' });
  expect(describeSystemError(rare)).toBe('EDOM: so it is, read');
});
