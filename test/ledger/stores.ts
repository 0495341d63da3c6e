import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { setImmediate as endTurn } from 'node:timers/promises';
import Libsql from 'libsql';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { Ledger, LedgerOptions } from '../../src/ledger/ledger.js';
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.js';
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.js';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { createLedgerPath, createTestClock } from '../helpers/ledger-samples.js';
import { createSchemaUrl, findPostgres } from '../helpers/postgres.js';

/** A store that the tests of the contract run on. `test/helpers/ledger-child.mjs` opens it by its name. */
export interface TestStore {
  readonly name: string;
  /** A place for a new ledger, removed when the test ends. */
  createPlace(): string;
  open(place: string, options: LedgerOptions): Promise<Ledger>;
  /** Starts another program's write, which blocks all others. Returns a function that ends it. */
  lock(place: string): Promise<() => unknown>;
  /** Makes the second half of each settlement fail, like a disk error. Returns a function that ends this. */
  breakSettling(place: string): Promise<() => Promise<void>>;
  /** Overwrites most of a closed ledger. Null if it is not on this machine. */
  readonly damage: ((place: string) => void) | null;
  /** After this long without a renewal, a holder on another machine counts as gone. */
  readonly elsewhereGoneMs: number;
  /** Size limit of files, in KiB, at which a child's disk counts as full. Null if its disk is elsewhere. */
  readonly fullDiskBlocks: number | null;
}

const SQLITE: TestStore = {
  name: 'SQLite',
  createPlace: createLedgerPath,
  open: async (place, options) => openSqliteLedger(place, options),
  async lock(place) {
    const connection = new Libsql(place);
    onTestFinished(() => void connection.close());
    for (;;) {
      try {
        connection.exec('begin immediate');
        return () => void connection.exec('commit');
      } catch {
        await endTurn();
      }
    }
  },
  async breakSettling(place) {
    const run = (sql: string): void => {
      const connection = new Libsql(place);
      connection.exec(sql);
      connection.close();
    };
    run(`create trigger broken before insert on block when new.kind = 'run'
      begin select raise(abort, 'broken'); end`);
    return async () => run('drop trigger broken');
  },
  damage(place) {
    const file = openSync(place, 'r+');
    const bytes = statSync(place).size;
    for (let at = 24 * 4_096; at < bytes; at += 4_096)
      writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, at);
    closeSync(file);
  },
  // Its clock may be another one.
  elsewhereGoneMs: 300_000,
  fullDiskBlocks: 600,
};

const SERVER = await findPostgres();

const POSTGRES: TestStore = {
  name: 'PostgreSQL',
  createPlace: () => createSchemaUrl(SERVER),
  open: openPostgresLedger,
  async lock(place) {
    const client = await connect(place);
    await client.query('begin; lock table holder, job in exclusive mode');
    return async () => void (await client.query('commit'));
  },
  async breakSettling(place) {
    const client = await connect(place);
    await client.query(`create function break() returns trigger language plpgsql as
      $$ begin raise exception 'broken'; end $$;
      create trigger broken before insert on block for each row when (new.kind = 'run') execute function break()`);
    return async () => void (await client.query('drop trigger broken on block'));
  },
  damage: null,
  elsewhereGoneMs: 45_000,
  fullDiskBlocks: null,
};

/** Connects to the schema of a ledger, until the test ends. */
async function connect(place: string): Promise<pg.Client> {
  const { driverUrl, schema } = parseLedgerUrl(place);
  const client = new pg.Client({ connectionString: driverUrl });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`set search_path = "${schema}"`);
  return client;
}

/** Every store, one line each. */
export const STORES: readonly TestStore[] = [SQLITE, POSTGRES];

/** Opens a ledger that is closed when the test ends. */
export async function openStore(
  store: TestStore,
  place = store.createPlace(),
  options: LedgerOptions = {},
): Promise<Ledger> {
  const ledger = await store.open(place, { clock: createTestClock(), ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}
