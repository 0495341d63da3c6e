import { resolveRehearsal, startServer } from '../../dist/server/start-server.js';
import { BenchAgent } from './agent.mjs';
import { BETA, createSchema, QUERY } from './ask.mjs';

/** The benchmark agent in a separate process. Its parent sends the settings and requests the report. */
await warmUp();
const { latency, limits, startsPerSecond } = JSON.parse(process.argv[2] ?? '{}');
const usedBefore = process.cpuUsage();
const agent = new BenchAgent(latency, limits);
const server = await startServer({
  agent,
  startsPerSecond,
  rehearsal: resolveRehearsal({ faults: { faults: [], limits } }),
});

process.on('message', (message) => {
  if (message === 'report')
    process.send({ report: { ...server.report(), agent: agent.stats, cpuMs: readCpuMs() } });
});

/** Warms up this process with a throwaway server, because its first answers are slow. */
async function warmUp() {
  const limits = [{ afterRuns: 0, maxActiveRuns: 1 }];
  const server = await startServer({ agent: new BenchAgent(null, limits) });
  const headers = { 'x-api-key': 'bench', 'exa-beta': BETA };
  for (let run = 1; run <= 20; run += 1) {
    const created = await fetch(`${server.url}/agent/runs`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: QUERY,
        input: { data: [{ row_id: 'r1', company: `Company ${run}` }] },
        outputSchema: createSchema(1),
      }),
    });
    const id = /"id":"([^"]+)"/.exec(await created.text())?.[1];
    const got = await fetch(`${server.url}/agent/runs/${id}`, { headers });
    if ((await got.json()).status !== 'completed') throw new Error('the benchmark server does not answer');
  }
  await server.close();
}

/** CPU time of the server itself, in ms, which a client on the same machine cannot use. */
function readCpuMs() {
  const { user, system } = process.cpuUsage(usedBefore);
  return (user + system) / 1_000;
}

process.on('disconnect', () => process.exit());
process.send({ url: server.url });
