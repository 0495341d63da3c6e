import { expect, onTestFinished, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { RowfillError } from '../../src/errors.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import type { Batch } from '../../src/model/batch.js';
import { systemClock } from '../../src/model/clock.js';
import type { CreateRunRequest } from '../../src/model/run.js';
import { type StartParts, sendBatch } from '../../src/run/send-batch.js';
import { StartThrottle } from '../../src/run/start-throttle.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { startServer } from '../../src/server/start-server.js';
import { VirtualClock } from '../helpers/clock.js';
import { createLedgerPath, createTestBatch, createTestJob } from '../helpers/ledger-samples.js';
import { createGate, ScriptedAgent } from '../helpers/scripted-agent.js';

test('the request is sent only after its reservation is on disk', async () => {
  const server = await startServer({ agent: new ScriptedAgent(createGate().script) });
  const client = new AgentClient({ baseUrl: server.url, apiKey: 'test' });
  const ledger = await openLedger(createLedgerPath());
  onTestFinished(async () => {
    await client.close();
    await server.close();
    await ledger.close();
  });
  // The test controls when the disk is done.
  let letDiskWrite = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    letDiskWrite = resolve;
  });
  const reserve = ledger.reserveBatches.bind(ledger);
  let isReserved = (): void => undefined;
  const reserved = new Promise<void>((resolve) => {
    isReserved = resolve;
  });
  ledger.reserveBatches = async (...parts) => {
    const verdicts = await reserve(...parts);
    isReserved();
    await written;
    return verdicts;
  };
  const job = await ledger.openJob(createTestJob());
  const batch = createTestBatch(job, ['Acme']);
  const sending = sendBatch(
    { batch, seen: [0] },
    () => ({ query: 'Who leads the company?', input: { data: [{ company: 'Acme' }] } }),
    {
      ledger,
      agent: { client, listLagMs: 0 },
      startsPerSecond: 0,
      throttle: new StartThrottle({ concurrency: 1, startsPerSecond: 0, clock: systemClock }),
      caps: { jobMicros: null, day: null },
      findsNothing: () => false,
      spend: NO_COUNT,
      clock: systemClock,
      clockAheadMs: 0,
      stop: {
        startSignal: new AbortController().signal,
        waitSignal: new AbortController().signal,
        abortWith: () => undefined,
      },
      onRetry: () => undefined,
    },
  );
  await reserved;
  expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ state: 'intended' }]);
  // A full exchange with the server, long enough for a request that does not wait.
  await client.list();
  expect(client.requests).toBe(1);
  letDiskWrite();
  const sent = await sending;
  expect(sent).toMatchObject({ status: 'sent' });
  if (sent.status === 'sent') await sent.marked;
  expect(server.report().runs.created).toBe(1);
  expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ state: 'sent' }]);
});

const NO_COUNT = { reserve: () => undefined, release: () => undefined };
const REQUEST = { query: 'Who leads the company?', input: { data: [{ company: 'Acme', row_id: 'r1' }] } };
const MINUTE_MS = 60_000;

/** A real ledger, server and client; only delays take no time. */
async function openSend(faults: readonly object[], parts: Partial<StartParts> = {}) {
  const server = await startServer({
    agent: new ScriptedAgent(),
    rehearsal: resolveRehearsal({ faults }),
  });
  const client = new AgentClient({ baseUrl: server.url, apiKey: 'key', retry: { maxRetries: 0 } });
  const clock = new VirtualClock();
  const ledger = await openLedger(createLedgerPath(), { clock });
  onTestFinished(async () => {
    await client.close();
    await server.close();
    await ledger.close();
  });
  const signal = new AbortController().signal;
  const job = await ledger.openJob(createTestJob());
  const context: StartParts = {
    ledger,
    agent: { client, listLagMs: 0 },
    throttle: new StartThrottle({ concurrency: 2, startsPerSecond: 0, clock }),
    startsPerSecond: 0,
    caps: { jobMicros: null, day: null },
    findsNothing: () => false,
    spend: NO_COUNT,
    clock,
    clockAheadMs: 0,
    stop: { startSignal: signal, waitSignal: signal, abortWith: () => undefined },
    onRetry: () => undefined,
    ...parts,
  };
  const batch = createTestBatch(job, ['Acme']);
  return { server, ledger, job, clock, batch, context, send: () => sendAndMark(batch, REQUEST, context) };
}

/** Resolves once the ledger has the id of a run that was started. */
async function sendAndMark(batch: Batch, request: CreateRunRequest, context: StartParts) {
  const result = await sendBatch({ batch, seen: batch.rows.map(() => 0) }, () => request, context);
  if (result.status === 'sent') await result.marked;
  return result;
}

test('nothing is sent after another process took over, at any point', async () => {
  for (const code of ['LEASE_LOST', 'LEDGER_MOVED']) {
    const error = new RowfillError('busy', code, 'no longer ours');
    const { send, server, ledger, job, context } = await openSend([]);
    ledger.refuseStart = () => {
      throw error;
    };
    expect(await send()).toEqual({ status: 'fatal', error });
    expect(server.report().runs.created).toBe(0);
    expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
    // The slot is free again.
    await context.throttle.acquire(AbortSignal.timeout(10_000), false);
    await context.throttle.acquire(AbortSignal.timeout(10_000), false);
  }
});

