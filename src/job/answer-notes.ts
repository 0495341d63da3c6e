import { type FieldAnswer, isDoubtful, type RowAnswer } from '../model/answer.js';
import type { CheckedRun } from '../model/checked.js';
import { formatNumber } from '../model/words.js';
import type { Note } from './cell-notes.js';

/** Counts what came back otherwise than it was asked for and was put right without a word to the agent. */
export class AnswerNotes {
  private unknownIds = 0;
  private doubled = 0;
  private readonly repaired = new Map<string, number>();

  count(checked: CheckedRun, answers: readonly RowAnswer[]): void {
    this.unknownIds += checked.unknownIds;
    this.doubled += checked.doubled;
    for (const { fields } of answers) {
      for (const [name, field] of fields) {
        if (isRepaired(field)) this.repaired.set(name, (this.repaired.get(name) ?? 0) + 1);
      }
    }
  }

  list(): Note[] {
    const { unknownIds, doubled } = this;
    return [
      ...(unknownIds === 0
        ? []
        : [
            {
              code: 'ANSWERS_UNASKED',
              message: `${formatNumber(unknownIds, 'answer')} to no row asked, left out`,
            },
          ]),
      ...(doubled === 0
        ? []
        : [
            {
              code: 'ANSWERS_DOUBLED',
              message: `${formatNumber(doubled, 'further answer')} to rows answered already; fields with different values are asked again`,
            },
          ]),
      ...[...this.repaired].map(([field, values]) => ({
        code: 'VALUES_REPAIRED',
        message: `${formatNumber(values, 'value')} of ${field} put right that came in another form, such as a number as text`,
      })),
    ];
  }
}

function isRepaired(field: FieldAnswer): boolean {
  return field.value !== null && field.issue !== null && !isDoubtful(field);
}
