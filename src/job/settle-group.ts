import {
  type AnswerExclusion,
  checkRun,
  describeRejection,
  excludeAnswers,
  planDisputeRepair,
  planRepair,
  type Repair,
  type RowChecker,
} from '../answer/check-run.js';
import { createAnswers } from '../answer/citations.js';
import type { Ledger, Settled, Settlement } from '../ledger/ledger.js';
import type { CheckedRun, RowAnswer } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import { bookCost } from '../model/format.js';
import type { PendingBatch, Question } from '../model/question.js';
import { type AgentRun, findBatchId } from '../model/run.js';
import { createGoneRun } from '../run/wait-run.js';

/** The parts of a job that settling a batch needs. */
export interface SettleParts {
  readonly ledger: Pick<Ledger, 'settleBatches'>;
  readonly checker: RowChecker;
  readonly exclusion: AnswerExclusion;
  /** Rows not answered by this attempt fail. */
  readonly lastAttempt: number;
  /** Records the cost of a batch as soon as it is known. */
  readonly cap: { settle(batch: Batch, costMicros: number): void };
}

/**
 * Settles a group with its ended run. Valid rows are answered; the rest is retried, or fails after its last attempt. If
 * the run belongs to another batch, it is unusable.
 */
export async function settleGroup(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  parts: SettleParts,
): Promise<SettledGroup> {
  const misfit = describeMisfit(batch, run);
  return misfit === null
    ? settleRun(batch, group, run, null, parts)
    : settleUnusable(batch, group, '', misfit, parts);
}

/**
 * Settles a group whose run exists but is unusable: books the reserved cost and fails the rows with the reason. Does
 * not retry them, because the agent could do the same again and be paid twice. `runId` is empty if the id is invalid.
 */
export function settleUnusable(
  batch: Batch,
  group: PendingBatch,
  runId: string,
  reason: string,
  parts: SettleParts,
): Promise<SettledGroup> {
  return settleRun(batch, group, createGoneRun(runId, reason), reason, parts);
}

/** Not async, so that only a part of the run is kept until the ledger has it. */
function settleRun(
  batch: Batch,
  group: PendingBatch,
  run: AgentRun,
  unusable: string | null,
  parts: SettleParts,
): Promise<SettledGroup> {
  const { ledger, checker, lastAttempt } = parts;
  const fieldsByKey = new Map<string, readonly string[]>();
  for (const { key, fields } of group.questions) fieldsByKey.set(key, fields);
  const brought = checkRun(batch, run, checker, ({ key }) => fieldsByKey.get(key) ?? batch.fields);
  const checked = excludeAnswers(brought, batch, parts.exclusion, lastAttempt);
  const answers = createAnswers(batch, checked, run);
  const repair =
    unusable === null
      ? planRepair(group, checked.rejected, run, lastAttempt)
      : { ...NO_REPAIR, failures: batch.rows.map(({ key }) => ({ key, reason: unusable })) };
  // Until the ledger has the lower cost, its cap must not rise.
  parts.cap.settle(
    batch,
    Math.min(batch.reserveMicros, bookCost(run.costDollars.total, batch.reserveMicros).micros),
  );
  const settling = settleBatch({ batch, run, answers, failures: repair.failures }, ledger);
  const { id, status, costDollars } = run;
  const { unknownIds, doubled } = brought;
  const checkedGroup = {
    ...{ run: { id, status, costDollars }, unusable, answers, repair },
    disputed: planDisputeRepair(group, checked.rows, run, lastAttempt),
    misfits: { unknownIds, doubled },
    fault: brought.rows.length > 0 ? null : (unusable ?? describeFirst(brought) ?? `run ${id} ${status}`),
  };
  return waitForSettled(batch, group, checkedGroup, settling, parts);
}

const NO_REPAIR: Repair = { followUp: null, again: [], failures: [] };

/** What checking a run gave. */
interface CheckedGroup {
  readonly run: Pick<AgentRun, 'id' | 'status' | 'costDollars'>;
  /** Why the run cannot be used; null if it can. */
  readonly unusable: string | null;
  readonly answers: readonly RowAnswer[];
  readonly repair: Repair;
  readonly disputed: readonly Question[];
  readonly misfits: Pick<CheckedRun, 'unknownIds' | 'doubled'>;
  /** What is wrong with a run without any usable row; null if it has one. */
  readonly fault: string | null;
}

/** A group whose run was checked, and settled in the ledger. */
export interface SettledGroup extends CheckedGroup {
  readonly result: Settled;
}

async function waitForSettled(
  batch: Batch,
  group: PendingBatch,
  checked: CheckedGroup,
  settling: Promise<Settled>,
  parts: SettleParts,
): Promise<SettledGroup> {
  const result = await settling;
  if (result.status === 'foreign') return settleUnusable(batch, group, '', describeReuse(checked.run), parts);
  return { ...checked, result };
}

/** Settles one batch in the ledger. Does not keep the run while it waits. */
export function settleBatch(settlement: Settlement, ledger: Pick<Ledger, 'settleBatches'>): Promise<Settled> {
  return ledger.settleBatches([settlement]).then(([settled]) => {
    if (settled === undefined) throw new RangeError('a settlement has a result');
    return settled;
  });
}

function describeFirst({ rejected: [first] }: CheckedRun): string | null {
  return first === undefined ? null : describeRejection(first);
}

/** Explains why a run does not belong to a batch; null if it may. The metadata of the run names its batch. */
export function describeMisfit(batch: Batch, run: AgentRun): string | null {
  const named = findBatchId(run);
  if (named === null || named === batch.id) return null;
  return `run ${run.id} was started for other rows: the agent mixes up its runs`;
}

/** Explains why a run that has settled another batch cannot settle this one. */
export function describeReuse(run: Pick<AgentRun, 'id'>): string {
  return `run ${run.id} has already answered other rows: the agent returned the same run for two requests`;
}
