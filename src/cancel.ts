import { type CancelledRuns, cancelRuns } from './job/cancel-runs.js';
import { Closers } from './job/closers.js';
import { readKeptOptions } from './job/job-parts.js';
import { openAgent } from './job/open-agent.js';
import { openLedger, resolveLedgerPath } from './ledger/ledger.js';
import { resolveSettings } from './options.js';

/** Whose runs to cancel, and where. */
export interface CancelOptions {
  /** Id of the job, or a start of it that no other job shares. */
  readonly job: string;
  /** Path of the ledger. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /** @default the hosted service */
  readonly apiUrl?: string | undefined;
  readonly apiKey?: string | undefined;
}

/** What became of the runs of a job that was cancelled. */
export interface CancelResult extends CancelledRuns {
  readonly jobId: string;
}

/** Cancels the runs of a job that still work at the agent. What they cost so far is billed, and they bring nothing. */
export async function cancelJob({
  job: id,
  ledger: path,
  ...agentOptions
}: CancelOptions): Promise<CancelResult> {
  const closers = new Closers();
  try {
    const ledger = closers.add(openLedger(path ?? resolveLedgerPath({})));
    const job = ledger.readJob(id);
    const agent = closers.add(await openAgent(resolveSettings({ input: job.input, ...agentOptions })));
    const { excludeOn = [] } = readKeptOptions(job.settings);
    const excludesAnswers = job.ask.fields.some((field) => excludeOn.includes(field.name));
    return { jobId: job.id, ...(await cancelRuns(agent.client, ledger, job, excludesAnswers)) };
  } finally {
    await closers.close();
  }
}
