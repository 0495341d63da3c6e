import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  adoptOrphan,
  type ClaimedFile,
  claimDrop,
  type NotClaimed,
  removeClaimedFile,
} from '../../src/watch/claimed-file.js';
import { type FileState, readFileState } from '../../src/watch/file-state.js';
import { openFolders, tryFolders, type WatchFolders } from '../../src/watch/folders.js';
import { NO_FIFOS, NO_LINKS } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const readNames = (name: string): readonly string[] => [name, `${name}.out`];

async function openDrop(...names: readonly string[]): Promise<WatchFolders> {
  const folders = await openFolders(await createTempFolder());
  for (const name of names) await writeFile(join(folders.root, name), name);
  return folders;
}

const NOTHING = { size: 3, mtimeMs: 1, id: { inode: '1', device: '1' } };

async function tryTake(
  name: string,
  folders: WatchFolders,
  found?: FileState,
): Promise<ClaimedFile | NotClaimed> {
  const state = found ?? (await readFileState(join(folders.root, name))) ?? NOTHING;
  const taken = await claimDrop({ name, state }, folders, readNames, Date.now());
  if (typeof taken !== 'string') onTestFinished(() => taken.claim.close());
  return taken;
}

async function take(name: string, folders: WatchFolders): Promise<ClaimedFile | null> {
  const taken = await tryTake(name, folders);
  return typeof taken === 'string' ? null : taken;
}

async function takeOver(name: string, folders: WatchFolders): Promise<ClaimedFile> {
  const taken = await adoptOrphan(name, folders, Date.now());
  if (taken === null || taken === 'foreign') throw new Error(`not taken over: ${taken}`);
  onTestFinished(() => taken.claim.close());
  return taken;
}

test('only one of many simultaneous claims gets the file', async () => {
  const folders = await openDrop('list.csv');
  const takes = (await Promise.all(Array.from({ length: 20 }, () => take('list.csv', folders)))).flatMap(
    (each) => each ?? [],
  );
  expect(takes).toHaveLength(1);
  expect(await readFile(takes[0]?.input ?? '', 'utf8')).toBe('list.csv');
  expect(await readdir(folders.working)).toEqual(['list.csv']);
  expect(await readdir(folders.root)).toEqual(['done', 'failed', 'working']);
});

test('adds a number if a result of that name exists, and leaves the existing file unchanged', async () => {
  const folders = await openDrop('list.csv');
  await writeFile(join(folders.done, 'LIST.csv'), 'earlier');
  await writeFile(join(folders.failed, 'list-2.csv.out'), 'earlier');
  expect(await take('list.csv', folders)).toMatchObject({ name: 'list-3.csv' });
});

test('a file gets a number at once while another of the same name is being filled', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  expect(first?.name).toBe('list.csv');
  for (const name of ['list-2.csv', 'list-3.csv']) {
    await writeFile(join(folders.root, 'list.csv'), name);
    const next = await take('list.csv', folders);
    expect(next?.name).toBe(name);
    expect(await readFile(next?.input ?? '', 'utf8')).toBe(name);
  }
});

test('a file that another watcher is taking keeps its name', async () => {
  const folders = await openDrop('list.csv');
  await mkdir(join(folders.working, 'list.csv'));
  expect(await take('list.csv', folders)).toBeNull();
  expect(await readdir(folders.working)).toEqual(['list.csv']);
});

test('a file that disappeared leaves nothing behind', async () => {
  const folders = await openDrop();
  expect(await take('list.csv', folders)).toBeNull();
  expect(await readdir(folders.working)).toEqual([]);
});

test('two dropped files of the same name have different input paths, so they are different jobs', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  await first?.claim.close();
  await rm(first?.folder ?? '', { recursive: true });
  await writeFile(join(folders.root, 'list.csv'), 'list.csv');
  const second = await take('list.csv', folders);
  expect(second?.name).toBe(first?.name);
  expect(second?.input).not.toBe(first?.input);
});

test('takes over a file from a dead watcher, but not from a live one', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  expect(await adoptOrphan('list.csv', folders, Date.now())).toBeNull();
  await first?.claim.close();
  const second = await takeOver('list.csv', folders);
  expect(second).toMatchObject({ name: 'list.csv', input: first?.input, state: null });
  expect(second.claim.number).toBe(2);
});

test('creates the subfolders; refuses to watch a file or a missing folder', async () => {
  const root = await createTempFolder();
  await mkdir(join(root, 'done'));
  const folders = await openFolders(root);
  for (const folder of [folders.working, folders.done, folders.failed]) {
    expect((await stat(folder)).isDirectory()).toBe(true);
  }
  // Removed after it was created and before it is checked.
  await rm(folders.done, { recursive: true });
  await tryFolders(folders);
  expect(await readdir(folders.done)).toEqual([]);
  await writeFile(join(root, 'file'), '');
  await expect(openFolders(join(root, 'file'))).rejects.toMatchObject({ code: 'WATCH_NO_FOLDER' });
  await expect(openFolders(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'WATCH_NO_FOLDER' });
});

