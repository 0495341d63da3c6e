import { onTestFinished } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { answerRows, type Script, ScriptedAgent } from './scripted-agent.js';

/** Answers every row, and bills a run at the hosted service's low-effort price. */
export const answerPaid: Script = (task) => {
  const costDollars = { total: 0.025, agentCompute: 0.025, search: 0, emails: 0, phoneNumbers: 0 };
  return { ...answerRows(task), costDollars };
};

/** Serves a scripted agent on a free port until the test ends. */
export async function servePaid(
  script: Script = answerPaid,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { readonly agent: ScriptedAgent }> {
  const agent = new ScriptedAgent(script);
  const server = await startServer({ ...options, agent });
  onTestFinished(() => server.close());
  return { ...server, agent };
}

/** A script that answers once it is opened, and can wait for N runs to arrive. */
export interface PaidGate {
  readonly script: Script;
  open(): void;
  reached(runs: number): Promise<void>;
}

export function createPaidGate(): PaidGate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const waiting: { readonly runs: number; readonly resolve: () => void }[] = [];
  let count = 0;
  return {
    open,
    reached: (runs) =>
      new Promise((resolve) => {
        if (count >= runs) resolve();
        else waiting.push({ runs, resolve });
      }),
    async script(task, signal) {
      count += 1;
      for (const { runs, resolve } of waiting) if (count >= runs) resolve();
      await opened;
      return answerPaid(task, signal);
    },
  };
}
