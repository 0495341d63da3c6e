import { expect, onTestFinished, test } from 'vitest';
import { isJsonObject, type JsonObject } from '../../src/model/json.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { openRawAgent } from '../helpers/raw-agent.js';
import { createRunJson, openRawServer } from '../helpers/raw-server.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const PRICE_MICROS = 25_000;
/** The first list request is the check at the start of a job. */
const LATER_LOOKS = Array.from({ length: 500 }, (_, index) => index + 2);

function openBench(faults: readonly object[]): Promise<JobBench> {
  const truthful = script(
    (rows) => ({ rows }),
    () => PRICE_MICROS / 1e6,
  );
  return openJobBench(truthful, { rehearsal: resolveRehearsal({ faults }) });
}

test.each([
  ['the reply is lost', { fault: 'lost_reply' }],
  ['the reply is a 500', { fault: 'server_error', accepted: true }],
  ['the reply is a page of HTML', { fault: 'bad_gateway', accepted: true }],
])('adopts a run that was started although %s, even if the run list lags', async (_name, fault) => {
  const bench = await openBench([
    { ...fault, nth: [1, 3] },
    { fault: 'list_lags', lagMs: 600 },
  ]);
  bench.write('in.csv', createList(32));
  const { summary, rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 32 });
  expectOwnAnswers(rows);
  expect(summary).toMatchObject({
    stop: 'done',
    runs: { created: 2, adopted: 2 },
    costMicros: 4 * PRICE_MICROS,
  });
  expect(bench.server.report()).toMatchObject({ runs: { created: 4 }, billedMicros: 4 * PRICE_MICROS });
});

test('by default, allows any agent with a URL the full list lag', async () => {
  const bench = await openBench([
    { fault: 'lost_reply', nth: [1] },
    { fault: 'list_lags', lagMs: 1_600 },
  ]);
  bench.write('in.csv', createList(8));
  const { summary, rows } = await bench.run({ listLagMs: undefined });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  expect(summary).toMatchObject({ runs: { created: 0, adopted: 1 }, costMicros: PRICE_MICROS });
  expect(bench.server.report()).toMatchObject({ runs: { created: 1 }, billedMicros: PRICE_MICROS });
});

test.each(['lost_request', 'server_error', 'bad_gateway', 'overloaded'])(
  'resends a failed create (%s) once the list shows no run, without cost',
  async (fault) => {
    const bench = await openBench([{ fault, nth: [1] }]);
    bench.write('in.csv', createList(16));
    const { summary, rows } = await bench.run({ concurrency: 1 });
    expect(countStatuses(rows)).toEqual({ enriched: 16 });
    expectOwnAnswers(rows);
    expect(summary).toMatchObject({ stop: 'done', unknownRuns: 0, reservedMicros: 0 });
    expect(bench.server.report()).toMatchObject({ runs: { created: 2 }, billedMicros: 2 * PRICE_MICROS });
    expect(summary.costMicros).toBe(2 * PRICE_MICROS);
  },
);

test('if the list fails too, the batch is unknown and stays reserved until the next invocation settles it', async () => {
  const bench = await openBench([
    { fault: 'lost_reply', nth: [1] },
    { fault: 'forbidden', on: ['list'], nth: [2, 4] },
  ]);
  bench.write('in.csv', createList(16));
  for (const invocation of [1, 2]) {
    const { summary, rows } = await bench.run({ concurrency: 1 });
    expect(summary).toMatchObject({
      stop: 'done',
      unknownRuns: 1,
      costMicros: PRICE_MICROS,
      reservedMicros: PRICE_MICROS,
    });
    expect(countStatuses(rows)).toEqual({ failed: 8, enriched: 8 });
    expect(rows[0]?.enrichment_error).toMatch(/whether (its|the) run exists/);
    expect(await bench.listJobs()).toMatchObject([
      { invocation, runs: [{ runId: null, state: 'unknown', rows: 8 }] },
    ]);
  }
  const { summary, rows } = await bench.run();
  expect(summary).toMatchObject({ unknownRuns: 0, costMicros: 2 * PRICE_MICROS, reservedMicros: 0 });
  expect(summary.runs).toEqual({ created: 0, adopted: 1, failed: 0 });
  expect(countStatuses(rows)).toEqual({ enriched: 16 });
  expectOwnAnswers(rows);
  expect(bench.server.report().runs.created).toBe(2);
});

test('an unknown batch counts towards the cap with its worst price', async () => {
  const bench = await openBench([
    { fault: 'lost_reply', nth: [1] },
    { fault: 'forbidden', on: ['list'], nth: [2] },
  ]);
  bench.write('in.csv', createList(24));
  const { summary } = await bench.run({ concurrency: 1, maxCost: 0.05 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: PRICE_MICROS, reservedMicros: PRICE_MICROS });
  expect(bench.server.report().runs.created).toBe(2);
});

test('gives up early on an agent whose replies are all lost and whose list fails', async () => {
  const bench = await openBench([
    { fault: 'lost_reply' },
    { fault: 'forbidden', on: ['list'], nth: LATER_LOOKS },
  ]);
  bench.write('in.csv', createList(800));
  const { summary } = await bench.run({ concurrency: 4 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'AGENT_KEEPS_FAILING' } });
  expect(bench.server.report().runs.created).toBeLessThanOrEqual(14);
  expect(summary.rows.pending).toBeGreaterThanOrEqual(800 - 14 * 8);
  expect(summary.unknownRuns).toBe(bench.server.report().runs.created);
});

