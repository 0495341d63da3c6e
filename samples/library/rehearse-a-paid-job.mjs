// Estimates a job's cost, then runs it with play money: a local server simulates the paid service.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enrich, plan } from 'rowfill';
import { createReferenceAgent, resolveRehearsal, startServer } from 'rowfill/server';

const samples = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rehearsal-'));
const server = await startServer({
  agent: await createReferenceAgent(samples('reference')),
  rehearsal: resolveRehearsal({
    latency: '10ms..50ms',
    price: true,
    faults: [{ fault: 'rows_dropped', share: 0.1 }],
  }),
});
try {
  const job = {
    input: samples('companies.csv'),
    output: join(folder, 'filled.csv'),
    schema: samples('companies.schema.json'),
    send: ['company', 'domain'],
    apiUrl: server.url,
    ledger: join(folder, 'ledger.sqlite'), // keeps play money separate from real money
  };
  const { quote } = await plan(job);
  console.log(`planned: ${quote.rows} rows, ${quote.runs} runs, $${quote.worstMicros / 1_000_000} at worst`);
  const summary = await enrich({ ...job, maxCost: 1 });
  console.log(`${summary.stop}: ${summary.runs.created} runs, $${summary.costMicros / 1_000_000}`);
  console.log(`the bill is right: ${summary.costMicros === server.report().billedMicros}`);
} finally {
  await server.close();
  await rm(folder, { recursive: true });
}
