import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type EnrichHooks, enrich } from '../../src/enrich.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { hashRecord } from '../../src/model/ask.js';
import type { JsonObject } from '../../src/model/json.js';
import type { EnrichOptions } from '../../src/options.js';
import { createList, readTable } from '../helpers/job.js';
import { createTestBatch, reserveTestBatch } from '../helpers/ledger-samples.js';
import { openRawAgent, type RawAgentScript } from '../helpers/raw-agent.js';
import { createRunJson, sendJson } from '../helpers/raw-server.js';

async function openBench(script: RawAgentScript) {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-unusable-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const agent = await openRawAgent(script);
  const path = (name: string): string => join(folder, name);
  return {
    agent,
    ledger: path('ledger.sqlite'),
    write: (count: number) => writeFileSync(path('in.csv'), createList(count)),
    async run(options: Partial<EnrichOptions> = {}, hooks: EnrichHooks = {}) {
      const summary = await enrich(
        {
          input: path('in.csv'),
          output: path('out.csv'),
          fields: ['answer'],
          apiUrl: agent.url,
          apiKey: 'test',
          ledger: path('ledger.sqlite'),
          listLagMs: 0,
          yes: true,
          ...options,
        },
        hooks,
      );
      return { summary, rows: readTable(readFileSync(path('out.csv'), 'utf8')) };
    },
  };
}

type Rows = readonly Readonly<Record<string, string>>[];

/** Checks that no row has another row's answer. */
function expectNoForeignAnswer(rows: Rows): void {
  for (const row of rows) expect(['', `of ${row.company}`]).toContain(row.answer);
}

const dropRequest = (json: JsonObject): JsonObject => ({ ...json, request: null });
const repeatOther = (json: JsonObject): JsonObject => ({
  ...json,
  request: { query: 'q', metadata: { rowfill_batch: 'b_of_somebody_else' } },
});

test.each([
  ['repeats the request', undefined],
  ['does not repeat the request', dropRequest],
])('a run id returned for two batches settles only one, from an agent that %s', async (_how, changeRun) => {
  const { run, write, ledger } = await openBench({
    nameRun: () => 'run_same',
    ...(changeRun === undefined ? {} : { changeRun }),
  });
  write(16);
  const { summary, rows } = await run({ concurrency: 1 });
  expectNoForeignAnswer(rows);
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 8, failed: 8, pending: 0 } });
  expect(rows.slice(8).map((row) => row.enrichment_error)).toEqual(
    Array(8).fill(
      expect.stringMatching(/run run_same (was started for other rows|has already answered other rows)/),
    ),
  );
  const opened = await openLedger(ledger);
  expect(await opened.listJobs()).toMatchObject([{ spentMicros: 50_000, reservedMicros: 0, runs: [] }]);
  await opened.close();
});

test.each([
  ['repeats the request', undefined],
  ['does not repeat the request', dropRequest],
])(
  'a run id used by an earlier call settles nothing later, from an agent that %s',
  async (_how, changeRun) => {
    const { run, write } = await openBench({
      nameRun: () => 'run_same',
      ...(changeRun === undefined ? {} : { changeRun }),
    });
    write(8);
    expect((await run()).summary.rows).toMatchObject({ enriched: 8 });
    write(16);
    const { summary, rows } = await run();
    expectNoForeignAnswer(rows);
    expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 8, failed: 8 } });
  },
);

test('accepts reused run ids after an agent restart if the agent repeats the request', async () => {
  const bench = await openBench({ nameRun: () => 'run_1' });
  bench.write(8);
  await bench.run();
  bench.write(16);
  // A new agent at the same URL without any earlier runs. Only the repeated request identifies its runs.
  (bench.agent.runs as unknown[]).length = 0;
  const { summary, rows } = await bench.run();
  expect(summary.rows).toMatchObject({ enriched: 16, failed: 0 });
  expectNoForeignAnswer(rows);
});

test('a run whose metadata names another batch answers nothing', async () => {
  const { run, write, agent } = await openBench({ changeRun: repeatOther });
  write(3);
  const notes: string[] = [];
  const { summary, rows } = await run(
    {},
    { onEvent: (event) => void (event.type === 'note' && notes.push(event.message)) },
  );
  expect(notes.filter((note) => /cost/.test(note))).toEqual([expect.stringContaining('for a run. Such')]);
  expect(summary).toMatchObject({ stop: 'done', rows: { failed: 3 }, costMicros: 25_000 });
  expect(rows[0]?.enrichment_error).toContain('was started for other rows');
  expect(agent.runs).toHaveLength(1);
});

