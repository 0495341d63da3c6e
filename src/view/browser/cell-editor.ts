import type { CellDetail } from '../api.js';
import { isCut } from './columns.js';
import type { EditStart } from './grid/grid-host.js';
import { formatCount } from './words.js';

const MAX_HEIGHT = 240;

/** A cell that is edited, known by its row, whatever place that has by now. */
export interface EditedCell {
  readonly place: number;
  readonly column: number;
  readonly ordinal: number;
  readonly field: string;
  /** Its text in the grid, which may be cut. */
  readonly shown: string;
}

export interface EditorHost {
  /** Where a cell is in the box, in pixels. */
  findBox(place: number, column: number): DOMRect;
  read(cell: EditedCell): Promise<CellDetail>;
  save(cell: EditedCell, before: Promise<CellDetail>, text: string): void;
  /** The cell turned out to be fixed. */
  refuse(why: string): void;
  /** Gives the focus back, to the cell or one beside it. */
  leave(by: -1 | 0 | 1): void;
}

interface OpenEditor {
  /** Its `shown` is what the person saw last: in the grid, or in the editor. */
  cell: EditedCell;
  readonly input: HTMLTextAreaElement;
  /** The cell as it was when the edit started. */
  readonly before: Promise<CellDetail>;
  /** False while there is nothing of the person in it: then nothing is saved. */
  isTouched: boolean;
  /** True if a key opened it. Left empty, as by an input method that was cancelled, it changes nothing. */
  readonly isOfKey: boolean;
}

/**
 * The text field over a cell. It has the focus before the key that opens it has typed anything, so that the browser puts
 * each character into it, with dead keys and input methods.
 */
export class CellEditor {
  readonly #box: HTMLElement;
  readonly #host: EditorHost;
  #now: OpenEditor | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(box: HTMLElement, host: EditorHost) {
    this.#box = box;
    this.#host = host;
  }

  get isOpen(): boolean {
    return this.#now !== null;
  }

  /** True while it has something that a person typed. */
  get hasText(): boolean {
    return this.#now?.isTouched === true;
  }

  /** Resolves once no cell is edited. */
  whenClosed(): Promise<void> {
    return this.#now === null ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  open(cell: EditedCell, start: EditStart): void {
    this.#commit();
    const input = document.createElement('textarea');
    input.className = 'cell-editor';
    input.rows = 1;
    input.dir = 'auto';
    input.spellcheck = false;
    input.setAttribute('aria-label', `${cell.field} of row ${formatCount(cell.ordinal + 1)}`);
    const now: OpenEditor = {
      cell,
      input,
      before: this.#host.read(cell),
      isTouched: typeof start === 'object',
      isOfKey: start === 'key',
    };
    this.#now = now;
    if (typeof start === 'object') input.value = start.text;
    else if (start === 'value') input.value = isCut(cell.shown) ? '' : cell.shown;
    input.addEventListener('input', () => {
      now.isTouched = true;
      this.follow();
    });
    input.addEventListener('keydown', (event) => this.#onKey(event, now));
    input.addEventListener('blur', () => {
      // Another window may have the focus for a while: the person looks something up.
      if (this.#now === now && document.activeElement !== input) this.#commit();
    });
    this.#box.append(input);
    this.follow();
    input.focus({ preventScroll: true });
    if (start === 'value') input.select();
    now.before.then(
      ({ fixed, text }) => {
        if (this.#now !== now) return;
        if (fixed !== null) {
          this.#close(0);
          this.#host.refuse(fixed);
        } else if (start === 'value' && !now.isTouched && text !== cell.shown) {
          input.value = text ?? '';
          now.cell = { ...cell, shown: input.value };
          input.select();
          this.follow();
        }
      },
      // Told when the value is saved.
      () => undefined,
    );
  }

  /** Stays on its cell while rows scroll, and grows with its text. */
  follow(): void {
    if (this.#now === null) return;
    const { cell, input } = this.#now;
    const { left, top, width, height } = this.#host.findBox(cell.place, cell.column);
    Object.assign(input.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: '0' });
    input.style.height = `${Math.min(MAX_HEIGHT, Math.max(height, input.scrollHeight + 4))}px`;
  }

  #onKey(event: KeyboardEvent, { input }: OpenEditor): void {
    // Keys of an input method are its own. Safari reports the one that ends a composition by this code alone.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') this.#close(0);
    else if (event.key === 'Tab') this.#commit(event.shiftKey ? -1 : 1);
    else if (event.key !== 'Enter') return;
    else if (event.shiftKey || event.altKey) {
      input.setRangeText('\n', input.selectionStart, input.selectionEnd, 'end');
      input.dispatchEvent(new Event('input'));
    } else if (!event.repeat) this.#commit(0);
    event.preventDefault();
  }

  #commit(leaveBy: -1 | 0 | 1 | null = null): void {
    const now = this.#now;
    if (now === null) return;
    const { cell, before, input, isTouched, isOfKey } = now;
    this.#close(leaveBy);
    if (isTouched && !(isOfKey && input.value === '')) this.#host.save(cell, before, input.value);
  }

  #close(leaveBy: -1 | 0 | 1 | null = null): void {
    const now = this.#now;
    this.#now = null;
    if (leaveBy !== null) this.#host.leave(leaveBy);
    now?.input.remove();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
