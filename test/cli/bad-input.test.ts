import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { servePaid } from '../helpers/paid-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

interface Case {
  readonly title: string;
  /** Extra files next to `in.csv` and the tables, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args: readonly string[];
  /** Texts that the message and its hint must contain. */
  readonly says: readonly (string | RegExp)[];
}

const FREE = ['--reference', 'tables'];
const CASES: readonly Case[] = [
  { title: 'a missing file', args: ['none.csv', '-f', 'ceo', ...FREE], says: ['none.csv'] },
  { title: 'a missing file with a similar name', args: ['in.cvs', '-f', 'ceo', ...FREE], says: ['in.cvs'] },
  {
    title: 'a missing file in a missing folder, whose output has no folder either',
    args: ['none/in.csv', '-f', 'ceo', ...FREE],
    says: ['none/in.csv does not exist', 'Check the path.'],
  },
  { title: 'a folder given as a file', args: ['tables', '-f', 'ceo', ...FREE], says: ['tables is a folder'] },
  { title: 'an empty file', files: { 'a.csv': '' }, args: ['a.csv', '-f', 'ceo', ...FREE], says: ['a.csv'] },
  {
    title: 'a header without rows',
    files: { 'a.csv': 'company,domain\n' },
    args: ['a.csv', '-f', 'ceo', ...FREE],
    says: ['a.csv has a header but no rows'],
  },
  {
    title: 'a file that is not text',
    files: { 'a.csv': Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0, 1, 2, 3]) },
    args: ['a.csv', '-f', 'ceo', ...FREE],
    says: ['a.csv'],
  },
  {
    title: 'a quote that is never closed',
    files: { 'a.csv': 'company,city\nAcme,"Oslo\nBolt,Bonn\n' },
    args: ['a.csv', '-f', 'ceo', ...FREE],
    says: ['a.csv', /line 2/],
  },
  {
    title: 'an unknown column to send',
    args: ['in.csv', '-f', 'ceo', '--send', 'compnay', ...FREE],
    says: ['compnay', 'Did you mean company?'],
  },
  { title: 'no field or schema', args: ['in.csv', ...FREE], says: ['--field', '--schema'] },
  {
    title: 'a field given twice',
    args: ['in.csv', '-f', 'ceo', '-f', 'ceo:integer', ...FREE],
    says: ['ceo', 'twice'],
  },
  {
    title: 'a field named like a result column',
    args: ['in.csv', '-f', 'enrichment_status', ...FREE],
    says: ['enrichment_status'],
  },
  {
    title: 'a field of an unknown type',
    args: ['in.csv', '-f', 'ceo:strng', ...FREE],
    says: ['strng', 'string'],
  },
  { title: 'a missing schema', args: ['in.csv', '-s', 'none.json', ...FREE], says: ['none.json'] },
  {
    title: 'a schema that is not JSON',
    files: { 's.json': '{"type": "object",}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json'],
  },
  {
    title: 'JSON that is not a JSON Schema',
    files: { 's.json': '{"type":"object","properties":{"ceo":{"type":"strng"}}}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json', '/properties/ceo/type'],
  },
  {
    title: 'a schema whose root is not an object',
    files: { 's.json': '{"type":"array","items":{"type":"string"}}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json', 'object'],
  },
  {
    title: 'a schema that needs the network',
    files: { 's.json': '{"type":"object","properties":{"ceo":{"$ref":"https://example.com/a.json"}}}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json', 'https://example.com/a.json'],
  },
  {
    title: 'a schema with an invalid pattern',
    files: { 's.json': '{"type":"object","properties":{"ceo":{"type":"string","pattern":"("}}}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json', '/properties/ceo/pattern'],
  },
  {
    title: 'a schema without properties',
    files: { 's.json': '{"type":"object"}' },
    args: ['in.csv', '-s', 's.json', ...FREE],
    says: ['s.json', 'has no properties'],
  },
  {
    title: 'an output in a missing folder',
    args: ['in.csv', '-f', 'ceo', '-o', 'none/out.csv', ...FREE],
    says: ['none'],
  },
  {
    title: 'an output that is a folder',
    args: ['in.csv', '-f', 'ceo', '-o', 'tables', ...FREE],
    says: ['tables is a folder'],
  },
  {
    title: 'an output that is the input',
    args: ['in.csv', '-f', 'ceo', '-o', 'in.csv', ...FREE],
    says: ['in.csv'],
  },
  {
    title: 'a missing exclusion file',
    args: ['in.csv', '-f', 'ceo', '--exclude', 'none.csv', ...FREE],
    says: ['none.csv'],
  },
  {
    title: 'an unknown exclusion column',
    files: { 'x.csv': 'company\nAcme\n' },
    args: ['in.csv', '-f', 'ceo', '--exclude', 'x.csv', '--exclude-on', 'domian', ...FREE],
    says: ['domian'],
  },
  ...[',', ' ', ' , ,', '""'].map((names) => ({
    title: `an exclusion on ${JSON.stringify(names)}`,
    files: { 'x.csv': 'company\nAcme\n' },
    args: ['in.csv', '-f', 'ceo', '--exclude', 'x.csv', '--exclude-on', names, ...FREE],
    says: ['--exclude-on', 'an empty list'],
  })),
  {
    title: 'an empty list of columns to send',
    args: ['in.csv', '-f', 'ceo', '--send', ',', ...FREE],
    says: ['--send', 'an empty list'],
  },
  { title: 'an empty field', args: ['in.csv', '-f', '', ...FREE], says: ['--field'] },
  { title: 'a field that is a comma', args: ['in.csv', '-f', ' , ', ...FREE], says: ['field', 'no name'] },
  {
    title: 'an invalid list of efforts',
    args: ['in.csv', '-f', 'ceo', '--effort', ',', ...FREE],
    says: ['--effort'],
  },
  ...[
    'send: []',
    'send:',
    'send: [""]',
    'exclude: {file: x.csv, on: []}',
    'exclude: {file: x.csv, on: [" "]}',
  ].map((line) => ({
    title: `a recipe with ${line}`,
    files: { 'x.csv': 'company\nAcme\n', 'r.yaml': `query: Find it.\nfields: [ceo]\n${line}\n` },
    args: ['in.csv', '-r', 'r.yaml', ...FREE],
    says: ['r.yaml:3:'],
  })),
  {
    title: 'an exclusion list without values to compare',
    files: { 'x.csv': 'company,domain\nAcme,\nBolt,n/a\n' },
    args: ['in.csv', '-f', 'ceo', '--exclude', 'x.csv', '--exclude-on', 'domain', ...FREE],
    says: ['x.csv', 'domain', 'exclude nothing'],
  },
  {
    title: 'missing tables',
    args: ['in.csv', '-f', 'ceo', '--reference', 'none'],
    says: ['The reference folder none cannot be read: no such file or folder'],
  },
  {
    title: 'two agents',
    args: ['in.csv', '-f', 'ceo', ...FREE, '--api-url', 'http://127.0.0.1:1'],
    says: ['--reference', '--api-url'],
  },
  { title: 'no agent', args: ['in.csv', '-f', 'ceo'], says: ['EXA_API_KEY', '--reference', '--api-url'] },
  {
    title: 'an invalid agent URL',
    args: ['in.csv', '-f', 'ceo', '--api-url', 'nowhere'],
    says: ['nowhere'],
  },
  {
    title: 'an unknown effort',
    args: ['in.csv', '-f', 'ceo', '--effort', 'hihg', ...FREE],
    says: ['hihg', 'Did you mean high?'],
  },
  {
    title: 'an effort given twice',
    args: ['in.csv', '-f', 'ceo', '--effort', 'low,low', ...FREE],
    says: ['low,low', 'twice'],
  },
  {
    title: 'exclusion columns without an exclusion file',
    args: ['in.csv', '-f', 'ceo', '--exclude-on', 'company', ...FREE],
    says: ['--exclude-on', '--exclude FILE'],
  },
  {
    title: 'a timeout that is too long',
    args: ['in.csv', '-f', 'ceo', '--run-timeout', '40d', ...FREE],
    says: ['--run-timeout is 3456000000 ms', 'to 20 days'],
  },
  {
    title: 'a batch size of 0',
    args: ['in.csv', '-f', 'ceo', '--batch-size', '0', ...FREE],
    says: ['--batch-size is 0'],
  },
  {
    title: 'an invalid age',
    args: ['in.csv', '-f', 'ceo', '--max-age', 'old', ...FREE],
    says: ['--max-age is old'],
  },
  {
    title: 'a log that cannot be written',
    args: ['in.csv', '-f', 'ceo', '--log-file', 'none/a.log', ...FREE],
    says: ['--log-file', 'none/a.log'],
  },
  {
    title: 'citations in a missing folder',
    args: ['in.csv', '-f', 'ceo', '--citations-file', 'none/c.jsonl', ...FREE],
    says: ['The folder none does not exist'],
  },
  {
    title: 'citations over the input',
    args: ['in.csv', '-f', 'ceo', '--citations-file', './in.csv', ...FREE],
    says: ['--citations-file', './in.csv', 'the input'],
  },
  {
    title: 'citations over the output',
    args: ['in.csv', '-f', 'ceo', '-o', 'out.csv', '--citations-file', './out.csv', ...FREE],
    says: ['--citations-file', '--output', './out.csv'],
  },
  {
    title: 'a log in the input',
    args: ['in.csv', '-f', 'ceo', '--log-file', 'in.csv', ...FREE],
    says: ['--log-file', 'in.csv', 'the input'],
  },
  {
    title: 'a log in the output',
    args: ['in.csv', '-f', 'ceo', '--log-file', 'in.filled.csv', ...FREE],
    says: ['--log-file', '--output', 'in.filled.csv'],
  },
  {
    title: 'an output over the exclusion file',
    files: { 'x.csv': 'company\nAcme\n' },
    args: ['in.csv', '-f', 'ceo', '--exclude', 'x.csv', '-o', 'x.csv', ...FREE],
    says: ['--output', 'x.csv', '--exclude'],
  },
  {
    title: 'an output over the schema',
    files: { 's.json': '{"type":"object","properties":{"ceo":{"type":"string"}}}' },
    args: ['in.csv', '-s', 's.json', '-o', 's.json', ...FREE],
    says: ['--output', 's.json', '--schema'],
  },
  {
    title: 'an output over the recipe',
    files: { 'r.yaml': 'fields: {ceo: string}\n' },
    args: ['in.csv', '-r', 'r.yaml', '-o', 'r.yaml', ...FREE],
    says: ['--output', 'r.yaml', '--recipe'],
  },
  {
    title: 'an output over a reference table',
    args: ['in.csv', '-f', 'ceo', '-o', 'tables/a.csv', ...FREE],
    says: ['--output', 'tables/a.csv', '--reference'],
  },
  {
    title: 'the beginning of an effort',
    args: ['in.csv', '-f', 'ceo', '--effort', 'hi', ...FREE],
    says: ['unknown effort level “hi”', 'Did you mean high?'],
  },
  {
    title: 'a negative limit',
    args: ['in.csv', '-f', 'ceo', '--limit', '-3', ...FREE],
    says: ['--limit is -3', 'Use a whole number, at least 1.'],
  },
  {
    title: 'a log in a missing folder',
    args: ['in.csv', '-f', 'ceo', '--log-file', 'none/a.log', ...FREE],
    says: ['none/a.log cannot be written: no such file or folder'],
  },
  {
    title: 'a folder as schema',
    args: ['in.csv', '-s', 'tables', ...FREE],
    says: ['cannot read the schema tables: it is a folder'],
  },
];

