import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createRowChecker, type RowChecker } from '../answer/check-field.js';
import { createUsageError, RowfillError } from '../errors.js';
import type { JsonValue } from '../model/json.js';
import { formatInput } from '../write/cells.js';
import type { Edited, EditRequest } from './api.js';
import { findFixed, readRow } from './cell-detail.js';
import { showCell } from './cell-text.js';
import type { Survey } from './survey.js';
import type { ViewJob } from './view-job.js';

/** Edits that are remembered: sent again they are not made again, and they can be undone. */
const MAX_KNOWN = 1_000;

/** How often a cell is read again because its row keeps changing. */
const MAX_TRIES = 100;

interface Made extends Edited {
  readonly ordinal: number;
  readonly key: string;
  readonly field: string;
  /** What the ledger had; undefined if the field was never answered. */
  readonly before: JsonValue | undefined;
  readonly after: JsonValue;
}

/** Values that a person gives. They are answers like any other, which no run replaces. */
export class Edits {
  readonly #view: ViewJob;
  readonly #survey: Survey;
  readonly #made = new Map<string, Promise<Made>>();
  readonly #undone = new Map<string, Promise<true>>();
  #turn: Promise<unknown> = Promise.resolve();
  #checker: RowChecker | null = null;

  constructor(view: ViewJob, survey: Survey) {
    this.#view = view;
    this.#survey = survey;
  }

  /**
   * Sets a cell, or accepts it if the text is the same. An edit with a known id is not made again. Throws CELL_CHANGED if
   * the ledger has another value than the page shows, CELL_FIXED if it cannot be changed here, and VALUE_UNFIT if the
   * schema does not allow it.
   */
  async put(request: EditRequest): Promise<Edited> {
    const id = request.edit ?? randomUUID();
    const { undo, text, twins } = await this.#once(this.#made, id, () =>
      this.#whileUnchanged((seen) => this.#put(request, id, seen)),
    );
    return { undo, text, twins };
  }

  /**
   * Puts the value back that an edit replaced, once. A field that was never answered counts as never asked again. Throws
   * CELL_CHANGED if the cell no longer has what the edit left.
   */
  async undo(id: string): Promise<void> {
    const made = await this.#made.get(id);
    if (made === undefined) {
      throw createUsageError('NO_SUCH_EDIT', 'That change cannot be undone any more.', 'Edit the cell.');
    }
    await this.#once(this.#undone, id, () => this.#whileUnchanged((seen) => this.#takeBack(made, seen)));
  }

  /** Acts in turn, so that each change is compared with what the one before has left. Only a failure is tried again. */
  #once<Result>(
    known: Map<string, Promise<Result>>,
    id: string,
    act: () => Promise<Result>,
  ): Promise<Result> {
    const earlier = known.get(id);
    if (earlier !== undefined) return earlier;
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => known.delete(id));
    known.set(id, result);
    for (const old of known.keys()) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(old);
    }
    return result;
  }

  /** Sets a cell. Null if its row has changed since the change `seen`. */
  async #put({ ordinal, field, text, was }: EditRequest, id: string, seen: number): Promise<Made | null> {
    const joined = await readRow(this.#view, ordinal);
    const fixed = findFixed(joined, field);
    const { key, row, outcome } = joined;
    if (fixed !== null || key === null) {
      throw createUsageError('CELL_FIXED', fixed ?? 'The cell cannot be changed.', 'Change it in your file.');
    }
    const answer = outcome.fields.get(field);
    const shown = showCell(row, field, answer, this.#view.blanks).text;
    if (shown !== was) throw createChanged();
    const isSame = text !== null && text === shown && answer !== undefined;
    const after = isSame ? answer.value : text === null ? null : this.#parse(field, text);
    const { ledger, job } = this.#view;
    if (!(await ledger.putHumanAnswers(job.id, [{ key, values: { [field]: after } }], seen))) return null;
    const twins = Math.max(0, this.#survey.findRows([key]).length - 1);
    const edited: Edited = { undo: id, text: after === null ? null : formatInput(after), twins };
    return { ...edited, ordinal, key, field, before: answer?.value, after };
  }

  /** Takes an edit back. Null if its row has changed since the change `seen`. */
  async #takeBack({ ordinal, key, field, before, after }: Made, seen: number): Promise<true | null> {
    const { ledger, job } = this.#view;
    const now = (await readRow(this.#view, ordinal)).outcome.fields.get(field);
    if (now?.who !== 'human' || !isDeepStrictEqual(now.value, after)) throw createChanged();
    const isDone =
      before === undefined
        ? await ledger.rejectAnswers(job.id, [{ key, field, mayComeBack: true }], seen)
        : await ledger.putHumanAnswers(job.id, [{ key, values: { [field]: before } }], seen);
    return isDone ? true : null;
  }

  /**
   * Reads and changes a cell, so that no other process changes its row between the two. If one has, `act` returns null,
   * and is called again: the change may be of another cell.
   */
  async #whileUnchanged<Result>(act: (seen: number) => Promise<Result | null>): Promise<Result> {
    const { ledger, job } = this.#view;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { seen } = await ledger.listChangedRows(job.askId, null, 0);
      const result = await act(seen);
      if (result !== null) return result;
    }
    throw createChanged();
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

function createChanged(): RowfillError {
  return new RowfillError('busy', 'CELL_CHANGED', 'The cell has changed meanwhile. Look at it again.');
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
