import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { createList } from '../helpers/job.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { createSchemaUrl, findPostgres } from '../helpers/postgres.js';
import { createWorkdir, type ProgramResult, type Workdir } from '../helpers/workdir.js';

const CLOCK = new URL('../helpers/moved-clock.mjs', import.meta.url).href;
const KEY = 'sk-test-0123456789';
const PASSWORD = 's3cret-w0rd/@ü';

/** A ledger that nobody has used. Its URL has a password, which the server of the tests does not ask for. */
async function createLedgerUrl(): Promise<string> {
  const url = new URL(createSchemaUrl(await findPostgres()));
  url.searchParams.set('password', PASSWORD);
  return url.href;
}

/** Same, for the command line. */
function withoutPassword(location: string): string {
  const url = new URL(location);
  url.searchParams.delete('password');
  return url.href;
}

function openWorkdir(ledger: string) {
  const dir = createWorkdir();
  const env = { EXA_API_KEY: KEY, ROWFILL_LEDGER: ledger };
  const results: ProgramResult[] = [];
  const run = async (...args: readonly string[]): Promise<ProgramResult> => {
    const result = await dir.run(args, { env });
    results.push(result);
    return result;
  };
  return { dir, env, run, results };
}

/** All files below a folder, as text. */
function readFiles({ path }: Workdir): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((each) => join(each.parentPath, each.name));
  return files.map((file) => readFileSync(file, 'utf8'));
}

/** Every row of every table of a ledger, as text. */
async function dumpLedger(location: string): Promise<string> {
  const { driverUrl, schema } = parseLedgerUrl(location);
  const client = new pg.Client({ connectionString: driverUrl });
  await client.connect();
  try {
    const tables = await client.query('select tablename from pg_tables where schemaname = $1', [schema]);
    const dumps = [];
    for (const { tablename } of tables.rows) {
      const { rows } = await client.query(`select t::text as row from ${schema}.${tablename} t`);
      dumps.push(...rows.map(({ row }) => String(row)));
    }
    return dumps.join('\n');
  } finally {
    await client.end();
  }
}

