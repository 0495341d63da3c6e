import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { adoptOrphan, type ClaimedFile, claimDrop, getJournalPath } from '../../src/watch/claimed-file.js';
import { applyEnding, InvalidEndingError, writeEnding } from '../../src/watch/ending.js';
import { readFileState } from '../../src/watch/file-state.js';
import { openFolders, tryFolders, type WatchFolders } from '../../src/watch/folders.js';
import { ON_LINUX } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const PROBLEM = { code: 'INPUT_EMPTY', message: 'it is empty', hint: 'Give a file with rows.' };
const FAILED = { status: 'failed', kind: 'usage', problem: PROBLEM, summary: null } as const;

/** A claimed file with a half-written output, as left by a kill. */
async function openTake(): Promise<{ folders: WatchFolders; take: ClaimedFile }> {
  const folders = await openFolders(await createTempFolder());
  await writeFile(join(folders.root, 'list.csv'), 'the list');
  const state = await readFileState(join(folders.root, 'list.csv'));
  if (state === null) throw new Error('no file');
  const names = ['list.csv', 'list.filled.csv', 'list.csv.error.txt'];
  const take = await claimDrop({ name: 'list.csv', state }, folders, () => names, Date.now());
  if (typeof take === 'string') throw new Error('not taken');
  onTestFinished(() => take.claim.close());
  await writeFile(join(take.room, 'list.filled.csv'), 'the output');
  await writeFile(join(take.room, '.list.filled.csv.rowfill-0a.tmp'), 'half an out');
  return { folders, take };
}

test('a file whose first answers have no values ends like any other', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, { ...FAILED, kind: 'nothing_found' }, folders);
  expect(await applyEnding(take, folders)).toMatchObject({ kind: 'nothing_found' });
});

const FILES = ['list.csv', 'list.csv.error.txt', 'list.filled.csv'];

test('a file moves together with its results, without temporary files', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  expect(await applyEnding(take, folders)).toEqual({
    ...{ type: 'failed', file: 'list.csv', input: 'failed/list.csv' },
    ...{ kind: 'usage', problem: PROBLEM, summary: null },
  });
  expect(await readdir(folders.failed)).toEqual(FILES);
  expect(await readdir(folders.working)).toEqual([]);
  expect(await readFile(join(folders.failed, 'list.csv'), 'utf8')).toBe('the list');
});

test.each([0, 1, 2, 3])(
  'after a kill at %i of three moves, the next watcher finishes the rest',
  async (moves) => {
    const { folders, take } = await openTake();
    await writeEnding(take, FAILED, folders);
    for (const name of ['list.csv.error.txt', 'list.filled.csv', 'list.csv'].slice(0, moves)) {
      await rename(join(take.room, name), join(folders.failed, name));
    }
    await take.claim.close();
    const next = await adoptOrphan('list.csv', folders, Date.now());
    if (next === null || next === 'foreign') throw new Error('not taken over');
    expect(await applyEnding(next, folders)).toMatchObject({ type: 'failed', problem: PROBLEM });
    expect(await readdir(folders.failed)).toEqual(FILES);
    expect(await readdir(folders.working)).toEqual([]);
  },
);

test('ignores a half-written journal', async () => {
  const { folders, take } = await openTake();
  await writeFile(`${getJournalPath(take)}.tmp`, '{"moves":');
  expect(await applyEnding(take, folders)).toBeNull();
  await writeFile(getJournalPath(take), '');
  expect(await applyEnding(take, folders)).toBeNull();
  expect(await readFile(take.input, 'utf8')).toBe('the list');
});

test('recreates a missing target folder', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  await rm(folders.failed, { recursive: true });
  await applyEnding(take, folders);
  expect(await readdir(folders.failed)).toEqual(FILES);
});

test('replaces nothing: adds a number if a name is used meanwhile', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  await writeFile(join(folders.failed, 'list.filled.csv'), 'theirs');
  await writeFile(join(folders.failed, 'list.filled-2.csv'), 'theirs too');
  await mkdir(join(folders.failed, 'list.csv'));
  expect(await applyEnding(take, folders)).toMatchObject({
    file: 'list.csv',
    input: 'failed/list-2.csv',
  });
  expect(await readFile(join(folders.failed, 'list.filled.csv'), 'utf8')).toBe('theirs');
  expect(await readFile(join(folders.failed, 'list.filled-2.csv'), 'utf8')).toBe('theirs too');
  expect(await readFile(join(folders.failed, 'list.filled-3.csv'), 'utf8')).toBe('the output');
  expect(await readFile(join(folders.failed, 'list-2.csv'), 'utf8')).toBe('the list');
});

test('finishes a move killed between link and unlink without adding a number', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  await link(take.input, join(folders.failed, 'list.csv'));
  await applyEnding(take, folders);
  expect(await readdir(folders.failed)).toEqual(FILES);
});

