import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { type EnrichHooks, enrich } from '../../src/enrich.js';
import { exportJob } from '../../src/export.js';
import type { EnrichEvent } from '../../src/model/events.js';
import type { EnrichOptions } from '../../src/options.js';
import { SqliteRunStore } from '../../src/server/run-store.js';
import { readTable } from '../helpers/job.js';
import { NO_DESCRIPTORS, NO_LINKS } from '../helpers/platform.js';
import { createReferenceFolder } from '../helpers/reference-folder.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const INPUT = 'company,city\nAcme Inc.,\nBolt,\n';
const TOWNS = 'company,city\nAcme,Oslo\n';

/** One folder with the input, the reference tables and the results. */
async function createOneFolder() {
  const folder = createReferenceFolder({ 'in.csv': INPUT, 'towns.csv': TOWNS });
  const path = (name: string): string => join(folder, name);
  const ledger = join(await createTempFolder(), 'ledger.sqlite');
  const options = { input: path('in.csv'), fields: ['city'], reference: folder, ledger };
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  return {
    path,
    read,
    ledger,
    run: (more: Partial<EnrichOptions> = {}, hooks: EnrichHooks = {}) =>
      enrich({ ...options, ...more }, hooks),
    readCities: (name: string) =>
      readTable(read(name)).map((row) => [
        row.city,
        row.city_citations?.replaceAll(`${pathToFileURL(folder).href}/`, ''),
      ]),
  };
}

test('the input and results in the folder of tables are not used as tables', async () => {
  const { path, run, readCities } = await createOneFolder();
  const citationsFile = path('citations.jsonl');
  await run({ citationsFile });
  const found = [
    ['Oslo', 'towns.csv#row=2'],
    ['', ''],
  ];
  expect(readCities('in.filled.csv')).toEqual(found);
  expect(await run({ citationsFile })).toMatchObject({ reused: 2, runs: { created: 0 } });
  expect(readCities('in.filled.csv')).toEqual(found);
  writeFileSync(path('towns.csv'), 'company,city\nAcme,Trondheim\n');
  await run({ citationsFile });
  expect(readCities('in.filled.csv')[0]).toEqual(['Trondheim', 'towns.csv#row=2']);
});

test.each(['CSV', 'JSONL', 'JSON'])('replaces an earlier %s result next to the tables', async (format) => {
  const { path, run, read } = await createOneFolder();
  const output = path(`out.${format.toLowerCase()}`);
  await run({ output });
  const first = read(`out.${format.toLowerCase()}`);
  await run({ output });
  expect(read(`out.${format.toLowerCase()}`)).toBe(first);
});

test('never replaces a reference table, under any name', async () => {
  const { path, run, read } = await createOneFolder();
  for (const name of ['towns.csv', './towns.csv']) {
    for (const option of ['output', 'citationsFile']) {
      const error = await run({ [option]: path(name) }).catch((caught) => caught);
      expect(error).toMatchObject({ code: 'OUTPUT_IS_INPUT', kind: 'usage' });
      expect(error.message).toContain('a table of --reference');
    }
  }
  expect(read('towns.csv')).toBe(TOWNS);
});

test('export does not replace the input', async () => {
  const { path, run, read, ledger } = await createOneFolder();
  const { jobId } = await run();
  await expect(exportJob({ job: jobId, ledger, citationsFile: path('in.csv') })).rejects.toMatchObject({
    code: 'OUTPUT_IS_INPUT',
  });
  expect(read('in.csv')).toBe(INPUT);
});

type Detour = readonly [string, (target: string, link: string) => string];

const LINKS: readonly Detour[] = NO_LINKS
  ? []
  : [
      ['a symbolic link', linkTo],
      ['a link to a link', (target, link) => linkTo(linkTo(target, `${link}.1`), link)],
      ['a linked folder', (target, link) => join(linkTo(dirname(target), link), basename(target))],
    ];

/** Different ways to refer to a file; each creates the links it needs. */
const DETOURS: readonly Detour[] = [['its path', (target) => target], ['a hard link', linkHard], ...LINKS];

function linkTo(target: string, link: string): string {
  symlinkSync(target, link);
  return link;
}

function linkHard(target: string, link: string): string {
  linkSync(target, link);
  return link;
}

const OPTIONS = ['output', 'citationsFile'] as const;

test.each(DETOURS.flatMap((detour) => OPTIONS.map((option) => [option, ...detour] as const)))(
  '%s does not replace the ledger or a file that the job reads, given as %s',
  async (option, _detour, lead) => {
    const { path, run, ledger, read } = await createOneFolder();
    writeFileSync(path('customers.txt'), 'company\nNobody\n');
    writeFileSync(path('schema.txt'), '{"type":"object","properties":{"city":{"type":"string"}}}');
    writeFileSync(path('recipe.yaml'), 'query: Find it.\n');
    const reads = { exclude: path('customers.txt'), schema: path('schema.txt'), fields: [] };
    await run({ ...reads, output: path('first.csv') });
    const targets = ['in.csv', 'customers.txt', 'schema.txt', 'recipe.yaml', 'towns.csv'].map(path);
    for (const [index, target] of [...targets, ledger].entries()) {
      const before = readFileSync(target);
      const place = lead(target, path(`link-${index}`));
      await expect(
        run({ ...reads, [option]: place }, { otherFiles: { recipe: path('recipe.yaml') } }),
        place,
      ).rejects.toMatchObject({ code: 'OUTPUT_IS_INPUT', kind: 'usage' });
      expect(readFileSync(target).equals(before)).toBe(true);
    }
    expect(read('in.csv')).toBe(INPUT);
  },
);

