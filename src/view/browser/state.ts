import { batch, computed, signal } from '@preact/signals';
import type {
  AgainQuote,
  AgainRequest,
  CellDetail,
  Facets,
  ViewFilter,
  ViewMeta,
  ViewProgress,
  ViewQuery,
  ViewSort,
} from '../api.js';

/** The page's state as signals: a component is redrawn when a signal that it reads changes. */

export const NO_FILTER: ViewFilter = {
  status: [],
  levels: [],
  verdicts: [],
  field: null,
  hosts: [],
  reasons: [],
  search: '',
};

export const NO_PROGRESS: ViewProgress = {
  rows: 0,
  isRead: false,
  fault: null,
  surveyed: 0,
  counts: [],
  spentMicros: 0,
  reservedMicros: 0,
  isFilling: false,
  rowsAMinute: 0,
  secondsLeft: null,
  again: null,
};

export const meta = signal<ViewMeta | null>(null);
export const progress = signal<ViewProgress>(NO_PROGRESS);
export const isConnected = signal(false);
/** Why there is nothing to show. */
export const failure = signal<string | null>(null);

/** The form for the key of a view on another machine, and what is wrong with the last one. */
export const keyForm = signal({ isShown: false, message: '' });

export const filter = signal<ViewFilter>(NO_FILTER);
export const sort = signal<ViewSort | null>(null);
export const query = computed((): ViewQuery => ({ filter: filter.value, sort: sort.value }));
/** The rows that are shown; null before the first answer. */
export const view = signal<{ readonly id: string; readonly count: number } | null>(null);
export const facets = signal<Facets | null>(null);
/** Rows that changed since the view was made, while it is filtered or sorted. */
export const changedRows = signal<ReadonlySet<number>>(new Set());

/** The cell in the panel. */
export interface OpenCell {
  readonly place: number;
  readonly ordinal: number;
  readonly field: string;
}
export const openCell = signal<OpenCell | null>(null);
export const detail = signal<CellDetail | null>(null);

/** Ordinals of the selected rows. */
export const picked = signal<ReadonlySet<number>>(new Set());
/** What the foot says about the selected cells. */
export const selectionText = signal('');
/** The selected cells, if they are several and some of them are of fields. */
export interface SelectedCells {
  readonly cells: number;
  readonly fields: readonly string[];
}
export const selectedCells = signal<SelectedCells | null>(null);
export const visible = signal({ from: 0, to: 0 });

export type DialogName = 'again' | 'keys' | 'export' | 'row';
export const dialog = signal<DialogName | null>(null);
/** What the dialog is about. */
export const asked = signal<AgainRequest>({ rows: [], fields: null, effort: null });
/** The price of `asked`; null until it is known. */
export const quote = signal<AgainQuote | null>(null);
/** A message in the foot; `undo` takes back what it is about. */
export const toast = signal<{ readonly text: string; readonly undo?: () => void } | null>(null);

export const isRailShown = signal(matchMedia('(min-width: 1080px)').matches);
export const follows = signal(false);

/** A value that a person gave, until the server has stored it. */
export interface Unsaved {
  readonly id: string;
  readonly ordinal: number;
  readonly field: string;
  readonly text: string | null;
  /** `waiting`: the server did not answer. `refused`: it did, and the person decides. `stored`: until its row shows it. */
  readonly phase: 'sending' | 'waiting' | 'refused' | 'stored';
  /** Why it is not stored; '' if that is not known yet. */
  readonly why: string;
}
export const unsaved = signal<readonly Unsaved[]>([]);
/** Number of values that are lost if the page is left now. */
export const lostIfLeft = computed(() => unsaved.value.filter(({ phase }) => phase !== 'stored').length);

export function findUnsaved(ordinal: number, field: string): Unsaved | undefined {
  return unsaved.value.findLast((each) => each.ordinal === ordinal && each.field === field);
}

const THEMES = ['auto', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];
export const theme = signal<Theme>(THEMES.find((each) => each === readSetting('theme')) ?? 'auto');
export const isDense = signal(readSetting('dense') === '1');

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto';
  writeSetting('theme', theme.value);
}

export function toggleDense(): void {
  isDense.value = !isDense.value;
  writeSetting('dense', isDense.value ? '1' : '0');
}

export const isFiltered = computed(() => {
  const { status, levels, verdicts, hosts, reasons, search } = filter.value;
  return [status, levels, verdicts, hosts, reasons].some(({ length }) => length > 0) || search.trim() !== '';
});

const TOAST_MS = 6_000;

/** Says something in the foot for a few seconds. */
export function say(text: string, undo?: () => void): void {
  const shown = undo === undefined ? { text } : { text, undo };
  toast.value = shown;
  setTimeout(() => {
    if (toast.value === shown) toast.value = null;
  }, TOAST_MS);
}

export function sayError(error: unknown): void {
  say(error instanceof Error ? error.message : String(error));
}

export function clearFilters(): void {
  batch(() => {
    filter.value = NO_FILTER;
    sort.value = null;
  });
}

/** Adds a word to a list, or takes it out. */
export function toggleWord<Word extends string>(words: readonly Word[], word: Word): readonly Word[] {
  return words.includes(word) ? words.filter((each) => each !== word) : [...words, word];
}

/** Settings are remembered by this browser for this address; a private window may refuse. */
function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(`rowfill-${name}`);
  } catch {
    return null;
  }
}

function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(`rowfill-${name}`, value);
  } catch {
    // Then it holds for this tab alone.
  }
}
