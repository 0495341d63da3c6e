import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList } from '../helpers/job.js';
import { OtherHolder } from '../helpers/other-holder.js';
import { createRunJson, sendJson } from '../helpers/raw-server.js';
import { createWorkdir } from '../helpers/workdir.js';

const MINUTE_MS = 60_000;
const CLOCK = new URL('../helpers/moved-clock.mjs', import.meta.url).href;
const tlsFile = (name: string): string => new URL(`../helpers/tls/${name}.pem`, import.meta.url).pathname;

/** Answers every create with a completed run. Each request needs a new connection. */
async function serveTls(): Promise<{ port: number; creates: () => number }> {
  let creates = 0;
  const server = createTlsServer(
    { key: readFileSync(tlsFile('key')), cert: readFileSync(tlsFile('cert')) },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const close = { connection: 'close' };
        if (request.method !== 'POST') {
          return sendJson(
            response,
            200,
            { object: 'list', data: [], hasMore: false, nextCursor: null },
            close,
          );
        }
        creates += 1;
        const { input } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        const rows = input.data.map(({ row_id }: { row_id: string }) => ({
          row_id,
          fields: { answer: 'yes' },
        }));
        return sendJson(
          response,
          200,
          createRunJson(`run_${creates}`, { output: { text: '', structured: { rows }, grounding: [] } }),
          close,
        );
      });
    },
  );
  return { port: await listen(server), creates: () => creates };
}

/** Lets the first connection through and blocks later ones until it is opened. */
async function openSlowWay(port: number): Promise<{ port: number; held: Promise<void>; open(): void }> {
  let onHeld = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    onHeld = resolve;
  });
  let accepted = 0;
  let isOpen = false;
  const waiting: Socket[] = [];
  const pass = (socket: Socket): void => {
    const beyond = connectTcp(port, '127.0.0.1');
    for (const each of [socket, beyond]) each.on('error', () => {});
    socket.pipe(beyond).pipe(socket);
  };
  const way = createServer((socket) => {
    accepted += 1;
    if (isOpen || accepted === 1) return pass(socket);
    waiting.push(socket);
    onHeld();
  });
  return {
    port: await listen(way),
    held,
    open() {
      isOpen = true;
      waiting.forEach(pass);
    },
  };
}

function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

test.skipIf(process.platform === 'win32').each([
  ['it is sent if no process has taken over', false],
  ['it is not sent, and no output is written, if another process has taken over', true],
])('a process is paused while its create waits for a connection: %s', async (_title, isTakenOver) => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  dir.write('clock', '0');
  const service = await serveTls();
  const way = await openSlowWay(service.port);
  const url = `https://127.0.0.1:${way.port}`;
  const env = {
    NODE_OPTIONS: `--import=${CLOCK}`,
    TEST_CLOCK_FILE: join(dir.path, 'clock'),
    NODE_EXTRA_CA_CERTS: tlsFile('cert'),
  };
  const program = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], { env });
  await way.held;
  program.signal('SIGSTOP');

  const path = join(dir.home, 'ledger.sqlite');
  const ledger = await openLedger(path);
  const [job] = await ledger.listJobs();
  const other = await OtherHolder.open(path, { clock: { now: () => Date.now() + MINUTE_MS } });
  if (isTakenOver) expect(await other.take(job?.id ?? '')).toBe('held');
  dir.write('clock', String(MINUTE_MS));
  way.open();
  program.signal('SIGCONT');

  const { status, stderr } = await program.end();
  expect(service.creates()).toBe(isTakenOver ? 0 : 1);
  expect(dir.has('in.filled.csv')).toBe(!isTakenOver);
  expect(status).toBe(isTakenOver ? 75 : 0);
  if (isTakenOver) {
    expect(stderr).toContain('another process has taken over this job');
    expect(stderr).toContain('[LEASE_LOST]');
    // The other process writes the end of the job.
    expect(await ledger.listJobs()).toMatchObject([{ stop: null, reservedMicros: 0 }]);
  }
  await ledger.close();
  await other.close();
});
