import type { Ask } from '../model/ask.js';
import { type Batch, createBatch } from '../model/batch.js';
import { readWorstMicros } from '../model/prices.js';
import type { QuestionGroup } from '../model/question.js';
import { describeFaults } from '../send/describe-faults.js';
import type { AskContext } from './ask-context.js';

/** The batch that a group goes out as. */
export function createGroupBatch(
  group: QuestionGroup,
  context: Pick<AskContext, 'ask' | 'job' | 'prices' | 'isRefresh'>,
): Batch {
  const { ask, job, prices } = context;
  const effort = ask.efforts[group.level] ?? '';
  return createBatch(
    {
      jobId: job.id,
      askId: ask.id,
      attempt: group.attempt,
      effort,
      fields: group.fields,
      rows: group.questions.map(({ key, record, fault }) =>
        fault === null ? { key, record } : { key, record, fault },
      ),
      previousRunId: group.previousRunId,
      complaint: describeFaults(group.questions),
      ...(context.isRefresh && group.level === 0 ? { refresh: true } : {}),
      reserveMicros: readWorstMicros(prices, effort, group.questions.length, ask, group.fields),
    },
    job.invocation,
    group.resends,
  );
}

/** The group that a batch went out as. */
export function readBatchGroup(batch: Batch, ask: Ask): QuestionGroup {
  const level = Math.max(0, ask.efforts.indexOf(batch.effort));
  const { fields, attempt, previousRunId } = batch;
  const questions = batch.rows.map(({ key, record, fault = null }) => ({
    key,
    record,
    fields,
    level,
    attempt,
    fault,
  }));
  return { questions, fields, level, attempt, previousRunId };
}
