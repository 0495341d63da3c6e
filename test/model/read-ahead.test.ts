import { expect, test } from 'vitest';
import { readAhead } from '../../src/model/read-ahead.js';

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

test('the next item is read while the last one is in use, and never more', async () => {
  const log: string[] = [];
  for await (const item of readAhead(count(log, 3))) {
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`use ${item}`);
  }
  expect(log).toEqual(['read 1', 'read 2', 'use 1', 'read 3', 'use 2', 'closed', 'use 3']);
});

test('an error comes after the items before it', async () => {
  const [log, items]: [string[], number[]] = [[], []];
  const read = async (): Promise<void> => {
    for await (const item of readAhead(count(log, 2, new Error('broken')))) items.push(item);
  };
  await expect(read()).rejects.toThrow('broken');
  expect(items).toEqual([1, 2]);
});

test('a source is closed when its reader stops early', async () => {
  const log: string[] = [];
  for await (const item of readAhead(count(log, 9))) if (item === 2) break;
  expect(log).toEqual(['read 1', 'read 2', 'read 3', 'closed']);
});
