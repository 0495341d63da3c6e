import type { DataItem, PageText, TextBlock } from '../pages/page-text.js';
import { type DateToken, findDates } from './find-date.js';
import { findNumbers, type NumberToken } from './find-number.js';
import { type FoldedText, type FoldMode, foldText, hasOtherFold } from './fold-text.js';
import { findStatedScale } from './number-words.js';

/** A piece of text to search: a block, or a value that the page states without showing it. */
export interface Segment {
  readonly index: number;
  readonly text: string;
  readonly block: TextBlock | null;
  readonly data: DataItem | null;
}

/** A place where a value was found. */
export interface Hit {
  readonly segment: Segment;
  readonly start: number;
  readonly end: number;
  readonly how: 'exact' | 'rounded' | 'alias' | 'converted' | 'spaced' | 'partial';
  /** Why this can only be weak evidence. Null if it can be strong. */
  readonly doubt: string | null;
  /** Region of the link that has the value as its target. */
  readonly link?: { readonly url: string; readonly text: string; readonly region: string };
  /** Words right after a number: its unit, or what is counted. */
  readonly after?: string;
  /** True for "Norwegian" in place of Norway. */
  readonly isAdjective?: boolean;
  /** True for words that name their field themselves, such as "publicly traded". */
  readonly namesField?: boolean;
}

/** Words, then only numbers. */
const LINE = /^(\p{L}[^\n:]{1,70}?[\p{L})%])((?:\s[(–-]?[$€£]?\d[\d.,]*\s?%?\)?){1,6})$/u;
/** A year at the head of a column, and whether it is one to come. */
const HEAD_YEAR =
  /(?:(target|goal|plan|budget|forecast|outlook|ziel|prognose|objectif|prévision|objetivo|previsión|obiettivo|previsione|doel|mål|cel)s?\s(?:\p{L}+\s)?)?(?<!\d)((?:19|20)\d{2})(E(?!\p{L}))?(?!\d)/giu;

/** "Manager:" at the beginning of a line. */
const LABEL = /(?:^|\n|[·|•]\s)([^:：.,;\n]{2,40})[:：]\s/gu;

/** What may head a column although it has digits: "2023", "FY 2024", "31 Dec 2023" or "Q3 2024 (€m)". */
const PERIOD = /(?:19|20)\d{2}|\bFY\s?\d{2}|\b[QH][1-4]\b/;

/** Cells of a row that count: what is asked of each cell looks at its whole row. */
const MAX_ROW_CELLS = 1_000;

/** Rows of headers in a table that count: their words are cut far sooner. */
const MAX_HEAD_ROWS = 200;

interface CellHeaders {
  readonly column: string;
  readonly row: string;
  readonly isHeadedColumn: boolean;
}

/** What a line of numbers has above it. */
interface LineHead {
  /** Year of each number by its position; null for one that is planned. */
  readonly years: ReadonlyMap<number, number | null>;
  readonly scale: number;
}

let last: PageIndex | null = null;

/** The index of a page. That of the last page is kept, so that all cells of one page share the work. */
export function indexPage(page: PageText): PageIndex {
  if (last?.page !== page) last = new PageIndex(page);
  return last;
}

