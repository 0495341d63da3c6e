import type { PageCell, PageRow, ViewMeta } from '../api.js';
import { createBars } from './bars.js';
import { createDiv } from './grid/grid.js';
import type { GridColumn } from './grid/grid-host.js';
import type { RowPages } from './row-pages.js';
import { facets, findUnsaved, meta, sort, type Unsaved } from './state.js';
import { describeLevel, formatCount, formatMicros, STATUS_WORDS, VERDICT_WORDS } from './words.js';

/** A column of the table of rows. */
export interface RowColumn extends GridColumn {
  readonly kind: 'number' | 'input' | 'status' | 'field' | 'cost';
  /** Index among input columns or fields. */
  readonly index: number;
}

/** The server sends as many; the others are in the panel. */
const MAX_INPUT_COLUMNS = 500;

const COST: RowColumn = { key: '#cost', title: 'cost', width: 92, kind: 'cost', index: 0, isNumber: true };

/** The row's number and first column stay visible; then its status, the filled columns, and the other ones. */
export function createColumns({ columns, fields, isFree }: ViewMeta): RowColumn[] {
  const shown = columns.slice(0, MAX_INPUT_COLUMNS);
  const inputs = shown.map((title, index): RowColumn => {
    const isFirst = index === 0;
    return { key: title, title, width: isFirst ? 220 : 140, kind: 'input', index, isFrozen: isFirst };
  });
  return [
    { key: '#', title: '#', width: 70, kind: 'number', index: 0, isFrozen: true, isRowHead: true },
    ...inputs.slice(0, 1),
    { key: '#status', title: 'status', width: 122, kind: 'status', index: 0 },
    ...fields.map(
      ({ name, kind }, index): RowColumn => ({
        key: name,
        title: name,
        width: kind === 'number' ? 136 : 178,
        kind: 'field',
        index,
        isNumber: kind === 'number',
      }),
    ),
    ...(isFree ? [] : [COST]),
    ...inputs.slice(1),
  ];
}

export function readStatus(row: PageRow) {
  return meta.value?.statuses[row[3]] ?? 'pending';
}

/** The text of a cell. */
export function readText(column: RowColumn, row: PageRow): string {
  switch (column.kind) {
    case 'number':
      return String(row[0] + 1);
    case 'input':
      return row[1][column.index] ?? '';
    case 'status':
      return readStatus(row);
    case 'field': {
      const cell = row[2][column.index] ?? 0;
      return cell === 0 ? '' : cell[0];
    }
    case 'cost':
      return row[4] === 0 ? '' : String(row[4] / 1_000_000);
  }
}

/** Everything that a row looks like, as one text. */
export function stampRow(row: PageRow, pages: RowPages): string {
  const cells = row[2].map((cell) => (cell === 0 ? '' : cell.join('\u0001'))).join('\u0002');
  return `${row[0]} ${row[3]} ${row[4]} ${row[5].join()} ${[...pages.listFresh(row[0])].join()} ${cells}`;
}

export function paintHead(head: HTMLElement, column: RowColumn): void {
  if (column.kind === 'number') {
    head.classList.add('k-number');
    head.append('#');
    return;
  }
  const isSorted = sort.value?.column === column.key;
  const isDown = isSorted && sort.value?.descending === true;
  head.setAttribute('aria-sort', !isSorted ? 'none' : isDown ? 'descending' : 'ascending');
  const title = createDiv('head-title');
  const name = createDiv('head-name');
  name.textContent = column.title;
  title.append(name, createIcon(`head-sort${isSorted ? ' is-on' : ''}`, isDown ? '↓' : '↑'));
  const below = createDiv('head-below');
  if (column.kind === 'input') below.textContent = 'yours';
  if (column.kind === 'field') paintFill(below, column.index);
  head.append(title, below);
}

/** What was seen on the cited pages, beside the number of sources. */
const SIGNS: Readonly<Record<string, string>> = { on_page: '✓', 'on_page?': '~', not_on_page: '✗' };

/** How much of a column is filled. */
function paintFill(below: HTMLElement, field: number): void {
  const counts = facets.value?.fields[field] ?? [];
  const total = counts.reduce((sum, count) => sum + count, 0);
  const share = total === 0 ? 0 : (total - (counts[0] ?? 0)) / total;
  const bar = createDiv('head-bar');
  const filled = createDiv('head-filled');
  filled.style.width = `${(share * 100).toFixed(1)}%`;
  bar.append(filled);
  const text = createDiv('head-share');
  text.textContent = `${Math.round(share * 100)}%`;
  below.append(bar, text);
}

