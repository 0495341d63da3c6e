import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkArchitecture, PLACES, readSources } from './helpers/architecture.js';

const ROOT = join(import.meta.dirname, '..');

test('imports only go down, stages do not import each other, and packages are used only where allowed', () => {
  const sources = readSources(join(ROOT, 'src'));
  expect(sources.size).toBeGreaterThan(10);
  expect(checkArchitecture(sources)).toEqual([]);
});

test('every production dependency is allowed somewhere', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(Object.keys(PLACES).sort()).toEqual(
    Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).sort(),
  );
});

test('every path that ARCHITECTURE.md names exists, and it names every folder and entry point', () => {
  const map = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const paths = [...map.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  const entries = readdirSync(join(ROOT, 'src'), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const layers = map.slice(map.indexOf('## Layers'), map.indexOf('## The folders'));
  expect(files.filter((name) => !layers.includes(`\`${name}\``) && !layers.includes(` ${name}\``))).toEqual(
    [],
  );
  const folders = entries.filter((entry) => entry.isDirectory());
  expect(folders.filter(({ name }) => !map.includes(`\`${name}/\``))).toEqual([]);
});

describe('the check reports', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    [
      'an import that goes up',
      { 'model/row.ts': "import { enrich } from '../enrich.js';" },
      'model/row.ts imports enrich.ts, which is above it',
    ],
    [
      'a type imported from above',
      { 'ledger/ledger.ts': "import type { A } from '../enrich.js';" },
      'ledger/ledger.ts imports enrich.ts, which is above it',
    ],
    [
      'an import of the command line',
      { 'index.ts': "export { main } from './cli/main.js';" },
      'index.ts imports cli/main.ts, which is above it',
    ],
    [
      'a stage that imports another stage',
      { 'answer/join.ts': "import {\n  a,\n  b,\n} from '../select/select-rows.js';" },
      'answer/join.ts imports select/select-rows.ts, another stage',
    ],
    [
      'a stage that imports more than types of the client',
      { 'run/dispatch.ts': "import { AgentClient, type Reply } from '../api/client.js';" },
      'run/dispatch.ts imports api/client.ts, of which a stage may import types of api/, ledger/ and pages/ only',
    ],
    [
      'a stage that imports a type of the server',
      { 'run/wait.ts': "import type { Server } from '../server/server.js';" },
      'run/wait.ts imports server/server.ts, of which a stage may import types of api/, ledger/ and pages/ only',
    ],
    [
      'an import of the program by the page of the view',
      { 'view/browser/main.tsx': "import { formatCount } from '../../model/format.js';" },
      'view/browser/main.tsx imports model/format.ts, but the page shares only types of view/api.ts',
    ],
    [
      'an import of the page by its server',
      { 'view/serve.ts': "import type { Session } from './browser/session.js';" },
      'view/serve.ts imports view/browser/session.ts, but the page shares only types of view/api.ts',
    ],
    [
      'an import between neighbors',
      { 'api/client.ts': "import { startServer } from '../server/server.js';" },
      'api/client.ts imports server/server.ts, its neighbor',
    ],
    [
      'a dynamic import',
      { 'select/open.ts': "const a = await import('../write/open.js');" },
      'select/open.ts imports write/open.ts, another stage',
    ],
    [
      'an import for side effects',
      { 'select/open.ts': "import '../write/open.js';" },
      'select/open.ts imports write/open.ts, another stage',
    ],
    [
      'a cycle, even of types',
      { 'model/a.ts': "import { b } from './b.js';", 'model/b.ts': "import type { a } from './a.js';" },
      'a cycle: model/a.ts → model/b.ts → model/a.ts',
    ],
    [
      'a package used where it is not allowed',
      { 'read/open.ts': "import { SaxesParser } from 'saxes';" },
      'read/open.ts imports saxes, whose place is read/zip-archive.ts',
    ],
    [
      'a package that is not allowed anywhere',
      { 'read/open.ts': "export * from '@scope/left-pad/lib/index.js';" },
      'read/open.ts imports @scope/left-pad, which has no place',
    ],
    [
      'a file of more than 500 lines',
      { 'read/open.ts': '\n'.repeat(501) },
      'read/open.ts has 501 lines, more than 500',
    ],
    ['a default export', { 'read/open.ts': 'export default 1;' }, 'read/open.ts has a default export'],
    [
      'a default export by another name',
      { 'read/open.ts': 'export { a as default };' },
      'read/open.ts has a default export',
    ],
    [
      'a folder with a meaningless name',
      { 'model/utils/a.ts': '' },
      'model/utils/a.ts is named after nothing',
    ],
    ['a file with a meaningless name', { 'model/helpers.ts': '' }, 'model/helpers.ts is named after nothing'],
    ['a file that is not in kebab-case', { 'model/rowKey.ts': '' }, 'model/rowKey.ts is not in kebab-case'],
    ['a folder outside the layers', { 'stuff/a.ts': '' }, 'stuff/a.ts belongs to no layer'],
    [
      'an environment variable read outside the entry point',
      { 'options.ts': 'const a = process.env.HOME;' },
      'options.ts touches process.env, which is for cli/main.ts alone',
    ],
    [
      'a library that prints',
      { 'enrich.ts': "console.log('a');" },
      'enrich.ts touches console.log, which is for cli/main.ts alone',
    ],
    [
      'a command that bypasses the host',
      { 'cli/run.ts': "process.stderr.write('a');" },
      'cli/run.ts touches process.stderr, which is for cli/main.ts alone',
    ],
  ];
  test.each(cases)('%s', (_title, files, issue) => {
    expect(checkArchitecture(new Map(Object.entries(files)))).toEqual([issue]);
  });
});

test('the check accepts what the layers allow', () => {
  const files = {
    'cli/main.ts': "import { enrich } from '../enrich.js';\nprocess.exitCode = 0;",
    'enrich.ts': "import { openInput } from './read/open.js';\nimport { Ledger } from './ledger/ledger.js';",
    'ledger/ledger.ts': "import { hashText } from '../model/ask.js';\nimport Database from 'libsql';",
    'model/ask.ts': "import { createHash } from 'node:crypto';\n// import { enrich } from '../enrich.js';",
    'select/open.ts':
      "import type { AgentClient } from '../api/client.js';\nimport { a } from './close.js';\n/* import b from 'b'; */",
    'agents/reference/load-tables.ts': "import { openInput } from '../../read/open-input.js';",
    'view/browser/main.tsx':
      "import { render } from 'preact';\nimport type { ViewMeta } from '../api.js';\nimport { Panel } from './panel.js';",
    'server/server.ts': "import type { Agent } from '../agents/agent.js';\nimport Fastify from 'fastify';",
  };
  expect(checkArchitecture(new Map(Object.entries(files)))).toEqual([]);
});
