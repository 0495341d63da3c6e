import { batch } from '@preact/signals';
import type { AgainQuote, AgainRequest, ViewMeta } from '../api.js';
import { call, lookNow } from './server.js';
import * as state from './state.js';

/** Rows, and the fields of them; null for all. */
export type SelectedPart = Pick<AgainRequest, 'rows' | 'fields'>;

/** The dialog that asks cells or rows again: what is asked, at which price, and its confirmation. */
export class Asking {
  readonly #meta: ViewMeta;
  readonly #findSelected: () => Promise<SelectedPart>;
  #number = 0;

  constructor(meta: ViewMeta, findSelected: () => Promise<SelectedPart>) {
    this.#meta = meta;
    this.#findSelected = findSelected;
  }

  /** Opens the dialog for the selected rows, or else the selected cells. */
  async open(): Promise<void> {
    if (this.#meta.cannotAsk !== null) return state.say(this.#meta.cannotAsk);
    try {
      const found = await this.#findSelected();
      if (found.rows.length > 0) await this.set({ ...found, effort: null });
    } catch (error) {
      state.sayError(error);
    }
  }

  /** Opens the dialog, or changes what it is about, and works out the price. Only the last answer counts. */
  async set(asked: AgainRequest): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    batch(() => {
      state.asked.value = asked;
      state.quote.value = null;
      state.dialog.value = 'again';
    });
    try {
      const quote = await call<AgainQuote>('POST', '/api/quote', asked);
      if (number === this.#number) state.quote.value = quote;
    } catch (error) {
      if (number !== this.#number) return;
      state.dialog.value = null;
      state.sayError(error);
    }
  }

  /** Spends what the quote says, once. */
  async confirm(quote: AgainQuote): Promise<void> {
    if (state.quote.value !== quote) return;
    state.quote.value = null;
    state.dialog.value = null;
    try {
      await call('POST', '/api/ask', { quote: quote.quote });
      state.picked.value = new Set();
      lookNow();
    } catch (error) {
      state.sayError(error);
    }
  }
}