test('every command works on a server, and neither password nor key is in what it prints, logs or stores', async () => {
  const ledger = await createLedgerUrl();
  const { dir, run, results } = openWorkdir(ledger);
  dir.write('in.csv', createList(12));
  const { url, agent } = await servePaid();
  const job = ['in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  expect(await run('status')).toMatchObject({ status: 0, stderr: expect.stringContaining('No jobs yet') });
  expect((await run('plan', 'in.csv', '-f', 'answer', '--api-url', url)).status).toBe(0);
  expect(await dumpLedger(ledger)).toBe('');
  const first = await run('run', ...job, '--log-file', 'run.log', '--json', '--debug');
  expect(JSON.parse(first.stdout)).toMatchObject({
    rows: { enriched: 12 },
    runs: { created: 2 },
    cost_usd: 0.05,
  });
  expect(JSON.parse((await run('run', ...job, '--json')).stdout)).toMatchObject({ runs: { created: 0 } });
  expect((await run('run', ...job, '--max-age', '1h', '--batch-size', '4')).status).toBe(0);
  const [{ job: id }] = JSON.parse((await run('status', '--json')).stdout).jobs;
  for (const args of [
    ['status'],
    ['export', id, '-o', 'out.jsonl'],
    ['diff', id, '--json'],
    ['report', id, '-o', 'report.html'],
    ['verify', id],
    ['cancel', id],
    ['ledger', 'check'],
    ['prune', '--runs', '0d'],
    [
      'watch',
      'drop',
      '--once',
      '--reference',
      'ref',
      '-f',
      'city',
      '--settle',
      '0s',
      '--heartbeat',
      'beat.json',
    ],
  ]) {
    dir.write('drop/a.csv', 'company,city\nAcme,\n');
    dir.write('ref/towns.csv', 'company,city\nAcme,Oslo\n');
    expect(await run(...args), args.join(' ')).toMatchObject({ status: 0 });
  }
  expect(dir.read('drop/done/a.filled.csv')).toContain('Oslo');
  const doctor = await run('doctor', '--api-url', url, '--json');
  expect(JSON.parse(doctor.stdout).checks).toContainEqual(
    expect.objectContaining({
      check: 'ledger',
      status: 'ok',
      message: expect.stringMatching(/ with 2 jobs, PostgreSQL \d+\S*, \d+\.\d ms away/),
    }),
  );
  expect(agent.tasks).toHaveLength(2);
  const stored = await dumpLedger(ledger);
  expect(stored).toContain('in.csv');
  const told = [...results.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...readFiles(dir), stored].join(
    '\n',
  );
  for (const secret of ['s3cret', encodeURIComponent(PASSWORD), KEY]) expect(told).not.toContain(secret);
  expect((await run('forget', id, '--yes')).status).toBe(0);
  expect(await dumpLedger(ledger)).not.toContain('in.csv');
  // What was spent stays.
  expect((await run('ledger', 'check')).stderr).toContain('$0.05 spent');
});

test('a job carries on from a copy of its ledger, in the other store and back, and buys nothing', async () => {
  const ledger = await createLedgerUrl();
  const { dir, run } = openWorkdir(ledger);
  dir.write('in.csv', createList(12));
  const { url, agent } = await servePaid();
  const job = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--json'];
  const file = join(dir.home, 'ledger.sqlite');
  expect((await run(...job, '--limit', '8')).status).toBe(0);
  expect(agent.tasks).toHaveLength(1);
  const shown = withoutPassword(ledger);
  const copied = await run('ledger', 'copy', shown, file);
  expect(copied.stderr).toContain(
    `Copied to ${file}: 1 job, 8 answered rows, $0.025 spent and $0.00 reserved.`,
  );
  // The rest is bought once, and travels back.
  expect(JSON.parse((await run(...job, '--ledger', file)).stdout)).toMatchObject({
    rows: { enriched: 12 },
    reused: 8,
    runs: { created: 1 },
  });
  const third = withoutPassword(await createLedgerUrl());
  expect((await run('ledger', 'copy', file, third)).status).toBe(0);
  dir.remove('in.filled.csv');
  expect(JSON.parse((await run(...job, '--ledger', third)).stdout)).toMatchObject({
    rows: { enriched: 12 },
    runs: { created: 0 },
    cost_usd: 0.05,
  });
  expect(agent.tasks).toHaveLength(2);
  expect((await run('ledger', 'copy', file, third)).stderr).toContain('[LEDGER_EXISTS]');
});

test('two processes share rows on a server, and one of them continues what the other one was killed with', async () => {
  const { dir, env } = openWorkdir(await createLedgerUrl());
  dir.write('in.csv', createList(4));
  dir.write('more.csv', createList(6));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const ask = ['-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(['run', 'in.csv', ...ask], { env });
  await gate.reached(1);
  const busy = await dir.run(['run', 'in.csv', ...ask], { env });
  expect(busy).toMatchObject({ status: 75, stderr: expect.stringContaining(`process ${first.pid} on `) });
  const second = dir.spawn(['run', 'more.csv', ...ask, '--json'], { env });
  await gate.reached(2);
  const copied = await dir.run(['ledger', 'copy', withoutPassword(env.ROWFILL_LEDGER), 'copy.sqlite'], {
    env,
  });
  expect(copied).toMatchObject({ status: 75, stderr: expect.stringContaining('[LEDGER_IN_USE]') });
  expect(dir.has('copy.sqlite')).toBe(false);
  await first.end('SIGKILL');
  gate.open();
  const { status, stdout } = await second.end();
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    rows: { total: 6, enriched: 6 },
    runs: { created: 1, adopted: 1 },
  });
  expect(agent.tasks).toHaveLength(2);
});

test('a host whose clock is wrong by an hour asks for the same rows as any other', async () => {
  const { dir, env, run } = openWorkdir(await createLedgerUrl());
  dir.write('in.csv', createList(12));
  const { url, agent } = await servePaid();
  const job = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  const runAt = async (hours: number, ...more: readonly string[]) => {
    const clock = dir.write('clock.txt', String(hours * 3_600_000));
    const own = { ...env, NODE_OPTIONS: `--import=${CLOCK}`, TEST_CLOCK_FILE: clock };
    expect(await dir.runProcess([...job, ...more], { env: own })).toMatchObject({ status: 0 });
    return agent.tasks.length;
  };
  expect(await run(...job)).toMatchObject({ status: 0 });
  expect(await runAt(1, '--max-age', '30m')).toBe(2);
  // Answers from before the command are refreshed, and its own are not.
  expect(await runAt(-1, '--refresh')).toBe(4);
  expect(await run(...job)).toMatchObject({ status: 0 });
  expect(agent.tasks).toHaveLength(4);
});

