import type { PreviousJob } from '../ledger/records.js';
import { listKeys, readQuestion } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Trip } from './create-trip.js';

/** Counts the rows that a changed ask asks although the ask before it, on the same file, had an answer for them. */
export class RepeatCounter {
  private readonly trip: Trip;
  private readonly previous: PreviousJob | null;
  private repeated = 0;

  constructor(trip: Trip) {
    const { previous } = trip.job;
    this.trip = trip;
    this.previous = previous !== null && previous.answered > 0 ? previous : null;
  }

  /** Takes rows that are to be asked. */
  add(rows: readonly Row[]): void {
    const { previous } = this;
    if (previous === null || rows.length === 0) return;
    const { ledger, settings, blanks } = this.trip;
    const keys = rows.map((row) => listKeys(readQuestion(row, previous.ask, settings.overwrite, blanks)));
    const found = ledger.findAnswers({ id: previous.id, askId: previous.ask.id }, [...new Set(keys.flat())]);
    const isAnswered = (key: string): boolean => (found.get(key)?.answeredAtMs ?? null) !== null;
    this.repeated += keys.filter((each) => each.some(isAnswered)).length;
  }

  /** null: nothing was answered before, or it was the same ask. */
  readCount(): number | null {
    return this.previous === null ? null : this.repeated;
  }
}
