import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/ledger.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, openJobBench } from '../helpers/job.js';
import {
  createLedgerPath,
  createTestAsk,
  createTestBatch,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';
import { answerPaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

/** Simulates, in this process, another program that writes to the ledger. */
class Writer {
  readonly #connection: Libsql.Database;

  constructor(path: string) {
    this.#connection = new Libsql(path);
    onTestFinished(() => void this.#connection.close());
  }

  async lock(): Promise<void> {
    for (;;) {
      try {
        this.#connection.exec('begin immediate');
        return;
      } catch {
        // A turn of the ledger is open.
        await setImmediate();
      }
    }
  }

  unlock(): void {
    this.#connection.exec('commit');
  }
}

test('other work continues during a wait for a writer, then all waiting steps continue', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  const writer = new Writer(path);
  await writer.lock();
  const done: string[] = [];
  const waiting = ['a', 'b', 'c'].map(async (company) => {
    await ledger.ready();
    ledger.intend(createTestBatch(job, [company]), null);
    done.push(company);
  });
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  expect(done).toEqual([]);
  // Reading is possible meanwhile.
  expect(ledger.listJobs()).toMatchObject([{ reservedMicros: 0 }]);
  writer.unlock();
  await Promise.all(waiting);
  expect(ledger.readSpend(job.id).reservedMicros).toBe(75_000);
  ledger.close();
});

test('a signal aborts the wait', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const writer = new Writer(path);
  await writer.lock();
  const leaving = new AbortController();
  const waiting = ledger.ready(leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  writer.unlock();
  await ledger.ready();
  ledger.close();
});

test('a blocked step reports once what it waits for, then continues', async () => {
  const path = createLedgerPath();
  openTestLedger(path).close();
  const libsql = createRequire(import.meta.url).resolve('libsql');
  const hold = `const L = require(${JSON.stringify(libsql)}); const c = new L(${JSON.stringify(path)});
    c.exec('begin immediate'); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const said: string[] = [];
  const ledger = openLedger(path, {
    onWait(message) {
      said.push(message);
      holder.kill('SIGKILL');
    },
  });
  onTestFinished(() => ledger.close());
  expect(openTestJob(ledger).invocation).toBe(1);
  expect(said).toEqual([expect.stringContaining(path)]);
});

test('a job whose ledger is locked at the start and in the middle reports it and completes', async () => {
  let writer: Writer | null = null;
  let isLocked = false;
  const bench = await openJobBench(async (task, signal) => {
    if (bench.agent.tasks.length === 2) {
      await writer?.lock();
      isLocked = true;
    }
    return answerPaid(task, signal);
  });
  bench.write('in.csv', createList(40));
  const path = join(createWorkdir().path, 'ledger.sqlite');
  openLedger(path).close();
  writer = new Writer(path);
  await writer.lock();
  isLocked = true;
  const notes: string[] = [];
  const onEvent = (event: EnrichEvent): void => {
    if (event.type !== 'note' || event.code !== 'LEDGER_WAIT') return;
    notes.push(event.message);
    if (isLocked) writer?.unlock();
    isLocked = false;
  };
  const { summary } = await bench.run({ ledger: path, concurrency: 1 }, { onEvent });
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 40 }, costMicros: 125_000 });
  expect(notes.length).toBeGreaterThanOrEqual(2);
  expect(notes[0]).toContain('Waiting up to 2 minutes');
});

test('status writes nothing and waits for no writer', async () => {
  const dir = createWorkdir();
  const path = join(dir.home, 'ledger.sqlite');
  const ledger = openTestLedger(path);
  onTestFinished(() => ledger.close());
  openTestJob(ledger, createTestAsk(), '/data/in.csv');
  const writer = new Writer(path);
  await writer.lock();
  const size = statSync(`${path}-wal`).size;
  expect(size).toBeGreaterThan(0);
  const result = await dir.runProcess(['status']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('/data/in.csv');
  writer.unlock();
  expect((await dir.runProcess(['status', '--json'])).status).toBe(0);
  // Any writer merges the log when it closes.
  expect(statSync(`${path}-wal`).size).toBe(size);
  const look = openLedger(path, { isReadOnly: true });
  expect(() => openTestJob(look, createTestAsk(), '/data/other.csv')).toThrow();
  look.close();
});
