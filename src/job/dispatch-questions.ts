import { QuestionPool } from '../batch/question-pool.js';
import { MAX_RECORD_BYTES, type Question } from '../model/question.js';
import { selectRows } from '../select/select-rows.js';
import type { AskContext } from './ask-context.js';
import { askGroup, resumeGroup } from './ask-group.js';
import { createSendContext } from './create-send-context.js';
import type { Trip } from './create-trip.js';
import { Dispatcher } from './dispatch.js';
import type { RecoveredRun } from './recover-batches.js';

/** Asks every row that the ledger cannot answer, beside the runs that were left over from an earlier job. */
export async function dispatchQuestions(trip: Trip, recovered: readonly RecoveredRun[]): Promise<void> {
  const { batchSize, concurrency, runTimeoutMs } = trip.settings;
  const context: AskContext = {
    ...trip,
    client: trip.agent.client,
    send: createSendContext(trip),
    batchSize,
    runTimeoutMs,
  };
  const dispatcher = new Dispatcher({
    concurrency,
    stop: trip.stop,
    pool: new QuestionPool({ batchSize, maxBatchBytes: MAX_RECORD_BYTES }),
    askGroup: (group) => askGroup(group, context),
  });
  for (const { open, runId } of recovered) {
    dispatcher.enter(() => resumeGroup(open, runId, context));
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
      selection.status === 'ask' ? selection.questions : [],
    );
    trip.tally.countSelected(selections);
    yield questions;
  }
  trip.tally.countInputEnd();
}