test('does not replace the ledger’s side files, even before they exist', async () => {
  const { run, ledger } = await createOneFolder();
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    await expect(run({ output: ledger + suffix })).rejects.toMatchObject({ code: 'OUTPUT_IS_INPUT' });
  }
  expect(existsSync(ledger)).toBe(false);
});

test.skipIf(NO_LINKS)('nor those of a ledger behind a link', async () => {
  const { run, path } = await createOneFolder();
  symlinkSync(path('real.sqlite'), path('link.sqlite'));
  await expect(run({ ledger: path('link.sqlite'), output: path('real.sqlite-wal') })).rejects.toMatchObject({
    code: 'OUTPUT_IS_INPUT',
  });
});

test('does not replace another database, such as the store of a server', async () => {
  const { run, path } = await createOneFolder();
  const store = path('served.sqlite');
  new SqliteRunStore(store, '2026-05-07').close();
  writeFileSync(`${store}-wal`, 'rows that are not in the file yet');
  const before = readFileSync(store);
  for (const output of [store, `${store}-wal`]) {
    await expect(run({ output })).rejects.toMatchObject({ code: 'OUTPUT_IS_DATABASE' });
  }
  expect(readFileSync(store).equals(before)).toBe(true);
});

test.skipIf(NO_DESCRIPTORS)('recognizes an open file by its descriptor', async () => {
  const { run, path, read } = await createOneFolder();
  const descriptor = openSync(path('in.csv'), 'r+');
  for (const output of [`/proc/self/fd/${descriptor}`, `/dev/fd/${descriptor}`]) {
    await expect(run({ output })).rejects.toMatchObject({ code: 'OUTPUT_IS_INPUT' });
  }
  closeSync(descriptor);
  expect(read('in.csv')).toBe(INPUT);
});

test.skipIf(NO_DESCRIPTORS)('appends to a file opened for appending', async () => {
  const { run, path, read } = await createOneFolder();
  writeFileSync(path('all.txt'), 'earlier\n');
  const descriptor = openSync(path('all.txt'), 'a');
  await run({ output: `/dev/fd/${descriptor}`, format: 'csv' });
  closeSync(descriptor);
  expect(read('all.txt')).toMatch(/^earlier\ncompany,city/);
});

test.each(DETOURS.slice(1))(
  'does not write through %s created while the job runs; the same command then writes the output',
  async (_detour, lead) => {
    const { path, run, ledger, read } = await createOneFolder();
    for (const [index, target] of [path('in.csv'), path('towns.csv'), ledger].entries()) {
      const before = target === ledger ? null : readFileSync(target, 'utf8');
      const folder = path(`out-${index}`);
      mkdirSync(folder);
      const output = join(folder, basename(target));
      const onEvent = ({ type }: EnrichEvent) => {
        if (type !== 'row') return;
        if (existsSync(output)) return;
        renameSync(folder, `${folder}.old`);
        // Replaces the folder or the file in it with a link.
        if (_detour === 'a linked folder') symlinkSync(dirname(target), folder);
        else {
          mkdirSync(folder);
          lead(target, output);
        }
      };
      const error = await run({ output }, { onEvent }).catch((caught) => caught);
      expect(['OUTPUT_IS_INPUT', 'OUTPUT_NOT_WRITABLE']).toContain(error.code);
      if (before !== null) expect(readFileSync(target, 'utf8')).toBe(before);
      rmSync(folder, { recursive: true, force: true });
      renameSync(`${folder}.old`, folder);
      expect(await run({ output })).toMatchObject({ stop: 'done', runs: { created: 0 } });
    }
    expect(read('in.csv')).toBe(INPUT);
  },
);

test.skipIf(NO_LINKS)(
  'does not overwrite a foreign file through a link created while the job runs',
  async () => {
    const { run, read } = await createOneFolder();
    const secret = join(await createTempFolder(), 'mine.txt');
    writeFileSync(secret, 'mine\n');
    const output = join(await createTempFolder(), 'out.csv');
    const onEvent = ({ type }: EnrichEvent) => {
      if (type === 'row' && !existsSync(output)) symlinkSync(secret, output);
    };
    await expect(run({ output }, { onEvent })).rejects.toMatchObject({ code: 'OUTPUT_MOVED' });
    expect(readFileSync(secret, 'utf8')).toBe('mine\n');
    expect(read('in.csv')).toBe(INPUT);
  },
);

test('does not replace an input that was moved while the job ran, under its new name', async () => {
  const { path, run, read } = await createOneFolder();
  writeFileSync(path('later.csv'), INPUT);
  const onEvent = ({ type }: EnrichEvent) => {
    if (type === 'note') return;
    if (type === 'row' && statSync(path('out.csv'), { throwIfNoEntry: false }) === undefined) {
      renameSync(path('in.csv'), path('out.csv'));
      renameSync(path('later.csv'), path('in.csv'));
    }
  };
  await run({ output: path('out.csv') }, { onEvent }).catch(() => undefined);
  expect(read('out.csv')).toBe(INPUT);
});

test('refuses two results in one file or both on standard output', async () => {
  const { path, run } = await createOneFolder();
  if (!NO_LINKS) symlinkSync(path('out.csv'), path('link.csv'));
  for (const [output, citationsFile] of [
    [path('out.csv'), path('./out.csv')],
    ...(NO_LINKS ? [] : [[path('out.csv'), path('link.csv')] as const]),
    ['-', '-'],
  ] as const) {
    await expect(run({ output, citationsFile })).rejects.toMatchObject({ code: 'TWO_OUTPUTS' });
  }
});

test.skipIf(NO_DESCRIPTORS)('allows two results in one pipe or device', async () => {
  const { run } = await createOneFolder();
  const summary = await run({ output: '/dev/null', citationsFile: '/dev/null' });
  expect(summary.stop).toBe('done');
});
