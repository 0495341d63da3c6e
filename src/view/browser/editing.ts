import type { CellDetail, Edited } from '../api.js';
import { isSameText } from './columns.js';
import { call, lookNow, ServerError } from './server.js';
import * as state from './state.js';
import { formatCount, formatRows } from './words.js';

/**
 * `unfit`: the schema of the field does not allow the value. `refused`: anything else, such as a cell that has changed.
 * `waiting`: the server did not answer, so the value is sent again by itself.
 */
export type SaveResult = 'kept' | 'unfit' | 'refused' | 'waiting';

/** An edit without an answer has failed after this time, and is sent again. The server makes it once. */
const LIMIT_MS = 10_000;
const AGAIN_MS = 2_000;

interface Edit extends Omit<state.Unsaved, 'phase' | 'why'> {
  /** The cell as it was when the edit started; null if it could not be read. */
  before: Promise<CellDetail> | null;
  /** What the person saw then; null for an edit that is made whatever the cell has by now. */
  shown: string | null;
  /** True if the same text changes nothing. */
  readonly isTyped: boolean;
  /** Lets the person mend a value that does not fit. Returns false if they have gone on. */
  readonly mend: () => boolean;
}

/**
 * Values that a person gives: kept, and taken back again. Each is in `state.unsaved` until the server has stored it or the
 * person has dropped it, so that none is lost.
 */
export class Editing {
  readonly #onStored: (ordinal: number) => Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  readonly #undo: { readonly id: string; readonly edit: Edit; readonly before: string | null }[] = [];
  /** What this page itself has last made of a cell, which the grid may not have shown yet when the next edit starts. */
  readonly #made = new Map<string, string>();
  readonly #edits = new Map<string, Edit>();
  #timer = 0;

  /** `onStored` shows a row and the open cell anew. */
  constructor(onStored: (ordinal: number) => Promise<void>) {
    this.#onStored = onStored;
  }

  /** Reads a cell after all changes so far. Throws what the server says. */
  read(ordinal: number, field: string): Promise<CellDetail> {
    return this.#inTurn(() => readCell(ordinal, field));
  }

  /** Resolves once all changes so far are stored. Throws if one is not. */
  async whenSaved(): Promise<void> {
    await this.#turn;
    if (state.lostIfLeft.value > 0) throw new Error('A value is not saved yet. Save or drop it first.');
  }

