import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** A PostgreSQL server that ends with this process, even if this is killed. */
export interface KeptServer {
  /** URL of its database, for a superuser without a password. */
  readonly url: string;
  /** Ends the server as a crash would. */
  stop(): Promise<void>;
  /** Starts it again, with the same URL and data. */
  start(): Promise<void>;
  /** Ends it, and removes its folder. */
  close(): Promise<void>;
}

/** URL of the server that all test files of a run share. */
export async function findPostgres(): Promise<string> {
  const reply = await text(createConnection(Number(process.env.ROWFILL_TEST_POSTGRES_PORT), '127.0.0.1'));
  if (reply.startsWith('error: ')) throw new Error(reply.slice('error: '.length));
  return reply;
}

/** URL of a schema that nobody has used, for a new ledger on a server. Schemas on the shared server go with the run. */
export function createSchemaUrl(server: string): string {
  const url = new URL(server);
  const name = `${process.env.ROWFILL_TEST_POSTGRES_PREFIX}_${randomBytes(6).toString('hex')}`;
  url.searchParams.set('schema', name);
  return url.href;
}

/** Starts a server for one test, such as one that stops it. `settings` are `name=value`. */
export async function startPostgres(settings: readonly string[] = []): Promise<KeptServer> {
  const server = await keepPostgres(settings);
  onTestFinished(() => server.close());
  return server;
}

/** Starts a server in a new folder, which is removed when the server or this process ends. */
export async function keepPostgres(settings: readonly string[] = []): Promise<KeptServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-postgres-'));
  const program = join(import.meta.dirname, 'postgres-keeper.mjs');
  const child = spawn(process.execPath, [program, folder, ...settings], {
    // In a process group of its own, so that it can clean up after a whole group is killed.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readLine = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true)
      throw new Error('The PostgreSQL server of the tests did not start; the cause is above.');
    return value;
  };
  const url = await readLine();
  return {
    url,
    stop: () => command(child, 'stop', readLine),
    start: () => command(child, 'start', readLine),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

async function command(child: ChildProcess, line: string, readLine: () => Promise<string>): Promise<void> {
  child.stdin?.write(`${line}\n`);
  await readLine();
}
