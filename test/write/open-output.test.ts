import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import type { FilledRow } from '../../src/model/answer.js';
import type { Field } from '../../src/model/ask.js';
import type { JsonValue } from '../../src/model/json.js';
import { openInput } from '../../src/read/open-input.js';
import { checkOutput, type OutputOptions, openOutput } from '../../src/write/open-output.js';
import { NO_LINKS, NO_MODES, ON_WINDOWS } from '../helpers/platform.js';
import { createAnswer, createFilledRow, readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const CEO: Field = { name: 'ceo', schema: { type: 'string' } };
const ADDRESS: Field = {
  name: 'address',
  schema: { type: 'object', properties: { city: { type: 'string' }, zip: { type: 'integer' } } },
};

async function fillFile(
  name: string,
  content: string,
  fields: readonly Field[],
  fill: (rows: Awaited<ReturnType<typeof readAllRows>>) => FilledRow[],
  options: Partial<OutputOptions> = {},
) {
  const folder = await createTempFolder();
  const inputPath = join(folder, name);
  await writeFile(inputPath, content);
  const input = await openInput({ path: inputPath });
  const path = join(folder, options.path ?? `out-${name}`);
  const output = await openOutput({
    shape: input.shape,
    columns: input.columns,
    fields,
    overwrite: false,
    raw: false,
    ...options,
    path,
  });
  await output.write(fill(await readAllRows(input)));
  await output.commit();
  return readFile(path, 'utf8');
}

test('field columns follow the input, and outcome columns follow them', async () => {
  const text = await fillFile('in.csv', 'company,note\nAcme,"a, b"\nBeta,x\n', [CEO, ADDRESS], ([a, b]) => [
    createFilledRow(a as never, {
      ceo: createAnswer('Ada', ['https://a.example/1 2', 'https://b.example', 'https://b.example']),
      address: createAnswer({ city: 'Bonn', zip: 53111 }),
    }),
    createFilledRow(b as never, {}, { status: 'failed', error: 'no, sorry', costMicros: 0, runId: null }),
  ]);
  expect(text.split('\n')).toEqual([
    'company,note,ceo,ceo_confidence,ceo_citations,address.city,address.zip,address_confidence,address_citations,enrichment_status,enrichment_error,enrichment_date,enrichment_cost_usd,enrichment_run_id',
    'Acme,"a, b",Ada,high,https://a.example/1%202 https://b.example,Bonn,53111,high,,enriched,,,0.003,agent_run_1',
    'Beta,x,,,,,,,,failed,"no, sorry",,0.00,',
    '',
  ]);
});

test('an input column is filled in place where blank, and a null replaces nothing', async () => {
  const fill = (rows: Awaited<ReturnType<typeof readAllRows>>) =>
    rows.map((row, index) =>
      createFilledRow(row, { ceo: createAnswer(index === 2 ? null : 'Ada', ['https://x.example']) }),
    );
  const content = 'ceo,company\n,Acme\nBob,Beta\nCid,Gamma\n';
  expect((await fillFile('in.csv', content, [CEO], fill)).split('\n').slice(1, 4)).toEqual([
    'Ada,Acme,high,https://x.example,enriched,,,0.003,agent_run_1',
    'Bob,Beta,,,enriched,,,0.003,agent_run_1',
    'Cid,Gamma,,,enriched,,,0.003,agent_run_1',
  ]);
  const overwritten = await fillFile('in.csv', content, [CEO], fill, { overwrite: true });
  expect(overwritten.split('\n').slice(1, 4)).toEqual([
    'Ada,Acme,high,https://x.example,enriched,,,0.003,agent_run_1',
    'Ada,Beta,high,https://x.example,enriched,,,0.003,agent_run_1',
    'Cid,Gamma,,,enriched,,,0.003,agent_run_1',
  ]);
});

test('sources of a replaced value are not kept for the new one', async () => {
  const content = 'company,ceo,ceo_confidence,ceo_citations\nAcme,Old,high,https://old.example\n';
  const fill = (rows: Awaited<ReturnType<typeof readAllRows>>) =>
    rows.map((row) => createFilledRow(row, { ceo: { ...createAnswer('New'), confidence: null } }));
  const text = await fillFile('in.csv', content, [CEO], fill, { overwrite: true });
  expect(text.split('\n')[1]).toBe('Acme,New,,,enriched,,,0.003,agent_run_1');
});

test('a run id is agent text too and cannot be a formula', async () => {
  const text = await fillFile('in.csv', 'company\nAcme\n', [CEO], (rows) =>
    rows.map((row) => {
      const filled = createFilledRow(row, { ceo: createAnswer('Ada') });
      return { ...filled, outcome: { ...filled.outcome, runId: '=1+1' } };
    }),
  );
  expect(text).toContain(",'=1+1\n");
});

test('an object with unknown parts, or that may not be an object, is in one column', async () => {
  const hq: Field = { name: 'hq', schema: { type: ['object', 'string'], properties: { city: {} } } };
  const text = await fillFile('in.csv', 'company\nAcme\n', [hq], (rows) =>
    rows.map((row) => createFilledRow(row, { hq: createAnswer('Berlin, Germany') })),
  );
  expect(text).toContain('company,hq,hq_confidence');
  expect(text).toContain('Acme,"Berlin, Germany",high');
});

test('delimiter, line ends, quotes and byte order mark of the input are kept', async () => {
  const text = await fillFile('in.csv', '\ufeff"a";"b"\r\n"x";"1"\r\n', [CEO], (rows) =>
    rows.map((row) => createFilledRow(row, { ceo: createAnswer('Ada') })),
  );
  expect(text).toBe(
    '\ufeff"a";"b";"ceo";"ceo_confidence";"ceo_citations";"enrichment_status";"enrichment_error";"enrichment_date";"enrichment_cost_usd";"enrichment_run_id"\r\n' +
      '"x";"1";"Ada";"high";"";"enriched";"";"";"0.003";"agent_run_1"\r\n',
  );
});

test('a JSON line keeps its text, including numbers that JavaScript cannot represent', async () => {
  const text = await fillFile(
    'in.jsonl',
    '{"id": 12345678901234567890, "ceo": "", "x": [1.0, {"ceo": 2}] }\n{}\nnot json\n',
    [CEO],
    (rows) => rows.map((row) => createFilledRow(row, { ceo: createAnswer('=Ada', ['https://x.example']) })),
  );
  const enrichment =
    '"enrichment":{"status":"enriched","error":null,"cost_usd":0.003,"run_id":"agent_run_1","fields":{"ceo":{"confidence":"high","citations":[{"url":"https://x.example","title":null}],"run_id":"agent_run_1"}}';
  expect(text.split('\n')).toEqual([
    `{"id": 12345678901234567890, "ceo": "=Ada", "x": [1.0, {"ceo": 2}],${enrichment}}}`,
    `{"ceo":"=Ada",${enrichment}}}`,
    `{"ceo":"=Ada",${enrichment},"line":"not json"}}`,
    '',
  ]);
});

test('a table can be written as JSON Lines, and JSON Lines as a table', async () => {
  const filled = (rows: Awaited<ReturnType<typeof readAllRows>>) =>
    rows.map((row) => createFilledRow(row, { ceo: createAnswer('Ada') }));
  const objects = await fillFile('in.csv', 'a,b\n1,x\n', [CEO], filled, { path: 'out.jsonl' });
  expect(JSON.parse(objects)).toMatchObject({
    a: '1',
    b: 'x',
    ceo: 'Ada',
    enrichment: { status: 'enriched' },
  });
  const table = await fillFile('in.jsonl', '{"a":1,"b":{"c":[1]}}\n', [CEO], filled, { path: 'out.csv' });
  expect(table.split('\n').slice(0, 2)).toEqual([
    'a,b,ceo,ceo_confidence,ceo_citations,enrichment_status,enrichment_error,enrichment_date,enrichment_cost_usd,enrichment_run_id',
    '1,"{""c"":[1]}",Ada,high,,enriched,,,0.003,agent_run_1',
  ]);
});

async function openAt(
  path: string,
  stdout?: NodeJS.WritableStream,
  hooks: { readonly beforeCommit?: () => void } = {},
) {
  const folder = await createTempFolder();
  await writeFile(join(folder, 'in.csv'), 'a\n1\n');
  const input = await openInput({ path: join(folder, 'in.csv') });
  const options = { shape: input.shape, columns: input.columns, fields: [CEO], overwrite: false, raw: false };
  const output = await openOutput({ path, ...options, stdout, ...hooks });
  return { output, rows: (await readAllRows(input)).map((row) => createFilledRow(row)) };
}

test('a file is only replaced by a complete one and keeps its permissions', async () => {
  const folder = await createTempFolder();
  const path = join(folder, 'out.csv');
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  const { output, rows } = await openAt(path);
  await output.write(rows);
  expect(await readFile(path, 'utf8')).toBe('old');
  await output.commit();
  expect(await readFile(path, 'utf8')).toContain('enrichment_status');
  if (!NO_MODES) expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(folder)).toEqual(['out.csv']);
});

