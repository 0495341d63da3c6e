import type { ReportData, RowStatus } from '../api.js';
import { createBars } from './bars.js';
import { createDiv, Grid } from './grid/grid.js';
import type { GridColumn } from './grid/grid-host.js';
import './report.css';
import { describeLevel, formatCount, formatMicros, STATUS_WORDS } from './words.js';

interface ReportColumn extends GridColumn {
  readonly kind: 'number' | 'input' | 'status' | 'field' | 'cost';
  readonly index: number;
}

const MAX_PRINTED_ROWS = 500;
const MAX_PRINTED_COLUMNS = 9;

/** The rows are packed as deflated JSON in Base64. */
async function unpack(): Promise<ReportData> {
  const holder = document.querySelector('#data');
  const bytes = Uint8Array.from(atob(holder?.textContent?.trim() ?? ''), (char) => char.charCodeAt(0));
  holder?.remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  // No validation: rowfill itself packed this data.
  return (await new Response(stream).json()) as ReportData;
}

class ReportTable {
  readonly #data: ReportData;
  readonly #columns: readonly ReportColumn[];
  readonly #grid: Grid<number>;
  readonly #collator = new Intl.Collator('en', { numeric: true });
  /** Places of the shown rows in the data. */
  #order: readonly number[];
  #search = '';
  #status = '';
  #sort: { readonly column: number; readonly isDown: boolean } | null = null;

