import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type EnrichRowsOptions, enrichRows, type FilledRecord, planRows } from '../src/enrich-rows.js';
import type { EnrichEvent } from '../src/model/events.js';
import { type JobBench, openJobBench } from './helpers/job.js';
import { createGate } from './helpers/scripted-agent.js';
import { chooseCount, SLOW } from './helpers/slow-tier.js';
import { createTempFolder } from './helpers/temp-folder.js';
import { script } from './helpers/truthful-agent.js';

const TRUTHFUL = script(
  (rows) => ({ rows }),
  () => 0.025,
);

// A private folder, so that temporary files can be counted.
beforeEach(async () => {
  const folder = await createTempFolder();
  for (const name of ['TMPDIR', 'TEMP']) vi.stubEnv(name, folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function listSpools(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('rowfill-rows-'));
}

function createOptions(bench: JobBench, more: Partial<EnrichRowsOptions> = {}): EnrichRowsOptions {
  return {
    fields: ['answer'],
    send: ['company'],
    apiUrl: bench.server.url,
    apiKey: 'test',
    ledger: join(bench.folder, 'ledger.sqlite'),
    yes: true,
    ...more,
  };
}

function createCompanies(count: number): { company: string }[] {
  return Array.from({ length: count }, (_, index) => ({ company: `Company ${index + 1}` }));
}

async function readAll<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

test('returns each object in order with its values, sources, cost and run', async () => {
  const bench = await openJobBench(TRUTHFUL);
  async function* source() {
    yield* createCompanies(10);
  }
  const filled = enrichRows(source(), createOptions(bench));
  expect(filled.summary).toBeNull();
  const records = await readAll(filled);
  expect(records.map(({ input }) => input)).toEqual(createCompanies(10));
  expect(records[3]).toEqual({
    input: { company: 'Company 4' },
    values: { answer: 'about Company 4' },
    status: 'enriched',
    error: null,
    costMicros: 3_125,
    isCostEstimated: false,
    runId: expect.stringMatching(/^agent_run_/),
    fields: {
      answer: {
        confidence: 'medium',
        citations: [{ url: 'https://example.com/about%20Company%204', title: null }],
        asOf: expect.stringMatching(/^\d{4}-/),
        runId: expect.stringMatching(/^agent_run_/),
      },
    },
  });
  expect(records.reduce((sum, { costMicros }) => sum + costMicros, 0)).toBe(50_000);
  expect(filled.summary).toMatchObject({ stop: 'done', input: 'rows', output: '-', costMicros: 50_000 });
  expect(listSpools()).toEqual([]);
});

test('the same rows with the same name are the same job and are not paid for twice', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const first = enrichRows(createCompanies(9), createOptions(bench, { name: 'crm' }));
  await readAll(first);
  const again = enrichRows(createCompanies(10), createOptions(bench, { name: 'crm' }));
  await readAll(again);
  expect(again.summary).toMatchObject({ jobId: first.summary?.jobId, reused: 9, runs: { created: 1 } });
  expect(await bench.listJobs()).toMatchObject([{ input: 'rows:crm', output: '-', invocation: 2 }]);
});

test('an interrupt returns partial results, and the next call continues', async () => {
  const controller = new AbortController();
  const { script: gated, open } = createGate();
  const bench = await openJobBench(async (task, signal) => {
    controller.abort();
    await gated(task, signal);
    return TRUTHFUL(task, signal);
  });
  const stopped = enrichRows(createCompanies(2), createOptions(bench), { signal: controller.signal });
  expect((await readAll(stopped)).map(({ status }) => status)).toEqual(['pending', 'pending']);
  expect(stopped.summary?.stop).toBe('interrupted');
  open();
  const resumed = enrichRows(createCompanies(2), createOptions(bench));
  expect((await readAll(resumed)).map(({ status }) => status)).toEqual(['enriched', 'enriched']);
  expect(resumed.summary?.runs).toMatchObject({ created: 0, adopted: 1 });
});

test('a consumer that stops early leaves no file behind', async () => {
  const bench = await openJobBench(TRUTHFUL);
  for await (const { input } of enrichRows(createCompanies(20), createOptions(bench))) {
    expect(listSpools()).toHaveLength(1);
    if (input.company === 'Company 2') break;
  }
  expect(listSpools()).toEqual([]);
});

test('fails and leaves no file behind if the source fails or its rows cannot be stored', async () => {
  const bench = await openJobBench(TRUTHFUL);
  async function* source() {
    yield { company: 'Acme' };
    throw new Error('the database is gone');
  }
  await expect(readAll(enrichRows(source(), createOptions(bench)))).rejects.toThrow('the database is gone');
  const circle: Record<string, unknown> = { company: 'Acme' };
  circle.self = circle;
  const notPlain = expect.objectContaining({ kind: 'usage', code: 'ROW_NOT_PLAIN' });
  for (const row of [circle, { company: 'Acme', call: () => 1 }]) {
    const filling = readAll(enrichRows([{ company: 'Bolt' }, row], createOptions(bench)));
    await expect(filling).rejects.toEqual(notPlain);
    await expect(filling).rejects.toThrow('rows[1] cannot be stored');
  }
  const aborted = { signal: AbortSignal.abort(new Error('closing time')) };
  await expect(readAll(enrichRows([{ company: 'A' }], createOptions(bench), aborted))).rejects.toThrow(
    'closing time',
  );
  expect(bench.agent.tasks).toEqual([]);
  expect(listSpools()).toEqual([]);
});

test('refuses wrong options before reading the first row', async () => {
  const bench = await openJobBench(TRUTHFUL);
  let taken = 0;
  function* source() {
    taken += 1;
    yield { company: 'Acme' };
  }
  const refused = enrichRows(source(), createOptions(bench, { fields: [] }));
  await expect(readAll(refused)).rejects.toMatchObject({ code: 'NOTHING_TO_FILL' });
  const unsized = enrichRows(source(), createOptions(bench, { batchSize: 0 }));
  await expect(readAll(unsized)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  expect(taken).toBe(0);
});

test('does not create a job without rows', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const filled = enrichRows([], createOptions(bench));
  expect(await readAll(filled)).toEqual([]);
  expect(filled.summary).toBeNull();
  expect(await bench.listJobs()).toEqual([]);
});

test('a row that is not an object fails alone, and filled cells stay', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const rows = [{ company: 'Acme', answer: 'known' }, null, [1], { company: 'Bolt' }, 'text'] as object[];
  const records = await readAll(enrichRows(rows, createOptions(bench)));
  expect(records.map(({ status }) => status)).toEqual([
    'unchanged',
    'failed',
    'failed',
    'enriched',
    'failed',
  ]);
  expect(records.map(({ input }) => input)).toEqual(rows);
  expect(records[0]?.values).toEqual({ answer: 'known' });
  expect(records.map(({ error }) => error)).toEqual([
    null,
    'rows[1] is null, not an object',
    'rows[2] is an array, not an object',
    null,
    'rows[4] is a string, not an object',
  ]);
});

