import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DropFinder } from '../../src/watch/find-drops.js';
import { openFolders } from '../../src/watch/folders.js';
import { NO_FIFOS, NO_LINKS } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function openFinder() {
  const folders = await openFolders(await createTempFolder());
  const ignored: string[] = [];
  const reasons = new Map<string, string>();
  const keep = [join(folders.root, 'customers.csv')];
  const finder = new DropFinder(folders, { keep, settleMs: 100 }, (name, reason) => {
    ignored.push(name);
    reasons.set(name, reason);
  });
  const names = async (nowMs: number) => {
    const { whole, unsettled } = await finder.find(nowMs);
    return { whole: whole.map((drop) => drop.name), unsettled: unsettled.length };
  };
  const write = (name: string, text: string) => writeFile(join(folders.root, name), text);
  return { folders, finder, ignored, reasons, names, write };
}

test('finds complete files, counts unsettled ones, and skips folders, links and temporary names', async () => {
  const { folders, ignored, names, write } = await openFinder();
  await write('old.csv', 'a');
  await write('old.csv.part', 'a');
  await mkdir(join(folders.root, 'folder.csv'));
  if (!NO_LINKS) await symlink(join(folders.root, 'old.csv'), join(folders.root, 'link.csv'));
  expect(await names(0)).toEqual({ whole: [], unsettled: 1 });
  await write('new.csv', 'a');
  expect(await names(100)).toEqual({ whole: ['old.csv'], unsettled: 1 });
  await write('new.csv', 'more');
  expect(await names(200)).toEqual({ whole: ['old.csv'], unsettled: 1 });
  expect(await names(300)).toEqual({ whole: ['old.csv', 'new.csv'], unsettled: 0 });
  expect(ignored.sort()).toEqual(NO_LINKS ? ['folder.csv'] : ['folder.csv', 'link.csv']);
});

test.skipIf(NO_FIFOS)(
  'reports links, FIFOs, folders and names that are not UTF-8 once, with the reason',
  async () => {
    const { folders, reasons, names, write } = await openFinder();
    await write('list.csv', 'a');
    await mkdir(join(folders.root, 'folder'));
    await symlink('/nowhere/list.csv', join(folders.root, 'dangling.csv'));
    execFileSync('mkfifo', [join(folders.root, 'pipe.csv')]);
    await writeFile(
      Buffer.concat([Buffer.from(`${folders.root}/b`), Buffer.from([0xff]), Buffer.from('d.csv')]),
      'a',
    );
    await names(0);
    expect(await names(100)).toEqual({ whole: ['list.csv'], unsettled: 0 });
    expect(Object.fromEntries(reasons)).toEqual({
      'b\ufffdd.csv': 'its name is not UTF-8; rename it',
      'dangling.csv': 'it is a link; drop the file itself',
      folder: 'it is a folder',
      'pipe.csv': 'it is not a regular file',
    });
  },
);

test('skips files that the watcher itself uses, under any name', async () => {
  const { folders, reasons, names, write } = await openFinder();
  await names(0);
  await write('customers.csv', 'a');
  await link(join(folders.root, 'customers.csv'), join(folders.root, 'same.csv'));
  await names(100);
  expect(await names(200)).toEqual({ whole: [], unsettled: 0 });
  expect([...reasons.keys()].sort()).toEqual(['customers.csv', 'same.csv']);
});

test('reports each skipped file once, including files of the job', async () => {
  const { finder, ignored, names, write } = await openFinder();
  for (const name of ['notes.pdf', 'customers.csv', 'list.csv']) await write(name, 'a');
  await names(0);
  expect(await names(100)).toEqual({ whole: ['list.csv'], unsettled: 0 });
  finder.ignore('list.csv', 'it may not be moved');
  expect(await names(200)).toEqual({ whole: [], unsettled: 0 });
  expect(ignored.sort()).toEqual(['customers.csv', 'list.csv', 'notes.pdf']);
});

test('counts complete waiting files without reporting anything', async () => {
  const { finder, ignored, write } = await openFinder();
  await write('list.csv', 'a');
  await write('other.jsonl', '{}');
  await write('notes.txt', 'a');
  await write('customers.csv', 'a');
  expect(await finder.countWhole(0)).toBe(0);
  await write('other.jsonl', '{"a":1}');
  expect(await finder.countWhole(100)).toBe(1);
  expect(await finder.countWhole(200)).toBe(2);
  expect(ignored).toEqual([]);
  await finder.find(200);
  expect(ignored.sort()).toEqual(['customers.csv', 'notes.txt']);
});