  /** Keeps a value as a person's. Null clears the cell. */
  save(detail: CellDetail, text: string | null): Promise<SaveResult> {
    const { ordinal, field } = detail;
    const [before, shown] = [Promise.resolve(detail), detail.text ?? ''];
    return this.#add({
      id: createId(),
      ordinal,
      field,
      text,
      before,
      shown,
      isTyped: false,
      mend: () => false,
    });
  }

  /** Keeps what was typed over a value. Nothing happens if it is the same. */
  change(
    cell: { readonly ordinal: number; readonly field: string; readonly shown: string },
    before: Promise<CellDetail>,
    typed: string,
    mend: () => boolean,
  ): Promise<SaveResult> {
    const { ordinal, field, shown } = cell;
    const text = typed.trim() === '' ? null : typed;
    return this.#add({ id: createId(), ordinal, field, text, before, shown, isTyped: true, mend });
  }

  /** Sends a value again, although the cell may have changed: the person has been told. */
  retry(id: string): void {
    const edit = this.#edits.get(id);
    if (edit === undefined) return;
    if (state.unsaved.value.find((each) => each.id === id)?.phase === 'refused') {
      edit.before = null;
      edit.shown = null;
    }
    void this.#inTurn(() => this.#send(edit));
  }

  /** Forgets a value that is not stored. */
  drop(id: string): void {
    this.#edits.delete(id);
    state.unsaved.value = state.unsaved.value.filter((each) => each.id !== id);
  }

  undo(): Promise<void> {
    return this.#inTurn(() => this.#takeBack());
  }

  #add(edit: Edit): Promise<SaveResult> {
    const { id, ordinal, field, text } = edit;
    // A value that was refused is replaced by the next one. One that waits may be stored already, and comes first.
    for (const each of state.unsaved.value)
      if (each.phase === 'refused' && each.ordinal === ordinal && each.field === field) this.drop(each.id);
    this.#edits.set(id, edit);
    state.unsaved.value = [...state.unsaved.value, { id, ordinal, field, text, phase: 'sending', why: '' }];
    return this.#inTurn(() => this.#send(edit));
  }

  async #send(edit: Edit): Promise<SaveResult> {
    if (!this.#edits.has(edit.id)) return 'refused';
    this.#mark(edit, 'sending');
    try {
      await this.#put(edit);
      return 'kept';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (error instanceof ServerError && error.isOutage) {
        this.#mark(edit, 'waiting', why);
        this.#sendAgain();
        return 'waiting';
      }
      const isUnfit = error instanceof ServerError && error.code === 'VALUE_UNFIT';
      if (isUnfit && edit.mend()) {
        this.drop(edit.id);
        state.say(`${why} Not kept: “${edit.text}”`);
      } else this.#mark(edit, 'refused', why);
      void this.#onStored(edit.ordinal);
      return isUnfit ? 'unfit' : 'refused';
    }
  }

  async #put(edit: Edit): Promise<void> {
    const { id, ordinal, field, text } = edit;
    const before = await this.#readBefore(edit);
    // A text field has one kind of line break.
    if (edit.isTyped && text === (before.text?.replace(/\r\n?/g, '\n') ?? null)) return this.drop(id);
    if (before.fixed !== null) throw new ServerError(400, before.fixed);
    // Even a read that began with the edit may be answered late, with a value that the person never saw.
    if (!this.#isSeen(edit, before.text ?? '')) throw new ServerError(409, 'The cell has changed meanwhile.');
    const body = { ordinal, field, text, was: before.text, edit: id };
    const { undo, twins, text: made } = await call<Edited>('PUT', '/api/cell', body, LIMIT_MS);
    const also = twins === 0 ? '' : ` It also holds for ${formatRows(twins)} with the same sent cells.`;
    const word = text === before.text ? 'Accepted' : text === null ? 'Cleared' : 'Kept';
    this.#made.set(nameCell(edit), made ?? '');
    this.#undo.push({ id: undo, edit, before: before.text });
    state.say(`${word}: no run will replace it.${also}`, () => void this.undo());
    this.#mark(edit, 'stored');
    lookNow();
    // Shown from here until the row shows it, so that the earlier value does not come back in between.
    void this.#onStored(ordinal).finally(() => this.drop(id));
  }

  async #readBefore(edit: Edit): Promise<CellDetail> {
    const known = await edit.before?.catch(() => null);
    if (known != null) return known;
    const now = await readCell(edit.ordinal, edit.field);
    edit.before = Promise.resolve(now);
    return now;
  }

  #isSeen(edit: Edit, text: string): boolean {
    return edit.shown === null || isSameText(text, edit.shown) || text === this.#made.get(nameCell(edit));
  }

  /** Sent again, it still says why it failed the last time. */
  #mark({ id }: Edit, phase: state.Unsaved['phase'], why?: string): void {
    state.unsaved.value = state.unsaved.value.map((each) =>
      each.id === id ? { ...each, phase, why: why ?? each.why } : each,
    );
  }

  #sendAgain(): void {
    if (this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      for (const { id, phase } of state.unsaved.value) if (phase === 'waiting') this.retry(id);
    }, AGAIN_MS);
  }

  async #takeBack(): Promise<void> {
    const unsaved = state.unsaved.value.findLast(({ phase }) => phase === 'waiting' || phase === 'refused');
    if (unsaved !== undefined) {
      this.drop(unsaved.id);
      return state.say(`Dropped: ${nameCell(unsaved)}, ${nameValue(unsaved.text)}`);
    }
    const last = this.#undo.pop();
    if (last === undefined) return state.say('Nothing to undo.');
    try {
      await call('POST', '/api/undo', { undo: last.id }, LIMIT_MS);
      this.#made.set(nameCell(last.edit), last.before ?? '');
      state.say(`The earlier value is back: ${nameCell(last.edit)}.`);
      lookNow();
      await this.#onStored(-1);
    } catch (error) {
      // It may have arrived, and is made once.
      if (error instanceof ServerError && error.isOutage) this.#undo.push(last);
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
  const path = `/api/cell?row=${ordinal}&field=${encodeURIComponent(field)}`;
  return call<CellDetail>('GET', path, undefined, LIMIT_MS);
}

export function nameCell({ ordinal, field }: { readonly ordinal: number; readonly field: string }): string {
  return `${field} of row ${formatCount(ordinal + 1)}`;
}

export function nameValue(text: string | null): string {
  return text === null ? 'cleared' : `“${text}”`;
}

/** `crypto.randomUUID` is missing on a page that came over plain http from another machine. */
function createId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('-');
}