test.each(['input', 'as_answered'] as const)(
  'objects without columns fail by their kind (%s)',
  async (order) => {
    const bench = await openJobBench(TRUTHFUL);
    const rows = [new Date(0), { company: 'Acme' }, new Map([['company', 'Bolt']])] as object[];
    const records = await readAll(enrichRows(rows, { ...createOptions(bench), order }));
    expect(records.map(({ error }) => error).sort()).toEqual([
      null,
      'rows[0] is a Date, not an object',
      'rows[2] is a Map, not an object',
    ]);
  },
);

test('events hide the temporary files, and every row has an event', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const events: EnrichEvent[] = [];
  const hooks = { onEvent: (event: EnrichEvent) => void events.push(event) };
  await readAll(enrichRows(createCompanies(3), createOptions(bench), hooks));
  expect(events.filter(({ type }) => type === 'row')).toMatchObject([
    { ordinal: 0, line: 1, status: 'enriched' },
    { ordinal: 1, line: 2 },
    { ordinal: 2, line: 3 },
  ]);
  expect(JSON.stringify(events)).not.toContain('rowfill-rows-');
});

test('returns bigints, dates, decimals and any text unchanged', SLOW, async () => {
  const bench = await openJobBench(TRUTHFUL);
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
    fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 }),
  );
  const row = fc
    .dictionary(
      fc
        .string({ unit: 'grapheme' })
        .filter((key) => !/^(?:answer|company|enrichment.*|__proto__)$/.test(key)),
      value,
      {
        noNullPrototype: true,
      },
    )
    .map((rest) => ({ ...rest, company: 'Acme' }));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), async (rows) => {
      const records: FilledRecord<(typeof rows)[number]>[] = await readAll(
        enrichRows(rows, createOptions(bench)),
      );
      expect(records.map(({ input }) => input)).toEqual(rows);
      expect(records.map(({ values }) => values.answer)).toEqual(rows.map(() => 'about Acme'));
    }),
    { numRuns: chooseCount(30, 7) },
  );
});

