import { expect, onTestFinished, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { systemClock } from '../../src/model/clock.js';
import { Pacer } from '../../src/send/pacer.js';
import { sendBatch } from '../../src/send/send-batch.js';
import { startServer } from '../../src/server/start-server.js';
import { createTestBatch, openTestJob, openTestLedger } from '../helpers/ledger-samples.js';
import { createGate, ScriptedAgent } from '../helpers/scripted-agent.js';

test('the request leaves only once its intent is on the disk', async () => {
  const server = await startServer({ agent: new ScriptedAgent(createGate().script) });
  const client = new AgentClient({ baseUrl: server.url, apiKey: 'test' });
  const ledger = openTestLedger();
  onTestFinished(async () => {
    await client.close();
    await server.close();
    ledger.close();
  });
  // The disk is as slow as the test says.
  let letDiskWrite = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    letDiskWrite = resolve;
  });
  const flush = ledger.flush.bind(ledger);
  ledger.flush = async () => {
    await written;
    await flush();
  };
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  const sending = sendBatch(
    batch,
    { query: 'Who leads the company?', input: { data: [{ company: 'Acme' }] } },
    {
      ledger,
      client,
      pacer: new Pacer({ concurrency: 1, startsPerSecond: 0, clock: systemClock }),
      capMicros: null,
      clock: systemClock,
      listLagMs: 0,
      stopSignal: new AbortController().signal,
      waitSignal: new AbortController().signal,
      onRetry: () => undefined,
    },
  );
  expect(ledger.findOpenBatches(job.askId)).toMatchObject([{ state: 'intended' }]);
  // A whole exchange with the server: time enough for a request that does not wait.
  await client.list();
  expect(client.requests).toBe(1);
  letDiskWrite();
  expect(await sending).toMatchObject({ status: 'sent' });
  expect(server.report().runs.created).toBe(1);
  expect(ledger.findOpenBatches(job.askId)).toMatchObject([{ state: 'sent' }]);
});