test('a file that another program has open for a moment is replaced all the same', async () => {
  const folder = await createTempFolder();
  const path = join(folder, 'out.csv');
  await writeFile(path, 'old');
  const reader = openSync(path, 'r');
  let tries = 0;
  const beforeCommit = (): void => {
    tries += 1;
    // Windows refuses the first try. Other systems replace a file that is open.
    if (tries === 2) closeSync(reader);
  };
  const { output, rows } = await openAt(path, undefined, { beforeCommit });
  await output.write(rows);
  await output.commit();
  expect(tries).toBe(ON_WINDOWS ? 2 : 1);
  if (!ON_WINDOWS) closeSync(reader);
  expect(await readFile(path, 'utf8')).toContain('enrichment_status');
});

test('an aborted output leaves everything unchanged', async () => {
  const folder = await createTempFolder();
  const { output, rows } = await openAt(join(folder, 'out.csv'));
  await output.write(rows);
  await output.abort();
  expect(await readdir(folder)).toEqual([]);
});

test.skipIf(NO_LINKS)('a link stays a link, and its target is replaced', async () => {
  const folder = await createTempFolder();
  await writeFile(join(folder, 'real.csv'), 'old');
  await symlink('real.csv', join(folder, 'link.csv'));
  const { output, rows } = await openAt(join(folder, 'link.csv'));
  await output.write(rows);
  await output.commit();
  expect(await readFile(join(folder, 'real.csv'), 'utf8')).toContain('enrichment_status');
});