test('with as_answered, returns each row while others are still worked on', async () => {
  const { script: gated, open } = createGate();
  const bench = await openJobBench(async (task, signal) => {
    if (JSON.stringify(task.request.input).includes('Slow')) await gated(task, signal);
    return TRUTHFUL(task, signal);
  });
  const rows = [{ company: 'Slow' }, { company: 'Fast', since: 5n }, { company: 'Done', answer: 'known' }];
  const filled = enrichRows(rows, createOptions(bench, { order: 'as_answered', batchSize: 1 }));
  const iterator = filled[Symbol.asyncIterator]();
  const first = await iterator.next();
  const second = await iterator.next();
  expect([first.value, second.value].map(({ input, status }) => [input, status])).toEqual([
    [rows[2], 'unchanged'],
    [rows[1], 'enriched'],
  ]);
  expect(second.value.values).toEqual({ answer: 'about Fast' });
  expect(filled.summary).toBeNull();
  open();
  expect((await iterator.next()).value).toMatchObject({ input: rows[0], values: { answer: 'about Slow' } });
  expect((await iterator.next()).done).toBe(true);
  expect(filled.summary).toMatchObject({ stop: 'done', costMicros: 50_000 });
  expect(listSpools()).toEqual([]);
});

test('with as_answered, every row is returned once and the costs add up, whatever happens to it', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const companies = createCompanies(20);
  const rows = [...companies, ...companies.slice(0, 5), null, { company: '' }] as { company: string }[];
  const options = createOptions(bench, { order: 'as_answered', batchSize: 3 });
  const records = await readAll(enrichRows(rows, options));
  expect(records).toHaveLength(rows.length);
  const name = (row: { company: string } | null): string => JSON.stringify(row);
  expect(records.map(({ input }) => name(input)).toSorted()).toEqual(rows.map(name).toSorted());
  const usual = await readAll(enrichRows(rows, createOptions(bench, { batchSize: 3 })));
  const total = (each: typeof records): number => each.reduce((sum, { costMicros }) => sum + costMicros, 0);
  expect(total(records)).toBe(total(usual));
  const byName = (each: typeof records) =>
    each.map(({ input, values, status }) => JSON.stringify([input, values, status])).toSorted();
  expect(byName(records)).toEqual(byName(usual));
});

test('with as_answered, a consumer that leaves stops the job, and a stopped job returns the rest as pending', async () => {
  const { script: gated, open } = createGate();
  let started = 0;
  const bench = await openJobBench(async (task, signal) => {
    started += 1;
    if (started > 2) await gated(task, signal);
    return TRUTHFUL(task, signal);
  });
  const options = createOptions(bench, { order: 'as_answered', batchSize: 1, concurrency: 1 });
  for await (const { status } of enrichRows(createCompanies(50), options)) {
    expect(status).toBe('enriched');
    break;
  }
  expect(started).toBeLessThan(10);
  expect(listSpools()).toEqual([]);
  open();
  const again = await readAll(enrichRows(createCompanies(3), options));
  expect(again.map(({ status }) => status)).toEqual(['enriched', 'enriched', 'enriched']);
  await expect(
    readAll(enrichRows([{ company: 'A' }], createOptions(bench, { order: 'random' as 'input' }))),
  ).rejects.toMatchObject({ code: 'BAD_OPTION' });
});

test('items of which none is an object all fail, without a job', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const filled = enrichRows([null, 7] as unknown as object[], createOptions(bench));
  expect(await readAll(filled)).toMatchObject([
    { input: null, status: 'failed', values: { answer: null } },
    { input: 7, status: 'failed', error: 'rows[1] is a number, not an object' },
  ]);
  expect(filled.summary).toBeNull();
  expect(await bench.listJobs()).toEqual([]);
});

test('an abort is heard while the source waits, and temporary files go', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const controller = new AbortController();
  async function* source() {
    yield { company: 'Acme' };
    controller.abort(new Error('closing time'));
    await new Promise(() => {});
  }
  const { signal } = controller;
  await expect(readAll(enrichRows(source(), createOptions(bench), { signal }))).rejects.toThrow(
    'closing time',
  );
  expect(listSpools()).toEqual([]);
});

test('plans objects without a key, without sending anything or leaving files behind', async () => {
  const bench = await openJobBench(TRUTHFUL);
  const { apiKey: _apiKey, apiUrl: _apiUrl, ...options } = createOptions(bench);
  const result = await planRows(createCompanies(20), options);
  expect(result).toMatchObject({
    rows: { total: 20, ask: 20 },
    quote: { runs: 3 },
    agent: { needsKey: true },
  });
  expect(listSpools()).toEqual([]);
  expect(bench.agent.tasks).toEqual([]);
});

test('takes a schema object of a schema library, with more than JSON in it', async () => {
  const bench = await openJobBench(TRUTHFUL);
  class Made {
    readonly type = 'object';
    readonly properties = { answer: { type: ['string', 'null'], default: undefined } };
    readonly validate = (): boolean => true;
  }
  const { fields: _fields, ...options } = createOptions(bench);
  const records = await readAll(enrichRows(createCompanies(1), { ...options, schemaObject: new Made() }));
  expect(records[0]?.status).toBe('enriched');
});
