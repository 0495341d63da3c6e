import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createSchemaUrl, findPostgres, startPostgres } from '../helpers/postgres.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const TLS = join(import.meta.dirname, '../helpers/tls');
const CERTIFICATE = join(TLS, 'cert.pem');
const PASSWORD = 's3cret-w0rd';

/** A server that wants TLS and a password, on a port of this machine. */
async function startStrictServer(): Promise<{ readonly port: number }> {
  const folder = join(await createTempFolder(), 'own');
  mkdirSync(folder);
  const port = await findFreePort();
  const [key, hba] = [join(folder, 'key.pem'), join(folder, 'hba.conf')];
  copyFileSync(join(TLS, 'key.pem'), key);
  writeFileSync(hba, 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n');
  chmodSync(join(folder, '..'), 0o755);
  chmodSync(key, 0o600);
  // The server runs as another user if the tests run as root.
  if (process.getuid?.() === 0) for (const path of [key, hba]) chownSync(path, 65_534, 65_534);
  const files = [`ssl_cert_file=${CERTIFICATE}`, `ssl_key_file=${key}`, `hba_file=${hba}`];
  const server = await startPostgres(['listen_addresses=127.0.0.1', `port=${port}`, 'ssl=on', ...files]);
  const url = new URL(server.url);
  url.searchParams.set('port', String(port));
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query(`create role me login password '${PASSWORD}'`);
  await admin.query('create database mine owner me');
  await admin.end();
  url.pathname = '/mine';
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  await owner.query('create schema theirs');
  await owner.end();
  return { port };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** The error of opening a ledger. Fails if it has the password, or if a socket is left that keeps the process alive. */
async function findFault(url: string): Promise<unknown> {
  const sockets = countSockets();
  const fault: unknown = await openLedger(url).then(
    (ledger) => ledger.close(),
    (error: unknown) => error,
  );
  for (let at = fault; at instanceof Error; at = at.cause)
    expect(`${at.message} ${at.stack} ${JSON.stringify(at)}`).not.toContain('s3cret');
  // Sockets close in the next turns.
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect(countSockets(), url).toBeLessThanOrEqual(sockets);
  return fault;
}

test.skipIf(process.platform === 'win32')(
  'each fault of a connection has its own error, and TLS is as the URL says',
  async () => {
    const { port } = await startStrictServer();
    const at = (user: string, rest: string) => `postgres://${user}@localhost:${port}/${rest}`;
    const tls = `sslmode=require&sslrootcert=${encodeURIComponent(CERTIFICATE)}`;
    const here = encodeURIComponent(import.meta.filename);
    const right = at(`me:${PASSWORD}`, `mine?${tls}`);
    expect(await findFault(right)).toBeUndefined();
    expect(await findFault(at(`me:${PASSWORD}`, 'mine?sslmode=no-verify'))).toBeUndefined();
    const faults = [
      [at('me:s3cret-wrong', `mine?${tls}`), 'LEDGER_LOGIN', /password authentication failed/],
      [at('me', `mine?${tls}`), 'LEDGER_LOGIN', /wants a password, and there is none: [^(]+$/],
      [at(`me:${PASSWORD}`, `theirs?${tls}`), 'LEDGER_NO_DATABASE', /"theirs"/],
      [at(`me:${PASSWORD}`, 'mine?sslmode=require'), 'LEDGER_TLS', /certificate/],
      [at(`me:${PASSWORD}`, 'mine?sslmode=require&sslrootcert=/none.pem'), 'LEDGER_TLS', /none\.pem/],
      [at(`me:${PASSWORD}`, `mine?sslmode=no-verify&sslcert=${here}`), 'LEDGER_TLS', /cannot be read/],
      [at(`me:${PASSWORD}`, `mine?sslmode=no-verify&sslkey=${here}`), 'LEDGER_TLS', /cannot be read/],
      [
        at(`me:${PASSWORD}`, `mine?sslmode=no-verify&sslcert=${encodeURIComponent(TLS)}`),
        'LEDGER_TLS',
        /EISDIR/,
      ],
      [at(`me:${PASSWORD}`, `mine?${tls}&options=-cnone=1`), 'LEDGER_URL', /"none"/],
      [at(`me:${PASSWORD}`, `mine?${tls}&sslnegotiation=none`), 'LEDGER_URL', /"none"/],
      // It takes no connection without TLS.
      [at(`me:${PASSWORD}`, 'mine?sslmode=disable'), 'LEDGER_LOGIN', /no encryption/],
      [at(`me:${PASSWORD}`, `postgres?${tls}&schema=pg1`), 'LEDGER_NO_RIGHTS', /permission denied/],
      [at(`me:${PASSWORD}`, `mine?${tls}&schema=theirs`), 'LEDGER_NO_RIGHTS', /not use the schema theirs/],
    ] as const;
    for (const [url, code, message] of faults) {
      const fault = await findFault(url);
      expect(fault, url).toMatchObject({ code, kind: 'usage', message: expect.stringMatching(message) });
      expect((fault as { hint: string }).hint.length).toBeGreaterThan(10);
    }
  },
);

test('a server that is not there, or does not speak TLS, is reported at once', async () => {
  const port = await findFreePort();
  const gone = await findFault(`postgres://me:${PASSWORD}@127.0.0.1:${port}/x`);
  expect(gone).toMatchObject({ code: 'LEDGER_UNREACHABLE', kind: 'unreachable' });
  expect(String(gone)).toContain(`postgres://me@127.0.0.1:${port}/x`);
  const nowhere = await findFault(`postgres:///x?host=${encodeURIComponent('/nowhere')}&user=me`);
  expect(nowhere).toMatchObject({ code: 'LEDGER_UNREACHABLE', kind: 'unreachable' });
  const plain = createServer((socket) => socket.on('data', () => socket.end('N')));
  await new Promise<void>((resolve) => void plain.listen(port, '127.0.0.1', resolve));
  const fault = await findFault(`postgres://me:${PASSWORD}@127.0.0.1:${port}/x?sslmode=require`);
  plain.close();
  expect(fault).toMatchObject({ code: 'LEDGER_TLS', kind: 'usage' });
});

afterEach(() => void vi.unstubAllEnvs());

test('a variable of the driver with a value that it does not know is refused', async () => {
  const url = createSchemaUrl(await findPostgres());
  for (const [name, value] of [
    ...['verify_full', 'verifyfull', 'VERIFY-FULL', 'allow', ''].map((mode) => ['PGSSLMODE', mode]),
    ['PGSSLNEGOTIATION', 'none'],
    ['PGOPTIONS', '-cnone=1'],
  ] as const) {
    vi.stubEnv(name, value);
    expect(await findFault(url), `${name}=${value}`).toMatchObject({ code: 'LEDGER_URL', kind: 'usage' });
    vi.unstubAllEnvs();
  }
  vi.stubEnv('PGSSLMODE', 'verify_full');
  expect(await findFault(url)).toMatchObject({ hint: expect.stringContaining('Did you mean verify-full?') });
  // The URL goes before.
  expect(await findFault(`${url}&sslmode=disable`)).toBeUndefined();
  vi.unstubAllEnvs();
  vi.stubEnv('PGPORT', 'abc');
  expect(await findFault('postgres://me@127.0.0.1/x')).toMatchObject({ code: 'LEDGER_URL' });
});

test('a ledger that must exist is not created', async () => {
  const url = createSchemaUrl(await findPostgres());
  for (const isReadOnly of [true, false]) {
    const missing = openLedger(url, { mustExist: true, isReadOnly });
    await expect(missing).rejects.toMatchObject({ code: 'LEDGER_MISSING', kind: 'usage' });
  }
  await (await openLedger(url)).close();
  await (await openLedger(url, { mustExist: true })).close();
});
