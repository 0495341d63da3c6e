import { expect, test } from 'vitest';
import { openInterrupt } from '../../src/cli/interrupt.js';
import { createTestHost } from '../helpers/host.js';

test('the first interruption asks to stop, the second leaves at once with 130', () => {
  const host = createTestHost();
  const interrupt = openInterrupt(host, (text) => host.say(text));
  expect(interrupt.signal.aborted).toBe(false);
  host.interrupt();
  expect(interrupt.signal.aborted).toBe(true);
  expect(host.readStderr()).toContain('Once more leaves at once.');
  expect(host.exits).toEqual([]);
  expect(() => host.interrupt()).toThrow('left with 130');
});

test('leaving in a hurry restores the terminal first', () => {
  const host = createTestHost();
  openInterrupt(host, () => {});
  let isRestored = false;
  host.guard(() => {
    isRestored = true;
  });
  host.interrupt();
  expect(isRestored).toBe(false);
  expect(() => host.interrupt()).toThrow();
  expect(isRestored).toBe(true);
});

test('a closed interruption listens no more', () => {
  const host = createTestHost();
  const interrupt = openInterrupt(host, () => {});
  interrupt.close();
  host.interrupt();
  expect(interrupt.signal.aborted).toBe(false);
});
