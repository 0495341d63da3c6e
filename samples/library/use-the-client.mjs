// Uses the Agent Runs API client on its own: starts one run and waits for it.
import { fileURLToPath } from 'node:url';
import { AgentClient, isAgentFailure } from 'rowfill/client';
import { createReferenceAgent, startServer } from 'rowfill/server';

const tables = fileURLToPath(new URL('../reference', import.meta.url));
const server = await startServer({ agent: await createReferenceAgent(tables) });
// For the hosted service: new AgentClient({ apiKey: process.env.EXA_API_KEY })
const client = new AgentClient({ baseUrl: server.url, apiKey: 'any' });
try {
  const started = await client.start({
    query: 'Where is the company based?',
    input: { data: [{ company: 'Microsoft', domain: 'microsoft.com' }] },
    outputSchema: { type: 'object', properties: { city: { type: 'string' } } },
    effort: 'low',
  });
  const run = await client.wait(started, { deadlineMs: 60_000 });
  console.log(`${run.status}: ${JSON.stringify(run.output.structured)}`);
  console.log(`cited from ${run.output.grounding[0]?.citations[0]?.title}`);
  await client.get('agent_run_00000000000000000000000000');
} catch (error) {
  if (!isAgentFailure(error)) throw error;
  console.log(`${error.status} ${error.code}`);
} finally {
  await client.close();
  await server.close();
}
