import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createSchemaUrl, findPostgres, startPostgres } from '../helpers/postgres.js';

test('test files share one server', async () => {
  const [first, second] = await Promise.all([findPostgres(), findPostgres()]);
  expect(second).toBe(first);
  expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
  expect(createSchemaUrl(first)).not.toBe(createSchemaUrl(first));
});

test('a server of a test keeps its data over a crash, and is gone after the test', async () => {
  const server = await startPostgres(['max_connections=20']);
  await query(server.url, 'create table kept (id int)');
  await server.stop();
  await expect(query(server.url, 'select 1')).rejects.toThrow();
  await server.start();
  expect(await query(server.url, 'select count(*)::int from kept')).toEqual([{ count: 0 }]);
  expect(await query(server.url, 'show max_connections')).toEqual([{ max_connections: '20' }]);
  const folder = new URL(server.url).searchParams.get('host') ?? '';
  await server.close();
  expect(existsSync(folder)).toBe(false);
});

test('a server whose test is killed while it starts is gone too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-postgres-'));
  const program = join(import.meta.dirname, '../helpers/postgres-keeper.mjs');
  const keeper = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  keeper.stdout.destroy();
  keeper.stdin.end();
  expect(await once(keeper, 'close')).toEqual([0, null]);
  expect(existsSync(folder)).toBe(false);
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
