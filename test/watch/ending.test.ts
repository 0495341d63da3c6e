import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { finishEnding, writeEnding } from '../../src/watch/ending.js';
import { openFolders, type WatchFolders } from '../../src/watch/folders.js';
import { type Take, takeDrop, takeOrphan } from '../../src/watch/take.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const PROBLEM = { code: 'INPUT_EMPTY', message: 'it is empty', hint: 'Give a file with rows.' };
const FAILED = { status: 'failed', kind: 'usage', problem: PROBLEM, summary: null } as const;

/** A file at work, with a half-written output beside it, as a kill leaves it. */
async function openTake(): Promise<{ folders: WatchFolders; take: Take }> {
  const folders = await openFolders(await createTempFolder());
  await writeFile(join(folders.root, 'list.csv'), 'the list');
  const state = { size: 8, mtimeMs: 1, inode: 1 };
  const take = await takeDrop({ name: 'list.csv', state }, folders, (name) => [name], Date.now());
  if (take === null) throw new Error('not taken');
  onTestFinished(() => take.claim.close());
  await writeFile(join(take.room, 'list.filled.csv'), 'the output');
  await writeFile(join(take.room, '.list.filled.csv.rowfill-0a.tmp'), 'half an out');
  return { folders, take };
}

const FILES = ['list.csv', 'list.csv.error.txt', 'list.filled.csv'];

test('a file goes with all that was made of it, and nothing else stays or goes', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  expect(await finishEnding(take, folders)).toEqual({
    ...{ type: 'failed', file: 'list.csv', input: 'failed/list.csv' },
    ...{ kind: 'usage', problem: PROBLEM, summary: null },
  });
  expect(await readdir(folders.failed)).toEqual(FILES);
  expect(await readdir(folders.working)).toEqual([]);
  expect(await readFile(join(folders.failed, 'list.csv'), 'utf8')).toBe('the list');
});

test.each([0, 1, 2, 3])(
  'killed after %i of its three moves, the end is brought to its end by the next',
  async (moves) => {
    const { folders, take } = await openTake();
    await writeEnding(take, FAILED, folders);
    for (const name of ['list.csv.error.txt', 'list.filled.csv', 'list.csv'].slice(0, moves)) {
      await rename(join(take.room, name), join(folders.failed, name));
    }
    await take.claim.close();
    const next = await takeOrphan('list.csv', folders, Date.now());
    if (next === null) throw new Error('not taken over');
    expect(await finishEnding(next, folders)).toMatchObject({ type: 'failed', problem: PROBLEM });
    expect(await readdir(folders.failed)).toEqual(FILES);
    expect(await readdir(folders.working)).toEqual([]);
  },
);

test('an end that was only half written down does not count', async () => {
  const { folders, take } = await openTake();
  await writeFile(join(take.folder, 'ending.json.tmp'), '{"moves":');
  expect(await finishEnding(take, folders)).toBeNull();
  await writeFile(join(take.folder, 'ending.json'), '');
  expect(await finishEnding(take, folders)).toBeNull();
  expect(await readFile(take.input, 'utf8')).toBe('the list');
});

test('where the folder that it goes to was taken away, the file stays, and goes once it is back', async () => {
  const { folders, take } = await openTake();
  await writeEnding(take, FAILED, folders);
  await rm(folders.failed, { recursive: true });
  await expect(finishEnding(take, folders)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readFile(take.input, 'utf8')).toBe('the list');
  await mkdir(folders.failed);
  await finishEnding(take, folders);
  expect(await readdir(folders.failed)).toEqual(FILES);
});

test('the text beside a file says what happened, what to do and where, and names no place that is gone', async () => {
  const { folders, take } = await openTake();
  const problem = { ...PROBLEM, message: `${take.input} is empty` };
  await writeEnding(take, { ...FAILED, problem }, folders);
  expect(await finishEnding(take, folders)).toMatchObject({ problem: { message: 'list.csv is empty' } });
  expect(await readFile(join(folders.failed, 'list.csv.error.txt'), 'utf8')).toBe(
    [
      'list.csv could not be filled.',
      '',
      'What happened: list.csv is empty [INPUT_EMPTY]',
      'What to do: Give a file with rows.',
      '',
      `Put the corrected file into ${folders.root} again.`,
      'Rows that were answered before are kept in the ledger and are not paid for again.',
      '',
    ].join('\n'),
  );
});
