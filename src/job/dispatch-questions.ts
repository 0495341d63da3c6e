import { QuestionPool } from '../batch/question-pool.js';
import type { Ask } from '../model/ask.js';
import type { Batch } from '../model/batch.js';
import type { Question, QuestionGroup } from '../model/question.js';
import { selectRows } from '../select/select-rows.js';
import { type AskContext, askGroup, resumeGroup } from './ask-group.js';
import { createSendContext } from './create-send-context.js';
import type { Trip } from './create-trip.js';
import { Dispatcher } from './dispatch.js';
import type { RecoveredRun } from './recover-batches.js';

/** The most that the records of one batch may weigh, in UTF-16 code units of JSON. */
export const MAX_BATCH_LENGTH = 200_000;

/** Asks every row that the ledger cannot answer, beside the runs that were left over from an earlier job. */
export async function dispatchQuestions(trip: Trip, recovered: readonly RecoveredRun[]): Promise<void> {
  const context: AskContext = {
    ...trip,
    client: trip.agent.client,
    send: createSendContext(trip),
  };
  const { batchSize, concurrency } = trip.settings;
  const dispatcher = new Dispatcher({
    concurrency,
    stop: trip.stop,
    pool: new QuestionPool({ batchSize, maxBatchLength: MAX_BATCH_LENGTH }),
    askGroup: (group) => askGroup(group, context),
  });
  for (const { open, runId } of recovered) {
    dispatcher.enter(() => resumeGroup(runId, open.batch, toGroup(open.batch, trip.ask), context));
  }
  // Nothing to ask: the survey has counted every row, and the input need not be read once more.
  if (trip.surveyed?.ask === 0 && recovered.length === 0) trip.tally.countSurveyed(trip.surveyed);
  else await dispatcher.run(openQuestions(trip));
}

/** The questions of the input in its order, chunk by chunk. */
async function* openQuestions(trip: Trip): AsyncGenerator<readonly Question[]> {
  const context = { ...trip.select, inFlight: trip.inFlight };
  for await (const rows of trip.input.openRows()) {
    const selections = selectRows(rows, context);
    const questions = selections.flatMap((selection) =>
      selection.status === 'ask' ? [selection.question] : [],
    );
    trip.tally.countSelected(selections);
    yield questions;
  }
  trip.tally.countInputEnd();
}

function toGroup(batch: Batch, ask: Ask): QuestionGroup {
  const level = Math.max(0, ask.efforts.indexOf(batch.effort));
  const { fields, attempt, previousRunId } = batch;
  const questions = batch.rows.map(({ key, record }) => ({
    key,
    record,
    fields,
    level,
    attempt,
    fault: null,
  }));
  return { questions, fields, level, attempt, previousRunId };
}
