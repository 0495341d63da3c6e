import { AgentClient, type AgentClientOptions } from '../api/agent-client.js';
import { isLoopbackHost } from '../api/base-url.js';
import { HOSTED_URL } from '../model/run.js';
import type { Settings } from '../options.js';
import { PATIENCE_MS } from '../run/send-batch.js';

export interface OpenAgent {
  readonly client: AgentClient;
  /** True where nothing can be billed: the embedded agent. */
  readonly isFree: boolean;
  /** Runs started in a second unless the user says otherwise; 0 for no limit. */
  readonly startsPerSecond: number;
  /** How far its list of runs may lag behind its creates, in milliseconds. */
  readonly listLagMs: number;
  close(): Promise<void>;
}

/** The hosted service takes so many starts a second on its smallest plan. */
const HOSTED_STARTS_PER_SECOND = 5;
/** A service in many parts may show a run in its list only after a while, and so does one that is rehearsed here. */
const LIST_LAG_MS = 15_000;
const LOCAL_KEY = 'local';

/** Opens the agent that the settings choose; for a folder of tables, the server that answers from it in this process. */
export async function openAgent(
  settings: Settings,
  onRetry?: AgentClientOptions['onRetry'],
): Promise<OpenAgent> {
  // Only who hears of waits can say what a long one is for.
  const breaker = onRetry === undefined ? {} : { onRetry, retry: { longestWaitMs: PATIENCE_MS } };
  const { agent, options } = settings;
  switch (agent.kind) {
    case 'reference': {
      // Loaded only where it answers: a job that asks somebody else starts sooner.
      const { createReferenceAgent } = await import('../agents/reference/reference-agent.js');
      const { startServer } = await import('../server/start-server.js');
      const server = await startServer({
        agent: await createReferenceAgent(agent.directory, agent.omit),
        maxActiveRuns: settings.concurrency,
      });
      // A key in a file is not read where nobody needs it.
      const secrets = typeof options.apiKey === 'string' ? [options.apiKey.trim()] : [];
      const client = new AgentClient({ baseUrl: server.url, apiKey: LOCAL_KEY, secrets, ...breaker });
      const close = async (): Promise<void> => {
        await client.close();
        await server.close();
      };
      return { client, isFree: true, startsPerSecond: 0, listLagMs: 0, close };
    }
    case 'url':
      return openRemote(settings, { baseUrl: agent.url, apiKey: options.apiKey, ...breaker });
    case 'hosted':
      return openRemote(settings, { baseUrl: HOSTED_URL, apiKey: options.apiKey, ...breaker });
  }
}

function openRemote(
  { listLagMs }: Settings,
  options: AgentClientOptions & { readonly baseUrl: string },
): OpenAgent {
  const { baseUrl, apiKey } = options;
  const isLocal = URL.canParse(baseUrl) && isLoopbackHost(new URL(baseUrl).hostname);
  // A server on this machine asks for some key, and tells accounts apart by it; any will do.
  const client = new AgentClient({ ...options, apiKey: apiKey ?? (isLocal ? LOCAL_KEY : undefined) });
  return {
    client,
    isFree: false,
    startsPerSecond: isLocal ? 0 : HOSTED_STARTS_PER_SECOND,
    listLagMs: listLagMs ?? LIST_LAG_MS,
    close: () => client.close(),
  };
}

export interface Closable {
  close(): void | Promise<void>;
}

/** Closes what a job has opened, the last first; every one of them, also where one fails to close. */
export class CleanupStack {
  private readonly opened: Closable[] = [];

  add<T extends Closable>(thing: T): T {
    this.opened.push(thing);
    return thing;
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const thing of this.opened.splice(0).reverse()) {
      try {
        await thing.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Closes after a failure, which says more than what cannot be closed because of it. */
  async closeAfter(error: unknown): Promise<never> {
    await this.close().catch(() => undefined);
    throw error;
  }
}
