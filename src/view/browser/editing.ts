import type { CellDetail, Edited } from '../api.js';
import { call } from './server.js';
import * as state from './state.js';
import { formatCount, formatRows } from './words.js';

/** Values that a person gives: kept, and taken back again. */
export class Editing {
  readonly #onChange: () => Promise<void>;
  readonly #undo: { readonly id: string; readonly text: string }[] = [];

  /** `onChange` shows the open cell anew. */
  constructor(onChange: () => Promise<void>) {
    this.#onChange = onChange;
  }

  /** Keeps a value as a person's. Null clears the cell. */
  async save(detail: CellDetail, text: string | null): Promise<boolean> {
    const { ordinal, field, text: was } = detail;
    try {
      const { undo, twins } = await call<Edited>('PUT', '/api/cell', { ordinal, field, text, was });
      const also = twins === 0 ? '' : ` It also holds for ${formatRows(twins)} with the same sent cells.`;
      const word = text === was ? 'Accepted' : text === null ? 'Cleared' : 'Kept';
      this.#undo.push({ id: undo, text: `${field} of row ${formatCount(ordinal + 1)}` });
      state.say(`${word}: no run will replace it.${also}`, () => void this.undo());
      await this.#onChange();
      return true;
    } catch (error) {
      state.sayError(error);
      await this.#onChange();
      return false;
    }
  }

  async undo(): Promise<void> {
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
}
