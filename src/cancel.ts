import { createRowChecker } from './answer/check-run.js';
import { createUsageError } from './errors.js';
import { waitForLease } from './job/lease.js';
import { CleanupStack, openAgent } from './job/open-agent.js';
import { type CancelledRuns, cancelRuns } from './job/recover.js';
import { findAgentUrl, parseKeptOptions } from './job/resolve-ask.js';
import type { JobRecord, Ledger } from './ledger/ledger.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import { createBlanks } from './model/blank.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from './model/option-types.js';
import { HOSTED_URL } from './model/run.js';
import { resolveSettings } from './options.js';

/** Options of `cancelJob`. */
export interface CancelOptions {
  /** Id of the job, or a unique prefix of it. */
  readonly job: string;
  /** Path of the ledger, or URL of a PostgreSQL database. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /** @default the agent that the job was sent to */
  readonly apiUrl?: string | undefined;
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
}

/** Result of cancelling a job's runs. */
export interface CancelResult extends CancelledRuns {
  readonly jobId: string;
  /** Runs that need no cancelling, because their embedded agent ended with its process. */
  readonly released: number;
}

const TYPES: OptionTypes<CancelOptions> = {
  job: 'text',
  ledger: 'text',
  apiUrl: 'text',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
};

/**
 * Cancels the active runs of a job. Their cost so far is billed, without answers. Throws LEASE_HELD, of kind `busy`,
 * while a process works on the job.
 */
export async function cancelJob(options: CancelOptions): Promise<CancelResult> {
  checkOptionTypes('cancelJob', options, TYPES, ['job']);
  const { job: id, ledger: path, apiUrl, apiKey, insecureHttp } = options;
  const closers = new CleanupStack();
  try {
    const ledger = closers.add(await openLedger(path ?? resolveLedgerPath({}), { mustExist: true }));
    const job = await ledger.getJob(id);
    // A process that works on the job would start new runs for the cancelled ones.
    closers.add(await waitForLease(ledger, job.id, { hasWaitOption: false }));
    await ledger.handouts?.withdraw(job);
    const ownUrl = findAgentUrl(job.ask);
    const url = apiUrl ?? ownUrl;
    if (url === null) {
      // The lease is free, so the process with the embedded agent has ended.
      const released = await releaseRuns(ledger, job);
      return {
        jobId: job.id,
        cancelled: [],
        completed: [],
        costMicros: 0,
        estimatedMicros: 0,
        failed: [],
        givenUp: [],
        unknown: 0,
        released,
      };
    }
    if (url === HOSTED_URL && (apiKey ?? '') === '') {
      throw createUsageError(
        'NO_AGENT',
        `job ${job.id} was sent to the hosted service, and EXA_API_KEY is not set`,
        'Set EXA_API_KEY to the key that the job was sent with.',
      );
    }
    const agent = closers.add(
      await openAgent(resolveSettings({ input: job.input, apiUrl: url, apiKey, insecureHttp })),
    );
    const { excludeOn = [], blank: words } = parseKeptOptions(job.settings);
    const { fields, schema } = job.ask;
    const excludesAnswers = fields.some((field) => excludeOn.includes(field.name));
    const cancelled = await cancelRuns({
      client: agent.client,
      ledger,
      job,
      checker: createRowChecker(job.ask, createBlanks({ words, fields, schema })),
      excludesAnswers,
      isOwnAgent: apiUrl === undefined || apiUrl === ownUrl,
      listLagMs: agent.listLagMs,
    });
    return { jobId: job.id, ...cancelled, released: 0 };
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Closes the open batches of a job whose embedded agent is gone. Returns their number. */
async function releaseRuns(ledger: Ledger, job: JobRecord): Promise<number> {
  const all = await ledger.listOpenBatches(job.askId);
  const open = all.filter(({ batch }) => batch.jobId === job.id);
  for (const { batch } of open)
    await ledger.releaseBatch(batch.id, 'its embedded agent ended with its process');
  return open.length;
}
