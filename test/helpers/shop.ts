import { onTestFinished } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import type { ServerOptions } from '../../src/server/start-server.js';
import { answerPaid, servePaid } from './paid-server.js';

/** A paid agent that counts how often each company was bought. */
export interface Shop {
  readonly url: string;
  /** Companies that were bought more than once. */
  readonly twice: readonly string[];
  /** Number of companies that were bought. */
  readonly bought: number;
  readonly billedMicros: number;
  /** Most runs that were active at the same time. */
  readonly peakActive: number;
  readonly refused: number;
  /** Called with the number of each run, counted from 1. */
  onRun: (run: number) => void;
}

/** Serves an agent whose runs take `runMs`, until the test ends. */
export async function openShop(runMs: number, options: Partial<ServerOptions> = {}): Promise<Shop> {
  const counts = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  let runs = 0;
  const script = async (task: AgentTask, signal: AbortSignal) => {
    for (const { company } of task.request.input?.data ?? []) {
      const name = String(company);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    runs += 1;
    shop.onRun(runs);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, runMs);
      timers.add(timer);
      signal.addEventListener('abort', () => resolve());
    });
    return answerPaid(task, signal);
  };
  const server = await servePaid(script, options);
  onTestFinished(() => {
    for (const timer of timers) clearTimeout(timer);
  });
  const shop: Shop = {
    url: server.url,
    get twice() {
      return [...counts].filter(([, count]) => count > 1).map(([name, count]) => `${name}: ${count}`);
    },
    get bought() {
      return counts.size;
    },
    get billedMicros() {
      return server.report().billedMicros;
    },
    get peakActive() {
      return server.report().runs.peakActive;
    },
    get refused() {
      return server.report().refused.concurrency;
    },
    onRun: () => undefined,
  };
  return shop;
}