test('a closed reader of standard output is not an error', async () => {
  const stdout = new PassThrough();
  const { output, rows } = await openAt('-', stdout);
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  stdout.on('error', () => {});
  await output.write(rows);
  await output.write(rows);
  await output.commit();
});

test('an unwritable output is rejected before anything is spent', async () => {
  const folder = await createTempFolder();
  await mkdir(join(folder, 'dir'));
  await writeFile(join(folder, 'in.csv'), 'a\n1\n');
  const input = join(folder, 'in.csv');
  await expect(checkOutput(join(folder, 'dir'))).rejects.toMatchObject({ code: 'OUTPUT_IS_FOLDER' });
  await expect(checkOutput(join(folder, 'none', 'x.csv'))).rejects.toMatchObject({
    code: 'OUTPUT_NO_FOLDER',
  });
  await expect(checkOutput(join(input, 'x.csv'))).rejects.toMatchObject({
    code: 'OUTPUT_NO_FOLDER',
    message: `${input} is a file, not a folder`,
  });
  await expect(checkOutput(join(folder, `${'n'.repeat(252)}.csv`))).rejects.toMatchObject({
    code: 'OUTPUT_NOT_WRITABLE',
    message: expect.stringContaining('its name is too long'),
  });
  await expect(checkOutput(join(folder, 'x.xlsb'))).rejects.toMatchObject({ code: 'OUTPUT_FORMAT' });
  await checkOutput(join(folder, 'new.csv'));
  await checkOutput(join(folder, `${'n'.repeat(246)}.csv`));
  await checkOutput('-');
  expect(await readdir(folder)).toEqual(['dir', 'in.csv']);
});

test('a list of objects is written as a list', async () => {
  const text = await fillFile('in.json', '[{"a": 1}, {"a": 2}]', [CEO], (rows) =>
    rows.map((row) => createFilledRow(row, { ceo: createAnswer('Ada') })),
  );
  expect(JSON.parse(text)).toMatchObject([
    { a: 1, ceo: 'Ada', enrichment: { status: 'enriched' } },
    { a: 2, ceo: 'Ada' },
  ]);
});

