import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AgentClient } from '../src/client.js';
import {
  cancelJob,
  diagnose,
  enrich,
  enrichRows,
  exportJob,
  plan,
  planRows,
  RowfillError,
  verifyJob,
  watchFolder,
} from '../src/index.js';
import { JOB_OPTION_TYPES } from '../src/options.js';
import { startServer } from '../src/server.js';
import { createList, openJobBench } from './helpers/job.js';
import { createTempFolder } from './helpers/temp-folder.js';
import { script } from './helpers/truthful-agent.js';

/** A function as called from JavaScript, without type checks. */
// biome-ignore lint/suspicious/noExplicitAny: calls from JavaScript are untyped
type Untyped = (...args: any[]) => any;

async function readError(call: () => unknown): Promise<RowfillError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof RowfillError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function readAll(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _row of rows);
}

const GOOD = { input: 'in.csv', fields: ['ceo'], apiUrl: 'http://127.0.0.1:9' };
/** Values that have the wrong type for every option. */
const WRONG = [null, Symbol('x'), 5n, new Map()];

describe.each(Object.keys(JOB_OPTION_TYPES))('the option %s', (name) => {
  test.each(WRONG.map((value) => [value]))('refuses the wrong type: %s', async (value) => {
    if (value instanceof Map && ['schemaObject', 'origins', 'prices'].includes(name)) return;
    for (const call of [enrich, plan] as Untyped[]) {
      const error = await readError(() => call({ ...GOOD, [name]: value }));
      expect(error).toMatchObject({ kind: 'usage', code: 'BAD_OPTION' });
      expect(error.message).toContain(name);
      expect(error.hint).toContain(name);
    }
  });
});

test.each([
  [{ yes: 'no' }, 'yes is "no", but must be true or false'],
  [{ yes: 0 }, 'yes is 0, but must be true or false'],
  [{ maxCost: '5' }, 'maxCost is "5", but must be a number'],
  [{ fields: 'ceo' }, 'fields is "ceo", but must be a list of strings'],
  [{ fields: ['ceo', 5] }, 'fields[1] is 5, but must be a string'],
  [{ effort: 'low' }, 'effort is "low", but must be a list of strings'],
  [{ send: [null] }, 'send[0] is null, but must be a string'],
  [{ prices: { low: '0.03' } }, 'prices.low is "0.03", but must be a number'],
  [{ query: () => 'Who?' }, 'query is a function, but must be a string'],
  [{ schemaObject: [] }, 'schemaObject is a list, but must be an object'],
  [{ header: 'no' }, 'header is "no", but must be true or false'],
  [{ format: 'pdf' }, 'format is "pdf"'],
])('refuses %j and shows its value', async (options, message) => {
  const error = await readError(() => (enrich as Untyped)({ ...GOOD, ...options }));
  expect(error).toMatchObject({ kind: 'usage', message: expect.stringContaining(message) });
});

test.each([
  ['maxcost', 'Did you mean maxCost'],
  ['max_cost', 'Did you mean maxCost'],
  ['field', 'Did you mean fields?'],
  ['batchsize', 'Did you mean batchSize?'],
  ['dryRun', 'Its options are input,'],
])('refuses the unknown option %s', async (name, hint) => {
  for (const call of [enrich, plan] as Untyped[]) {
    const error = await readError(() => call({ ...GOOD, [name]: 1 }));
    expect(error).toMatchObject({ kind: 'usage', code: 'UNKNOWN_OPTION' });
    expect(error.message).toContain(name);
    expect(error.hint).toContain(hint);
  }
});

test('treats undefined like a missing option', async () => {
  const none = Object.fromEntries(Object.keys(JOB_OPTION_TYPES).map((name) => [name, undefined]));
  const error = await readError(() => (plan as Untyped)({ ...none, ...GOOD }));
  expect(error.code).toBe('INPUT_NOT_FOUND');
});

test('does not show a key of the wrong type', async () => {
  const error = await readError(() => (enrich as Untyped)({ ...GOOD, apiKey: ['sk-secret-0123456789'] }));
  expect(error.message).toBe('apiKey is of type object, but must be a string or a function that returns one');
});

test.each([undefined, null, 5, 'in.csv', []])('refuses %j as options', async (options) => {
  const calls = [enrich, plan, watchFolder, exportJob, cancelJob, diagnose, startServer] as Untyped[];
  for (const call of calls) {
    expect(await readError(() => call(options))).toMatchObject({ kind: 'usage', code: 'BAD_OPTION' });
  }
});

