import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { explainMissingKey } from './api/agent-error.js';
import { createUsageError, describeError, RowfillError } from './errors.js';
import { CleanupStack, type OpenAgent, openAgent } from './job/open-agent.js';
import { WORKER_LEASE } from './ledger/holder.js';
import { openLedger } from './ledger/open-ledger.js';
import type { EnrichEvent } from './model/events.js';
import { isLedgerUrl } from './model/ledger-url.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from './model/option-types.js';
import { HOSTED_URL } from './model/run.js';
import { hasKey, resolvePlanSettings, type Settings } from './options.js';
import { openQueue } from './queue/open-queue.js';
import { type SessionEnd, WorkSession } from './queue/work-session.js';

/** Options of a worker. */
export interface WorkerOptions {
  /** URL of the ledger on PostgreSQL. */
  readonly ledger: string;
  /** URL of the agent. Only batches for this agent and key are taken. @default the hosted service */
  readonly apiUrl?: string | undefined;
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
  /** Maximum number of concurrent runs of this worker. @default 20 */
  readonly concurrency?: number | undefined;
}

/** What happens to a worker. */
export type WorkerEvent =
  | { readonly type: 'working'; readonly agent: string; readonly concurrency: number }
  /** Why it does not take batches now, and for how long it pauses, in ms. */
  | { readonly type: 'waiting'; readonly code: string; readonly message: string; readonly delayMs: number }
  | { readonly type: 'job'; readonly jobId: string; readonly event: EnrichEvent }
  | { readonly type: 'stopped' };

export interface WorkerHooks {
  readonly onEvent?: (event: WorkerEvent) => void;
  /** Aborting stops the worker: it starts no run, and hands its active runs over to others. */
  readonly signal?: AbortSignal;
}

const TYPES: OptionTypes<WorkerOptions> = {
  ledger: 'text',
  apiUrl: 'text',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
  concurrency: 'number',
};

/** Pause after trouble that concerns all batches, such as an agent that cannot be reached. */
const PAUSE_MS = 30_000;

/**
 * Works on the jobs of a shared ledger until its signal is aborted. Throws a RowfillError if the options are wrong, or the
 * agent refuses the key.
 */
export async function runWorker(options: WorkerOptions, hooks: WorkerHooks = {}): Promise<void> {
  checkOptionTypes('runWorker', options, TYPES, ['ledger']);
  const { onEvent = () => undefined, signal = new AbortController().signal } = hooks;
  const { ledger, ...rest } = options;
  if (!isLedgerUrl(ledger)) {
    throw createUsageError(
      'WORKERS_NEED_POSTGRES',
      'a worker needs a ledger on PostgreSQL, which it shares with the processes that hand out batches',
      'Set --ledger or ROWFILL_LEDGER to its URL, such as postgres://host/database.',
    );
  }
  const settings = resolveWorkerSettings(rest);
  let hasWorked = false;
  while (!signal.aborted) {
    const end = await workOnce(ledger, settings, onEvent, signal).catch((error: unknown): SessionEnd => {
      // What fails at the start is a wrong option, or a service that is not there.
      if (!hasWorked || !(error instanceof Error)) throw error;
      return { status: 'failed', error };
    });
    hasWorked = true;
    if (end.status !== 'failed') continue;
    const { error } = end;
    if (!isPassing(error)) throw error;
    const code = error instanceof RowfillError ? error.code : 'AGENT_FAILED';
    const delayMs = code === 'LEASE_LOST' ? 0 : PAUSE_MS;
    onEvent({ type: 'waiting', code, message: describeError(error), delayMs });
    await setTimeout(delayMs, undefined, { signal }).catch(() => undefined);
  }
  onEvent({ type: 'stopped' });
}

/** Settings of a worker. Unlike a job, it cannot have an agent in its own process. */
function resolveWorkerSettings(options: Omit<WorkerOptions, 'ledger'>): Settings {
  const settings = resolvePlanSettings({ ...options, input: '-' });
  if (settings.agent.kind === 'hosted' && !hasKey(options)) {
    throw createUsageError(
      'NO_AGENT',
      'no agent given: EXA_API_KEY is not set, and neither is --api-url',
      'For the hosted service, set EXA_API_KEY or EXA_API_KEY_FILE. For another agent, such as the one that rowfill serve starts for your own tables, use --api-url URL.',
    );
  }
  return settings;
}

/** True if the same worker can go on later. */
function isPassing(error: Error): boolean {
  if (!(error instanceof RowfillError)) return 'outcome' in error;
  // A server that was written to will be again.
  return error.kind === 'unreachable' || error.code === 'LEASE_LOST' || error.code === 'LEDGER_NOT_WRITABLE';
}

/** Opens everything and works until the session ends. Closing hands open batches over. */
async function workOnce(
  place: string,
  settings: Settings,
  onEvent: (event: WorkerEvent) => void,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const note = (message: string): void =>
    onEvent({ type: 'waiting', code: 'LEDGER_WAIT', message, delayMs: 0 });
  const closers = new CleanupStack();
  try {
    const ledger = closers.add(await openLedger(place, { onWait: note }));
    const agent = closers.add(await openAgent(settings, () => undefined));
    let account = '';
    await ledger.enterAccount((salt) => {
      account = agent.client.hashAccount(salt);
      return account;
    });
    const clockAheadMs = await measureClock(agent, settings, signal);
    const queue = closers.add(await openQueue(place, { onTrouble: note }));
    // Shows it to `status`, also while it has nothing to do.
    await ledger.acquireLease(`${WORKER_LEASE}${randomUUID()}`);
    const { concurrency } = settings;
    onEvent({ type: 'working', agent: settings.options.apiUrl ?? HOSTED_URL, concurrency });
    const session = new WorkSession({
      ...{ ledger, queue, agent, account, concurrency, clockAheadMs },
      onEvent: (jobId, event) => onEvent({ type: 'job', jobId, event }),
    });
    return await session.run(signal);
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Checks that the agent responds and accepts the key. Returns how far this machine's clock is ahead, in ms. */
async function measureClock(
  { client }: Pick<OpenAgent, 'client'>,
  { options }: Pick<Settings, 'options'>,
  signal: AbortSignal,
): Promise<number> {
  const { serverTimeMs } = await client.check({ signal }).catch((error: unknown) => {
    throw explainMissingKey(error, hasKey(options));
  });
  return serverTimeMs === null ? 0 : Date.now() - serverTimeMs;
}
