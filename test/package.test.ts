import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const MAX_PACKAGES = 105;
/** Includes 19 MiB for two SQLite builds (glibc and musl), 8 MiB for compressing workbooks and 6 MiB for reading pages. */
const MAX_BYTES = 54 * 1024 * 1024;

let folder = '';
let packed: { files: { path: string }[]; filename: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowfill-package-'));
  // Skip the package's scripts: dist/ is built already and in use by other tests.
  const output = npm(ROOT, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder);
  const [first] = JSON.parse(output);
  packed = first;
  writeFileSync(join(folder, 'package.json'), '{"name":"somewhere-else","private":true}\n');
  npm(folder, 'install', join(folder, packed.filename), '--ignore-scripts');
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

test('the built program is executable, as npx needs in a checkout', () => {
  expect(statSync(join(ROOT, 'dist/cli/main.js')).mode & 0o111).toBe(0o111);
  if (process.platform === 'win32') return;
  expect(execFileSync(join(ROOT, 'dist/cli/main.js'), ['--version'], { encoding: 'utf8' })).toMatch(/^\d/);
});

test('the package contains the program, types and samples, but no tests or sources', () => {
  const paths = packed.files.map((file) => file.path);
  for (const path of [
    'dist/cli/main.js',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/client.js',
    'dist/server.js',
    'dist/recipe/recipe.schema.json',
    'dist/view/page/index.html',
    'dist/view/page/page.js',
    'dist/view/page/licenses.md',
    'samples/companies.recipe.yaml',
    'README.md',
    'LICENSE',
    'ARCHITECTURE.md',
  ]) {
    expect(paths).toContain(path);
  }
  expect(paths.filter((path) => /^(test|src|node_modules|\.ci)\//.test(path))).toEqual([]);
  expect(paths.filter((path) => /\.(tgz|log|sqlite|map)$|\.filled\./.test(path))).toEqual([]);
});

test('the package runs after an install without install scripts', () => {
  const program = join(folder, 'node_modules', '.bin', 'rowfill');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(execute(program, '--version')).toBe(`${version}\n`);
  expect(execute(program, '--help')).toContain('Usage: rowfill COMMAND');
});

test('the installed program fills a list', () => {
  const program = join(folder, 'node_modules', '.bin', 'rowfill');
  mkdirSync(join(folder, 'tables'));
  writeFileSync(join(folder, 'tables', 'seats.csv'), 'company,hq_city\nAcme,Oslo\n');
  writeFileSync(join(folder, 'in.csv'), 'company\nAcme Inc.\nNobody\n');
  const output = execute(
    program,
    'run',
    'in.csv',
    '--reference',
    'tables',
    '-f',
    'hq_city',
    '-o',
    '-',
    '--quiet',
  );
  expect(output.split('\n').map((line) => line.split(',')[1])).toEqual(['hq_city', 'Oslo', '', undefined]);
});

test('the library can be imported by the package name, and nothing else is exported', () => {
  const script = "import('rowfill').then((m) => console.log(typeof m.RowfillError))";
  expect(execute(process.execPath, '-e', script)).toBe('function\n');
  const schema = "console.log(require('rowfill/recipe.schema.json').title)";
  expect(execute(process.execPath, '-e', schema)).toBe('A rowfill recipe\n');
  for (const [path, name] of [
    ['client', 'AgentClient'],
    ['server', 'startServer'],
  ]) {
    const part = `import('rowfill/${path}').then((m) => console.log(typeof m.${name}))`;
    expect(execute(process.execPath, '-e', part)).toBe('function\n');
  }
  const inside = "import('rowfill/dist/cli/main.js').catch((e) => console.log(e.code))";
  expect(execute(process.execPath, '-e', inside)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
});

test('no dependency needs a newer Node than the project promises', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'));
  const packages: Record<string, { engines?: { node?: string } }> = lock.packages;
  expect(engines.node).toBe('>=20.19');
  const wanted = Object.entries(packages).map(([path, { engines }]) => `${path} ${engines?.node ?? '*'}`);
  expect(wanted.filter((line) => !isMetBy20(line))).toEqual([]);
});

test('an installation has fewer than 105 packages and 54 MiB, and no install scripts', () => {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'));
  const packages: Record<string, { hasInstallScript?: boolean }> = lock.packages;
  const others = Object.keys(packages).filter((path) => path !== 'node_modules/rowfill');
  expect(others.length).toBeLessThan(MAX_PACKAGES);
  expect(measureFolder(join(folder, 'node_modules'))).toBeLessThan(MAX_BYTES);
  expect(Object.keys(packages).filter((path) => packages[path]?.hasInstallScript === true)).toEqual([]);
});

/** True if one of the alternatives accepts Node 20.19. */
function isMetBy20(line: string): boolean {
  const range = line.slice(line.lastIndexOf('node_modules/')).replace(/^\S+ /, '');
  return range.split('||').some((part) => {
    const [, major = '0', minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(part) ?? [];
    const isExact = /^\s*[\^~]/.test(part);
    if (isExact && Number(major) !== 20) return false;
    return Number(major) < 20 || (Number(major) === 20 && Number(minor) <= 19);
  });
}

function npm(cwd: string, ...args: readonly string[]): string {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  return execFileSync('npm', [...args, ...quiet], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function execute(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ROWFILL_HOME: join(folder, 'home') },
    shell: process.platform === 'win32',
  });
}

function measureFolder(path: string): number {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