test('a role without a right on one table or function reads, is refused before anything is bought, and told what to grant', async () => {
  const ledger = createSchemaUrl(await findPostgres());
  const { driverUrl, schema } = parseLedgerUrl(ledger);
  const admin = new pg.Client({ connectionString: driverUrl });
  await admin.connect();
  const role = `${schema}_weak`;
  await admin.query(`create role ${role} login`);
  onTestFinished(async () => {
    await admin.query(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  const url = new URL(ledger);
  url.username = '';
  url.searchParams.set('user', role);
  const { dir, run } = openWorkdir(url.href);
  dir.write('in.csv', createList(3));
  const { url: api, agent } = await servePaid();
  const job = ['run', 'in.csv', '-f', 'answer', '--api-url', api, '--yes'];
  expect(await dir.run([...job, '--ledger', ledger])).toMatchObject({ status: 0 });
  const [{ job: id }] = JSON.parse((await dir.run(['status', '--json', '--ledger', ledger])).stdout).jobs;
  await admin.query(`create table ${schema}.other_program (a int); grant usage on schema ${schema} to ${role};
    grant select, insert, update, delete on all tables in schema ${schema} to ${role};
    revoke all on ${schema}.other_program from ${role}`);
  expect(await run(...job, '--refresh')).toMatchObject({ status: 0 });
  const count = agent.tasks.length;

  dir.write('drop/inbox/file.csv', createList(1));
  const writes = [
    [...job, '--refresh'],
    [...job, '--refresh', '--workers'],
    ['worker', '--api-url', api],
    ['watch', 'drop', '--once', '-f', 'answer', '--api-url', api, '--yes'],
    ['verify', id, '--escalate', '--yes'],
    ['cancel', id],
    ['ledger', 'create'],
  ];
  const reads = [
    ['status'],
    ['diff', id],
    ['report', id],
    ['plan', 'in.csv', '-f', 'answer', '--api-url', api],
  ];
  const tables = ['block', 'found', 'row_block', 'spend', 'written'];
  await admin.query(
    `revoke insert, update, delete on ${tables.map((table) => `${schema}.${table}`).join(', ')} from ${role}`,
  );
  let hint = '';
  for (const command of writes) {
    const { status, stdout, stderr } = await run(...command);
    const said = `${stdout}${stderr}`;
    expect({ command, status, said }).toMatchObject({
      status: 2,
      said: expect.stringContaining('LEDGER_NO_RIGHTS'),
    });
    expect(said).toContain(`The role ${role} lacks rights on 5 tables (${tables.join(', ')}) of `);
    hint = /run: (GRANT .*;)/.exec(stderr)?.[1] ?? hint;
  }
  for (const command of reads) expect(await run(...command), command.join(' ')).toMatchObject({ status: 0 });
  expect(agent.tasks).toHaveLength(count);
  expect(readdirSync(join(dir.path, 'drop/inbox'))).toEqual(['file.csv']);

  // What the message names is enough, also for a table of a later version.
  await admin.query(`${hint}; create table ${schema}.later (a int)`);
  const granted = await admin.query(
    `select has_table_privilege($1, $2, 'select, insert, update, delete') as all`,
    [role, `${schema}.later`],
  );
  expect(granted.rows).toEqual([{ all: true }]);
  expect(await run(...job, '--refresh')).toMatchObject({ status: 0 });

  for (const [right, table] of [
    ['delete', 'job'],
    ['update', 'account'],
    ['select', 'batch'],
  ]) {
    await admin.query(`revoke ${right} on ${schema}.${table} from ${role}`);
    expect(await run(...job, '--refresh')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`1 table (${table})`),
    });
    await admin.query(`grant ${right} on ${schema}.${table} to ${role}`);
  }
  await admin.query(`revoke execute on function ${schema}.record_refusal from public`);
  expect(await run(...job, '--refresh')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('1 function (record_refusal)'),
  });
  expect(agent.tasks).toHaveLength(count + 1);
});
