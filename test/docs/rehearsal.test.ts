import { execFile } from 'node:child_process';
import { chmodSync, cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { FAULT_KINDS } from '../../src/server/rehearsal/fault.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { type Background, createWorkdir, type Workdir } from '../helpers/workdir.js';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/rehearsal.md'), 'utf8');
const [serveLine, runLines, curlLine, faultsLine] = readBlocks('sh');
const [script] = readBlocks('json');
const [program] = readBlocks('js');
const run = promisify(execFile);

function readBlocks(language: string): string[] {
  const blocks = PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...blocks].map((block) => (block[1] ?? '').trim());
}

/** A folder with the samples and a `rowfill` command that runs the built program. */
function createPlace(): Workdir {
  const workdir = createWorkdir();
  cpSync(join(ROOT, 'samples'), workdir.path, { recursive: true });
  const program = join(ROOT, 'dist/cli/main.js');
  chmodSync(workdir.write('bin/rowfill', `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`), 0o755);
  return workdir;
}

/** Runs a `rowfill serve` line of the page on a free port. */
async function start(workdir: Workdir, line: string | undefined): Promise<Background> {
  const [name, ...words] = (line ?? '').replace('--port 8080', '--port 0').split(' ');
  expect(name).toBe('rowfill');
  return await workdir.start(words);
}

/** Runs lines of the page in a shell, against the server at `url`. */
async function runLinesOf(workdir: Workdir, text: string | undefined, url: string) {
  const env = { ...process.env, PATH: `${join(workdir.path, 'bin')}:${process.env.PATH}` };
  const lines = (text ?? '').replaceAll('http://127.0.0.1:8080', url);
  return await run('sh', ['-e', '-c', lines], { cwd: workdir.path, env });
}

test.skipIf(process.platform === 'win32')(
  'the job on the page runs, and its cost matches what the service billed',
  async () => {
    const workdir = createPlace();
    const server = await start(workdir, serveLine);
    const { stderr } = await runLinesOf(workdir, runLines, server.line);
    const report = JSON.parse((await runLinesOf(workdir, curlLine, server.line)).stdout);
    expect(report.runs.completed).toBeGreaterThan(0);
    expect(stderr).toContain(`Cost: $${report.billedDollars}`);
    expect(workdir.read('companies.filled.csv')).toContain(',enriched,');
  },
);

test.skipIf(process.platform === 'win32')(
  'the job runs with the scripted faults, and nothing is billed twice',
  async () => {
    const workdir = createPlace();
    workdir.write('faults.json', script ?? '');
    const server = await start(workdir, faultsLine);
    const { stderr } = await runLinesOf(workdir, runLines, server.line);
    const report = JSON.parse((await runLinesOf(workdir, curlLine, server.line)).stdout);
    expect(Object.keys(report.faults)).toContain('failed_run');
    expect(stderr).toContain(`Cost: $${report.billedDollars}`);
  },
);

test('the program on the page runs', async () => {
  const workdir = createPlace();
  const library = pathToFileURL(join(ROOT, 'dist/server.js')).href;
  workdir.write('example.mjs', (program ?? '').replace("'rowfill/server'", `'${library}'`));
  const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: workdir.path });
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+ \{/);
});

test('the page lists every fault and setting, and no unknown fault', () => {
  const firstCells = [...PAGE.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \|/gm)].map((match) => match[1] ?? '');
  const named = firstCells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? ''));
  for (const [name, kind] of Object.entries(FAULT_KINDS)) {
    expect(named).toContain(name);
    for (const setting of Object.keys(kind.settings)) expect(PAGE).toContain(`\`${setting}\``);
  }
  const others = ['runs', 'refused', 'requests', 'faults', 'share', 'nth', 'every', 'first', 'max'];
  expect(named.filter((name) => !Object.hasOwn(FAULT_KINDS, name))).toEqual(others);
});

test('the script on the page is valid', () => {
  const rehearsal = resolveRehearsal({ faults: JSON.parse(script ?? '') });
  expect(rehearsal.faults).toHaveLength(6);
  expect(rehearsal.limits).toHaveLength(2);
});
