import { describe, expect, test } from 'vitest';
import { resolveRehearsal } from '../../src/server/start-server.js';
import { ExaError, openSdk, WAYS } from '../helpers/exa-sdk.js';
import { createGate, createRecords, createResult, ScriptedAgent } from '../helpers/scripted-agent.js';

const QUESTION = { query: 'Find it.', input: { data: createRecords(2) }, effort: 'low' } as const;
const SOON = { pollInterval: 5, timeoutMs: 10_000 };

describe.each(WAYS)('$name', (way) => {
  test('create, then pollUntilFinished', async () => {
    const { runs, betas } = await openSdk(way);
    const outputSchema = { type: 'object', properties: { rows: { type: 'array' } } };
    const metadata = { batch: 'one' };
    const created = await runs.create({ ...QUESTION, ...betas, outputSchema, metadata });
    expect(created).toMatchObject({ status: 'running', request: { ...QUESTION, outputSchema, metadata } });
    const run = await runs.pollUntilFinished(created.id, { ...betas, ...SOON });
    expect(run).toMatchObject({ id: created.id, status: 'completed', stopReason: 'schema_satisfied' });
    expect(run.output?.grounding?.[0]?.field).toBe('structured.rows[0].fields.answer');
  });

  test('createAndWait returns the completed run', async () => {
    const { runs, betas } = await openSdk(way);
    const run = await runs.createAndWait({ ...QUESTION, ...betas }, SOON);
    expect(run.output?.structured).toEqual({
      rows: [
        { row_id: 'r1', fields: { answer: 'answer to r1' } },
        { row_id: 'r2', fields: { answer: 'answer to r2' } },
      ],
    });
  });

  test('createAndWait throws for a run that failed, with the run', async () => {
    const agent = new ScriptedAgent(() => Promise.reject(new Error('no more tables')));
    const { runs, betas } = await openSdk(way, { agent });
    const error = await runs.createAndWait({ ...QUESTION, ...betas }, SOON).catch((caught) => caught);
    expect(error).toMatchObject({
      name: 'AgentRunFailedError',
      run: { status: 'failed', stopReason: 'error' },
    });
    if (way.contract === 'current') expect(error.message).toBe('The agent failed: no more tables');
  });

  test('createAndWait throws for a run that was cancelled, with the run', async () => {
    const { runs, betas, server } = await openSdk(way, { agent: new ScriptedAgent(createGate().script) });
    const waiting = runs.createAndWait({ ...QUESTION, ...betas }, SOON).catch((caught) => caught);
    await expect.poll(() => server.report().runs.created).toBe(1);
    const [run] = (await runs.list({ ...betas })).data;
    await runs.cancel(run?.id ?? '', { ...betas });
    expect(await waiting).toMatchObject({ name: 'AgentRunCancelledError', run: { status: 'cancelled' } });
  });

  test('a stream returns every event, and the run can still be fetched', async () => {
    const { runs, betas } = await openSdk(way);
    const events = [];
    for await (const event of await runs.create({ ...QUESTION, ...betas, stream: true })) events.push(event);
    expect(events.map((event) => `${event.id} ${event.event}`)).toEqual([
      '1 agent_run.created',
      '2 agent_run.started',
      '3 agent_run.completed',
    ]);
    const run = await runs.get(String(events[0]?.data.id), { ...betas });
    expect(run.status).toBe('completed');
  });

  test('leaving a stream early does not stop the run', async () => {
    const gate = createGate();
    const { runs, betas } = await openSdk(way, { agent: new ScriptedAgent(gate.script) });
    let id = '';
    for await (const event of await runs.create({ ...QUESTION, ...betas, stream: true })) {
      id = String(event.data.id);
      break;
    }
    expect((await runs.get(id, { ...betas })).status).toBe('running');
    gate.open();
    expect((await runs.pollUntilFinished(id, { ...betas, ...SOON })).status).toBe('completed');
  });

  test('list, listAll and getAll page through every run', async () => {
    const { runs, betas } = await openSdk(way);
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await runs.create({ ...QUESTION, ...betas })).id);
    const page = await runs.list({ ...betas, limit: 2 });
    expect(page).toMatchObject({ object: 'list', hasMore: true, nextCursor: ids[1] });
    expect(await runs.list({ ...betas, limit: 2, cursor: ids[1] ?? '' })).toMatchObject({
      nextCursor: ids[3],
    });
    const listed: string[] = [];
    for await (const run of runs.listAll({ ...betas, limit: 2 })) listed.push(run.id);
    expect(listed).toEqual(ids);
    expect((await runs.getAll({ ...betas, limit: 3 })).map((run) => run.id)).toEqual(ids);
  });

  test('events.list pages through the events of a run', async () => {
    const { runs, betas } = await openSdk(way);
    const { id } = await runs.createAndWait({ ...QUESTION, ...betas }, SOON);
    const first = await runs.events.list(id, { ...betas, limit: 2 });
    expect(first.data.map((event) => event.event)).toEqual(['agent_run.created', 'agent_run.started']);
    const rest = await runs.events.list(id, { ...betas, limit: 2, cursor: first.nextCursor ?? '' });
    expect(rest).toMatchObject({ data: [{ id: '3', event: 'agent_run.completed' }], hasMore: false });
  });

  test('cancel and delete', async () => {
    const { runs, betas } = await openSdk(way, { agent: new ScriptedAgent(createGate().script) });
    const { id } = await runs.create({ ...QUESTION, ...betas });
    expect(await runs.cancel(id, { ...betas })).toMatchObject({ id, status: 'cancelled' });
    expect(await runs.delete(id, { ...betas })).toEqual({ id, object: 'agent_run.deleted', deleted: true });
    await expect(runs.get(id, { ...betas })).rejects.toMatchObject({
      statusCode: 404,
      code: 'RUN_NOT_FOUND',
    });
  });

  test('a run that continues another', async () => {
    const agent = new ScriptedAgent();
    const { runs, betas } = await openSdk(way, { agent });
    const { id } = await runs.createAndWait({ ...QUESTION, ...betas }, SOON);
    await runs.createAndWait({ query: 'Once more.', ...betas, previousRunId: id }, SOON);
    expect(agent.tasks[1]?.previous?.id).toBe(id);
  });

  test('errors carry status, type, code and message', async () => {
    const { runs, betas } = await openSdk(way);
    const error = await runs.create({ ...betas, query: '' }).catch((caught) => caught);
    expect(error).toBeInstanceOf(ExaError);
    expect(error).toMatchObject({
      statusCode: 400,
      type: 'INVALID_REQUEST',
      code: 'INVALID_REQUEST',
      message: 'query must not be empty.',
    });
    await expect(
      runs.create({ ...betas, query: 'x', outputSchema: { type: 'thing' } }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'INVALID_OUTPUT_SCHEMA' });
    await expect(runs.create({ ...betas, query: 'x', previousRunId: 'none' })).rejects.toMatchObject({
      code: 'PREVIOUS_RUN_NOT_FOUND',
    });
    await expect(runs.list({ ...betas, limit: 1_000 })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('a refused stream has the reason in its message', async () => {
    const { runs, betas } = await openSdk(way);
    const error = await runs.create({ ...betas, query: '', stream: true }).catch((caught) => caught);
    expect(error).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('query must not be empty'),
    });
  });

  test('a wrong key, and both kinds of 429', async () => {
    const agent = new ScriptedAgent(createGate().script);
    const options = { agent, key: 'right', maxActiveRuns: 1, startsPerSecond: 2 };
    const wrong = await openSdk(way, options, 'wrong');
    await expect(wrong.runs.list({ ...wrong.betas })).rejects.toMatchObject({
      statusCode: 401,
      type: 'AUTHENTICATION_ERROR',
      code: 'TEAM_NOT_FOUND',
    });
    const { runs, betas } = await openSdk(way, options, 'right');
    await runs.create({ ...QUESTION, ...betas });
    await expect(runs.create({ ...QUESTION, ...betas })).rejects.toMatchObject({
      statusCode: 429,
      type: 'RATE_LIMIT_ERROR',
      code: 'CONCURRENCY_LIMIT_REACHED',
    });
    await expect(runs.create({ ...QUESTION, ...betas })).rejects.toMatchObject({
      statusCode: 429,
      message: 'Too many requests per second. Slow down and try again.',
      requestId: expect.stringMatching(/^req_/),
    });
  });

  test('an HTML page from a proxy', async () => {
    const rehearsal = resolveRehearsal({ faults: [{ fault: 'bad_gateway' }] });
    const { runs, betas } = await openSdk(way, { rehearsal });
    await expect(runs.create({ ...QUESTION, ...betas })).rejects.toMatchObject({
      statusCode: 502,
      message: expect.stringContaining('502 Bad Gateway'),
    });
  });
});

