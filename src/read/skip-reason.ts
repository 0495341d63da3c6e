import { isEmptyText } from '../model/blank.js';
import type { SheetLine } from '../model/file-format.js';
import { OUTCOME_COLUMNS } from '../model/output-columns.js';
import { isAddress } from '../model/row.js';
import { isRemark, isSingle, parseAmount, RULE, SUM_WORD, TOTALS_LABEL } from './line-kind.js';

/** Why a line is skipped. */
export const SKIP_REASONS = {
  header: 'a repeated header',
  dashes: 'a line of dashes',
  footer: 'a footer',
  totals: 'a totals row',
} as const;

type OutcomeColumn = (typeof OUTCOME_COLUMNS)[number];

const STATUS: OutcomeColumn = 'enrichment_status';
const ERROR: OutcomeColumn = 'enrichment_error';

/** A line of a table; of a workbook, with what its cells are. */
type Line = Pick<SheetLine, 'cells'> & Partial<Pick<SheetLine, 'stored' | 'sums'>>;

/**
 * Why an earlier job skipped a line, from the columns that it added. They also make the line look like data, so it is
 * judged without them, and only by whether somebody has made a row of it: a sum, for one, need not be right any more.
 */
export class EarlierSkips {
  readonly #titles: readonly string[];
  readonly #statusAt: number;
  readonly #errorAt: number;
  readonly #outcomeAt: readonly number[];
  /** True if the line before was a footer. */
  #isInFooter = false;

  /** `titles` are trimmed. */
  constructor(titles: readonly string[]) {
    this.#titles = titles;
    this.#statusAt = titles.indexOf(STATUS);
    this.#errorAt = titles.indexOf(ERROR);
    this.#outcomeAt = OUTCOME_COLUMNS.map((name) => titles.indexOf(name)).filter((at) => at >= 0);
  }

  /** The reason; undefined if no earlier job skipped the line, or if it is a row now. `next` are some lines after it. */
  find(line: Line, next: readonly Line[]): string | undefined {
    const reason = this.#readReason(line.cells);
    const isSame = reason !== undefined && this.#isStill(reason, line, next);
    this.#isInFooter = isSame && reason === SKIP_REASONS.footer;
    return isSame ? reason : undefined;
  }

  /** The cells without those that an earlier job added to a line that it skipped. */
  mask(cells: readonly string[]): readonly string[] {
    if (this.#readReason(cells) === undefined) return cells;
    return cells.map((text, at) => (this.#outcomeAt.includes(at) ? '' : text));
  }

  #readReason(cells: readonly string[]): string | undefined {
    if (this.#statusAt < 0 || cells[this.#statusAt] !== 'skipped') return undefined;
    const reason = cells[this.#errorAt];
    return Object.values<string | undefined>(SKIP_REASONS).includes(reason) ? reason : undefined;
  }

  #isStill(reason: string, line: Line, next: readonly Line[]): boolean {
    const cells = this.mask(line.cells);
    const filled = cells.flatMap((text, at) => (isEmptyText(text) ? [] : [{ text: text.trim(), at }]));
    if (filled.length === 0) return true;
    switch (reason) {
      case SKIP_REASONS.header:
        return filled.filter(({ text, at }) => text === this.#titles[at]).length * 2 > filled.length;
      case SKIP_REASONS.dashes:
        return filled.every(({ text }) => RULE.test(text));
      case SKIP_REASONS.footer:
        return isSingle(cells) && (isRemark(cells[0] ?? '') || this.#isInFooter || this.#hasRemark(next));
      default:
        return isStillTotals(
          filled.filter(({ at }) => isText(line.stored?.[at]) && line.sums?.includes(at) !== true),
        );
    }
  }

  /** True if a line of the footer is a remark. Only together with one, another text is a footer too. */
  #hasRemark(lines: readonly Line[]): boolean {
    const end = lines.findIndex(({ cells }) => this.#readReason(cells) !== SKIP_REASONS.footer);
    const footer = end < 0 ? lines : lines.slice(0, end);
    return footer.some(({ cells }) => isSingle(this.mask(cells)) && isRemark(cells[0] ?? ''));
  }
}

function isText(stored: SheetLine['stored'][number] | undefined): boolean {
  return stored == null || stored.kind === 'text';
}

/** True if the cells of a totals row that are no numbers in a workbook are labels or numbers. */
function isStillTotals(cells: readonly { readonly text: string }[]): boolean {
  const texts = cells.flatMap(({ text }) => (parseAmount(text) === null ? [text] : []));
  if (texts.some(isAddress)) return false;
  // Somebody may have added a remark.
  return texts.some((text) => SUM_WORD.test(text)) || texts.every((text) => TOTALS_LABEL.test(text));
}