test('a process suspended before its request was sent reserves again, so a later search finds the run', async () => {
  const { send, server, ledger, job, clock, context } = await openSend([]);
  const intendedAt: number[] = [];
  const reserve = ledger.reserveBatches.bind(ledger);
  ledger.reserveBatches = (...parts) => {
    intendedAt.push(clock.now());
    return reserve(...parts);
  };
  const { client } = context.agent;
  const start = client.start.bind(client);
  let isStill = true;
  client.start = async (request, options) => {
    // As if the process were suspended while the create waits for its connection.
    if (isStill) await clock.sleep(60 * MINUTE_MS);
    isStill = false;
    return start(request, options);
  };
  expect(await send()).toMatchObject({ status: 'sent' });
  expect(server.report().runs.created).toBe(1);
  expect(await ledger.listOpenBatches(job.askId)).toMatchObject([
    { state: 'sent', intendedAtMs: (intendedAt[0] ?? 0) + 60 * MINUTE_MS },
  ]);
});

test('nothing is sent if the ledger says that the rows have changed or that another process took over', async () => {
  const changed = await openSend([]);
  changed.ledger.reserveBatches = async () => [{ status: 'changed', keys: ['key'] }];
  expect(await changed.send()).toEqual({ status: 'changed', keys: ['key'] });
  const lost = await openSend([]);
  lost.ledger.reserveBatches = async () => [{ status: 'holder_lost' }];
  expect(await lost.send()).toMatchObject({ status: 'fatal', error: { code: 'LEASE_LOST' } });
  for (const { server } of [changed, lost]) expect(server.report().runs.created).toBe(0);
});

test('nothing is sent beyond the cap or after the job was stopped', async () => {
  const { send, server, ledger, job } = await openSend([], { caps: { jobMicros: 24_999, day: null } });
  expect(await send()).toEqual({ status: 'over_budget', budget: 'over_budget' });
  const stopped = await openSend([], {
    stop: {
      startSignal: AbortSignal.abort(),
      waitSignal: new AbortController().signal,
      abortWith: () => undefined,
    },
  });
  expect(await stopped.send()).toEqual({ status: 'stopped' });
  for (const each of [{ server, ledger, job }, stopped]) {
    expect(each.server.report().runs.created).toBe(0);
    expect(await each.ledger.getSpend(each.job.id)).toMatchObject({ reservedMicros: 0 });
  }
});

test('a create rejected because the account is full is retried, and the batch is paid once', async () => {
  const retries: string[] = [];
  const { send, server, ledger, job } = await openSend(
    [
      { fault: 'rate_limited', nth: [1, 2] },
      { fault: 'concurrency_limited', nth: [3] },
    ],
    { onRetry: ({ reason }) => retries.push(reason) },
  );
  expect(await send()).toMatchObject({ status: 'sent', adopted: false });
  expect(retries.length).toBeGreaterThanOrEqual(2);
  expect(server.report().runs.created).toBe(1);
  expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ state: 'sent' }]);
});

test('an agent that is full for 15 minutes ends the job, and no money stays reserved', async () => {
  const { send, ledger, job, clock } = await openSend([{ fault: 'concurrency_limited' }]);
  const startedAtMs = clock.now();
  expect(await send()).toMatchObject({ status: 'fatal', error: { code: 'CONCURRENCY_LIMIT_REACHED' } });
  expect(clock.now() - startedAtMs).toBeGreaterThanOrEqual(15 * MINUTE_MS);
  expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
});

const READ_BY = [
  ['rate_limited', 900, 'sent'],
  ['rate_limited', 901, 'fatal'],
  ['concurrency_limited', 900, 'sent'],
  ['concurrency_limited', 3_600, 'fatal'],
  ['overloaded', 900, 'absent'],
  ['overloaded', 3_600, 'fatal'],
] as const;

test.each(READ_BY)('%s with a Retry-After of %i s ends as %s', async (fault, retryAfter, status) => {
  const waits: number[] = [];
  const { send, ledger, job, clock, context } = await openSend([{ fault, first: 1, retryAfter }], {
    onRetry: ({ delayMs }) => waits.push(delayMs),
  });
  const startedAtMs = clock.now();
  const result = await send();
  expect(result).toMatchObject({ status });
  // A wait that does not happen is not reported.
  expect(waits).toEqual(status === 'fatal' ? [] : [retryAfter * 1_000]);
  if (status === 'fatal') {
    expect(result).toMatchObject({
      error: { kind: 'unreachable', hint: expect.stringMatching(/asks to wait .*, until \d/) },
    });
    expect(clock.now()).toBe(startedAtMs);
  } else {
    await context.throttle.acquire(new AbortController().signal);
    const waitedMs = clock.now() - startedAtMs;
    expect(waitedMs).toBeGreaterThanOrEqual(retryAfter * 1_000);
    // After a rate limit, starts are spaced out as well.
    expect(waitedMs).toBeLessThanOrEqual(retryAfter * 1_000 + 100);
  }
  if (status !== 'sent') expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
});

