import type { CellDetail, Edited } from '../api.js';
import { call, ServerError } from './server.js';
import * as state from './state.js';
import { formatCount, formatRows } from './words.js';

/** `unfit`: the schema of the field does not allow the value. `refused`: anything else, such as a cell that has changed. */
export type SaveResult = 'kept' | 'unfit' | 'refused';

/** Values that a person gives: kept, and taken back again. */
export class Editing {
  readonly #onChange: () => Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  readonly #undo: { readonly id: string; readonly text: string }[] = [];

  /** `onChange` shows the open cell anew. */
  constructor(onChange: () => Promise<void>) {
    this.#onChange = onChange;
  }

  /** Reads a cell after all changes so far. Throws what the server says. */
  read(ordinal: number, field: string): Promise<CellDetail> {
    return this.#inTurn(() => readCell(ordinal, field));
  }

  /** Resolves once all changes so far are stored or refused. */
  async whenSaved(): Promise<void> {
    await this.#turn;
  }

  /** Keeps a value as a person's. Null clears the cell. A value that is not kept is named, so that it is not lost. */
  save(detail: CellDetail, text: string | null): Promise<SaveResult> {
    return this.#inTurn(() => this.#put(detail, text));
  }

  /** Keeps what was typed over a value. Nothing happens if it is the same. */
  change(before: Promise<CellDetail>, typed: string): Promise<SaveResult> {
    const text = typed.trim() === '' ? null : typed;
    return this.#inTurn(async () => {
      try {
        const detail = await before;
        // A text field has one kind of line break.
        if (text === (detail.text?.replace(/\r\n?/g, '\n') ?? null)) return 'kept';
        if (detail.fixed === null) return await this.#put(detail, text);
        sayNotKept(detail.fixed, text);
      } catch (error) {
        sayNotKept(error, text);
      }
      return 'refused';
    });
  }

  undo(): Promise<void> {
    return this.#inTurn(() => this.#takeBack());
  }

  async #put({ ordinal, field, text: was }: CellDetail, text: string | null): Promise<SaveResult> {
    try {
      const { undo, twins } = await call<Edited>('PUT', '/api/cell', { ordinal, field, text, was });
      const also = twins === 0 ? '' : ` It also holds for ${formatRows(twins)} with the same sent cells.`;
      const word = text === was ? 'Accepted' : text === null ? 'Cleared' : 'Kept';
      this.#undo.push({ id: undo, text: `${field} of row ${formatCount(ordinal + 1)}` });
      state.say(`${word}: no run will replace it.${also}`, () => void this.undo());
      await this.#onChange();
      return 'kept';
    } catch (error) {
      sayNotKept(error, text);
      await this.#onChange();
      return error instanceof ServerError && error.code === 'VALUE_UNFIT' ? 'unfit' : 'refused';
    }
  }

  async #takeBack(): Promise<void> {
    const last = this.#undo.pop();
    if (last === undefined) return state.say('Nothing to undo.');
    try {
      await call('POST', '/api/undo', { undo: last.id });
      state.say(`The earlier value is back: ${last.text}.`);
      await this.#onChange();
    } catch (error) {
      state.sayError(error);
    }
  }

  /** One change after the other: each is checked against what the one before has stored. */
  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(act);
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

export function readCell(ordinal: number, field: string): Promise<CellDetail> {
  return call<CellDetail>('GET', `/api/cell?row=${ordinal}&field=${encodeURIComponent(field)}`);
}

/** Says why a value was not kept, and the value. */
function sayNotKept(error: unknown, text: string | null): void {
  const why = error instanceof Error ? error.message : String(error);
  state.say(text === null ? why : `${why} Not kept: “${text}”`);
}
