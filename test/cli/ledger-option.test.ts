import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const SECRET = 's3cret-w0rd';
const OPERANDS: Readonly<Record<string, readonly string[]>> = {
  run: ['in.csv', '--reference', 'ref', '-f', 'city', '--log-file', 'log.jsonl'],
  plan: ['in.csv', '--reference', 'ref', '-f', 'city'],
  watch: ['drop', '--once', '--reference', 'ref', '-f', 'city'],
  ledger: ['check'],
  prune: ['--runs', '1d'],
  status: [],
  doctor: ['--reference', 'ref'],
  view: ['--no-open'],
  report: [],
  worker: [],
};

function createFolder(): Workdir {
  const workdir = createWorkdir();
  workdir.write('in.csv', 'company,city\nAcme,\n');
  workdir.write('ref/towns.csv', 'company,city\nAcme,Oslo\n');
  workdir.write('drop/a.csv', 'company,city\nAcme,\n');
  return workdir;
}

async function listCommands(): Promise<readonly string[]> {
  const loaded = await Promise.all(
    COMMANDS.map(async ({ name, load }) => ({ name, options: (await load()).options })),
  );
  return loaded.flatMap(({ name, options }) => ('ledger' in options ? [name] : []));
}

/** Everything that the program printed, and the text of every file that it left. */
function readAll(workdir: Workdir, { stdout, stderr }: { stdout: string; stderr: string }): string {
  const entries = readdirSync(workdir.path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((each) => join(each.parentPath, each.name));
  return [stdout, stderr, ...files.map((path) => readFileSync(path, 'latin1'))].join('\n');
}

test('every command with a ledger refuses a password on the command line, and does not repeat it', async () => {
  const names = await listCommands();
  expect(names).toEqual(expect.arrayContaining(Object.keys(OPERANDS)));
  expect(names.length).toBeGreaterThan(12);
  const workdir = createFolder();
  const flags = [`postgres://me:${SECRET}@127.0.0.1:1/x`, `postgres://127.0.0.1:1/x?password=${SECRET}`];
  for (const [index, name] of names.entries()) {
    const url = flags[index % flags.length] ?? '';
    const result = await workdir.run([name, ...(OPERANDS[name] ?? ['j_0f3a']), '--ledger', url]);
    expect(result.stderr, name).toContain('[LEDGER_PASSWORD]');
    expect(result.stderr, name).toContain('Set ROWFILL_LEDGER to the whole URL');
    expect(result.status, name).toBe(2);
    expect(readAll(workdir, result), name).not.toContain(SECRET);
  }
  const copied = await workdir.run(['ledger', 'copy', 'a.sqlite', flags[0] ?? '']);
  expect(copied.stderr).toContain('[LEDGER_PASSWORD]');
  expect(readAll(workdir, copied)).not.toContain(SECRET);
});

test.each([
  ['postgres://me:s3cret/w0rd@db/x', 'LEDGER_URL'],
  ['mysql://db/x', 'LEDGER_URL'],
  ['postgres://db/x?schema=My-Team', 'LEDGER_URL'],
  [`'postgres://u:s3cret@127.0.0.1:5432/db'`, 'LEDGER_URL'],
  ['"postgres://u:s3cret@127.0.0.1:5432/db"', 'LEDGER_URL'],
  ['postgres:/u:s3cret@127.0.0.1:5432/db', 'LEDGER_URL'],
  ['postgres://u:s3cret%ss@127.0.0.1:5432/db', 'LEDGER_URL'],
  ['host=db password=s3cret', 'LEDGER_URL'],
  ['~/ledger.sqlite', 'LEDGER_PATH'],
  ['ledger.sqlite', 'LEDGER_PATH'],
  ['./ledger.sqlite', 'LEDGER_PATH'],
])('ROWFILL_LEDGER=%s is refused with %s', async (location, code) => {
  const workdir = createFolder();
  const result = await workdir.run(['status'], { env: { ROWFILL_LEDGER: location } });
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain(`[${code}]`);
  expect(result.stderr).toContain('what to do: ');
  expect(result.stderr).not.toContain('s3cret');
  expect(readdirSync(workdir.path).sort()).toEqual(['drop', 'in.csv', 'ref']);
});

test.each([
  ['doctor', 'postgres://u:s3@h/x'],
  ['run', 'postgres://u:s3@h/x', '-f', 'city'],
  ['postgres://u:s3@h/x'],
  ['-lpostgres://u:s3@h/x'],
  ['help', 'postgres://u:s3@h/x'],
  ['run', 'in.csv', '-f', 'city', '--ledgr=postgres://u:s3@h/x'],
  ['run', 'in.csv', '-f', 'city', '--max-cost', 'postgresql://u:s3@h/x'],
  ['run', 'in.csv', '-f', 'city', '-o', 'postgres://u:s3@h/x'],
  ['run', 'https://u:s3@h/x.csv', '-f', 'city'],
  ['status', '--json', 'postgres://h/x?password=s3'],
  ['status', '--ledger', `'postgres://u:s3@h/x'`],
  ['status', '--ledger', ' postgres://u:s3@h/x'],
  ['status', '--ledger', 'postgres:/u:s3@h/x'],
  ['ledger', 'copy', 'a.sqlite', `"postgres://u:s3/@h/x"`],
])('%s %s: a password anywhere on the command line is refused, and not repeated', async (...words) => {
  const workdir = createFolder();
  const result = await workdir.run(words);
  expect(result.stderr).toContain('[LEDGER_PASSWORD]');
  expect(result.status).toBe(2);
  expect(readAll(workdir, result)).not.toContain('s3');
  expect(readdirSync(workdir.path).sort()).toEqual(['drop', 'in.csv', 'ref']);
});

test.each([
  ['status', '--ledger', `'postgres://u@h/x'`],
  ['status', '--ledger', 'postgres:/u@h/x'],
  ['ledger', 'create', '--ledger', 'mysql://u@h/x'],
  ['ledger', 'copy', 'a.sqlite', '"postgres://u@h/x"'],
  ['ledger', 'copy', 'postgres:u@h/x', 'a.sqlite'],
  ['doctor', '--ledger', 'u:s3@h/x'],
])('%s %s %s %s: a URL that is not one becomes no file', async (...words) => {
  const workdir = createFolder();
  const result = await workdir.run(words);
  expect(result.stderr).toContain('[LEDGER_URL]');
  expect(result.status).toBe(2);
  expect(readAll(workdir, result)).not.toContain('s3');
  expect(readdirSync(workdir.path).sort()).toEqual(['drop', 'in.csv', 'ref']);
});

test('ROWFILL_LEDGER names the ledger, a recipe overrides it, and --ledger overrides both', async () => {
  const workdir = createFolder();
  workdir.write('a.recipe.yaml', 'fields: {city: string}\nagent: {reference: ref}\nledger: recipe.sqlite\n');
  const env = { ROWFILL_LEDGER: join(workdir.path, 'own.sqlite') };
  const run = ['run', 'in.csv', '-o', 'out.csv'];
  await workdir.run([...run, '--reference', 'ref', '-f', 'city'], { env });
  expect(workdir.has('own.sqlite')).toBe(true);
  expect(workdir.has('recipe.sqlite')).toBe(false);
  await workdir.run([...run, '-r', 'a.recipe.yaml'], { env });
  expect(workdir.has('recipe.sqlite')).toBe(true);
  await workdir.run([...run, '-r', 'a.recipe.yaml', '--ledger', 'given.sqlite'], { env });
  expect(workdir.has('given.sqlite')).toBe(true);
  const doctor = await workdir.run(['doctor', '-r', 'a.recipe.yaml'], { env });
  expect(doctor.stdout).toMatch(/^ok +ledger .*recipe\.sqlite/m);
  const status = await workdir.run(['status', '--json'], { env });
  expect(JSON.parse(status.stdout).jobs).toHaveLength(1);
  expect(workdir.has('.rowfill/ledger.sqlite')).toBe(false);
});

test('a recipe in a folder that looks like a URL names its ledger by a path', async () => {
  const workdir = createFolder();
  const text = 'fields: {city: string}\nagent: {reference: ref}\nledger: ';
  workdir.write('Q1: a@b/ref/towns.csv', 'company,city\nAcme,Oslo\n');
  workdir.write('Q1: a@b/a.recipe.yaml', `${text}l.sqlite\n`);
  workdir.write('b.recipe.yaml', `${text}./acme:eu@2026.sqlite\n`);
  for (const recipe of ['Q1: a@b/a.recipe.yaml', 'b.recipe.yaml'])
    expect(await workdir.run(['run', 'in.csv', '-o', 'out.csv', '-r', recipe])).toMatchObject({ status: 0 });
  expect(workdir.has('Q1: a@b/l.sqlite')).toBe(true);
  expect(workdir.has('acme:eu@2026.sqlite')).toBe(true);
});

test.each(['https://example.com:8080?ref=a@b is the list', 'http://host:80/x@y', 'ask me@example.com: city'])(
  'the query “%s” has no password',
  async (query) => {
    const args = ['plan', 'in.csv', '--reference', 'ref', '-f', 'city', '-q', query];
    expect(await createFolder().run(args)).toMatchObject({ status: 0 });
  },
);

test('a ledger that ROWFILL_LEDGER names need not exist yet', async () => {
  const workdir = createFolder();
  const env = { ROWFILL_LEDGER: join(workdir.path, 'new.sqlite') };
  const status = await workdir.run(['status'], { env });
  expect(status).toMatchObject({ status: 0, stderr: expect.stringContaining('No jobs yet') });
  expect(workdir.has('new.sqlite')).toBe(false);
  const plan = await workdir.run(['plan', 'in.csv', '--reference', 'ref', '-f', 'city'], { env });
  expect(plan.status).toBe(0);
  expect(workdir.has('new.sqlite')).toBe(false);
});

test('an output is never the ledger that ROWFILL_LEDGER names', async () => {
  const workdir = createFolder();
  const env = { ROWFILL_LEDGER: join(workdir.path, 'own.sqlite') };
  const args = ['run', 'in.csv', '--reference', 'ref', '-f', 'city', '-o'];
  expect((await workdir.run([...args, 'out.csv'], { env })).status).toBe(0);
  const onto = await workdir.run([...args, 'own.sqlite'], { env });
  expect(onto.stderr).toContain('[OUTPUT_IS_INPUT]');
  const recipe = await workdir.run(['init', 'in.csv', '--yes', '--output-recipe', 'own.sqlite', '--force'], {
    env,
  });
  expect(recipe.stderr).toContain('[OUTPUT_IS_INPUT]');
});
