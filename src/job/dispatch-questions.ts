import { QuestionPool } from '../batch/question-pool.js';
import { MAX_RECORD_BYTES, type Question } from '../model/question.js';
import { selectRows } from '../select/select-rows.js';
import type { AskContext } from './ask-context.js';
import { askGroup, giveUpUnaffordable, resumeGroup } from './ask-group.js';
import { CellNotes } from './cell-notes.js';
import { createSendContext } from './create-send-context.js';
import type { Trip } from './create-trip.js';
import { Dispatcher } from './dispatch.js';
import type { RecoveredBatches, UnknownBatch } from './recover-batches.js';
import { reportNotes } from './report-notes.js';
import { settleDoubts } from './settle-doubts.js';
import { SharedAnswersCounter } from './shared-answers.js';

/** Asks every row that the ledger cannot answer, beside the runs that were left over from an earlier job. */
export async function dispatchQuestions(trip: Trip, recovered: RecoveredBatches): Promise<void> {
  const { batchSize, concurrency, runTimeoutMs } = trip.settings;
  const context: AskContext = {
    ...trip,
    client: trip.agent.client,
    send: createSendContext(trip),
    batchSize,
    runTimeoutMs,
    noteFull(budget) {
      trip.fullBudget = budget;
    },
  };
  const dispatcher = new Dispatcher({
    concurrency,
    stop: trip.stop,
    yields: trip.yields,
    pool: new QuestionPool({ batchSize, maxBatchBytes: MAX_RECORD_BYTES }),
    statedCost: trip.statedCost,
    askGroup: (group) => askGroup(group, context),
    giveUpUnaffordable: (group) => giveUpUnaffordable(group, context),
  });
  for (const { open, runId } of recovered.runs) {
    dispatcher.enter(() => resumeGroup(open, runId, context));
  }
  // Nothing to ask: the survey has counted every row, and the input need not be read once more.
  const isDone = trip.surveyed?.ask === 0 && recovered.runs.length === 0 && recovered.unknown.length === 0;
  if (isDone && trip.surveyed !== null) trip.tally.countSurveyed(trip.surveyed);
  else await dispatcher.run(openQuestions(trip));
  reportNotes(trip, trip.answerNotes.list());
  if (trip.stop.reason !== 'interrupted') failUnknown(recovered.unknown, trip);
}

/** Fails the rows that wait for what nobody knows of; those that this input has, for the same question may stand in others. */
function failUnknown(unknown: readonly UnknownBatch[], { ledger, job, inFlight }: Trip): void {
  for (const { open, reason } of unknown) {
    const rows = open.batch.rows.filter(({ key }) => !inFlight.isUnclaimed(key));
    ledger.fail(
      job.id,
      rows.map(({ key }) => ({ key, reason })),
    );
  }
}

/** The questions of the input in its order, chunk by chunk. */
async function* openQuestions(trip: Trip): AsyncGenerator<readonly Question[]> {
  const context = { ...trip.select, inFlight: trip.inFlight };
  const cellNotes = new CellNotes(trip.ask.send);
  // The survey has counted them already.
  const shared = trip.surveyed === null ? new SharedAnswersCounter(trip.ask, trip.input.columns) : null;
  for await (const rows of trip.input.openRows()) {
    const selections = selectRows(rows, context);
    const questions = selections.flatMap((selection) =>
      selection.status === 'ask' ? selection.questions : [],
    );
    cellNotes.count(rows.filter((_row, index) => selections[index]?.status === 'ask'));
    for (const [index, row] of rows.entries()) {
      const selection = selections[index];
      if (selection !== undefined) shared?.add(row, selection);
    }
    trip.tally.countSelected(selections);
    yield questions;
  }
  reportNotes(trip, cellNotes.list());
  if (shared !== null) await settleDoubts(trip, { shared: shared.find() }, false);
  trip.tally.countInputEnd();
}