test('multi-line objects take one line each in JSON Lines', async () => {
  const text = await fillFile(
    'in.json',
    '[\n {\n  "a": "x  y",\n  "b": 12345678901234567890\n }\n]',
    [CEO],
    (rows) => rows.map((row) => createFilledRow(row)),
    { path: 'out.jsonl' },
  );
  expect(text).toMatch(/^\{"a":"x {2}y","b":12345678901234567890,"ceo":null,"enrichment":\{.*\}\}\n$/);
});

test('a file name ending in .gz is compressed', async () => {
  const folder = await createTempFolder();
  const { output, rows } = await openAt(join(folder, 'out.csv.gz'));
  for (let chunk = 0; chunk < 200; chunk += 1) await output.write(rows.concat(rows, rows, rows));
  await output.commit();
  const lines = gunzipSync(await readFile(join(folder, 'out.csv.gz')))
    .toString()
    .split('\n');
  expect(lines.length).toBe(1 + 800 + 1);
});

test('agent text gets an apostrophe in a table and is unchanged in JSON Lines', async () => {
  const answers = (rows: Awaited<ReturnType<typeof readAllRows>>) =>
    rows.map((row) => createFilledRow(row, { ceo: createAnswer('=1+1', ['=cmd|x']) }, { error: '@error' }));
  const line = '=in,"\'=1+1",high,"\'=cmd|x",enriched,"\'@error",,0.003,agent_run_1'.replaceAll('"', '');
  expect((await fillFile('in.csv', 'a\n=in\n', [CEO], answers)).split('\n')[1]).toBe(line);
  const raw = await fillFile('in.csv', 'a\n=in\n', [CEO], answers, { raw: true });
  expect(raw.split('\n')[1]).toBe(line.replaceAll("'", ''));
  const object = JSON.parse(await fillFile('in.jsonl', '{"a":"=in"}\n', [CEO], answers));
  expect(object).toMatchObject({ ceo: '=1+1', enrichment: { error: '@error' } });
});

test('values are written for spreadsheets: plain numbers and booleans, lists as JSON', async () => {
  const values: [JsonValue, string][] = [
    [-1.5, '-1.5'],
    [1e21, '1e+21'],
    [true, 'true'],
    [['a', { b: 1 }], '"[""a"",{""b"":1}]"'],
    ['two\nlines', '"two\nlines"'],
    ['', ''],
    [0, '0'],
    [false, 'false'],
  ];
  for (const [value, text] of values) {
    const out = await fillFile('in.csv', 'a\nx\n', [CEO], (rows) =>
      rows.map((row) => createFilledRow(row, { ceo: createAnswer(value) })),
    );
    expect(out.slice(out.indexOf('\nx,') + 3)).toBe(`${text},high,,enriched,,,0.003,agent_run_1\n`);
  }
});

test('nested fields get columns by the schema, through references and nullable choices, but not if endless', async () => {
  const schema = {
    $defs: {
      place: { type: ['object', 'null'], properties: { city: { type: 'string' } } },
      tree: { type: 'object', properties: { child: { $ref: '#/$defs/tree' } } },
    },
  };
  const fields: Field[] = [
    { name: 'hq', schema: { anyOf: [{ $ref: '#/$defs/place' }, { type: 'null' }] } },
    { name: 'tree', schema: { $ref: '#/$defs/tree' } },
    { name: 'free', schema: { type: 'object' } },
    { name: 'all', schema: true },
  ];
  const text = await fillFile(
    'in.csv',
    'a,hq.city\nx,\n',
    fields,
    (rows) =>
      rows.map((row) =>
        createFilledRow(row, {
          hq: createAnswer({ city: 'Bonn' }),
          tree: createAnswer({ child: { child: {} } }),
          free: createAnswer({ b: 1 }),
        }),
      ),
    { schema },
  );
  const [header = [], row = []] = text.split('\n').map((line) => line.split(','));
  expect(header.filter((title) => !/_(?:confidence|citations)$|^enrichment/.test(title))).toEqual([
    'a',
    'hq.city',
    'tree.child',
    'free',
    'all',
  ]);
  expect(row.slice(0, 2)).toEqual(['x', 'Bonn']);
  expect(text).toContain('"{""child"":{}}"');
  expect(text).toContain('"{""b"":1}"');
});

