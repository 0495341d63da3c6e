import { setImmediate as endTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lookAhead } from '../../src/model/look-ahead.js';

/** A source that logs what it is asked for. */
async function* count(log: string[], last: number, error?: Error): AsyncGenerator<number> {
  try {
    for (let item = 1; item <= last; item += 1) {
      log.push(`read ${item}`);
      yield item;
    }
    if (error !== undefined) throw error;
  } finally {
    log.push('closed');
  }
}

/** A look-up that logs what it is asked for, and takes several turns, fewer for each item. */
function createLook(log: string[]) {
  return async (item: number): Promise<string> => {
    log.push(`look ${item}`);
    for (let turn = item; turn < 4; turn += 1) await endTurn();
    return `found ${item}`;
  };
}

test('the next two items are looked up while one is in use, and never more', async () => {
  const log: string[] = [];
  for await (const found of lookAhead(count(log, 4), createLook(log), 2)) {
    for (let turn = 0; turn < 5; turn += 1) await endTurn();
    log.push(found);
  }
  const ahead = ['read 1', 'read 2', 'look 1', 'look 2'];
  expect(log.slice(0, 4).sort()).toEqual(ahead.sort());
  expect(log.slice(4)).toEqual(
    'read 3|look 3|found 1|read 4|look 4|found 2|closed|found 3|found 4'.split('|'),
  );
});

test('what a slow look-up finds comes before what a later one finds', async () => {
  const found: string[] = [];
  for await (const each of lookAhead(count([], 3), createLook([]), 2)) found.push(each);
  expect(found).toEqual(['found 1', 'found 2', 'found 3']);
});

test.each(['source', 'look-up'])('an error of the %s comes after the items before it', async (where) => {
  const found: number[] = [];
  const source = count([], where === 'source' ? 2 : 9, new Error('broken'));
  const look = async (item: number): Promise<number> => {
    if (item === 3) throw new Error('broken');
    for (let turn = 0; turn < 3; turn += 1) await endTurn();
    return item;
  };
  const read = async (): Promise<void> => {
    for await (const each of lookAhead(source, look, 2)) found.push(each);
  };
  await expect(read()).rejects.toThrow('broken');
  expect(found).toEqual([1, 2]);
});

test('when its reader stops early, a source is closed and no look-up goes on', async () => {
  const log: string[] = [];
  let open = 0;
  const look = async (item: number): Promise<number> => {
    open += 1;
    for (let turn = 0; turn < 5; turn += 1) await endTurn();
    open -= 1;
    return item;
  };
  for await (const item of lookAhead(count(log, 9), look, 2)) if (item === 2) break;
  expect(log.at(-1)).toBe('closed');
  expect(log.filter((line) => line.startsWith('read'))).toHaveLength(4);
  expect(open).toBe(0);
});
