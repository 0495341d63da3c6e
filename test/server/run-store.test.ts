import { readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { releaseFiles } from '../../src/model/release-files.js';
import { SqliteRunStore } from '../../src/server/run-store.js';
import {
  MemoryRunStore,
  type RunStore,
  type StoredEvent,
  type StoredRun,
} from '../../src/server/store-contract.js';
import { ON_LINUX } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const CREATED = createEvent(1, '{"status":"queued"}');
const STARTED = createEvent(2, '{"status":"running"}');
const ENDED = createEvent(3, null);

function createRun(number: number, status: StoredRun['status'] = 'running', teamId = 'team'): StoredRun {
  return { id: `agent_run_${number}`, teamId, status, text: JSON.stringify({ number, status }) };
}

function createEvent(id: number, data: string | null): StoredEvent {
  return { id, event: `event.${id}`, data, createdAt: '2026-01-01T00:00:00.000Z' };
}

const STORES: Readonly<Record<string, () => Promise<RunStore>>> = {
  memory: async () => new MemoryRunStore(1_000_000),
  SQLite: async () => new SqliteRunStore(join(await createTempFolder(), 'runs.db'), 'current'),
};

async function openStore(name: string): Promise<RunStore> {
  const store = await STORES[name]?.();
  if (store === undefined) throw new Error(`No store ${name}`);
  onTestFinished(() => store.close());
  return store;
}

describe.each(Object.keys(STORES))('the store in %s', (name) => {
  test('returns a stored run to its own team only', async () => {
    const store = await openStore(name);
    store.add(createRun(1), [CREATED, STARTED]);
    expect(store.find('team', 'agent_run_1')).toEqual(createRun(1));
    expect(store.find('other', 'agent_run_1')).toBeNull();
    expect(store.find('team', 'agent_run_2')).toBeNull();
    expect(store.listEvents('agent_run_1', 0, 10)).toEqual([CREATED, STARTED]);
  });

  test('replaces a run and appends its event together', async () => {
    const store = await openStore(name);
    store.add(createRun(1), [CREATED]);
    store.change(createRun(1, 'completed'), ENDED);
    expect(store.find('team', 'agent_run_1')?.status).toBe('completed');
    expect(store.listEvents('agent_run_1', 0, 10)).toEqual([CREATED, ENDED]);
  });

  test('lists runs of one team older than an id, newest first', async () => {
    const store = await openStore(name);
    for (const number of [1, 2, 3, 4]) store.add(createRun(number), []);
    store.add(createRun(5, 'running', 'other'), []);
    const list = (limit: number, before: string | null) =>
      store.list('team', { limit, before }).map((run) => run.id);
    expect(list(3, null)).toEqual(['agent_run_4', 'agent_run_3', 'agent_run_2']);
    expect(list(3, 'agent_run_2')).toEqual(['agent_run_1']);
    expect(list(3, 'agent_run_1')).toEqual([]);
    expect(store.list('nobody', { limit: 3, before: null })).toEqual([]);
  });

  test('pages events after a given one', async () => {
    const store = await openStore(name);
    store.add(createRun(1), [CREATED, STARTED]);
    store.change(createRun(1, 'failed'), ENDED);
    expect(store.listEvents('agent_run_1', 1, 1)).toEqual([STARTED]);
    expect(store.listEvents('agent_run_1', 3, 10)).toEqual([]);
    expect(store.listEvents('agent_run_9', 0, 10)).toEqual([]);
  });

  test('removes a run with its events, only for its own team', async () => {
    const store = await openStore(name);
    store.add(createRun(1), [CREATED]);
    expect(store.remove('other', 'agent_run_1')).toBe(false);
    expect(store.remove('team', 'agent_run_1')).toBe(true);
    expect(store.remove('team', 'agent_run_1')).toBe(false);
    expect(store.find('team', 'agent_run_1')).toBeNull();
    expect(store.listEvents('agent_run_1', 0, 10)).toEqual([]);
  });

  test('lists active runs of all teams, oldest first', async () => {
    const store = await openStore(name);
    store.add(createRun(1, 'queued', 'other'), []);
    store.add(createRun(2), []);
    store.add(createRun(3), []);
    store.change(createRun(2, 'cancelled'), ENDED);
    expect(store.listActive().map((run) => run.id)).toEqual(['agent_run_1', 'agent_run_3']);
  });
});

test('the memory store lists the same runs as the SQLite store after any removals', async () => {
  const [memory, sqlite] = [await openStore('memory'), await openStore('SQLite')];
  const teams = ['a', 'b', 'c'];
  const createOne = (number: number) => createRun(1_000 + number, 'completed', teams[number % 3]);
  for (let number = 0; number < 300; number += 1) {
    for (const store of [memory, sqlite]) {
      store.add(createOne(number), []);
      const gone = createOne((number * 7) % (number + 1));
      if (number % 2 === 0) store.remove(gone.teamId, gone.id);
    }
    const page = { limit: 5, before: number % 4 === 0 ? null : `agent_run_${1_000 + ((number * 13) % 320)}` };
    for (const team of teams) expect(memory.list(team, page)).toEqual(sqlite.list(team, page));
  }
});

test('the memory store drops the oldest ended runs, never an active one', () => {
  const store = new MemoryRunStore(100);
  const large = (number: number, status: StoredRun['status']): StoredRun => ({
    ...createRun(number, status),
    text: 'x'.repeat(40),
  });
  store.add(large(1, 'running'), [CREATED]);
  store.add(large(2, 'completed'), [CREATED]);
  store.add(large(3, 'completed'), [CREATED]);
  expect(store.list('team', { limit: 9, before: null }).map((run) => run.id)).toEqual([
    'agent_run_3',
    'agent_run_1',
  ]);
  expect(store.listEvents('agent_run_2', 0, 9)).toEqual([]);
  store.change(large(1, 'completed'), ENDED);
  expect(store.find('team', 'agent_run_1')).not.toBeNull();
});

test('the SQLite store survives a restart and is accessible only by its owner', async () => {
  const path = join(await createTempFolder(), 'runs.db');
  const first = new SqliteRunStore(path, 'current');
  first.add(createRun(1), [CREATED]);
  first.close();
  const second = new SqliteRunStore(path, 'current');
  expect(second.listActive()).toEqual([createRun(1)]);
  expect(second.listEvents('agent_run_1', 0, 9)).toEqual([CREATED]);
  second.close();
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('refuses a store that another server has open', async () => {
  const path = join(await createTempFolder(), 'runs.db');
  const first = new SqliteRunStore(path, 'current');
  onTestFinished(() => first.close());
  expect(() => new SqliteRunStore(path, 'current')).toThrow(/locked/);
});

test('rejects a store of another contract, a file that is not a store, and a folder, with hints', async () => {
  const folder = await createTempFolder();
  new SqliteRunStore(join(folder, 'runs.db'), 'current').close();
  expect(() => new SqliteRunStore(join(folder, 'runs.db'), '2026-05-07')).toThrow(
    /made with contract current/,
  );
  writeFileSync(join(folder, 'notes.txt'), 'These are notes, and no database at all. '.repeat(100));
  expect(() => new SqliteRunStore(join(folder, 'notes.txt'), 'current')).toThrow(/cannot be opened/);
  expect(() => new SqliteRunStore(folder, 'current')).toThrow(/cannot be opened/);
});

test.runIf(ON_LINUX)('a closed store keeps no file open, even while it is referenced', async () => {
  const folder = await createTempFolder();
  const store = new SqliteRunStore(join(folder, 'runs.db'), 'current');
  store.listActive();
  store.close();
  // As on Windows, which cannot delete an open file.
  await releaseFiles('win32');
  const open = readdirSync('/proc/self/fd').map((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`);
    } catch {
      return '';
    }
  });
  expect(open.filter((path) => path.startsWith(folder))).toEqual([]);
  expect(() => store.listActive()).toThrow('closed');
});