test('an interrupt does not wait for the search; the next invocation searches for the run', async () => {
  const bench = await openBench([
    { fault: 'lost_reply', nth: [1] },
    { fault: 'slow_reply', on: ['list'], nth: [2], delayMs: 3_600_000 },
    { fault: 'forbidden', on: ['list'], nth: [4] },
  ]);
  bench.write('in.csv', createList(8));
  const controller = new AbortController();
  const running = bench.run({}, { signal: controller.signal });
  await expect.poll(() => bench.server.report().requests.list).toBe(2);
  controller.abort();
  const first = await running;
  expect(first.summary).toMatchObject({ stop: 'interrupted', unknownRuns: 1, reservedMicros: PRICE_MICROS });
  expect(countStatuses(first.rows)).toEqual({ pending: 8 });
  const notes: string[] = [];
  const blind = await bench.run(
    {},
    { onEvent: (event) => event.type === 'note' && notes.push(event.message), confirm: async () => true },
  );
  expect(notes).toEqual(['Checking whether an earlier run was started; this takes up to 1 s']);
  expect(blind.summary).toMatchObject({ stop: 'done', unknownRuns: 1, reservedMicros: PRICE_MICROS });
  expect(countStatuses(blind.rows)).toEqual({ failed: 8 });
  expect(blind.rows[0]?.enrichment_error).toMatch(/whether (its|the) run exists/);
  const last = await bench.run();
  expect(last.summary).toMatchObject({ stop: 'done', runs: { created: 0, adopted: 1 }, reservedMicros: 0 });
  expect(countStatuses(last.rows)).toEqual({ enriched: 8 });
});

/** Keeps only some members of the request that an agent repeats. */
function keepOfRequest(names: readonly string[]): (json: JsonObject) => JsonObject {
  return (json) => {
    const request = isJsonObject(json.request) ? json.request : {};
    const kept = Object.entries(request).filter(([name]) => names.includes(name));
    return {
      ...json,
      request: Object.fromEntries(kept),
      output: { text: '', structured: null, grounding: [] },
    };
  };
}

test.each([[['query', 'input', 'outputSchema', 'effort']], [['outputSchema']], [['input']]])(
  'adopts a run with a lost reply from an agent that repeats only %j of its request',
  async (names) => {
    const agent = await openRawAgent({ losesReplies: true, changeRun: keepOfRequest(names) });
    const bench = await openBench([]);
    bench.write('in.csv', 'company\nCompany 1\n');
    const { summary } = await bench.run({ apiUrl: agent.url, batchSize: 1, maxCost: 0.025 });
    expect(summary).toMatchObject({
      unknownRuns: 0,
      runs: { created: 0, adopted: 1 },
      costMicros: PRICE_MICROS,
    });
    expect(agent.runs).toHaveLength(1);
  },
);

test('does not pay again for a run with a lost reply if the agent does not repeat requests', async () => {
  const agent = await openRawAgent({ losesReplies: true, changeRun: keepOfRequest(['effort']) });
  const bench = await openBench([]);
  bench.write('in.csv', createList(8));
  for (let command = 0; command < 2; command += 1) {
    const { summary, rows } = await bench.run({ apiUrl: agent.url });
    expect(summary).toMatchObject({ unknownRuns: 1, costMicros: 0, reservedMicros: PRICE_MICROS });
    expect(countStatuses(rows)).toEqual({ failed: 8 });
    expect(rows[0]?.enrichment_error).toContain('whether');
    expect(agent.runs).toHaveLength(1);
  }
});

test.each(['answers it', 'loses the reply'])(
  'an agent that writes NaN in every response is understood, and no run is started twice if it %s',
  async (how) => {
    const runs: string[] = [];
    const server = await openRawServer(({ method, url, body }, response, socket) => {
      const send = (text: string): void => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      };
      if (method === 'POST') {
        const request = JSON.parse(body);
        const rows = request.input.data.map(({ row_id, company }: JsonObject) => {
          return { row_id, fields: { answer: `about ${company}`, score: '@' } };
        });
        const output = { text: '', structured: { rows }, grounding: [] };
        const run = createRunJson(`run_${runs.length + 1}`, {
          createdAt: new Date().toISOString(),
          request,
          output,
          costDollars: { total: 0.025, search: '@' },
        });
        runs.push(JSON.stringify(run).replaceAll('"@"', 'NaN'));
        if (how === 'loses the reply') return void socket.destroy();
        return send(runs.at(-1) ?? '');
      }
      if (url.startsWith('/agent/runs?'))
        return send(`{"data":[${runs.toReversed().join()}],"hasMore":false}`);
      return send(runs.find((run) => url.endsWith(String(JSON.parse(run.replaceAll('NaN', '0')).id))) ?? '');
    });
    onTestFinished(() => server.close());
    const bench = await openBench([]);
    bench.write('in.csv', createList(16));
    const { summary, rows } = await bench.run({
      apiUrl: server.url,
      fields: ['answer', 'score:number'],
      concurrency: 1,
    });
    expect(countStatuses(rows)).toEqual({ partial: 16 });
    expect(rows.map(({ answer, score }) => [answer, score])).toEqual(
      Array.from({ length: 16 }, (_, index) => [`about Company ${index + 1}`, '']),
    );
    expect(runs).toHaveLength(2);
    expect(summary).toMatchObject({ stop: 'done', costMicros: 50_000, unknownRuns: 0 });
  },
);
