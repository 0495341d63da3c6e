import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { createList } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { createSchemaUrl, findPostgres } from '../helpers/postgres.js';
import { openViewBench } from '../helpers/view-bench.js';
import { createWorkdir } from '../helpers/workdir.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/teams.md'), 'utf8');

test('the roles of the page may do what it says, and nothing else', async () => {
  const server = await findPostgres();
  const place = createSchemaUrl(server);
  const { schema } = parseLedgerUrl(place);
  // Roles belong to the whole server, so they get names of this test.
  const statements = [...PAGE.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) =>
    sql.replaceAll('rowfill', schema),
  );
  expect(statements).toHaveLength(2);
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const roles = ['owner', 'jobs', 'reader'].map((role) => `${schema}_${role}`);
  onTestFinished(async () => {
    for (const role of roles) await admin.query(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  for (const statement of statements) await admin.query(statement);
  const as = (role: string, password: string) => {
    const url = new URL(place);
    url.username = '';
    url.searchParams.set('user', `${schema}_${role}`);
    url.searchParams.set('password', password);
    return { env: { ROWFILL_LEDGER: url.href } };
  };
  const [owner, jobs, reader] = [as('owner', 'one'), as('jobs', 'two'), as('reader', 'three')];
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { url, agent } = await servePaid();
  const job = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];

  const early = await dir.run(job, jobs);
  expect(early).toMatchObject({ status: 2, stderr: expect.stringContaining('[LEDGER_NO_RIGHTS]') });
  const doctor = await dir.run(['doctor', '--reference', 'in.csv'], jobs);
  expect(doctor.stdout).toMatch(
    new RegExp(`^fail +ledger +none yet, and the role ${schema}_jobs may not create it`, 'm'),
  );
  expect(await dir.run(['ledger', 'create'], owner)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^Ready: /),
  });
  expect(await dir.run(job, jobs)).toMatchObject({ status: 0 });
  expect((await dir.run(['doctor', '--reference', 'in.csv'], jobs)).stdout).toMatch(
    /^ok +ledger .* with 1 job/m,
  );
  const [{ job: id }] = JSON.parse((await dir.run(['status', '--json'], jobs)).stdout).jobs;

  for (const look of [['status'], ['diff', id], ['report', id], ['ledger', 'check']])
    expect(await dir.run(look, reader), look.join(' ')).toMatchObject({ status: 0 });
  const view = await openViewBench({ ledger: reader.env.ROWFILL_LEDGER, job: id });
  expect((await view.call('GET', '/api/meta')).body).toMatchObject({
    readOnly: expect.stringContaining('may only read'),
    cannotAsk: expect.stringContaining('may only read'),
  });
  await view.close();
  for (const write of [
    [...job, '--refresh'],
    ['prune', '--runs', '0d'],
    ['forget', id, '--yes'],
  ]) {
    const refused = await dir.run(write, reader);
    expect(refused, write.join(' ')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('[LEDGER_NO_RIGHTS]'),
    });
  }
  expect(agent.tasks).toHaveLength(1);

  for (const work of [
    ['export', id],
    ['verify', id],
    ['prune', '--runs', '0d'],
    ['forget', id, '--yes'],
  ])
    expect(await dir.run(work, jobs), work.join(' ')).toMatchObject({ status: 0 });
  const limited = new pg.Client({ connectionString: parseLedgerUrl(jobs.env.ROWFILL_LEDGER).driverUrl });
  await limited.connect();
  for (const change of [
    'create table x (a int)',
    'drop table job',
    'alter table job add x int',
    'truncate job',
  ])
    await expect(limited.query(`set search_path = ${schema}; ${change}`)).rejects.toMatchObject({
      code: '42501',
    });
  await limited.end();
});
