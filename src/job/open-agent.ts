import type { ReferenceAgent } from '../agents/reference/reference-agent.js';
import { AgentClient, type AgentClientOptions } from '../api/agent-client.js';
import { isLoopbackHost } from '../api/base-url.js';
import { HOSTED_URL } from '../model/run.js';
import type { Settings } from '../options.js';
import { PATIENCE_MS } from '../run/send-batch.js';
import type { Warning } from './warnings.js';

export interface OpenAgent {
  readonly client: AgentClient;
  /** True for the embedded agent, which bills nothing. */
  readonly isFree: boolean;
  /** What users should know about the tables of the embedded agent. */
  readonly notes: readonly Warning[];
  /** Default limit of run starts per second; 0 for no limit. */
  readonly startsPerSecond: number;
  /** How long its run list may lag behind new runs, in ms. */
  readonly listLagMs: number;
  /** What reference tables cannot answer; null for other agents. */
  readonly tables: Pick<ReferenceAgent, 'columns' | 'listGaps'> | null;
  close(): Promise<void>;
}

/** Starts per second allowed by the hosted service's smallest plan. */
const HOSTED_STARTS_PER_SECOND = 5;
/** A distributed service may list a run only after a delay, and rehearsals simulate this. */
const LIST_LAG_MS = 15_000;
const LOCAL_KEY = 'local';

/** Opens the configured agent. For reference tables, starts an embedded server. */
export async function openAgent(
  settings: Settings,
  onRetry?: AgentClientOptions['onRetry'],
): Promise<OpenAgent> {
  // Allow long waits only if they are reported.
  const breaker = onRetry === undefined ? {} : { onRetry, retry: { longestWaitMs: PATIENCE_MS } };
  const { agent, options } = settings;
  switch (agent.kind) {
    case 'reference': {
      // Loaded on demand, so that other jobs start faster.
      const { createReferenceAgent } = await import('../agents/reference/reference-agent.js');
      const { startServer } = await import('../server/start-server.js');
      const tables = await createReferenceAgent(agent.directory, agent.omit, agent.lookUp);
      const server = await startServer({
        agent: tables,
        maxActiveRuns: settings.concurrency,
      });
      // A key function is not called, since no key is needed.
      const secrets = typeof options.apiKey === 'string' ? [options.apiKey.trim()] : [];
      const client = new AgentClient({ baseUrl: server.url, apiKey: LOCAL_KEY, secrets, ...breaker });
      const close = async (): Promise<void> => {
        await client.close();
        await server.close();
      };
      const notes = tables.notes ?? [];
      return { client, isFree: true, notes, startsPerSecond: 0, listLagMs: 0, tables, close };
    }
    case 'url':
      return openRemote(settings, {
        baseUrl: agent.url,
        apiKey: options.apiKey,
        insecureHttp: options.insecureHttp,
        ...breaker,
      });
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
  // A local server requires a key to distinguish accounts, but accepts any.
  const client = new AgentClient({ ...options, apiKey: apiKey ?? (isLocal ? LOCAL_KEY : undefined) });
  return {
    client,
    isFree: false,
    notes: [],
    startsPerSecond: isLocal ? 0 : HOSTED_STARTS_PER_SECOND,
    listLagMs: listLagMs ?? LIST_LAG_MS,
    tables: null,
    close: () => client.close(),
  };
}

interface Closable {
  close(): void | Promise<void>;
}

/** Closes everything that a job opened, in reverse order, even if some fail to close. */
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

  /** Closes after an error and rethrows it, ignoring errors from closing. */
  async closeAfter(error: unknown): Promise<never> {
    await this.close().catch(() => undefined);
    throw error;
  }
}
