import { expect, test } from 'vitest';
import { startServer } from '../../src/server/start-server.js';
import { createRecords, ScriptedAgent } from '../helpers/scripted-agent.js';

test('a run is created, answered and read over HTTP', async () => {
  const server = await startServer({ agent: new ScriptedAgent() });
  try {
    const headers = {
      'x-api-key': 'key',
      'exa-beta': 'agent-2026-05-07',
      'content-type': 'application/json',
    };
    const body = JSON.stringify({ query: 'Find it.', input: { data: createRecords(2) } });
    const streamHeaders = { ...headers, accept: 'text/event-stream' };
    const created = await fetch(`${server.url}/agent/runs`, { method: 'POST', headers: streamHeaders, body });
    expect(await created.text()).toContain('event: agent_run.completed');
    const listed = await fetch(`${server.url}/agent/runs`, { headers });
    expect(await listed.json()).toMatchObject({ data: [{ status: 'completed' }], hasMore: false });
  } finally {
    await server.close();
  }
});
