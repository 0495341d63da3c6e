import { expect, test } from 'vitest';
import { openInterrupt } from '../../src/cli/interrupt.js';
import { createTestHost } from '../helpers/host.js';

test('the first interrupt stops gracefully, the second exits immediately with 130', () => {
  const host = createTestHost();
  const interrupt = openInterrupt(host, (text) => host.say(text));
  expect(interrupt.signal.aborted).toBe(false);
  host.interrupt();
  expect(interrupt.signal.aborted).toBe(true);
  expect(host.readStderr()).toContain('Press Ctrl-C again to exit immediately.');
  expect(host.exits).toEqual([]);
  expect(() => host.interrupt()).toThrow('left with 130');
});

test('restores the terminal before an immediate exit', () => {
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

test('does not react to interrupts after close', () => {
  const host = createTestHost();
  const interrupt = openInterrupt(host, () => {});
  interrupt.close();
  host.interrupt();
  expect(interrupt.signal.aborted).toBe(false);
});
