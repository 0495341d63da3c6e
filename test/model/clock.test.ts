import { expect, test } from 'vitest';
import { parseDuration, systemClock } from '../../src/model/clock.js';

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  'a timer set to %d ms fires after a shorter one',
  async (delayMs) => {
    let cancel = (): void => {};
    const first = await new Promise((resolve) => {
      cancel = systemClock.schedule(() => resolve('far'), delayMs);
      systemClock.schedule(() => resolve('near'), 2);
    });
    cancel();
    expect(first).toBe('near');
  },
);

test('an aborted sleep rejects with the reason, before and during the wait', async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(systemClock.sleep(60_000, controller.signal)).rejects.toThrow('enough');
});

test.each([
  ['500ms', 500],
  ['1.6 ms', 2],
  ['0ms', 0],
  ['45s', 45_000],
  ['90m', 5_400_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
  ['1.5w', 907_200_000],
  [' 2 d ', 172_800_000],
])('%j is %i milliseconds', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each(['', '30', 'd', '-1d', '1y', '1d2h', 'ms', '5m s', '5Ms', '5sm', '1e3d', `${'9'.repeat(30)}w`])(
  '%j is not a valid duration',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);
