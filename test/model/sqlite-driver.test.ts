import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMissingError, loadDriver, openDatabase } from '../../src/model/sqlite-driver.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const PACKAGES = join(import.meta.dirname, '../../node_modules');

/** A folder with the driver's package, as installed on another system. */
async function installWithoutBinary(): Promise<string> {
  const folder = await createTempFolder();
  for (const name of ['libsql', 'detect-libc', '@neon-rs/load'])
    cpSync(join(PACKAGES, name), join(folder, 'node_modules', name), { recursive: true });
  // Empty, so that none is found in a folder further up.
  for (const name of readdirSync(join(PACKAGES, '@libsql'))) {
    const place = join(folder, 'node_modules/@libsql', name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), '{"main": "index.node"}');
  }
  return folder;
}

test('opens a database', () => {
  const database = openDatabase(':memory:');
  expect(database.prepare('select 1 as one').all()).toEqual([{ one: 1 }]);
  database.close();
});

test('a driver that is not installed for this system is an error that says what to do', async () => {
  const folder = await installWithoutBinary();
  expect(() => loadDriver(join(folder, 'index.js'))).toThrow(
    expect.objectContaining({
      code: 'SQLITE_MISSING',
      message: `The SQLite driver for ${process.platform}-${process.arch} is not installed`,
      hint: expect.stringContaining('without --omit=optional'),
    }),
  );
});

test('so is one that the system cannot load', async () => {
  const folder = await installWithoutBinary();
  for (const name of readdirSync(join(PACKAGES, '@libsql')))
    writeFileSync(join(folder, 'node_modules/@libsql', name, 'index.node'), 'not a program');
  expect(() => loadDriver(join(folder, 'index.js'))).toThrow(
    expect.objectContaining({
      code: 'SQLITE_MISSING',
      message: expect.stringContaining('cannot be loaded: '),
    }),
  );
});

test('on Windows for ARM, which has no driver, the error names the Node that works', () => {
  const missing = Object.assign(new Error("Cannot find module '@libsql/win32-arm64-msvc'"), {
    code: 'MODULE_NOT_FOUND',
  });
  const { message, hint } = createMissingError(missing, 'win32', 'arm64');
  expect(message).toBe('The SQLite driver does not exist for Node on Windows for ARM');
  expect(hint).toContain('Install Node for x64');
});