  constructor(data: ReportData, box: HTMLElement) {
    this.#data = data;
    this.#order = data.ordinals.map((_, place) => place);
    this.#columns = [
      { key: '#', title: '#', width: 64, kind: 'number', index: 0, isFrozen: true, isRowHead: true },
      ...this.#listInputs().slice(0, 1),
      { key: '#status', title: 'status', width: 112, kind: 'status', index: 0 },
      ...data.fields.map(
        ({ name, kind }, index): ReportColumn => ({
          key: name,
          title: name,
          width: kind === 'number' ? 130 : 172,
          kind: 'field',
          index,
          isNumber: kind === 'number',
        }),
      ),
      { key: '#cost', title: 'cost', width: 88, kind: 'cost', index: 0, isNumber: true },
      ...this.#listInputs().slice(1),
    ];
    this.#grid = new Grid(box, {
      label: 'Rows',
      countRows: () => this.#order.length,
      findRow: (place) => this.#order[place],
      want: () => undefined,
      stamp: (row) => String(row),
      paintHead: (head, index) => this.#paintHead(head, index),
      paintCell: (cell, index, row) => this.#paintCell(cell, index, row),
      copyCell: (index, row) => this.#read(index, row),
      isPicked: () => false,
      pick: () => undefined,
      onMove: () => undefined,
      onOpen: (place, index) => this.#open(place, index),
      onEdit: () => false,
      onPasteTable: () => undefined,
      onSort: (index) => this.#sortBy(index),
      onKey: (event) => this.#onKey(event),
    });
    this.#grid.setColumns(this.#columns);
    this.#apply();
  }

  setSearch(text: string): void {
    this.#search = text.trim().toLowerCase();
    this.#apply();
  }

  setStatus(status: string): void {
    this.#status = status;
    this.#apply();
  }

  close(): void {
    const panel = document.querySelector<HTMLElement>('#panel');
    if (panel !== null) panel.hidden = true;
    this.#grid.layout();
    this.#grid.focus();
  }

  /** The shown rows as a plain table, which prints on as many pages as it needs. */
  createPrint(): HTMLTableElement {
    const table = document.createElement('table');
    const columns = this.#columns.flatMap(({ kind }, index) => (kind === 'number' ? [] : [index]));
    const shown = columns.slice(0, MAX_PRINTED_COLUMNS);
    const head = table.createTHead().insertRow();
    for (const index of shown) {
      const title = document.createElement('th');
      title.textContent = this.#columns[index]?.title ?? '';
      head.append(title);
    }
    const body = table.createTBody();
    for (const row of this.#order.slice(0, MAX_PRINTED_ROWS)) {
      const line = body.insertRow();
      for (const index of shown) line.insertCell().textContent = this.#read(index, row);
    }
    return table;
  }

  #listInputs(): ReportColumn[] {
    return this.#data.columns.map((title, index) => {
      const isFirst = index === 0;
      return { key: title, title, width: isFirst ? 220 : 130, kind: 'input', index, isFrozen: isFirst };
    });
  }

  #apply(): void {
    const { statuses, status, ordinals } = this.#data;
    const wanted = statuses.indexOf(this.#status as RowStatus);
    const columns = this.#columns.map((_, index) => index);
    let order = ordinals.map((_, place) => place);
    if (wanted >= 0) order = order.filter((place) => status[place] === wanted);
    if (this.#search !== '') {
      order = order.filter((place) =>
        columns.some((index) => this.#read(index, place).toLowerCase().includes(this.#search)),
      );
    }
    const sort = this.#sort;
    if (sort !== null) {
      const texts = new Map(order.map((place) => [place, this.#read(sort.column, place)]));
      const sign = sort.isDown ? -1 : 1;
      order.sort((a, b) => {
        const [first = '', second = ''] = [texts.get(a), texts.get(b)];
        if (first === '' || second === '') return Number(first === '') - Number(second === '') || a - b;
        return sign * this.#collator.compare(first, second) || a - b;
      });
    }
    this.#order = order;
    const all = formatCount(ordinals.length);
    const count = document.querySelector('#count');
    if (count !== null)
      count.textContent =
        order.length === ordinals.length ? `${all} rows` : `${formatCount(order.length)} of ${all} rows`;
    this.#grid.refreshHeads();
    this.#grid.reset();
  }

  #read(index: number, row: number): string {
    const column = this.#columns[index];
    const { ordinals, cells, values, costs } = this.#data;
    switch (column?.kind) {
      case 'number':
        return formatCount((ordinals[row] ?? 0) + 1);
      case 'input':
        return cells[column.index]?.[row] ?? '';
      case 'status':
        return STATUS_WORDS[this.#statusOf(row)];
      case 'field':
        return values[column.index]?.[row] ?? '';
      case 'cost': {
        const cost = costs[row] ?? 0;
        return cost === 0 ? '' : formatMicros(cost);
      }
      default:
        return '';
    }
  }

  #statusOf(row: number): RowStatus {
    return this.#data.statuses[this.#data.status[row] ?? 0] ?? 'pending';
  }

  #levelOf(field: number, row: number) {
    return this.#data.levels[Number(this.#data.levelsByField[field]?.[row] ?? 0)] ?? 'none';
  }

  #paintHead(head: HTMLElement, index: number): void {
    const column = this.#columns[index];
    const isSorted = this.#sort?.column === index;
    const isDown = isSorted && this.#sort?.isDown === true;
    if (column?.kind === 'number') head.classList.add('k-number');
    else head.setAttribute('aria-sort', !isSorted ? 'none' : isDown ? 'descending' : 'ascending');
    const name = createDiv('head-name');
    name.textContent = `${column?.title ?? ''}${isSorted ? (isDown ? ' ↓' : ' ↑') : ''}`;
    head.append(name);
  }

  #paintCell(cell: HTMLElement, index: number, row: number | undefined): void {
    const column = this.#columns[index];
    if (column === undefined || row === undefined) return;
    cell.classList.add(`k-${column.kind}`);
    if (column.isNumber === true) cell.classList.add('is-number');
    const text = this.#read(index, row);
    if (column.kind === 'status') {
      const dot = document.createElement('span');
      dot.className = `dot s-${this.#statusOf(row)}`;
      cell.replaceChildren(dot, text);
    } else if (column.kind !== 'field') cell.textContent = text;
    else if (text === '') {
      cell.classList.add('is-empty');
      cell.textContent = '—';
    } else {
      const level = this.#levelOf(column.index, row);
      const sources = this.#data.sources[column.index]?.[row]?.length ?? 0;
      const bars = createBars(level);
      bars.setAttribute('role', 'img');
      bars.setAttribute('aria-label', describeLevel(level));
      const value = document.createElement('span');
      value.className = 'value';
      value.textContent = text;
      const count = document.createElement('span');
      count.className = 'sources';
      count.textContent = level === 'human' ? '✎' : sources === 0 ? '' : String(sources);
      cell.replaceChildren(bars, value, count);
      cell.classList.add(`l-${level}`);
    }
  }

  #sortBy(index: number): void {
    if (this.#columns[index]?.kind === 'number') return;
    if (this.#sort?.column !== index) this.#sort = { column: index, isDown: false };
    else this.#sort = this.#sort.isDown ? null : { column: index, isDown: true };
    this.#apply();
  }

  #onKey(event: KeyboardEvent): boolean {
    const isCopy = (event.ctrlKey || event.metaKey) && event.key === 'c';
    const text = isCopy ? this.#grid.copyRange() : null;
    if (text === null) return false;
    void navigator.clipboard?.writeText(text);
    return true;
  }

  #open(place: number, index: number): void {
    const row = this.#order[place];
    const panel = document.querySelector<HTMLElement>('#panel');
    const at =
      this.#columns[index]?.kind === 'field'
        ? index
        : this.#columns.findIndex(({ kind }) => kind === 'field');
    const column = this.#columns[at];
    if (row === undefined || panel === null || column === undefined) return;
    const text = this.#read(at, row);
    const big = createDiv(`value-big${text === '' ? ' is-none' : ''}`);
    big.textContent = text === '' ? 'no value' : text;
    const facts = document.createElement('dl');
    facts.className = 'facts';
    for (const [index2, name] of this.#data.columns.entries()) {
      const value = this.#data.cells[index2]?.[row] ?? '';
      if (value === '') continue;
      facts.append(createText('dt', '', name), createText('dd', '', value));
    }
    const error = this.#data.errors[row];
    panel.replaceChildren(
      createText(
        'p',
        'quiet',
        `row ${formatCount((this.#data.ordinals[row] ?? 0) + 1)} · ${this.#data.cells[0]?.[row] ?? ''}`,
      ),
      createText('h3', '', column.title),
      big,
      createText('p', 'quiet', describeLevel(this.#levelOf(column.index, row))),
      ...(error === undefined ? [] : [createText('p', 'issue', error)]),
      this.#listSources(column.index, row),
      facts,
    );
    panel.hidden = false;
    this.#grid.layout();
  }

  #listSources(field: number, row: number): HTMLElement {
    const list = document.createElement('ol');
    list.className = 'source-list';
    for (const number of this.#data.sources[field]?.[row] ?? []) {
      const [address = '', title = ''] = this.#data.links[number] ?? [];
      const item = document.createElement('li');
      const url = URL.canParse(address) ? new URL(address) : null;
      if (url !== null && (url.protocol === 'https:' || url.protocol === 'http:')) {
        const link = document.createElement('a');
        link.href = url.href;
        link.target = '_blank';
        link.rel = 'noopener noreferrer nofollow';
        link.referrerPolicy = 'no-referrer';
        link.textContent = title === '' ? url.hostname : title;
        item.append(
          link,
          createText('div', 'source-place', url.hostname.replace(/^www\./, '') + url.pathname),
        );
      } else {
        item.append(createText('span', 'source-title', title === '' ? address : title));
      }
      list.append(item);
    }
    return list;
  }
}

function createText(tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

async function start(): Promise<void> {
  const box = document.querySelector<HTMLElement>('#grid');
  if (box === null) return;
  const table = new ReportTable(await unpack(), box);
  const search = document.querySelector<HTMLInputElement>('#search');
  search?.addEventListener('input', () => table.setSearch(search.value));
  const status = document.querySelector<HTMLSelectElement>('#status');
  status?.addEventListener('change', () => table.setStatus(status.value));
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') table.close();
  });
  addEventListener('beforeprint', () => {
    document.querySelector('#print')?.replaceChildren(table.createPrint());
  });
  document.documentElement.dataset.ready = '1';
}

void start();
