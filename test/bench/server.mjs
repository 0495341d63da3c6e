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
  if (message === 'report')
    process.send({ report: { ...server.report(), agent: agent.stats, cpuMs: readCpuMs() } });
});
/** What the server itself has used of a processor: where client and server share a machine, it takes that much away. */
function readCpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

process.on('disconnect', () => process.exit());
process.send({ url: server.url });
