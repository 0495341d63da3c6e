import type { AgentClient } from '../api/agent-client.js';
import { checkRun, createRowChecker } from '../check/check-run.js';
import { describeError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import { toMicros } from '../model/money.js';
import { isTerminal } from '../model/run.js';
import { createAnswers } from '../settle/create-answers.js';

export interface CancelledRuns {
  readonly cancelled: readonly string[];
  /** What the cancelled runs were billed, in micro-dollars. */
  readonly costMicros: number;
  /** Runs that could not be cancelled, each with the reason. */
  readonly failed: readonly { readonly runId: string; readonly reason: string }[];
  /** Batches whose run is not known: the next `run` looks for them. */
  readonly unknown: number;
}

/**
 * Cancels the runs of one job that still work, and settles what they cost so far; a run that had ended keeps its answers.
 * Where answers can be excluded, such a run is left to the next `run`, which holds them against the list.
 */
export async function cancelRuns(
  client: AgentClient,
  ledger: Ledger,
  job: { readonly id: string; readonly ask: Ask },
  excludesAnswers: boolean,
): Promise<CancelledRuns> {
  const checker = createRowChecker(job.ask);
  const open = ledger.findOpenBatches(job.ask.id).filter(({ batch }) => batch.jobId === job.id);
  const cancelled: string[] = [];
  let costMicros = 0;
  const failed: { runId: string; reason: string }[] = [];
  for (const { batch, runId } of open) {
    if (runId === null) continue;
    try {
      const run = await client.cancel(runId);
      if (!isTerminal(run.status)) throw new Error(`the agent left it ${run.status}`);
      if (run.status === 'completed' && excludesAnswers) continue;
      ledger.settle(batch.id, run, createAnswers(batch, checkRun(batch, run, checker), run), []);
      cancelled.push(runId);
      costMicros += toMicros(run.costDollars.total);
    } catch (error) {
      failed.push({ runId, reason: describeError(error) });
    }
  }
  return { cancelled, costMicros, failed, unknown: open.filter(({ runId }) => runId === null).length };
}