test('ignores answers with the row ids of another batch', async () => {
  let first: JsonObject | null = null;
  const { run, write, agent } = await openBench({
    changeRun: (json) => {
      first ??= json;
      return { ...json, output: first.output ?? null };
    },
  });
  write(16);
  const { rows } = await run({ concurrency: 1 });
  expectNoForeignAnswer(rows);
  const ids = agent.runs.flatMap(({ request }) => request.input?.data?.map((record) => record.row_id) ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(String(id).length).toBeLessThanOrEqual(14);
});

const BAD_IDS = [
  ['only dots', '..'],
  ['a path', 'a/../../x'],
  ['a lone surrogate', 'run_\ud800'],
  ['control characters', 'run_\u0000\u001b[31m\n'],
  ['2 MB', 'x'.repeat(2_000_000)],
  ['201 characters', 'x'.repeat(201)],
  ['white space', ' '],
  ['letters of another script', 'läufe_1'],
] as const;

test.each(BAD_IDS)('a run id of %s fails its batch, and the same command can continue', async (_what, id) => {
  let isBad = true;
  const { run, write, agent, ledger } = await openBench({
    nameRun: (number) => (isBad ? id : `run_${number}`),
  });
  write(2);
  const { summary, rows } = await run();
  expect(summary).toMatchObject({
    stop: 'done',
    rows: { failed: 2, pending: 0 },
    costMicros: 25_000,
    runs: { created: 1, failed: 1 },
  });
  expect(rows[0]?.enrichment_error).toContain('not a valid run id');
  expect(rows[0]?.enrichment_error?.length).toBeLessThan(400);
  expect(agent.runs).toHaveLength(1);
  const opened = await openLedger(ledger);
  expect(await opened.listJobs()).toMatchObject([{ reservedMicros: 0, runs: [] }]);
  expect(await opened.check()).toEqual([]);
  await opened.close();
  isBad = false;
  const again = await run();
  expect(again.summary).toMatchObject({ stop: 'done', rows: { enriched: 2 } });
  expect(agent.runs).toHaveLength(2);
});

test.each(BAD_IDS)(
  'does not create a lost run again if the list shows it with an id of %s',
  async (_what, id) => {
    const { run, write, agent } = await openBench({ nameRun: () => id, losesReplies: true });
    write(2);
    const { summary } = await run();
    expect(summary).toMatchObject({ stop: 'done', rows: { failed: 2 }, costMicros: 25_000 });
    expect(agent.runs).toHaveLength(1);
  },
);

test.each([
  ['without an id', { id: undefined }],
  ['with a numeric id', { id: 7 }],
  ['without id and status', { id: undefined, status: undefined }],
])('does not create a lost run again if the list shows it %s', async (_what, change) => {
  const { run, write, agent } = await openBench({
    changeRun: (json) => ({ ...json, ...change }) as JsonObject,
    losesReplies: true,
  });
  write(1);
  const { summary, rows } = await run();
  expect(summary).toMatchObject({ stop: 'done', rows: { failed: 1 }, costMicros: 25_000 });
  expect(rows[0]?.enrichment_error).toContain('not a valid run id');
  expect(agent.runs).toHaveLength(1);
});

/** Leaves an active batch for the first rows, like the previous version: with row ids that restart in each batch. */
async function leaveOldBatch(bench: Awaited<ReturnType<typeof openBench>>, runId: string): Promise<void> {
  const { write, run, ledger: path } = bench;
  write(1);
  await run();
  write(3);
  const ledger = await openLedger(path);
  const [job] = await ledger.listJobs();
  if (job === undefined) throw new Error('there is no job');
  const rows = [2, 3].map((number, index) => {
    const record = { company: `Company ${number}` };
    return { rowId: `r${index + 1}`, key: hashRecord(record), record };
  });
  const batch = { ...createTestBatch(await ledger.getJob(job.id), []), fields: ['answer'], rows };
  await reserveTestBatch(ledger, batch);
  await ledger.markStarted(batch, runId);
  await ledger.close();
}

test.each(BAD_IDS.filter(([, id]) => !id.includes('\u0000')))(
  'a batch left by an earlier version with a run id of %s ends at the next start',
  async (_what, id) => {
    const bench = await openBench({});
    await leaveOldBatch(bench, id);
    const { summary, rows } = await bench.run();
    expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 1, failed: 2, pending: 0 } });
    expect(rows[1]?.enrichment_error).toContain('not a valid run id');
    expect(bench.agent.runs).toHaveLength(1);
    expect((await bench.run()).summary).toMatchObject({ stop: 'done', rows: { enriched: 3 } });
    const ledger = await openLedger(bench.ledger);
    expect(await ledger.listJobs()).toMatchObject([{ reservedMicros: 0, spentMicros: 75_000, runs: [] }]);
    await ledger.close();
  },
);

test('a batch of an earlier version is answered by its original row ids', async () => {
  const rows = ['r2', 'r1'].map((row_id) => ({
    row_id,
    fields: { answer: `of Company ${row_id === 'r1' ? 2 : 3}` },
  }));
  const bench = await openBench({
    intercept: ({ url }, response) => {
      if (url !== '/agent/runs/run_old') return false;
      sendJson(
        response,
        200,
        createRunJson('run_old', { output: { text: '', structured: { rows }, grounding: [] } }),
      );
      return true;
    },
  });
  await leaveOldBatch(bench, 'run_old');
  const { summary, rows: filled } = await bench.run();
  expect(summary).toMatchObject({ rows: { enriched: 3 }, runs: { created: 0, adopted: 1 } });
  expectNoForeignAnswer(filled);
});

test('a batch adopted after a kill keeps its row ids', async () => {
  let isSilent = true;
  const bench = await openBench({
    intercept: ({ method, url }, response, socket) => {
      if (!isSilent || method !== 'GET' || !url.startsWith('/agent/runs/')) return false;
      stop.abort();
      socket.destroy();
      response.destroy();
      return true;
    },
  });
  const stop = new AbortController();
  bench.write(8);
  const first = await bench.run({}, { signal: stop.signal });
  expect(first.summary).toMatchObject({ stop: 'interrupted', rows: { pending: 8 } });
  isSilent = false;
  const { summary, rows } = await bench.run();
  expect(summary).toMatchObject({ rows: { enriched: 8 }, runs: { created: 0, adopted: 1 } });
  expectNoForeignAnswer(rows);
  expect(bench.agent.runs).toHaveLength(1);
});
