import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { LogFlusher } from '../../../src/ledger/sqlite/log-flusher.js';
import { createTempFolder } from '../../helpers/temp-folder.js';

/** Empties the log and starts it again, as the last program to leave a ledger and the next to come do. */
const RESTART_LOG = `
  const { closeSync, ftruncateSync, openSync, writeSync } = require('node:fs');
  const { log, header, stop } = require('node:worker_threads').workerData;
  const fd = openSync(log, 'r+');
  while (Atomics.load(stop, 0) === 0) {
    ftruncateSync(fd, 0);
    writeSync(fd, header, 0, header.length, 0);
  }
  closeSync(fd);
`;

test('a log that another program empties at that moment is whole, and one with a hole is not', async () => {
  const path = join(await createTempFolder(), 'ledger.sqlite');
  const log = `${path}-wal`;
  const header = Buffer.from('377f0682002de218', 'hex');
  const fd = openSync(log, 'w');
  writeSync(fd, header);
  const flusher = new LogFlusher(path);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(RESTART_LOG, { eval: true, workerData: { log, header, stop } });
  await new Promise((resolve) => worker.once('online', resolve));
  let broken = 0;
  for (let count = 0; count < 20_000; count += 1) if (!flusher.isWhole()) broken += 1;
  Atomics.store(stop, 0, 1);
  await new Promise((resolve) => worker.once('exit', resolve));
  expect(broken).toBe(0);
  writeSync(fd, Buffer.alloc(header.length), 0, header.length, 0);
  expect(flusher.isWhole()).toBe(false);
  await flusher.close();
  closeSync(fd);
});