/** Folded texts, numbers, dates and table headers of a page, made when first needed. */
export class PageIndex {
  readonly page: PageText;
  readonly segments: readonly Segment[];
  readonly #folded: Readonly<Record<FoldMode, Map<number, FoldedText>>> = {
    plain: new Map(),
    german: new Map(),
    latin: new Map(),
  };
  readonly #all = new Map<FoldMode, string>();
  readonly #numbers = new Map<number, readonly NumberToken[]>();
  readonly #dates = new Map<number, readonly DateToken[]>();
  readonly #scales = new Map<number, number>();
  readonly #cells = new Map<number, Map<number, TextBlock[]>>();
  readonly #headers = new Map<TextBlock, CellHeaders>();
  readonly #lineHeads = new Map<TextBlock, LineHead | null>();
  readonly #labels = new Map<number | null, readonly string[]>();
  /** Rows of each table that may head its columns. */
  readonly #headRows = new Map<number, Set<number>>();
  /** First and last block of each table, as indexes of the page's blocks. */
  readonly #tables = new Map<number, { readonly first: number; last: number }>();
  /** The language whose notation the numbers of the page follow. */
  readonly #numberLanguage: string;
  readonly #has: Record<'german' | 'latin', boolean>;

  constructor(page: PageText) {
    this.page = page;
    const title =
      page.title === ''
        ? []
        : [{ source: 'meta' as const, path: ['title'], value: page.title, owner: '', beside: '', block: -1 }];
    this.segments = [
      ...page.blocks.map((block, index) => ({ index, text: block.text, block, data: null })),
      ...[...page.data, ...title].map((data, at) => ({
        index: page.blocks.length + at,
        text: data.value,
        block: null,
        data,
      })),
    ];
    this.#has = {
      german: this.segments.some(({ text }) => hasOtherFold(text, 'german')),
      latin: this.segments.some(({ text }) => hasOtherFold(text, 'latin')),
    };
    for (const [at, block] of page.blocks.entries()) this.#addCell(block, at);
    this.#numberLanguage = guessNotation(page);
  }

  /** Modes in which this page reads differently from plain. */
  get modes(): readonly FoldMode[] {
    return ['plain', ...(['german', 'latin'] as const).filter((mode) => this.#has[mode])];
  }

  fold(segment: Segment, mode: FoldMode): FoldedText {
    const ownMode = mode !== 'plain' && hasOtherFold(segment.text, mode) ? mode : 'plain';
    const known = this.#folded[ownMode].get(segment.index);
    if (known !== undefined) return known;
    const folded = foldText(segment.text, ownMode);
    this.#folded[ownMode].set(segment.index, folded);
    return folded;
  }

  /** True if any segment has the words; much faster than asking each of them. */
  hasWords(words: string, mode: FoldMode): boolean {
    const all = this.#all.get(mode) ?? this.segments.map((segment) => this.fold(segment, mode).text).join('');
    this.#all.set(mode, all);
    return all.includes(` ${words} `);
  }

  numbers(segment: Segment): readonly NumberToken[] {
    const known = this.#numbers.get(segment.index);
    if (known !== undefined) return known;
    const found = findNumbers(segment.text, this.#numberLanguage);
    this.#numbers.set(segment.index, found);
    return found;
  }

  dates(segment: Segment): readonly DateToken[] {
    const known = this.#dates.get(segment.index);
    if (known !== undefined) return known;
    const found = findDates(segment.text, this.page.language);
    this.#dates.set(segment.index, found);
    return found;
  }

  /** Blocks of a row of a table. */
  row(table: number, row: number): readonly TextBlock[] {
    return this.#cells.get(table)?.get(row) ?? [];
  }

  rows(table: number): readonly number[] {
    return [...(this.#cells.get(table)?.keys() ?? [])];
  }

  /** The headers of a cell: the texts above it that head its column, and the first cells of its row. */
  headers(block: TextBlock): CellHeaders {
    const known = this.#headers.get(block);
    if (known !== undefined) return known;
    const found = this.#findHeaders(block);
    this.#headers.set(block, found);
    return found;
  }

  #findHeaders({ cell }: TextBlock): CellHeaders {
    if (cell === null) return { column: '', row: '', isHeadedColumn: false };
    const columns: string[] = [];
    let isHeaded = false;
    for (const row of this.#headRows.get(cell.table) ?? []) {
      if (row >= cell.row) break;
      const above = this.row(cell.table, row).filter(
        (each) =>
          each.cell !== null &&
          each.cell.column <= cell.column &&
          each.cell.column + each.cell.colSpan > cell.column,
      );
      const isHead =
        above.some((each) => each.cell?.isHeader === true && each.cell.column > 0) ||
        (row === 0 && this.#isHeadRow(cell.table, above));
      if (!isHead) continue;
      isHeaded = true;
      columns.push(...above.map(({ text }) => text));
    }
    const first = this.row(cell.table, cell.row).filter(
      (each) =>
        each.cell !== null &&
        each.cell.column < cell.column &&
        (each.cell.column === 0 || each.cell.isHeader),
    );
    return {
      column: columns.join(' ').slice(0, 300),
      row: first
        .map(({ text }) => text)
        .join(' ')
        .slice(0, 300),
      isHeadedColumn: isHeaded,
    };
  }

  /** What a line such as "Revenue 812.4 766.1", as in a PDF, has above it: the years of its numbers, and their scale. */
  lineHead(segment: Segment): LineHead | null {
    const { block, text } = segment;
    if (block === null || block.cell !== null || text.length > 120) return null;
    const label = LINE.exec(text)?.[1];
    if (label === undefined) return null;
    const known = this.#lineHeads.get(block);
    if (known !== undefined) return known;
    const tokens = this.numbers(segment).filter(({ start }) => start >= label.length);
    let [years, scale]: [readonly (number | null)[], number] = [[], 1];
    for (const each of this.page.blocks.slice(Math.max(0, segment.index - 25), segment.index).reverse()) {
      if (each.page !== block.page || each.cell !== null || each.text.length > 120) break;
      const found = [...each.text.matchAll(HEAD_YEAR)].map((match) =>
        match[1] === undefined && match[3] === undefined ? Number(match[2]) : null,
      );
      if (years.length === 0 && found.length === tokens.length && found.length > 1) years = found;
      if (scale === 1) scale = findStatedScale(each.text);
    }
    const byPlace = new Map(years.map((year, at) => [tokens[at]?.start ?? -1, year]));
    const head = years.length === 0 && scale === 1 ? null : { years: byPlace, scale };
    this.#lineHeads.set(block, head);
    return head;
  }

  /** Short labels: the first cells of a table's rows, or without a table the terms and "Label:" of the page. */
  labels(table: number | null): readonly string[] {
    const known = this.#labels.get(table);
    if (known !== undefined) return known;
    const found =
      table === null
        ? this.page.blocks.flatMap(({ text, role, cell }) => {
            if (cell !== null) return [];
            if (role === 'term') return [text];
            return [...text.slice(0, 2_000).matchAll(LABEL)].map((match) => match[1] ?? '');
          })
        : this.rows(table).map((row) => this.row(table, row)[0]?.text ?? '');
    const short = found.filter((text) => text !== '' && text.length <= 50).slice(0, 500);
    this.#labels.set(table, short);
    return short;
  }

  /** Whether the first row, without marked headers, heads its columns: "Founded | 12 June 1988" does not. */
  #isHeadRow(table: number, above: readonly TextBlock[]): boolean {
    const row = this.row(table, 0);
    const [first] = row;
    if (first === undefined || above.includes(first)) return true;
    const isPair = row.length === 2;
    if (isPair && first.cell?.isHeader === true && first.text !== '') return false;
    return above.every(
      ({ text }) => !/\d/.test(text) || (PERIOD.test(text) && (!isPair || text.length <= 12)),
    );
  }

  /** The scale that a table states for its numbers, in its caption, its headers or just above it. */
  tableScale(block: TextBlock): number {
    const table = block.cell?.table;
    if (table === undefined) return 1;
    const inRow = findStatedScale(this.headers(block).row);
    if (inRow !== 1) return inRow;
    const known = this.#scales.get(table);
    if (known !== undefined) return known;
    const { blocks } = this.page;
    const { first, last } = this.#tables.get(table) ?? { first: -1, last: -1 };
    const before = blocks.slice(Math.max(0, first - 3), first).filter(({ text }) => text.length < 300);
    const inside = blocks.slice(first, first + 400).filter(
      (each) =>
        each.cell?.table === table &&
        (each.cell.isHeader ||
          each.role === 'caption' ||
          // "19.3 million euros" is the value of one cell.
          (each.cell.row <= 1 && !/\d\s?\p{L}/u.test(each.text))),
    );
    const after = blocks.slice(last + 1, last + 2).filter(({ text }) => text.length < 200);
    let scale = 1;
    for (const { text } of [...inside, ...before.reverse(), ...after])
      if (scale === 1) scale = findStatedScale(text);
    this.#scales.set(table, scale);
    return scale;
  }

  #addCell(block: TextBlock, index: number): void {
    if (block.cell === null) return;
    const { table, row, column, rowSpan, isHeader } = block.cell;
    const known = this.#tables.get(table);
    if (known === undefined) this.#tables.set(table, { first: index, last: index });
    else known.last = index;
    const rows = this.#cells.get(table) ?? new Map<number, TextBlock[]>();
    this.#cells.set(table, rows);
    const headRows = this.#headRows.get(table) ?? new Set();
    this.#headRows.set(table, headRows);
    for (let at = row; at < row + Math.min(rowSpan, 50); at += 1) {
      if ((at === 0 || (isHeader && column > 0)) && headRows.size < MAX_HEAD_ROWS) headRows.add(at);
      const blocks = rows.get(at);
      if (blocks === undefined) rows.set(at, [block]);
      else if (blocks.length < MAX_ROW_CELLS) blocks.push(block);
    }
  }
}

/** A number such as "1.234,5" or "12,50 €" tells the notation better than the language that a template claims. */
function guessNotation({ blocks, language }: PageText): string {
  let [commas, points] = [0, 0];
  for (const { text } of blocks.slice(0, 3_000)) {
    commas += text.match(/\d\.\d{3},\d|(?<![\d.,])\d{1,3},\d{1,2}(?![\d.,])/g)?.length ?? 0;
    points += text.match(/\d,\d{3}\.\d|(?<![\d.,])\d{1,3}\.\d{1,2}(?![\d.,])|\d,\d{3},\d{3}/g)?.length ?? 0;
  }
  if (commas > points * 2) return language === 'en' || language === '' ? 'de' : language;
  return points > commas * 2 && points > 2 && language !== '' && language !== 'en' ? '' : language;
}
