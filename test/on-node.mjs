// Runs the tests on other versions of Node, each in a copy of the committed files:
//   node test/on-node.mjs 20.19 22 24
// Node comes from the npm package `node`. Ends with a line per version, and fails if one of them failed.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const versions = process.argv.slice(2);
if (versions.length === 0) throw new Error('usage: node test/on-node.mjs VERSION…');
const isWindows = process.platform === 'win32';
const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'rowfill-on-node-'));
// Some tests run the program as another user.
chmodSync(folder, 0o755);
const results = [];
try {
  for (const version of versions) results.push(runTests(version));
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
for (const { version, passed } of results)
  process.stdout.write(`${version}: ${passed ? 'passed' : 'failed'}\n`);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

function runTests(version) {
  const runtime = join(folder, `node-${version}`);
  const copy = join(folder, `rowfill-${version}`);
  run('npm', [
    'install',
    '--prefix',
    runtime,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `node@${version}`,
  ]);
  execFileSync('git', ['clone', '--quiet', root, copy], { stdio: 'inherit' });
  const bin = join(runtime, 'node_modules', 'node', 'bin');
  const env = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) };
  const exact = execFileSync('node', ['--version'], { env, encoding: 'utf8' }).trim();
  process.stdout.write(`\nNode ${exact}\n`);
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: copy, env });
  const { status } = spawnSync('npm', ['test'], { cwd: copy, env, stdio: 'inherit', shell: isWindows });
  return { version: exact, passed: status === 0 };
}

function run(command, words, options = {}) {
  execFileSync(command, words, { stdio: 'inherit', shell: isWindows, ...options });
}