test.each([
  ['enrich without an input', () => (enrich as Untyped)({}), 'MISSING_OPTION'],
  [
    'an output for rows',
    () => readAll((enrichRows as Untyped)([], { ...ROWS, output: 'x' })),
    'UNKNOWN_OPTION',
  ],
  ['rows that are a number', () => readAll((enrichRows as Untyped)(5, ROWS)), 'BAD_OPTION'],
  ['rows that are null', () => readAll((enrichRows as Untyped)(null, ROWS)), 'BAD_OPTION'],
  ['a watcher without a job', () => (watchFolder as Untyped)({ folder: '.' }), 'MISSING_OPTION'],
  [
    'one output for every file',
    () => (watchFolder as Untyped)({ folder: '.', job: { output: 'x' } }),
    'UNKNOWN_OPTION',
  ],
  [
    'yes of a watcher',
    () => (watchFolder as Untyped)({ folder: '.', job: { ...ROWS, yes: 'no' } }),
    'BAD_OPTION',
  ],
  [
    'a pace of a watcher',
    () => (watchFolder as Untyped)({ folder: '.', job: ROWS, pollMs: Number.NaN }),
    'BAD_OPTION',
  ],
  ['a job to export', () => (exportJob as Untyped)({ job: 5 }), 'BAD_OPTION'],
  ['a job to cancel', () => (cancelJob as Untyped)({ id: 'j_1' }), 'UNKNOWN_OPTION'],
  [
    'a client',
    () => new (AgentClient as unknown as new (options: unknown) => unknown)({ baseURL: 'x' }),
    'UNKNOWN_OPTION',
  ],
  ['a server', () => (startServer as Untyped)({ agent: {}, Port: 5 }), 'UNKNOWN_OPTION'],
  ['a hook', () => (enrich as Untyped)(GOOD, { onevent: () => {} }), 'UNKNOWN_OPTION'],
  ['a confirm that is not a function', () => (enrich as Untyped)(GOOD, { confirm: true }), 'BAD_OPTION'],
  ['an invalid signal', () => (enrich as Untyped)(GOOD, { signal: {} }), 'BAD_OPTION'],
  [
    'a hook of a watcher',
    () => (watchFolder as Untyped)({ folder: '.', job: ROWS }, { onEvents: 1 }),
    'UNKNOWN_OPTION',
  ],
])('refuses %s with a message', async (_title, call, code) => {
  expect(await readError(call)).toMatchObject({ kind: 'usage', code });
});

const ROWS = { fields: ['ceo'], apiUrl: 'http://127.0.0.1:9' };

test.each(['no', 1, {}, undefined, [true]])(
  'spends nothing if the confirm hook returns %j',
  async (answer) => {
    const bench = await openJobBench(script((rows) => rows));
    bench.write('in.csv', createList(8));
    const confirm = () => answer as unknown as Promise<boolean>;
    await expect(bench.run({}, { confirm })).rejects.toMatchObject({ code: 'COST_DECLINED' });
    expect(bench.agent.tasks).toEqual([]);
    expect(existsSync(join(bench.folder, 'out.csv'))).toBe(false);
  },
);

test('creates no file if an option is refused', async () => {
  const folder = await createTempFolder();
  const ledger = join(folder, 'ledger.sqlite');
  await readError(() => (enrich as Untyped)({ ...GOOD, ledger, yes: 'no' }));
  expect(existsSync(ledger)).toBe(false);
});

test('a mistyped option is a type error, in the call and in a variable', () => {
  const rows = [{ company: 'Exa' }];
  const right = { fields: ['founded:integer'], maxCost: 3 };
  const mistype = <Options>(options: Options) => ({ ...options, maxcost: 3 });
  // Only compiled: the compiler complains about a line below that has no error.
  const calls = [
    () => enrichRows(rows, right),
    () => enrich({ ...right, input: 'in.csv' }),
    () => diagnose({ ledger: 'ledger.sqlite', env: {} }),
    () => watchFolder({ folder: 'drop', job: right }),
    // @ts-expect-error
    () => enrichRows(rows, { fields: ['founded'], maxcost: 3 }),
    // @ts-expect-error
    () => enrichRows(rows, { fields: ['founded'], maxCost: '3' }),
    // @ts-expect-error
    () => enrichRows(rows, mistype(right)),
    // @ts-expect-error
    () => planRows(rows, mistype(right)),
    // @ts-expect-error
    () => enrich(mistype({ input: 'in.csv' })),
    // @ts-expect-error
    () => plan(mistype({ input: 'in.csv' })),
    // @ts-expect-error
    () => exportJob(mistype({ job: 'j_1' })),
    // @ts-expect-error
    () => verifyJob(mistype({ job: 'j_1' })),
    // @ts-expect-error
    () => cancelJob(mistype({ job: 'j_1' })),
    // @ts-expect-error
    () => diagnose(mistype({ ledger: 'ledger.sqlite', env: {} })),
    // @ts-expect-error
    () => watchFolder(mistype({ folder: 'drop', job: right })),
    // @ts-expect-error
    () => watchFolder({ folder: 'drop', job: mistype(right) }),
  ];
  expect(calls).toHaveLength(16);
});
