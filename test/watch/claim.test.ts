import { mkdir, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readHolder } from '../../src/ledger/holder.js';
import {
  type Claim,
  isHeldByLiveProcess,
  readClaimedNames,
  removeClaims,
  takeClaim,
} from '../../src/watch/claim.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const ID = '0a1b2c3d';
const NOW = Date.now();
const MINUTE = 60_000;
const ELSEWHERE = { ...readHolder(), host: 'another-machine', boot: 'another boot' };
/** Higher than any real process id. */
const GONE = { ...readHolder(), pid: 2 ** 30 };

async function claim(folder: string, nowMs = NOW): Promise<Claim | null> {
  const taken = await takeClaim(folder, ID, nowMs);
  onTestFinished(() => taken?.close());
  return taken;
}

async function leaveClaim(folder: string, holder: object | string, number = 1): Promise<void> {
  const text = typeof holder === 'string' ? holder : JSON.stringify({ ...holder, token: 'other', names: [] });
  await writeFile(join(folder, `${ID}.claim-${number}.json`), text);
}

test('only one of many simultaneous claims succeeds', async () => {
  const folder = await createTempFolder();
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder)));
  expect(claims.filter((each) => each !== null)).toHaveLength(1);
});

test('only one of many processes takes over a dead claim', async () => {
  const folder = await createTempFolder();
  await leaveClaim(folder, GONE);
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder)));
  expect(claims.flatMap((each) => (each === null ? [] : [each.number]))).toEqual([2]);
  expect((await readdir(folder)).sort()).toEqual([`${ID}.claim-1.json`, `${ID}.claim-2.json`]);
});

test.each([
  ['a process on another machine', ELSEWHERE, 5],
  ['a process in another container of this machine', { ...GONE, space: 'another container' }, 0.75],
  ['a process that is still writing it', '', 5],
  ['a process that wrote only half of it, on a full disk', '{"pid":', 5],
  ['something that wrote an invalid claim', '{}', 5],
])('a claim by %s expires only after some time without renewal', async (_title, holder, minutes) => {
  const folder = await createTempFolder();
  await leaveClaim(folder, holder);
  expect(await claim(folder, NOW + minutes * MINUTE - 10_000)).toBeNull();
  expect((await claim(folder, NOW + minutes * MINUTE + 10_000))?.number).toBe(2);
});

test.skipIf(process.platform !== 'linux')(
  'a live process of this machine keeps its claim however long it slept; a reused pid does not',
  async () => {
    const folder = await createTempFolder();
    await leaveClaim(folder, readHolder());
    expect(await claim(folder, NOW + 24 * 60 * MINUTE)).toBeNull();
    await leaveClaim(folder, { ...readHolder(), started: '1' }, 2);
    expect((await claim(folder))?.number).toBe(3);
  },
);

test('accepts a claim of an earlier version while it is renewed', async () => {
  const folder = await createTempFolder();
  const { pid, space, host } = readHolder();
  await leaveClaim(folder, { pid, space, host });
  expect(await claim(folder)).toBeNull();
  await leaveClaim(folder, { pid: GONE.pid, space, host }, 2);
  expect((await claim(folder))?.number).toBe(3);
});

test('a released claim is free at once; a missing folder cannot be claimed', async () => {
  const folder = await createTempFolder();
  const first = await claim(folder);
  await first?.close();
  expect((await claim(folder))?.number).toBe(2);
  expect(await claim(join(folder, 'gone'))).toBeNull();
});

test('a process whose claim was taken over notices and stops renewing', async () => {
  const folder = await createTempFolder();
  const first = await claim(folder);
  await utimes(join(folder, `${ID}.claim-1.json`), 0, 0);
  const second = await claim(folder);
  await first?.renew();
  await second?.renew();
  expect([first, second].map((each) => each?.lostSignal.aborted)).toEqual([true, false]);
});

test('a claim that is a folder or has a huge number blocks only its own file', async () => {
  const folder = await createTempFolder();
  await mkdir(join(folder, `${ID}.claim-1.json`));
  expect(await claim(folder, NOW + 4 * MINUTE)).toBeNull();
  expect((await claim(folder, NOW + 6 * MINUTE))?.number).toBe(2);
  await writeFile(join(folder, 'ffffffff.claim-9007199254740993.json'), '');
  await writeFile(join(folder, 'ffffffff.claim-9999999.json'), '');
  const other = await takeClaim(folder, 'ffffffff', NOW + 6 * MINUTE);
  expect(other).toBeNull();
});

test('a takeover keeps the reserved names', async () => {
  const folder = await createTempFolder();
  const first = await takeClaim(folder, ID, NOW, ['list.csv', 'list.filled.csv']);
  await first?.close();
  expect((await claim(folder))?.names).toEqual(['list.csv', 'list.filled.csv']);
  expect(await readClaimedNames(folder)).toEqual([
    'list.csv',
    'list.filled.csv',
    'list.csv',
    'list.filled.csv',
  ]);
});

test('a process that slept does not touch the claim of a later file of the same name', async () => {
  const folder = await createTempFolder();
  const first = await claim(folder);
  await removeClaims(folder, ID);
  const second = await takeClaim(folder, 'ffffffff', NOW);
  onTestFinished(() => second?.close());
  expect(await first?.renew()).toBe(false);
  await removeClaims(folder, ID);
  expect(await readdir(folder)).toEqual(['ffffffff.claim-1.json']);
  expect(await second?.renew()).toBe(true);
});

test('a claim survives if the watched folder is briefly away, and is lost if its own folder is gone', async () => {
  const root = await createTempFolder();
  const folder = join(root, 'drop', 'working', 'list.csv');
  await mkdir(folder, { recursive: true });
  const held = await claim(folder);
  await rename(join(root, 'drop'), join(root, 'away'));
  expect(await held?.renew()).toBe(true);
  await rename(join(root, 'away'), join(root, 'drop'));
  expect(await held?.renew()).toBe(true);
  await rename(folder, join(root, 'list.csv'));
  expect(await held?.renew()).toBe(false);
});

test('a claim that could not be released while the watched folder was away is free for its own process', async () => {
  const root = await createTempFolder();
  const folder = join(root, 'drop', 'working', 'list.csv');
  await mkdir(folder, { recursive: true });
  const held = await claim(folder);
  expect(await claim(folder)).toBeNull();
  await rename(join(root, 'drop'), join(root, 'away'));
  await held?.close();
  await rename(join(root, 'away'), join(root, 'drop'));
  expect(await isHeldByLiveProcess(folder, ID)).toBe(false);
  expect((await claim(folder))?.number).toBe(2);
  expect(await claim(folder)).toBeNull();
});