test('each citation has its own line in the citations file', async () => {
  const folder = await createTempFolder();
  const citationsFile = join(folder, 'citations.jsonl');
  await fillFile(
    'in.csv',
    'a\nx\n',
    [CEO],
    (rows) =>
      rows.map((row) => createFilledRow(row, { ceo: createAnswer('Ada', ['https://x', 'https://y']) })),
    { citationsFile },
  );
  expect(
    (await readFile(citationsFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(
    ['https://x', 'https://y'].map((url) => ({
      row: 1,
      line: 2,
      field: 'ceo',
      value: 'Ada',
      url,
      title: null,
      confidence: 'high',
      run_id: 'agent_run_1',
    })),
  );
});

test('a full disk is reported, and no partial file remains', async () => {
  const { output, rows } = await openAt('/dev/full');
  await expect(output.write(rows)).rejects.toMatchObject({ code: 'OUTPUT_DISK_FULL', kind: 'usage' });
  await output.abort();
});

test('an output that cannot be renamed leaves no temporary file', async () => {
  const folder = await createTempFolder();
  const { output, rows } = await openAt(join(folder, 'out.csv'));
  await output.write(rows);
  await mkdir(join(folder, 'out.csv', 'inside'), { recursive: true });
  await expect(output.commit()).rejects.toMatchObject({ kind: 'usage' });
  expect(await readdir(folder)).toEqual(['out.csv']);
});

test('temporary files of a killed process are deleted after an hour', async () => {
  const folder = await createTempFolder();
  const old = join(folder, '.out.csv.rowfill-0123.tmp');
  const fresh = join(folder, '.out.csv.rowfill-4567.tmp');
  await writeFile(old, '');
  await writeFile(fresh, '');
  await utimes(old, 1, 1);
  const { output } = await openAt(join(folder, 'out.csv'));
  await output.abort();
  expect(await readdir(folder)).toEqual(['.out.csv.rowfill-4567.tmp']);
});

test('a byte order mark and tabs can be set', async () => {
  const fill = (rows: Awaited<ReturnType<typeof readAllRows>>) => rows.map((row) => createFilledRow(row));
  const text = await fillFile('in.csv', 'a,b\nz,"x\ty"\n', [], fill, { path: 'out.tsv', bom: true });
  expect(text.split('\n').slice(0, 2)).toEqual([
    '\ufeffa\tb\tenrichment_status\tenrichment_error\tenrichment_date\tenrichment_cost_usd\tenrichment_run_id',
    'z\t"x\ty"\tenriched\t\t\t0.003\tagent_run_1',
  ]);
  expect((await fillFile('in.csv', '\ufeffa\n1\n', [], fill, { bom: false })).startsWith('a,')).toBe(true);
});

test.runIf(process.platform !== 'win32')('a new output has the permissions it was opened with', async () => {
  const folder = await createTempFolder();
  await writeFile(join(folder, 'in.csv'), 'a\n1\n');
  const input = await openInput({ path: join(folder, 'in.csv') });
  const options = { shape: input.shape, columns: input.columns, fields: [CEO], overwrite: false, raw: false };
  const path = join(folder, 'out.csv');
  const output = await openOutput({ path, ...options, mode: 0o600 });
  const [temporary = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
  expect((await stat(join(folder, temporary))).mode & 0o777).toBe(0o600);
  await output.commit();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.runIf(process.platform === 'linux')(
  'an output that another program uses is refused by name',
  async () => {
    const folder = await createTempFolder();
    const path = join(folder, 'out.csv');
    await copyFile('/bin/sleep', path);
    const program = spawn(path, ['60'], { argv0: 'sleep' });
    onTestFinished(() => void program.kill('SIGKILL'));
    await once(program, 'spawn');
    await expect(checkOutput(path)).rejects.toMatchObject({
      code: 'OUTPUT_IN_USE',
      message: `${path} cannot be replaced: it is open in another program, such as Excel, or write-protected`,
    });
  },
);
