import type { RowChecker } from '../answer/check-run.js';
import type { StartedRun } from '../api/agent-client.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { JsonObject } from '../model/json.js';
import type { PendingBatch } from '../model/question.js';
import { isRunId } from '../model/run.js';
import { createRequest } from '../run/create-request.js';
import { type SendResult, type StartParts, sendBatch } from '../run/send-batch.js';
import { createGoneRun, resolveWaitMs, waitForRun } from '../run/wait-run.js';
import { type SettledGroup, type SettleParts, settleGroup, settleUnusable } from './settle-group.js';

/** A batch that is ready to be sent, with everything that its run depends on. Plain data. */
export interface PlannedBatch {
  readonly batch: Batch;
  readonly group: PendingBatch;
  /** Exclusion records to send along. */
  readonly exclusions: readonly JsonObject[];
  /** The job's invocation, if another process planned it. */
  readonly invocation?: number;
}

/** The parts of a job that running a batch needs: no input and no output. */
export interface RunParts extends StartParts, SettleParts {
  readonly ledger: StartParts['ledger'] & SettleParts['ledger'];
  readonly ask: Ask;
  readonly checker: RowChecker;
  readonly settings: { readonly runTimeoutMs: number | null };
  readonly tally: { countSent(batch: Batch, runId: string | null, adopted: boolean): void };
  /** True while the next start at a level may depend on the results of this one. */
  readonly yields: { isInDoubt(level: number): boolean };
}

/** What became of a batch. Only `ended` batches are settled in the ledger. */
export type BatchOutcome =
  | Exclude<SendResult, { readonly status: 'sent' | 'unusable' }>
  /** The run takes too long, or cannot be reached. */
  | { readonly status: 'late'; readonly runId: string; readonly reason: string }
  | { readonly status: 'ended'; readonly settled: SettledGroup };

/**
 * Sends a batch, waits for its run, checks and settles it. The slot of the run is free once `conclude` has resolved, because
 * the next start may depend on it.
 */
export async function runBatch<Result>(
  planned: PlannedBatch,
  parts: RunParts,
  conclude: (outcome: BatchOutcome) => Promise<Result>,
): Promise<Result> {
  const { batch, group, exclusions, invocation } = planned;
  const seen = group.questions.map((question) => question.seen);
  const sent = await sendBatch(
    { batch, seen, ...(invocation === undefined ? {} : { invocation }) },
    () => createRequest(parts.ask, batch, exclusions),
    parts,
  );
  switch (sent.status) {
    case 'sent':
      parts.tally.countSent(batch, getRunId(sent.run), sent.adopted);
      return finishRun(
        { batch, group, ...sent, waitMs: resolveWaitMs(batch.effort, parts.settings.runTimeoutMs) },
        parts,
        conclude,
      );
    case 'unusable':
      parts.tally.countSent(batch, null, false);
      return conclude(toEnded(await settleUnusable(batch, group, '', sent.reason, parts)));
    default:
      return conclude(sent);
  }
}

/** A run to wait for. */
interface ActiveRun {
  readonly batch: Batch;
  readonly group: PendingBatch;
  readonly run: StartedRun | string;
  /** Resolves once the ledger has the run's id. */
  readonly marked: Promise<void>;
  readonly waitMs: number;
}

/** Waits for a run, checks and settles it. */
export async function finishRun<Result>(
  { batch, group, run, marked, waitMs }: ActiveRun,
  parts: RunParts,
  conclude: (outcome: BatchOutcome) => Promise<Result>,
): Promise<Result> {
  const { agent, stop, throttle, caps, yields } = parts;
  let holdsPlace = true;
  const leave = (): void => {
    if (holdsPlace) throttle.release();
    holdsPlace = false;
  };
  // Free the slot before fetching the result, unless the next start depends on this result.
  const dependsOnResult = caps.jobMicros !== null || caps.day !== null || yields.isInDoubt(group.level);
  const onEnd = (): Promise<void> => {
    if (!dependsOnResult) leave();
    // It cannot be settled before that, and many results that wait would fill the memory.
    return marked;
  };
  const [waited] = await Promise.all([
    waitForRun(agent.client, run, { signal: stop.waitSignal, deadlineMs: waitMs, onEnd }),
    marked,
  ]);
  if (waited.status !== 'ended') leave();
  switch (waited.status) {
    case 'ended':
      // Not awaited here, so that the whole run is not kept until the ledger has it.
      return settleGroup(batch, group, waited.run, parts).then(toEnded).then(conclude).finally(leave);
    case 'gone': {
      const gone = createGoneRun(getRunId(run), waited.reason);
      return conclude(toEnded(await settleGroup(batch, group, gone, parts)));
    }
    case 'unusable':
      return conclude(toEnded(await settleUnusable(batch, group, findUsableId(run), waited.reason, parts)));
    case 'late':
      return conclude({ status: 'late', runId: getRunId(run), reason: waited.reason });
    case 'stopped':
    case 'fatal':
      return conclude(waited);
  }
}

function toEnded(settled: SettledGroup): BatchOutcome {
  return { status: 'ended', settled };
}

/** Returns the run id, or an empty string if it is invalid and must not be stored. */
function findUsableId(run: StartedRun | string): string {
  const id = getRunId(run);
  return isRunId(id) ? id : '';
}

function getRunId(run: StartedRun | string): string {
  return typeof run === 'string' ? run : run.id;
}
