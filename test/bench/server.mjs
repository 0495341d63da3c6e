import { resolveRehearsal, startServer } from '../../dist/server/start-server.js';
import { BenchAgent } from './agent.mjs';

/** The agent of the benchmarks in a process of its own, told by its parent how to behave, and asked what it saw. */
const { latency, limits, startsPerSecond } = JSON.parse(process.argv[2] ?? '{}');
const agent = new BenchAgent(latency, limits);
const server = await startServer({
  agent,
  startsPerSecond,
  rehearsal: resolveRehearsal({ faults: { faults: [], limits } }),
});

process.on('message', (message) => {
  if (message === 'report') process.send({ report: { ...server.report(), agent: agent.stats } });
});
process.on('disconnect', () => process.exit());
process.send({ url: server.url });
