import { QuestionPool } from '../batch/question-pool.js';
import { readLikelyMicros, readWorstMicros } from '../model/prices.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { Quote } from '../model/quote.js';
import { InFlight } from '../select/in-flight.js';
import { SamplePicker } from '../select/sample-picker.js';
import { selectRows } from '../select/select-rows.js';
import type { Trip } from './create-trip.js';
import { MAX_BATCH_LENGTH } from './dispatch-questions.js';

export interface Survey {
  readonly quote: Quote;
  readonly sample: ReadonlySet<number> | null;
}

/** Goes through the whole input as the job would, without sending anything: what would be asked, and what it can cost. */
export async function surveyRows(trip: Trip): Promise<Survey> {
  const sample = await pickSample(trip);
  trip.sample = sample;
  const meter = new QuoteMeter(trip);
  const pass = trip.ledger.startPass();
  for await (const rows of trip.input.openRows()) {
    // What is in flight is known for this chunk alone; the ledger's pass knows the rows of the chunks before.
    const selections = selectRows(rows, { ...trip.select, inFlight: new InFlight(trip.inFlight) });
    const questions = selections.flatMap((selection) =>
      selection.status === 'ask' ? [selection.question] : [],
    );
    const isFirst = pass.claimKeys(questions.map((question) => question.key));
    for (const [index, question] of questions.entries()) if (isFirst[index] === true) meter.add(question);
  }
  pass.end();
  return { quote: meter.readQuote(), sample };
}

async function pickSample(trip: Trip): Promise<ReadonlySet<number> | null> {
  if (trip.settings.sample === null) return null;
  const picker = new SamplePicker(trip.settings.sample);
  for await (const rows of trip.input.openRows()) for (const row of rows) picker.add(row.ordinal);
  return picker.readPicked();
}

/** Adds up runs and prices with the very pool that the job batches with. */
class QuoteMeter {
  private readonly trip: Trip;
  private readonly pool: QuestionPool;
  private rows = 0;
  private runs = 0;
  private worstMicros = 0;
  private likelyMicros = 0;

  constructor(trip: Trip) {
    this.trip = trip;
    this.pool = new QuestionPool({ batchSize: trip.settings.batchSize, maxBatchLength: MAX_BATCH_LENGTH });
  }

  add(question: Question): void {
    this.rows += 1;
    this.pool.add(question);
    for (let group = this.pool.takeFull(); group !== null; group = this.pool.takeFull()) this.count(group);
  }

  readQuote(): Quote {
    for (let group = this.pool.takePartial('any'); group !== null; group = this.pool.takePartial('any')) {
      this.count(group);
    }
    const { rows, runs, worstMicros, likelyMicros, trip } = this;
    const { ask, settings } = trip;
    return { rows, runs, worstMicros, likelyMicros, columns: ask.send, maxCostMicros: settings.capMicros };
  }

  private count(group: QuestionGroup): void {
    const { ask, prices } = this.trip;
    const schemas = ask.fields
      .filter((field) => group.fields.includes(field.name))
      .map((field) => field.schema);
    this.runs += 1;
    this.likelyMicros += readLikelyMicros(prices, ask.efforts[group.level] ?? '');
    // At worst every row climbs the whole ladder.
    for (const effort of ask.efforts.slice(group.level)) {
      this.worstMicros += readWorstMicros(prices, effort, group.questions.length, schemas);
    }
  }
}
