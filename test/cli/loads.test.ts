import { expect, test } from 'vitest';
import { createList } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

/** On exit, records the package files loaded by `require`; all slow ones are loaded that way. */
const NOTE_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { writeFileSync } from 'node:fs';
  import module from 'node:module';
  process.on('exit', () => writeFileSync('loaded.json', JSON.stringify(Object.keys(module._cache))));
`)}`;

/** Makes V8 print which WebAssembly it compiles, and with which compiler. */
const TRACE_WASM = `data:text/javascript,${encodeURIComponent(`
  import { setFlagsFromString } from 'node:v8';
  setFlagsFromString('--trace-wasm-compilation-times');
`)}`;

async function findLoaded(args: readonly string[]): Promise<readonly string[]> {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const result = await dir.runProcess(args, { env: { NODE_OPTIONS: `--import ${NOTE_LOADED}` } });
  expect(result).toMatchObject({ status: 0 });
  const paths = JSON.parse(dir.read('loaded.json')) as string[];
  return paths.map((path) => path.replaceAll('\\', '/').replace(/^.*\/node_modules\//, ''));
}

test('a job over the network loads only undici’s pool, and no server, spreadsheet or progress bar code', async () => {
  const { url } = await servePaid();
  const loaded = await findLoaded(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--quiet']);
  expect(loaded).toEqual(
    expect.arrayContaining([expect.stringMatching(/^ajv\//), 'undici/lib/dispatcher/pool.js']),
  );
  const spared =
    /^(undici\/index\.js|ajv\/dist\/2019\.js|fastify|light-my-request|yargs\/|cli-progress|sax|@zip\.js|tldts|fuse\.js|string-width)/;
  expect(loaded.filter((path) => spared.test(path))).toEqual([]);
});

test('a short job does not wait at its end for an optimized compilation of undici’s parser', async () => {
  const { url } = await servePaid();
  const dir = createWorkdir();
  dir.write('in.csv', createList(20));
  const args = ['run', 'in.csv', '-f', 'answer', '--batch-size', '1', '--api-url', url, '--yes', '--quiet'];
  const result = await dir.runProcess(args, { env: { NODE_OPTIONS: `--import ${TRACE_WASM}` } });
  expect(result).toMatchObject({ status: 0 });
  expect(result.stdout).not.toContain('TurboFan');
});

test('status loads little more than the ledger’s driver', async () => {
  // Without a ledger, even the driver is not loaded.
  const loaded = await findLoaded(['status']);
  expect(loaded.filter((path) => path.startsWith('libsql/'))).toEqual([]);
  expect(loaded.filter((path) => /^(ajv|undici|papaparse)\//.test(path))).toEqual([]);
});
