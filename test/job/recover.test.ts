import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createRowChecker } from '../../src/answer/check-run.js';
import { AgentClient } from '../../src/api/agent-client.js';
import type { RetryPolicy } from '../../src/api/retry.js';
import { cancelRuns } from '../../src/job/recover.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createTestBatch, createTestJob, reserveTestBatch } from '../helpers/ledger-samples.js';
import { openRawAgent } from '../helpers/raw-agent.js';
import { createRunJson, sendJson } from '../helpers/raw-server.js';

type Answer = (response: ServerResponse) => void;

const OUTAGES: [what: string, answer: Answer][] = [
  ['a login page', (response) => response.setHeader('content-type', 'text/html').end('<html>Log in</html>')],
  ['an empty answer', (response) => response.end()],
  ['a redirect', (response) => response.writeHead(302, { location: 'http://login.example/' }).end()],
  ['a gateway', (response) => response.writeHead(502).end('Bad gateway')],
  ['a 404 from a proxy', (response) => response.writeHead(404).end('404 page not found')],
  [
    'an overloaded agent',
    (response) => sendJson(response, 503, { error: { message: 'Busy', code: 'BUSY' } }),
  ],
  ['a rate limit', (response) => sendJson(response, 429, { error: { message: 'Slow' } })],
  ['a cut connection', (response) => void response.socket?.destroy()],
];

/** Cancels the only run of a job. The agent answers only the cancel request with `answer`. */
async function cancelOne(answer: Answer, retry: Partial<RetryPolicy> = { maxRetries: 0 }) {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-cancel-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const agent = await openRawAgent({
    intercept({ url }, response) {
      if (!url.endsWith('/cancel')) return false;
      answer(response);
      return true;
    },
  });
  const ledger = await openLedger(join(folder, 'ledger.sqlite'));
  onTestFinished(() => ledger.close());
  const job = await ledger.openJob(createTestJob());
  const batch = createTestBatch(job, ['Company 1']);
  await reserveTestBatch(ledger, batch);
  await ledger.markStarted(batch, 'run_1');
  const client = new AgentClient({ baseUrl: agent.url, env: {}, retry });
  onTestFinished(() => client.close());
  const result = await cancelRuns({
    client,
    ledger,
    job: await ledger.getJob(job.id),
    checker: createRowChecker(job.ask),
    excludesAnswers: false,
    isOwnAgent: true,
    listLagMs: null,
  });
  return { result, open: (await ledger.listOpenBatches(job.askId)).length };
}

test.each(OUTAGES)(
  'keeps waiting for a run whose cancel is answered by %s, since it may still be active',
  async (_what, answer) => {
    const { result, open } = await cancelOne(answer);
    expect(result).toMatchObject({ cancelled: [], givenUp: [], failed: [{ runId: 'run_1' }], costMicros: 0 });
    expect(open).toBe(1);
  },
);

test('reports a cancel answer for another run at once and keeps waiting for the run', async () => {
  let cancels = 0;
  const { result, open } = await cancelOne((response) => {
    cancels += 1;
    sendJson(response, 200, createRunJson('run_2', { status: 'cancelled' }));
  }, {});
  expect(cancels).toBe(1);
  expect(result).toMatchObject({
    cancelled: [],
    givenUp: [],
    failed: [{ runId: 'run_1', reason: expect.stringContaining('returned a different run than run_1') }],
  });
  expect(open).toBe(1);
});

test('gives up a run that the agent itself does not know', async () => {
  const error = { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' };
  const { result, open } = await cancelOne((response) => sendJson(response, 404, { error }));
  expect(result).toMatchObject({ cancelled: [], givenUp: [{ runId: 'run_1' }], failed: [] });
  expect(open).toBe(0);
});