test.each(CASES)('$title gives a specific message and exit code 2, and changes no files', async (each) => {
  const dir = createInputs();
  for (const [name, content] of Object.entries(each.files ?? {})) dir.write(name, content);
  const result = await dir.run(['run', ...each.args], {
    env: each.title === 'an invalid agent URL' ? { EXA_API_KEY: 'k' } : {},
  });
  expect(result).toMatchObject({ status: 2, stdout: '' });
  for (const text of each.says) expect(result.stderr).toMatch(text);
  expect(result.stderr).toMatch(/^error: .+ \[[A-Z_]+\]\n/);
  expect(result.stderr).toMatch(/^what to do: /m);
  expect(result.stderr).not.toMatch(/defect|\n {4}at |\bE[A-Z]{4,}:/);
  const before = { 'in.csv': INPUT, 'tables/a.csv': TABLE, ...each.files };
  for (const [name, content] of Object.entries(before)) {
    if (typeof content === 'string') expect(dir.read(name)).toBe(content);
  }
  for (const name of ['in.filled.csv', 'a.filled.csv', 'none', 'out.csv']) expect(dir.has(name)).toBe(false);
});

test('reports a URL that is not an agent, with exit code 4, before sending anything', async () => {
  const dir = createInputs();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>A shop</body></html>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const args = ['run', 'in.csv', '-f', 'ceo', '--api-url', `http://127.0.0.1:${port}`, '--yes'];
  const result = await dir.run(args, { env: { EXA_API_KEY: 'some-key' } });
  expect(result.status).toBe(4);
  expect(result.stderr).toContain(`http://127.0.0.1:${port}`);
  expect(requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  expect(dir.has('in.filled.csv')).toBe(false);
});

test('reports an almost full disk before spending anything', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', INPUT);
  const { url, agent } = await servePaid();
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  const { status, stderr } = await dir.runProcess(args, { env: { NODE_OPTIONS: `--import ${ALMOST_FULL}` } });
  expect(status).toBe(2);
  expect(stderr).toMatch(/disk of the ledger is almost full.*ledger\.sqlite[\s\S]*--ledger/);
  expect(agent.tasks).toEqual([]);
  expect(dir.has('in.filled.csv')).toBe(false);
  expect(await dir.run(args)).toMatchObject({ status: 0 });
});

