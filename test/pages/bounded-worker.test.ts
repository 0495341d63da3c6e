import { expect, onTestFinished, test } from 'vitest';
import { BoundedWorker } from '../../src/pages/bounded-worker.js';

/** Answers with the text in capitals, except for texts that it hangs, dies or fails on. */
const PROGRAM = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', (text) => {
      if (text === 'hang') while (true);
      if (text === 'fill') for (const all = []; ; ) all.push(new Array(10_000).fill(text));
      if (text === 'exit') process.exit();
      if (text === 'fail') throw new TypeError('no');
      parentPort.postMessage(text.toUpperCase());
    });
  `)}`,
);

function createWorker(): BoundedWorker<string, string> {
  const worker = new BoundedWorker<string, string>({ program: PROGRAM, heapMb: 16, youngMb: 4 });
  onTestFinished(() => worker.end());
  return worker;
}

/** Long enough for a busy machine. */
const LONG_MS = 60_000;

test.each([
  ['hang', 200, { name: 'WorkerFailure', message: 'it takes too long to read' }],
  ['fill', LONG_MS, { name: 'WorkerFailure', message: 'it needs too much memory' }],
  ['exit', LONG_MS, { name: 'WorkerFailure', message: 'its reader ended' }],
  ['fail', LONG_MS, { name: 'TypeError', message: 'no' }],
])('a worker that does not answer (%s) is replaced for the next request', async (text, timeoutMs, error) => {
  const worker = createWorker();
  expect(await worker.ask('a', LONG_MS)).toBe('A');
  await expect(worker.ask(text, timeoutMs)).rejects.toMatchObject(error);
  expect(await worker.ask('b', LONG_MS)).toBe('B');
});

test('ending it stops the request under way', async () => {
  const worker = createWorker();
  const hanging = worker.ask('hang', LONG_MS);
  await Promise.all([expect(hanging).rejects.toThrow('its reader ended'), worker.end()]);
});
