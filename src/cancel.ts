import { describeError } from './errors.js';
import { Closers } from './job/closers.js';
import { openAgent } from './job/open-agent.js';
import { openLedger } from './ledger/ledger.js';
import type { RunInFlight } from './ledger/records.js';
import { type EnrichOptions, resolveSettings } from './options.js';

export interface CancelOptions {
  /** Id of the job, or a start of it that no other job shares. */
  readonly job: string;
  readonly ledger: string;
  readonly apiUrl?: string;
  readonly apiKey?: string;
}

export interface CancelResult {
  readonly jobId: string;
  readonly cancelled: readonly string[];
  /** Runs that could not be cancelled, each with the reason. */
  readonly failed: readonly { readonly runId: string; readonly reason: string }[];
  /** Batches whose run is not known: the next `run` looks for them. */
  readonly unknown: number;
}

/** Cancels the runs of a job that still work at the agent. What they cost so far is billed, and they bring nothing. */
export async function cancelJob(options: CancelOptions): Promise<CancelResult> {
  const closers = new Closers();
  try {
    const ledger = closers.add(openLedger(options.ledger));
    const job = ledger.readJob(options.job);
    const runs = ledger.listJobs().find((other) => other.id === job.id)?.runs ?? [];
    const agentOptions: EnrichOptions = { input: job.input, ...pickAgent(options) };
    const agent = closers.add(await openAgent(resolveSettings(agentOptions)));
    const cancelled: string[] = [];
    const failed: { runId: string; reason: string }[] = [];
    for (const runId of runs.flatMap(readRunIds)) {
      try {
        await agent.client.cancel(runId);
        cancelled.push(runId);
      } catch (error) {
        failed.push({ runId, reason: describeError(error) });
      }
    }
    return { jobId: job.id, cancelled, failed, unknown: runs.filter((run) => run.runId === null).length };
  } finally {
    await closers.close();
  }
}

function pickAgent({ apiUrl, apiKey }: CancelOptions): Pick<EnrichOptions, 'apiUrl' | 'apiKey'> {
  return { ...(apiUrl === undefined ? {} : { apiUrl }), ...(apiKey === undefined ? {} : { apiKey }) };
}

function readRunIds(run: RunInFlight): string[] {
  return run.runId === null ? [] : [run.runId];
}