describe.each(WAYS.filter((way) => way.contract === 'current'))('stop, $name', (way) => {
  test('completes an ultra run with its results so far', async () => {
    const agent = new ScriptedAgent(
      (_task, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(createResult({ rows: [] })));
        }),
    );
    const { runs, betas } = await openSdk(way, { agent });
    const { id } = await runs.create({ ...QUESTION, ...betas, effort: 'ultra' });
    expect(await runs.stop(id)).toMatchObject({ status: 'completed', stopReason: 'stopped' });
  });

  test('is refused for other efforts', async () => {
    const { runs, betas } = await openSdk(way, { agent: new ScriptedAgent(createGate().script) });
    const { id } = await runs.create({ ...QUESTION, ...betas });
    await expect(runs.stop(id)).rejects.toMatchObject({ statusCode: 400, code: 'INVALID_REQUEST' });
  });
});

const [contractWay, plainWay] = WAYS;

test('the contract of 2026-05-07 does not have stop', async () => {
  const { runs, betas } = await openSdk(contractWay);
  const { id } = await runs.createAndWait({ ...QUESTION, ...betas }, SOON);
  await expect(runs.stop(id, { ...betas })).rejects.toMatchObject({ statusCode: 404, type: 'NOT_FOUND' });
});

test('the contract of 2026-05-07 refuses exa.agent, which sends no beta header', async () => {
  const { exa } = await openSdk(contractWay);
  await expect(exa.agent.runs.create(QUESTION)).rejects.toMatchObject({
    statusCode: 400,
    code: 'MISSING_BETA_HEADER',
    message: expect.stringContaining('serve the contract "current"'),
  });
});

test('a budget and its effort pass through the SDK', async () => {
  const { runs } = await openSdk(plainWay);
  const run = await runs.createAndWait({ query: 'x', effort: 'auto', budget: { maxCostDollars: 2 } }, SOON);
  expect(run.request).toEqual({ query: 'x', effort: 'auto', budget: { maxCostDollars: 2 } });
  await expect(
    runs.create({ query: 'x', effort: 'low', budget: { maxCostDollars: 2 } }),
  ).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});
