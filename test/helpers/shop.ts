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
  readonly runs: number;
  /** Most runs that were active at the same time. */
  readonly peakActive: number;
  readonly refused: number;
  /** Mean number of active runs, from when the agent first was full until fewer than `full` runs were left to start. */
  computeMeanActive(full: number): number;
  /** Called with the number of each run, counted from 1. */
  onRun: (run: number) => void;
}

/** Serves an agent whose runs take `runMs`, until the test ends. */
export async function openShop(runMs: number, options: Partial<ServerOptions> = {}): Promise<Shop> {
  const counts = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  let runs = 0;
  const changes: { readonly atMs: number; readonly active: number }[] = [];
  let active = 0;
  const change = (by: number): void => {
    active += by;
    changes.push({ atMs: performance.now(), active });
  };
  const script = async (task: AgentTask, signal: AbortSignal) => {
    for (const { company } of task.request.input?.data ?? []) {
      const name = String(company);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    runs += 1;
    change(1);
    shop.onRun(runs);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, runMs);
      timers.add(timer);
      signal.addEventListener('abort', () => resolve());
    });
    change(-1);
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
    get runs() {
      return runs;
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
    computeMeanActive(full) {
      const first = changes.findIndex((each) => each.active >= full);
      const isStart = (index: number): boolean =>
        (changes[index]?.active ?? 0) > (changes[index - 1]?.active ?? 0);
      const starts = [...changes.keys()].filter(isStart);
      const last = starts.at(-full) ?? first;
      let sum = 0;
      for (let index = first; index < last; index += 1) {
        const [from, to] = [changes[index], changes[index + 1]];
        if (from !== undefined && to !== undefined) sum += from.active * (to.atMs - from.atMs);
      }
      return sum / ((changes[last]?.atMs ?? 0) - (changes[first]?.atMs ?? 0));
    },
    onRun: () => undefined,
  };
  return shop;
}
