import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { type KeptServer, keepPostgres } from './postgres.js';

/**
 * Lets the test files of a run share one PostgreSQL server, which starts when the first of them asks for it: the one in
 * ROWFILL_TEST_POSTGRES, else one of our own. Each connects to a port here, and gets a URL.
 */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default async function setup(): Promise<() => Promise<void>> {
  const given = process.env.ROWFILL_TEST_POSTGRES;
  const isGiven = given?.includes('://') === true;
  let server: Promise<KeptServer> | undefined;
  const openUrl = async (): Promise<string> => {
    if (isGiven) return given;
    server ??= keepPostgres();
    return (await server).url;
  };
  const desk = createServer((socket) => {
    // A test process that is killed while it waits must not end the run.
    socket.on('error', () => undefined);
    openUrl().then(
      (url) => socket.end(url),
      (error: unknown) => socket.end(`error: ${String(error)}`),
    );
  });
  await new Promise<void>((resolve) => void desk.listen(0, '127.0.0.1', resolve));
  process.env.ROWFILL_TEST_POSTGRES_PORT = String((desk.address() as AddressInfo).port);
  const prefix = `rowfill_test_${randomBytes(4).toString('hex')}`;
  process.env.ROWFILL_TEST_POSTGRES_PREFIX = prefix;
  return async () => {
    desk.close();
    await server?.then(
      (kept) => kept.close(),
      () => undefined,
    );
    if (isGiven) await dropSchemas(given, prefix);
  };
}

async function dropSchemas(url: string, prefix: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const sql = 'select nspname from pg_namespace where starts_with(nspname, $1)';
  const { rows } = await client.query(sql, [prefix]);
  for (const { nspname } of rows) await client.query(`drop schema ${nspname} cascade`);
  await client.end();
}
