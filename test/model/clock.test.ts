import { expect, test } from 'vitest';
import { systemClock } from '../../src/model/clock.js';

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  'a timer set to %d ms rings after a near one',
  async (delayMs) => {
    let callOff = (): void => {};
    const first = await new Promise((resolve) => {
      callOff = systemClock.schedule(() => resolve('far'), delayMs);
      systemClock.schedule(() => resolve('near'), 2);
    });
    callOff();
    expect(first).toBe('near');
  },
);

test('a sleep that is aborted rejects with the reason, at once and later', async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(systemClock.sleep(60_000, controller.signal)).rejects.toThrow('enough');
});
