import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolders, type WatchFolders } from '../../src/watch/folders.js';
import { type Take, takeDrop, takeOrphan } from '../../src/watch/take.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const STATE = { size: 3, mtimeMs: 1, inode: 1 };
const readNames = (name: string): readonly string[] => [name, `${name}.out`];

async function openDrop(...names: readonly string[]): Promise<WatchFolders> {
  const folders = await openFolders(await createTempFolder());
  for (const name of names) await writeFile(join(folders.root, name), name);
  return folders;
}

async function take(name: string, folders: WatchFolders): Promise<Take | null> {
  const taken = await takeDrop({ name, state: STATE }, folders, readNames, Date.now());
  onTestFinished(() => taken?.claim.close());
  return taken;
}

test('of many who want a file at once, one has it, and it lies in a room of its own', async () => {
  const folders = await openDrop('list.csv');
  const takes = (await Promise.all(Array.from({ length: 20 }, () => take('list.csv', folders)))).flatMap(
    (each) => each ?? [],
  );
  expect(takes).toHaveLength(1);
  expect(await readFile(takes[0]?.input ?? '', 'utf8')).toBe('list.csv');
  expect(await readdir(folders.working)).toEqual(['list.csv']);
  expect(await readdir(folders.root)).toEqual(['done', 'failed', 'working']);
});

test('a name whose result is there already is numbered; the file of that name stays as it is', async () => {
  const folders = await openDrop('list.csv');
  await writeFile(join(folders.done, 'LIST.csv'), 'earlier');
  await writeFile(join(folders.failed, 'list-2.csv.out'), 'earlier');
  expect(await take('list.csv', folders)).toMatchObject({ name: 'list-3.csv' });
});

test('while a file is at work, another of its name waits', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  await writeFile(join(folders.root, 'list.csv'), 'another');
  expect(await take('list.csv', folders)).toBeNull();
  expect(await readFile(join(folders.root, 'list.csv'), 'utf8')).toBe('another');
  expect(first?.name).toBe('list.csv');
});

test('a file that went away leaves nothing behind', async () => {
  const folders = await openDrop();
  expect(await take('list.csv', folders)).toBeNull();
  expect(await readdir(folders.working)).toEqual([]);
});

test('two drops of one name never are the same job: their inputs lie in different places', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  await first?.claim.close();
  await rm(first?.folder ?? '', { recursive: true });
  await writeFile(join(folders.root, 'list.csv'), 'list.csv');
  const second = await take('list.csv', folders);
  expect(second?.name).toBe(first?.name);
  expect(second?.input).not.toBe(first?.input);
});

test('what a dead watcher left is taken over as it lies, and what a living one has is not', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  expect(await takeOrphan('list.csv', folders, Date.now())).toBeNull();
  await first?.claim.close();
  const second = await takeOrphan('list.csv', folders, Date.now());
  onTestFinished(() => second?.claim.close());
  expect(second).toMatchObject({ name: 'list.csv', input: first?.input, state: null });
  expect(second?.claim.number).toBe(2);
});

test('a watched folder is made ready, and a file is no folder', async () => {
  const root = await createTempFolder();
  await mkdir(join(root, 'done'));
  const folders = await openFolders(root);
  for (const folder of [folders.working, folders.done, folders.failed]) {
    expect((await stat(folder)).isDirectory()).toBe(true);
  }
  await writeFile(join(root, 'file'), '');
  await expect(openFolders(join(root, 'file'))).rejects.toMatchObject({ code: 'WATCH_NO_FOLDER' });
  await expect(openFolders(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'WATCH_NO_FOLDER' });
});
