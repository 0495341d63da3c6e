import { type CheckedRun, type FieldAnswer, isDoubtful, type RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import { type Blanks, isEmptyText } from '../model/blank.js';
import { formatCount, formatNumber } from '../model/format.js';
import { describeCellChange, getValue, MAX_CELL_LENGTH, type Row } from '../model/row.js';

export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** Counts the cells that are changed before sending, by column. */
export class CellWarnings {
  private readonly send: readonly string[];
  private readonly cut = new Map<string, number>();
  private readonly cleaned = new Map<string, number>();

  constructor(send: readonly string[]) {
    this.send = send;
  }

  /** Counts the changed cells of rows that are sent. */
  count(rows: readonly Row[]): void {
    for (const row of rows) {
      for (const column of this.send) {
        const { isCut, isCleaned } = describeCellChange(getValue(row, column));
        if (isCut) this.cut.set(column, (this.cut.get(column) ?? 0) + 1);
        if (isCleaned) this.cleaned.set(column, (this.cleaned.get(column) ?? 0) + 1);
      }
    }
  }

  list(): Warning[] {
    const most = formatCount(MAX_CELL_LENGTH);
    return [
      ...[...this.cut].map(([column, count]) => ({
        code: 'CELLS_CUT',
        message: `${describe(count, column)} more than ${most} characters: only the first ${most} are sent`,
      })),
      ...[...this.cleaned].map(([column, count]) => ({
        code: 'CELLS_CLEANED',
        message: `${describe(count, column)} control characters or invisible marks, which are not sent`,
      })),
    ];
  }
}

/** Maximum number of placeholders listed in the note. */
const MAX_WORDS = 5;

interface PlaceholderSources {
  readonly ask: Pick<Ask, 'send' | 'fields'>;
  readonly input: { readonly columns: readonly string[] };
  readonly blanks: Blanks;
}

/** Counts placeholders that are treated as blank, in the sent columns and the columns to fill. */
export class PlaceholderWarnings {
  private readonly send: readonly string[];
  private readonly filled: readonly string[];
  private readonly blanks: Blanks;
  private readonly words = new Set<string>();
  private sentCount = 0;
  private filledCount = 0;

  constructor({ ask, input, blanks }: PlaceholderSources) {
    this.send = ask.send;
    this.filled = input.columns.filter((column) =>
      ask.fields.some(({ name }) => column === name || column.startsWith(`${name}.`)),
    );
    this.blanks = blanks;
  }

  count(row: Row): void {
    for (const column of this.send) {
      const value = getValue(row, column);
      if (typeof value === 'string' && this.blanks.isBlank(value)) this.sentCount += this.note(value);
    }
    for (const column of this.filled) {
      const value = getValue(row, column);
      if (typeof value === 'string' && this.blanks.isUnfilled(column, value)) {
        this.filledCount += this.note(value);
      }
    }
  }

  list(): Warning[] {
    const total = this.sentCount + this.filledCount;
    if (total === 0) return [];
    const words = [...this.words].map((word) => `“${word}”`).join(', ');
    const more = this.words.size === MAX_WORDS ? ', …' : '';
    const places = [
      ...(this.sentCount === 0 ? [] : [`${formatCount(this.sentCount)} in columns that are sent`]),
      ...(this.filledCount === 0 ? [] : [`${formatCount(this.filledCount)} in columns to fill`]),
    ];
    const message = `${formatNumber(total, 'cell')} with a placeholder (${words}${more}) ${total === 1 ? 'counts' : 'count'} as blank: ${places.join(', ')}. --blank changes the list.`;
    return [{ code: 'PLACEHOLDERS', message }];
  }

  /** 1 for a placeholder, 0 for an empty cell. */
  private note(value: string): number {
    if (isEmptyText(value)) return 0;
    if (this.words.size < MAX_WORDS) this.words.add(value.trim());
    return 1;
  }
}

function describe(count: number, column: string): string {
  return count === 1 ? `1 cell of ${column} has` : `${formatCount(count)} cells of ${column} have`;
}

/** Counts answers that broke the contract and were repaired locally. */
export class AnswerWarnings {
  private unknownIds = 0;
  private doubled = 0;
  private readonly repaired = new Map<string, number>();

  count(checked: Pick<CheckedRun, 'unknownIds' | 'doubled'>, answers: readonly RowAnswer[]): void {
    this.unknownIds += checked.unknownIds;
    this.doubled += checked.doubled;
    for (const { fields } of answers) {
      for (const [name, field] of fields) {
        if (isRepaired(field)) this.repaired.set(name, (this.repaired.get(name) ?? 0) + 1);
      }
    }
  }

  list(): Warning[] {
    const { unknownIds, doubled } = this;
    return [
      ...(unknownIds === 0
        ? []
        : [
            {
              code: 'ANSWERS_UNASKED',
              message: `${formatNumber(unknownIds, 'answer')} for rows that were not sent, ignored`,
            },
          ]),
      ...(doubled === 0
        ? []
        : [
            {
              code: 'ANSWERS_DOUBLED',
              message: `${formatNumber(doubled, 'extra answer')} for rows that already had one; fields with different values are retried`,
            },
          ]),
      ...[...this.repaired].map(([field, values]) => ({
        code: 'VALUES_REPAIRED',
        message: `${formatNumber(values, 'value')} of ${field} converted from another form, such as a number as text`,
      })),
    ];
  }
}

function isRepaired(field: FieldAnswer): boolean {
  return field.value !== null && field.issue !== null && !isDoubtful(field);
}