export function paintCell(
  cell: HTMLElement,
  column: RowColumn,
  row: PageRow | undefined,
  isFresh: boolean,
): void {
  cell.classList.add(`k-${column.kind}`);
  if (column.isNumber === true) cell.classList.add('is-number');
  cell.removeAttribute('aria-label');
  cell.removeAttribute('title');
  if (row === undefined) {
    cell.replaceChildren(createDiv('skeleton'));
    return;
  }
  switch (column.kind) {
    case 'number':
      cell.textContent = formatCount(row[0] + 1);
      return;
    case 'input':
      cell.textContent = readText(column, row).replace(/\s*\n\s*/g, ' ⏎ ');
      return;
    case 'cost':
      cell.textContent = row[4] === 0 ? '' : formatMicros(row[4]);
      return;
    case 'status': {
      const status = readStatus(row);
      const isAsked = row[5].length > 0;
      const dot = createIcon(`dot s-${status}${isAsked ? ' is-asked' : ''}`, '');
      cell.replaceChildren(dot, isAsked ? 'Asking' : STATUS_WORDS[status]);
      if (row[6] !== undefined) cell.title = row[6];
      return;
    }
    case 'field': {
      if (row[5].includes(column.index)) cell.classList.add('is-being-asked');
      const unsaved = findUnsaved(row[0], column.key);
      if (unsaved === undefined) paintField(cell, row, row[2][column.index] ?? 0, isFresh);
      else paintUnsaved(cell, unsaved);
    }
  }
}

/** What a person typed, which only this page has so far. */
function paintUnsaved(cell: HTMLElement, { text, phase, why }: Unsaved): void {
  const isFailed = phase !== 'stored' && why !== '';
  const sign = phase === 'stored' ? '✎' : isFailed ? '!' : '…';
  const shown = document.createElement('span');
  shown.className = 'value';
  shown.textContent = (text ?? '').replace(/\s*\n\s*/g, ' ⏎ ');
  cell.replaceChildren(createBars('human'), shown, createIcon('sources', sign));
  cell.classList.add(isFailed ? 'is-unsaved' : 'l-human');
  if (!isFailed) return;
  cell.setAttribute('aria-label', `${text ?? 'cleared'}, not saved`);
  cell.title = why;
}

function paintField(cell: HTMLElement, row: PageRow, value: PageCell, isFresh: boolean): void {
  if (value === 0) {
    const status = readStatus(row);
    cell.classList.add('is-empty');
    if (status === 'pending' || status === 'over_budget') {
      cell.replaceChildren(createDiv('pending'));
      cell.setAttribute('aria-label', 'not asked yet');
    } else if (status === 'failed') {
      cell.replaceChildren(createIcon('dot s-failed', ''));
      cell.setAttribute('aria-label', 'failed');
    } else if (status === 'excluded' || status === 'skipped') cell.replaceChildren();
    else {
      cell.textContent = '—';
      cell.setAttribute('aria-label', 'not found');
    }
    return;
  }
  const [text, levelAt, sources, mark] = value;
  const level = meta.value?.levels[levelAt] ?? 'none';
  const shown = document.createElement('span');
  shown.className = 'value';
  shown.textContent = text.replace(/\s*\n\s*/g, ' ⏎ ');
  const bars = createBars(level);
  const label =
    describeLevel(level) + (sources === 0 ? '' : `, ${sources} ${sources === 1 ? 'source' : 'sources'}`);
  bars.setAttribute('role', 'img');
  bars.setAttribute(
    'aria-label',
    mark === undefined || mark === 'doubt' ? label : `${label}, ${VERDICT_WORDS[mark].toLowerCase()}`,
  );
  const sign = mark === undefined ? '' : (SIGNS[mark] ?? '');
  const note = level === 'human' ? '✎' : sources === 0 ? '' : String(sources) + sign;
  cell.replaceChildren(bars, shown, createIcon('sources', note));
  cell.classList.add(`l-${level}`);
  if (mark === 'doubt' || mark === 'not_on_page') cell.classList.add(`m-${mark}`);
  if (isFresh) cell.classList.add('is-fresh');
}

function createIcon(className: string, text: string): HTMLElement {
  const icon = document.createElement('span');
  icon.className = className;
  icon.textContent = text;
  icon.setAttribute('aria-hidden', 'true');
  return icon;
}

/** Why a cell cannot be changed here, as far as the page knows; null if it can. */
export function findFixed(
  meta: ViewMeta,
  row: PageRow | undefined,
  column: RowColumn | undefined,
): string | null {
  if (meta.readOnly !== null) return meta.readOnly;
  if (column?.kind !== 'field')
    return 'Only filled columns can be changed here. Your own are left as they are.';
  if (row === undefined) return 'This row is still being loaded.';
  const value = row[2][column.index] ?? 0;
  if (value !== 0 && meta.levels[value[1]] === 'own') return 'The value is in your file: change it there.';
  switch (readStatus(row)) {
    case 'excluded':
      return 'The row is on the exclusion list.';
    case 'skipped':
      return 'The row is not sent to the agent, so no value can be stored for it.';
    default:
      return null;
  }
}

/** The grid has long texts only up to here. */
export function isCut(text: string): boolean {
  return text.endsWith('…');
}

/** True if the grid shows a text like this. */
export function isSameText(text: string, shown: string): boolean {
  return text === shown || (isCut(shown) && text.startsWith(shown.slice(0, -1)));
}