/** Makes the system report one free page for every disk. */
const ALMOST_FULL = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { statfsSync } = fs;
  fs.statfsSync = (path) => ({ ...statfsSync(path), bavail: 1, bfree: 1 });
  syncBuiltinESMExports();
`)}`;

test.runIf(process.platform !== 'win32' && process.getuid?.() !== 0)(
  'reports a read-only output folder before the job starts',
  async () => {
    const dir = createInputs();
    mkdirSync(join(dir.path, 'locked'));
    chmodSync(join(dir.path, 'locked'), 0o500);
    const result = await dir.run(['run', 'in.csv', '-f', 'ceo', '-o', 'locked/out.csv', ...FREE]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('locked');
  },
);

const INPUT = 'company,domain\nAcme,acme.example\n';
const TABLE = 'company,ceo\nAcme,Ann\n';

function createInputs(): Workdir {
  const dir = createWorkdir();
  dir.write('in.csv', INPUT);
  dir.write('tables/a.csv', TABLE);
  return dir;
}

test('the messages of watch and serve for a missing folder have no system codes', async () => {
  const dir = createInputs();
  const watch = await dir.run(['watch', 'none', '-f', 'ceo', '--once', ...FREE]);
  expect(watch.stderr).toContain('error: none cannot be watched: no such file or folder [WATCH_NO_FOLDER]');
  const serve = await dir.run(['serve', '--reference', 'none']);
  expect(serve.stderr).toContain('error: The reference folder none cannot be read: no such file or folder [');
});

/** Commands with a path that cannot be used; `FREE` and the like are added where a command needs them. */
const PATHS: readonly ((path: string) => readonly string[])[] = [
  (path) => ['run', path, '-f', 'city', ...FREE],
  (path) => ['run', 'in.csv', '-f', 'city', ...FREE, '-o', path],
  (path) => ['run', 'in.csv', '-f', 'city', ...FREE, '--citations-file', path],
  (path) => ['run', 'in.csv', '-f', 'city', ...FREE, '--log-file', path],
  (path) => ['run', 'in.csv', '-f', 'city', ...FREE, '--exclude', path],
  (path) => ['run', 'in.csv', '-f', 'city', ...FREE, '--ledger', path],
  (path) => ['run', 'in.csv', '-f', 'city', '--reference', path],
  (path) => ['run', 'in.csv', '-r', path],
  (path) => ['run', 'in.csv', '-s', path, ...FREE],
  (path) => ['export', 'JOB', '--input', path, '-o', 'x.csv'],
  (path) => ['export', 'JOB', '-o', path],
  (path) => ['report', path],
  (path) => ['report', 'JOB', '-o', path],
  (path) => ['view', path, '--no-open'],
  (path) => ['view', 'JOB', '--no-open', '--input', path],
  (path) => ['verify', 'JOB', '--input', path],
  (path) => ['diff', path, 'in.filled.csv'],
  (path) => ['diff', 'in.filled.csv', 'in.filled.csv', '-o', path],
  (path) => ['init', path, '-f', 'city'],
  (path) => ['init', 'in.csv', '-f', 'city', '-o', path],
  (path) => ['watch', path, '--once', '-f', 'city', ...FREE],
  (path) => ['watch', 'drops', '--once', '-f', 'city', ...FREE, '--log-file', path],
  (path) => ['watch', 'drops', '--once', '-f', 'city', ...FREE, '--heartbeat', path],
  (path) => ['serve', '--port', '0', '--reference', 'tables', '--faults', path],
  (path) => ['serve', '--port', '0', '--reference', 'tables', '--store', path],
  (path) => ['ledger', 'copy', path, 'copy.sqlite'],
  (path) => ['ledger', 'copy', join('.rowfill', 'ledger.sqlite'), path],
  (path) => ['forget', 'JOB', '--ledger', path],
  (path) => ['prune', '--runs', '1d', '--ledger', path],
];

/** Words of the system, of a driver, or of a bug. */
const RAW =
  /\bE(?:NOENT|NOTDIR|ISDIR|ACCES|PERM|LOOP|NAMETOOLONG)\b|\berrno\b|scandir|realpath|lstat|ConnectionFailed|bug in rowfill/;

test.skipIf(process.platform === 'win32')(
  'every option that takes a path says in words why it cannot use it',
  { timeout: 60_000 },
  async () => {
    const dir = createInputs();
    mkdirSync(join(dir.path, 'drops'));
    symlinkSync('loop', join(dir.path, 'loop'));
    expect((await dir.run(['run', 'in.csv', '-f', 'city', ...FREE])).status).toBe(0);
    const [{ job }] = JSON.parse((await dir.run(['status', '--json'])).stdout).jobs;
    const bad = ['drops', 'in.csv/x', 'loop', `${'n'.repeat(300)}.csv`];
    for (const create of PATHS) {
      for (const path of bad) {
        const words = create(path).map((word) => (word === 'JOB' ? job : word));
        // A folder can be watched, and a heartbeat replaces a link that leads nowhere.
        if (words[0] === 'watch' && words[1] === path && path === 'drops') continue;
        if (words.includes('--heartbeat') && path === 'loop') continue;
        const { status, stderr } = await dir.run(words);
        expect({ words, status, stderr }).toMatchObject({
          status: 2,
          stderr: expect.not.stringMatching(RAW),
        });
        expect(stderr).toMatch(/^error: .*\n(.*\n)*what to do: [A-Z].*\.\n$/);
      }
    }
  },
);

test('the hint about a result that cannot be written names its option', async () => {
  const dir = createInputs();
  const run = ['run', 'in.csv', '-f', 'city', ...FREE];
  const { stderr } = await dir.run([...run, '--citations-file', 'in.csv/c.jsonl']);
  expect(stderr).toContain('in.csv is a file, not a folder');
  expect(stderr).toContain('Choose another path with --citations-file.');
  expect((await dir.run([...run, '-o', 'in.csv/c.csv'])).stderr).toContain(
    'Choose another path with --output.',
  );
});

test('a ledger that does not exist is not created by a command that only reads one', async () => {
  const dir = createInputs();
  for (const words of [
    ['export', 'j_x'],
    ['cancel', 'j_x'],
    ['verify', 'j_x'],
    ['forget', 'j_x'],
    ['status'],
  ]) {
    const { status, stderr } = await dir.run([...words, '--ledger', 'typo.sqlite']);
    expect({ words, status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('[LEDGER_MISSING]'),
    });
  }
  expect(dir.has('typo.sqlite')).toBe(false);
});

test('a copy of the ledger that cannot be written is named by its own path', async () => {
  const dir = createInputs();
  await dir.run(['run', 'in.csv', '-f', 'ceo', ...FREE]);
  const { stderr } = await dir.run([
    'ledger',
    'copy',
    join('.rowfill', 'ledger.sqlite'),
    'in.csv/copy.sqlite',
  ]);
  expect(stderr).toMatch(/The copy cannot be written: \S+copy\.sqlite \(.+\) \[LEDGER_NOT_WRITABLE\]/);
  expect(stderr).toContain('Choose another path.');
});