test('removes the earlier failure of a corrected file, and nothing else', async () => {
  const { folders, take } = await openTake();
  for (const name of FILES) await writeFile(join(folders.failed, name), 'earlier');
  await writeFile(join(folders.failed, 'other.csv'), 'other');
  await writeEnding(take, FAILED, folders);
  expect(await applyEnding(take, folders)).toMatchObject({ input: 'failed/list.csv' });
  expect(await readdir(folders.failed)).toEqual([...FILES, 'other.csv']);
  expect(await readFile(join(folders.failed, 'list.csv'), 'utf8')).toBe('the list');
});

const GOOD = {
  end: {
    type: 'failed',
    file: 'list.csv',
    input: 'failed/list.csv',
    kind: 'usage',
    problem: PROBLEM,
    summary: null,
  },
  moves: [{ name: 'list.csv', number: 1 }],
  replaces: [],
};

test.each([
  ['an empty object', {}],
  ['null', null],
  ['a list', []],
  ['a move out of the folder', { ...GOOD, moves: [{ name: '../../list.csv', number: 1 }] }],
  ['a move of the folder itself', { ...GOOD, moves: [{ name: '..', number: 1 }] }],
  ['a removal out of the folder', { ...GOOD, replaces: [{ name: '../done/list.csv', inode: 1 }] }],
  ['an unknown kind of end', { ...GOOD, end: { ...GOOD.end, type: 'elsewhere' } }],
  ['the end of another file', { ...GOOD, end: { ...GOOD.end, file: 'other.csv' } }],
  ['an invalid summary', { ...GOOD, end: { ...GOOD.end, summary: {} } }],
])('rejects a journal that no watcher wrote: %s', async (_title, journal) => {
  const { folders, take } = await openTake();
  await writeFile(getJournalPath(take), JSON.stringify(journal));
  await expect(applyEnding(take, folders)).rejects.toBeInstanceOf(InvalidEndingError);
  expect(await readFile(take.input, 'utf8')).toBe('the list');
  expect([await readdir(folders.done), await readdir(folders.failed)]).toEqual([[], []]);
});

test('copies completely to another file system, keeps the file time and replaces nothing', async (context) => {
  const shm = ON_LINUX ? await mkdtemp('/dev/shm/rowfill-test-').catch(() => null) : null;
  const { folders, take } = await openTake();
  if (shm === null || (await stat(shm)).dev === (await stat(folders.root)).dev) {
    return context.skip('there is no second file system at /dev/shm');
  }
  onTestFinished(() => rm(shm, { recursive: true }));
  await rm(folders.failed, { recursive: true });
  await symlink(shm, folders.failed);
  await writeFile(join(shm, 'list.filled.csv'), 'theirs');
  const { mtimeMs } = await stat(take.input);
  await writeEnding(take, FAILED, folders);
  await applyEnding(take, folders);
  expect(await readdir(shm)).toEqual([
    'list.csv',
    'list.csv.error.txt',
    'list.filled-2.csv',
    'list.filled.csv',
  ]);
  expect(await readFile(join(shm, 'list.csv'), 'utf8')).toBe('the list');
  expect(Math.abs((await stat(join(shm, 'list.csv'))).mtimeMs - mtimeMs)).toBeLessThan(1);
  expect(await readdir(folders.working)).toEqual([]);
});

test('never writes through a link in place of an internal file', async (context) => {
  const { folders, take } = await openTake();
  const theirs = join(await createTempFolder(), 'theirs');
  await writeFile(theirs, 'theirs');
  const shm = ON_LINUX ? await mkdtemp('/dev/shm/rowfill-test-').catch(() => null) : null;
  if (shm === null) return context.skip('there is no second file system at /dev/shm');
  onTestFinished(() => rm(shm, { recursive: true }));
  await rm(folders.failed, { recursive: true });
  await symlink(shm, folders.failed);
  const paths = [
    `${getJournalPath(take)}.tmp`,
    join(take.room, 'list.csv.error.txt'),
    join(shm, `.rowfill-${take.id}.tmp`),
    join(folders.done, `.rowfill-${process.pid}.trial`),
  ];
  for (const path of paths) await symlink(theirs, path);
  await tryFolders(folders);
  await writeEnding(take, FAILED, folders);
  await applyEnding(take, folders);
  expect(await readFile(theirs, 'utf8')).toBe('theirs');
  expect(await readFile(join(shm, 'list.csv'), 'utf8')).toBe('the list');
  expect(await readFile(join(shm, 'list.csv.error.txt'), 'utf8')).toContain('it is empty');
});

test('the error text says what happened and what to do, without a path that no longer exists', async () => {
  const { folders, take } = await openTake();
  const problem = { ...PROBLEM, message: `${take.input} is empty` };
  await writeEnding(take, { ...FAILED, problem }, folders);
  expect(await applyEnding(take, folders)).toMatchObject({ problem: { message: 'list.csv is empty' } });
  expect(await readFile(join(folders.failed, 'list.csv.error.txt'), 'utf8')).toBe(
    [
      'list.csv could not be filled.',
      '',
      'What happened: list.csv is empty [INPUT_EMPTY]',
      'What to do: Give a file with rows.',
      '',
      `Correct the file and put it into ${folders.root} again.`,
      'Answered rows are kept in the ledger and not paid for again.',
      '',
    ].join('\n'),
  );
});
