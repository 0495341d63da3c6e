import type { OUTCOME_COLUMNS } from '../model/output-columns.js';

/** Why a line is skipped. */
export const SKIP_REASONS = {
  header: 'a repeated header',
  dashes: 'a line of dashes',
  footer: 'a footer',
  totals: 'a totals row',
} as const;

const KNOWN_REASONS: ReadonlySet<string> = new Set(Object.values(SKIP_REASONS));

type OutcomeColumn = (typeof OUTCOME_COLUMNS)[number];

const STATUS: OutcomeColumn = 'enrichment_status';
const ERROR: OutcomeColumn = 'enrichment_error';

/**
 * Why an earlier job skipped a line, from the columns that it added. They also make the line look like data, so it is
 * not judged again.
 */
export class EarlierSkips {
  readonly #statusAt: number;
  readonly #errorAt: number;

  /** `titles` are trimmed. */
  constructor(titles: readonly string[]) {
    this.#statusAt = titles.indexOf(STATUS);
    this.#errorAt = titles.indexOf(ERROR);
  }

  /** The reason; undefined if no earlier job skipped the line. */
  find(cells: readonly string[]): string | undefined {
    if (this.#statusAt < 0 || cells[this.#statusAt] !== 'skipped') return undefined;
    const reason = cells[this.#errorAt];
    return reason !== undefined && KNOWN_REASONS.has(reason) ? reason : undefined;
  }
}
