import { randomUUID } from 'node:crypto';
import { createRowChecker, type RowChecker } from '../answer/check-field.js';
import { createUsageError, RowfillError } from '../errors.js';
import type { JsonValue } from '../model/json.js';
import { formatInput } from '../write/cells.js';
import type { Edited, EditRequest } from './api.js';
import { findFixed, readRow } from './cell-detail.js';
import { showCell } from './cell-text.js';
import type { Survey } from './survey.js';
import type { ViewJob } from './view-job.js';

const MAX_UNDO = 1_000;

interface Undo {
  readonly key: string;
  readonly field: string;
  /** What the ledger had; undefined if the field was never answered. */
  readonly value: JsonValue | undefined;
}

/** Values that a person gives. They are answers like any other, which no run replaces. */
export class Edits {
  readonly #view: ViewJob;
  readonly #survey: Survey;
  readonly #undo = new Map<string, Undo>();
  #checker: RowChecker | null = null;

  constructor(view: ViewJob, survey: Survey) {
    this.#view = view;
    this.#survey = survey;
  }

  /**
   * Sets a cell, or accepts it if the text is the same. Throws CELL_CHANGED if the ledger has another value than the
   * page shows, CELL_FIXED if it cannot be changed here, and VALUE_UNFIT if the schema does not allow it.
   */
  async put({ ordinal, field, text, was }: EditRequest): Promise<Edited> {
    const joined = await readRow(this.#view, ordinal);
    const fixed = findFixed(joined, field);
    const { key, row, outcome } = joined;
    if (fixed !== null || key === null) {
      throw createUsageError('CELL_FIXED', fixed ?? 'The cell cannot be changed.', 'Change it in your file.');
    }
    const answer = outcome.fields.get(field);
    const shown = showCell(row, field, answer, this.#view.blanks).text;
    if (shown !== was) {
      throw new RowfillError('busy', 'CELL_CHANGED', 'The cell has changed meanwhile. Look at it again.');
    }
    const isSame = text !== null && text === shown && answer !== undefined;
    const value = isSame ? answer.value : text === null ? null : this.#parse(field, text);
    const { ledger, job } = this.#view;
    const undo = randomUUID();
    this.#undo.set(undo, { key, field, value: answer?.value });
    for (const old of this.#undo.keys()) {
      if (this.#undo.size <= MAX_UNDO) break;
      this.#undo.delete(old);
    }
    await ledger.putHumanAnswers(job.id, [{ key, values: { [field]: value } }]);
    const twins = Math.max(0, this.#survey.findRows([key]).length - 1);
    return { undo, text: value === null ? null : formatInput(value), twins };
  }

  /** Puts the value back that an edit replaced. A field that was never answered counts as never asked again. */
  async undo(id: string): Promise<void> {
    const undo = this.#undo.get(id);
    if (undo === undefined) {
      throw createUsageError('NO_SUCH_EDIT', 'That change cannot be undone any more.', 'Edit the cell.');
    }
    this.#undo.delete(id);
    const { ledger, job } = this.#view;
    const { key, field, value } = undo;
    if (value === undefined) await ledger.rejectAnswers(job.id, [{ key, field, mayComeBack: true }]);
    else await ledger.putHumanAnswers(job.id, [{ key, values: { [field]: value } }]);
  }

  #parse(field: string, text: string): JsonValue {
    this.#checker ??= createRowChecker(this.#view.job.ask, this.#view.blanks);
    const readings: readonly JsonValue[] = [text, ...parseAsJson(text)];
    for (const reading of readings) {
      const { state, value } = this.#checker.checkField(field, reading);
      if (state === 'valid') return value;
    }
    const { state, fault } = this.#checker.checkField(field, text);
    if (state === 'nothing') return null;
    throw createUsageError(
      'VALUE_UNFIT',
      `${field} ${fault ?? 'does not allow this value'}`,
      'Type a value that its schema allows, or clear the cell.',
    );
  }
}

/** Lists and objects are edited as JSON. */
function parseAsJson(text: string): JsonValue[] {
  if (!/^\s*[[{]/.test(text)) return [];
  try {
    return [JSON.parse(text) as JsonValue];
  } catch {
    return [];
  }
}
