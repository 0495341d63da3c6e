import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldPath, spellPath } from '../../src/model/path-spelling.js';
import { NO_LINKS, ON_LINUX } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function createFile(name: string) {
  const folder = realpathSync.native(await createTempFolder());
  writeFileSync(join(folder, name), 'a');
  return { folder, path: join(folder, name) };
}

test('a path is spelled as the disk spells it, whether its file exists or not', async () => {
  const { folder, path } = await createFile('Lists of Müller.csv');
  expect(spellPath(path)).toBe(path);
  for (const name of ['lists of müller.csv', 'LISTS OF MU\u0308LLER.CSV']) {
    const other = join(folder, name);
    // Whether a system takes another spelling for the same file is its own choice.
    expect(spellPath(other)).toBe(existsSync(other) ? path : other);
  }
  mkdirSync(join(folder, 'Results'));
  const missing = join(folder, 'RESULTS', 'out.csv');
  const isSame = existsSync(join(folder, 'RESULTS'));
  expect(spellPath(missing)).toBe(isSame ? join(folder, 'Results', 'out.csv') : missing);
});

test.skipIf(NO_LINKS)('a link keeps its own path', async () => {
  const { folder, path } = await createFile('real.csv');
  const link = join(folder, 'link.csv');
  symlinkSync(path, link);
  for (const platform of [process.platform, 'win32'] as const) expect(spellPath(link, platform)).toBe(link);
});

test('two spellings of a missing file fold to one text where names ignore them', () => {
  const [one, other] = ['/lists/Größe.csv', '/LISTS/GRO\u0308ßE.csv'];
  expect(foldPath(one, 'darwin')).toBe(foldPath(other, 'darwin'));
  expect(foldPath(one, 'win32')).toBe(foldPath(other, 'win32'));
  expect(foldPath(one, 'linux')).not.toBe(foldPath(other, 'linux'));
});

test.runIf(ON_LINUX)('on macOS, its temporary folder has one path', () => {
  expect(spellPath('/var/folders/a/in.csv', 'darwin')).toBe('/private/var/folders/a/in.csv');
  expect(spellPath('/private/tmp/in.csv', 'darwin')).toBe('/private/tmp/in.csv');
  expect(spellPath('/variable/in.csv', 'darwin')).toBe('/variable/in.csv');
  expect(spellPath('/var/folders/a/in.csv', 'linux')).toBe('/var/folders/a/in.csv');
});
