import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readHolder } from '../../src/ledger/leases.js';
import { type Claim, takeClaim } from '../../src/watch/claim.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const NOW = Date.now();
const MINUTE = 60_000;
const ELSEWHERE = { ...readHolder(), host: 'another-machine' };
/** Beyond the highest process id that any system gives. */
const GONE = { ...readHolder(), pid: 2 ** 30 };

async function claim(folder: string, nowMs = NOW): Promise<Claim | null> {
  const taken = await takeClaim(folder, nowMs);
  onTestFinished(() => taken?.close());
  return taken;
}

async function leaveClaim(folder: string, holder: object | string, number = 1): Promise<void> {
  const text = typeof holder === 'string' ? holder : JSON.stringify(holder);
  await writeFile(join(folder, `claim-${number}.json`), text);
}

test('of many who want a folder at once, one has it', async () => {
  const folder = await createTempFolder();
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder)));
  expect(claims.filter((each) => each !== null)).toHaveLength(1);
});

test('of many who see that its holder is dead, one takes it over', async () => {
  const folder = await createTempFolder();
  await leaveClaim(folder, GONE);
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder)));
  expect(claims.flatMap((each) => (each === null ? [] : [each.number]))).toEqual([2]);
  expect((await readdir(folder)).sort()).toEqual(['claim-1.json', 'claim-2.json']);
});

test.each([
  ['a living process of this machine', readHolder()],
  ['a process elsewhere, of which nothing can be told', ELSEWHERE],
  ['a process of which only the pid is like ours', { ...GONE, space: 'another container' }],
  ['somebody who is just writing the claim', ''],
])('%s keeps its claim, until it was not renewed for five minutes', async (_title, holder) => {
  const folder = await createTempFolder();
  await leaveClaim(folder, holder);
  expect(await claim(folder, NOW + 4 * MINUTE)).toBeNull();
  expect((await claim(folder, NOW + 6 * MINUTE))?.number).toBe(2);
});

test('a claim that was let go is free at once, and that of a folder that went away is nobody’s', async () => {
  const folder = await createTempFolder();
  const first = await claim(folder);
  await first?.close();
  expect((await claim(folder))?.number).toBe(2);
  expect(await claim(join(folder, 'gone'))).toBeNull();
});

test('who was taken over learns of it, and does not renew any more', async () => {
  const folder = await createTempFolder();
  const first = await claim(folder);
  await utimes(join(folder, 'claim-1.json'), 0, 0);
  const second = await claim(folder);
  await first?.renew();
  await second?.renew();
  expect([first, second].map((each) => each?.lostSignal.aborted)).toEqual([true, false]);
});