/** Different things to put in the place of a found file. */
const SWAPS: readonly (readonly [string, (path: string, secret: string) => Promise<void>])[] = [
  ['another file', (path) => writeFile(path, 'another')],
  ...(NO_LINKS
    ? []
    : [['a link to a file elsewhere', (path: string, secret: string) => symlink(secret, path)] as const]),
  ...(NO_FIFOS ? [] : [['a FIFO', async (path: string) => void execFileSync('mkfifo', [path])] as const]),
];

test.each(SWAPS)('%s that replaced a found file is moved back unread', async (_title, swap) => {
  const folders = await openDrop('list.csv');
  const secret = join(await createTempFolder(), 'secret.csv');
  await writeFile(secret, 'secret');
  const found = await readFileState(join(folders.root, 'list.csv'));
  await rename(join(folders.root, 'list.csv'), join(folders.root, 'kept.csv'));
  await swap(join(folders.root, 'list.csv'), secret);
  expect(await tryTake('list.csv', folders, found ?? NOTHING)).toBe('changed');
  expect(await readdir(folders.root)).toEqual(['done', 'failed', 'kept.csv', 'list.csv', 'working']);
  expect(await readdir(folders.working)).toEqual([]);
});

test('leaves a foreign folder in working/ alone and does not use its name', async () => {
  const folders = await openDrop('list.csv');
  const foreign = join(folders.working, 'list.csv');
  await mkdir(join(foreign, 'mine'), { recursive: true });
  await writeFile(join(foreign, 'mine', 'notes.txt'), 'mine');
  await writeFile(join(folders.working, 'list-2.csv'), 'a file');
  expect(await adoptOrphan('list.csv', folders, Date.now())).toBe('foreign');
  expect(await take('list.csv', folders)).toMatchObject({ name: 'list-3.csv' });
  expect(await readFile(join(foreign, 'mine', 'notes.txt'), 'utf8')).toBe('mine');
  expect(await readdir(foreign)).toEqual(['mine']);
});

test('removing a claim keeps files from others', async () => {
  const folders = await openDrop('list.csv');
  const first = await take('list.csv', folders);
  if (first === null) throw new Error('not taken');
  await writeFile(join(first.folder, 'notes.txt'), 'mine');
  await rename(first.input, join(folders.done, 'list.csv'));
  await removeClaimedFile(first);
  expect(await readdir(folders.working, { recursive: true })).toEqual([
    'list.csv',
    join('list.csv', 'notes.txt'),
  ]);
});

test('a watcher that slept while its file was finished removes nothing of a later file of the same name', async () => {
  const folders = await openDrop('list.csv');
  const slept = await take('list.csv', folders);
  if (slept === null) throw new Error('not taken');
  await slept.claim.close();
  const next = await takeOver('list.csv', folders);
  await rename(next.input, join(folders.done, 'list.csv'));
  await removeClaimedFile(next);
  await rm(join(folders.done, 'list.csv'));
  await writeFile(join(folders.root, 'list.csv'), 'the next list');
  const later = await take('list.csv', folders);
  await removeClaimedFile(slept);
  expect(await readFile(later?.input ?? '', 'utf8')).toBe('the next list');
  expect(await later?.claim.renew()).toBe(true);
});

test('reserves result names across formats while a file is being filled', async () => {
  const folders = await openDrop('list.csv', 'list.jsonl');
  const readFilled = (name: string): readonly string[] => [name, 'list.filled.csv'];
  for (const [name, expected] of [
    ['list.csv', 'list.csv'],
    ['list.jsonl', null],
  ] as const) {
    const state = (await readFileState(join(folders.root, name))) ?? NOTHING;
    const names = (each: string) => (each === name ? readFilled(each) : [each]);
    const taken = await claimDrop({ name, state }, folders, names, Date.now());
    if (typeof taken === 'string') throw new Error(taken);
    onTestFinished(() => taken.claim.close());
    expect(taken.name).toBe(expected ?? 'list-2.jsonl');
  }
});

test('a dropped file keeps its name even if a file of that name failed earlier', async () => {
  const folders = await openDrop('list.csv');
  await writeFile(join(folders.failed, 'list.csv'), 'broken');
  await writeFile(join(folders.failed, 'list.csv.error.txt'), 'why');
  expect(await take('list.csv', folders)).toMatchObject({ name: 'list.csv' });
});
