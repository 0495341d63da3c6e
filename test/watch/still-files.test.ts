import { expect, test } from 'vitest';
import { StillFiles } from '../../src/watch/still-files.js';

const state = (size: number, mtimeMs = 1, inode = 7) => ({ size, mtimeMs, inode, device: 1 });

test('a file is whole once it has stayed as it is for long enough, by the clock of who looks', () => {
  const still = new StillFiles(100);
  expect(still.observe(new Map([['a', state(5)]]), 0)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 99)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual(['a']);
});

test.each([
  ['grows', state(6)],
  ['is written to', state(5, 2)],
  ['is replaced by another of its size and time', state(5, 1, 8)],
])('a file that %s begins anew', (_title, changed) => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  expect(still.observe(new Map([['a', changed]]), 100)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 199)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 200)).toEqual(['a']);
});

test('a file that went away and came back begins anew', () => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  still.observe(new Map(), 50);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual([]);
});
