import { AgentClient, type AgentClientOptions } from '../../src/api/agent-client.js';
import { openRawServer, type RawHandler, type RawServer } from './raw-server.js';

export interface ClientAndServer {
  readonly client: AgentClient;
  readonly server: RawServer;
}

/** Runs a test with a bare server and a client for it, and always closes both. */
export async function withClient(
  handler: RawHandler,
  options: AgentClientOptions,
  test: (both: ClientAndServer) => Promise<void>,
): Promise<void> {
  const server = await openRawServer(handler);
  const client = new AgentClient({ baseUrl: server.url, env: {}, ...options });
  try {
    await test({ client, server });
  } finally {
    await client.close();
    await server.close();
  }
}
