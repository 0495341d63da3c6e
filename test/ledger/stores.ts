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
import { NO_POSTGRES } from '../helpers/platform.js';
import { createSchemaUrl, findPostgres } from '../helpers/postgres.js';

/** A store that the tests of the contract run on. `test/helpers/ledger-child.mjs` opens it by its name. */
export interface TestStore {
  readonly name: string;
  /** A place for a new ledger, removed when the test ends. Where making one takes long, it is an empty one, unless `isNew`. */
  createPlace(isNew?: boolean): string;
  open(place: string, options: LedgerOptions): Promise<Ledger>;
  /** Starts another program's write, which blocks all others. Returns a function that ends it. */
  lock(place: string): Promise<() => unknown>;
  /** Makes the second half of each settlement fail, like a disk error. Returns a function that ends this. */
  breakSettling(place: string): Promise<() => Promise<void>>;
  /** Overwrites most of a closed ledger. Null if it is not on this machine. */
  readonly damage: ((place: string) => void) | null;
  /** Changes whose single statements a test kills: where a change is one message, few are enough. */
  readonly killedChanges: number;
  /** Random histories in the quick tests. */
  readonly histories: number;
  /** After this long without a renewal, a holder on another machine counts as gone. */
  readonly elsewhereGoneMs: number;
  /** Size limit of files, in KiB, at which a child's disk counts as full. Null if its disk is elsewhere. */
  readonly fullDiskBlocks: number | null;
}

const SQLITE: TestStore = {
  name: 'SQLite',
  createPlace: () => createLedgerPath(),
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
  killedChanges: Number.POSITIVE_INFINITY,
  histories: 15,
  fullDiskBlocks: 600,
};

const SERVER = NO_POSTGRES ? '' : await findPostgres();

const POSTGRES: TestStore = {
  name: 'PostgreSQL',
  createPlace: takeSchema,
  open: (place, { clock, ...options }) =>
    openPostgresLedger(place, { ...options, ...(clock === undefined ? {} : { clock, serverClock: clock }) }),
  async lock(place) {
    const client = await connect(place);
    await client.query('begin; lock table holder, job in exclusive mode');
    return async () => void (await client.query('commit'));
  },
  async breakSettling(place) {
    const client = await connect(place);
    await client.query(`create or replace function break() returns trigger language plpgsql as
      $$ begin raise exception 'broken'; end $$;
      create trigger broken before insert on block for each row when (new.kind = 'run') execute function break()`);
    return async () => void (await client.query('drop trigger broken on block'));
  },
  damage: null,
  elsewhereGoneMs: 45_000,
  killedChanges: 3,
  histories: 4,
  fullDiskBlocks: null,
};

/** Schemas of tests that have ended, emptied: to make one takes longer than most tests. */
const FREE_SCHEMAS: string[] = [];
let cleaner: Promise<pg.Client> | null = null;

function takeSchema(isNew = false): string {
  if (isNew) return createSchemaUrl(SERVER);
  const place = FREE_SCHEMAS.pop() ?? createSchemaUrl(SERVER);
  onTestFinished(async () => {
    const { driverUrl: url, schema } = parseLedgerUrl(place);
    cleaner ??= openCleaner(url);
    const client = await cleaner;
    const tables = await client.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = $1 and tablename <> 'format'",
      [schema],
    );
    const emptied = tables.rows.map(({ name }) => `delete from "${schema}".${name}`);
    await client.query(emptied.join(';'));
    FREE_SCHEMAS.push(place);
  });
  return place;
}

async function openCleaner(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // It does not keep the process of the tests from ending.
  (client as pg.Client & { unref(): void }).unref();
  return client;
}

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
export const STORES: readonly TestStore[] = NO_POSTGRES ? [SQLITE] : [SQLITE, POSTGRES];

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