test('two Retry-After times that are too long together end the job before the second', async () => {
  const { send, clock } = await openSend([{ fault: 'rate_limited', retryAfter: 600 }]);
  const startedAtMs = clock.now();
  expect(await send()).toMatchObject({ status: 'fatal', error: { code: 'RATE_LIMIT_EXCEEDED' } });
  expect(clock.now() - startedAtMs).toBe(600_000);
});

test('Retry-After of an hour from a full account is not waited for while our own run may end', async () => {
  const fault = { fault: 'concurrency_limited', first: 1, retryAfter: 3_600 };
  let refused = (): void => undefined;
  const refusal = new Promise<void>((resolve) => {
    refused = resolve;
  });
  const { send, context, clock } = await openSend([fault]);
  const throttle = new StartThrottle({ concurrency: 10, startsPerSecond: 0, clock });
  Object.assign(context, { throttle });
  throttle.adopt();
  const refuse = throttle.onRejected.bind(throttle);
  throttle.onRejected = (...facts) => {
    refused();
    return refuse(...facts);
  };
  const startedAtMs = clock.now();
  const sending = send();
  await refusal;
  await new Promise((resolve) => setImmediate(resolve));
  throttle.release();
  expect(await sending).toMatchObject({ status: 'sent' });
  expect(clock.now() - startedAtMs).toBeLessThan(60_000);
});

test('a long wait for our own runs is not a failure: the first rejection after it does not end the job', async () => {
  const { send, context, clock } = await openSend([{ fault: 'concurrency_limited', first: 1 }]);
  // Every slot is taken by runs that take longer than the patience.
  context.throttle.adopt();
  context.throttle.adopt();
  const sending = send();
  await new Promise((resolve) => setImmediate(resolve));
  await clock.sleep(40 * MINUTE_MS);
  context.throttle.release();
  context.throttle.release();
  expect(await sending).toMatchObject({ status: 'sent' });
});

test('a batch that queued for long is reserved again when its request is sent, and only once', async () => {
  const { send, context, clock, ledger, job, batch } = await openSend([]);
  context.throttle.adopt();
  context.throttle.adopt();
  const sending = send();
  await new Promise((resolve) => setImmediate(resolve));
  await clock.sleep(40 * MINUTE_MS);
  context.throttle.release();
  expect(await sending).toMatchObject({ status: 'sent' });
  const [open] = await ledger.listOpenBatches(job.askId);
  expect(open).toMatchObject({ state: 'sent', intendedAtMs: clock.now() });
  expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: batch.reserveMicros });
});

test('while our own run is active, rejections are not reported and never end the job', async () => {
  const retries: string[] = [];
  const { send, context, clock } = await openSend([{ fault: 'concurrency_limited', first: 20 }], {
    onRetry: ({ reason }) => retries.push(reason),
  });
  const throttle = new StartThrottle({ concurrency: 10, startsPerSecond: 0, clock });
  Object.assign(context, { throttle });
  throttle.adopt();
  const startedAtMs = clock.now();
  expect(await send()).toMatchObject({ status: 'sent' });
  // It probes once a minute.
  expect(clock.now() - startedAtMs).toBe(20 * MINUTE_MS);
  expect(retries).toEqual([]);
});

for (const fault of ['key_refused', 'no_credits', 'forbidden']) {
  test(`${fault} ends the job at once, and nothing stays reserved`, async () => {
    const { send, ledger, job, server } = await openSend([{ fault }]);
    expect(await send()).toMatchObject({ status: 'fatal', error: { kind: 'refused' } });
    expect(await ledger.listOpenBatches(job.askId)).toEqual([]);
    expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
    expect(server.report().runs.created).toBe(0);
  });
}

test('a lost response is looked up: its run is adopted, or the batch is absent', async () => {
  const lost = await openSend([{ fault: 'lost_reply' }]);
  // Only batch metadata in the request can be found again.
  const request = { ...REQUEST, metadata: { rowfill_batch: lost.batch.id } };
  expect(await sendAndMark(lost.batch, request, lost.context)).toMatchObject({
    status: 'sent',
    adopted: true,
  });
  expect(lost.server.report().runs.created).toBe(1);
  const never = await openSend([{ fault: 'lost_request' }]);
  expect(await never.send()).toMatchObject({ status: 'absent' });
  expect(await never.ledger.listOpenBatches(never.job.askId)).toEqual([]);
});

test('an unreachable agent is tried a few times, then the job ends', async () => {
  const { send, server, ledger, job, clock } = await openSend([]);
  await server.close();
  const startedAtMs = clock.now();
  expect(await send()).toMatchObject({ status: 'fatal' });
  expect(clock.now() - startedAtMs).toBe(15_500);
  expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
});
