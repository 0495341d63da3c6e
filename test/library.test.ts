import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readSources } from './helpers/architecture.js';
import { NO_FOLDER_LINKS } from './helpers/platform.js';
import { createTempFolder } from './helpers/temp-folder.js';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const run = promisify(execFile);

/** What each program in samples/library prints; `…` stands for anything. */
const PRINTED: Readonly<Record<string, string>> = {
  'fill-a-file.mjs': 'done: 60 of 97 rows enriched\ncost: $0\n',
  'fill-objects.mjs': [
    '9007199254740993 Satya Nadella: Chairman and CEO (leaders.jsonl#line=1)',
    '2 Tim Cook: CEO (leaders.jsonl#line=2)',
    '3 Nobody Anybody Knows: not_found (nowhere)',
    '2 of 3 enriched\n',
  ].join('\n'),
  'rehearse-a-paid-job.mjs':
    'planned: 95 rows, 12 runs, $0.6 at worst\ndone: … runs, $0.…\nthe bill is right: true\n',
  'serve-your-own-agent.mjs': 'row: 3\ncolumn: 6\nrow: 3\nasked once: 1 duplicate\n',
  'typed-values.ts': [
    '3 of 3 customers would be sent',
    'Microsoft: Redmond, 50 years',
    'Apple: Cupertino, 49 years',
    'Nobody Anybody Knows: unknown, unknown years\n',
  ].join('\n'),
  'use-the-client.mjs':
    'completed: {"city":"Redmond"}\ncited from headquarters.csv, row 82\n404 RUN_NOT_FOUND\n',
};

test('every program in samples/library is tested here and listed on the page', () => {
  const programs = readdirSync(join(ROOT, 'samples/library'));
  expect(programs.toSorted()).toEqual(Object.keys(PRINTED).toSorted());
  for (const name of programs) expect(PAGE).toContain(`(../samples/library/${name})`);
});

test.skipIf(NO_FOLDER_LINKS).each(Object.entries(PRINTED))(
  '%s prints the expected output with the built package',
  async (name, printed) => {
    const place = await createPlace();
    if (name.endsWith('.ts')) await place.compile(name);
    const { stdout, stderr } = await place.run(join('samples', 'library', name.replace(/\.ts$/, '.js')));
    const pattern = printed.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    expect(stdout).toMatch(new RegExp(`^${pattern.join('.+')}$`));
    // The library prints nothing itself; these are the events that the program prints.
    const told = stderr
      .split('\n')
      .filter(
        (line) =>
          line !== '' &&
          !/^\d+ rows answered by |customers\.csv: \d |customers\.csv matched no row/.test(line),
      );
    expect(told).toEqual([]);
  },
);

const blocks = [...PAGE.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');

test.skipIf(NO_FOLDER_LINKS).each(blocks.map((block, index) => [index + 1, block] as const))(
  'program %i of docs/library.md runs',
  async (_number, block) => {
    const place = await createPlace();
    writeFileSync(join(place.folder, 'program.mjs'), block);
    const { stdout, stderr } = await place.run('program.mjs');
    expect(stdout).not.toBe('');
    expect(stderr).toBe('');
  },
);

describe('each exported name', () => {
  const names = readExports();
  const declarations = [...readSources(join(ROOT, 'src')).values()].join('\n');

  test('is on the page', () => {
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(PAGE))).toEqual([]);
  });

  test('is documented where it is declared', () => {
    const isDocumented = (name: string): boolean =>
      new RegExp(`\\*/\\nexport (?:async )?(?:const|function|class|interface|type) ${name}\\b(?!\\w)`).test(
        declarations,
      );
    expect(names.filter((name) => !isDocumented(name))).toEqual([]);
  });
});

function readExports(): string[] {
  const text = readFileSync(join(ROOT, 'src/index.ts'), 'utf8');
  const lists = [...text.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? '');
  return lists
    .flatMap((list) => list.split(','))
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');
}

/** A folder outside the project with the package installed and a copy of the samples. */
async function createPlace() {
  const folder = await createTempFolder();
  writeFileSync(join(folder, 'package.json'), '{"name":"somewhere-else","private":true}\n');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'rowfill'), 'junction');
  cpSync(join(ROOT, 'samples'), join(folder, 'samples'), {
    recursive: true,
    filter: (path) => !path.includes('.filled.'),
  });
  const env = {
    ...process.env,
    HOME: folder,
    USERPROFILE: folder,
    XDG_DATA_HOME: join(folder, 'data'),
    LOCALAPPDATA: join(folder, 'data'),
  };
  return {
    folder,
    /** Compiles a sample as the program of a user who has the package installed. */
    async compile(name: string) {
      const types = join(ROOT, 'node_modules', '@types');
      const options = {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        rootDir: '.',
        typeRoots: [types],
        types: ['node'],
      };
      writeFileSync(
        join(folder, 'package.json'),
        '{"name":"somewhere-else","private":true,"type":"module"}\n',
      );
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, files: [`samples/library/${name}`] }),
      );
      await run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]);
    },
    run: (program: string) => run(process.execPath, [program], { cwd: folder, env, timeout: 50_000 }),
  };
}
