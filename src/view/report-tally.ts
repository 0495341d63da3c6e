import { ROW_STATUSES, type RowOutcome } from '../model/answer.js';
import { LEVELS, readHost, type ShownCell } from './cell-text.js';

const MAX_REASON_LENGTH = 160;
const BUCKETS = 24;

/** What a report says in figures. */
export class ReportTally {
  readonly statuses: number[] = ROW_STATUSES.map(() => 0);
  /** Cells by level, by field. */
  readonly levels: readonly { readonly field: string; readonly counts: number[] }[];
  readonly hosts = new Map<string, number>();
  readonly reasons = new Map<string, number>();
  /** Cells by what was seen of them on the pages that they cite. */
  readonly verdicts = new Map<string, number>();
  citations = 0;
  /** Rows by cost in micro-dollars, of those that cost something. */
  readonly #costs = new Map<number, number>();

  constructor(fields: readonly string[]) {
    this.levels = fields.map((field) => ({ field, counts: LEVELS.map(() => 0) }));
  }

  add({ status, error, costMicros }: RowOutcome, cells: readonly ShownCell[]): void {
    increase(this.statuses, ROW_STATUSES.indexOf(status));
    if (costMicros > 0) this.#costs.set(costMicros, (this.#costs.get(costMicros) ?? 0) + 1);
    if (status === 'failed') {
      const reason = (error ?? 'no reason was given').slice(0, MAX_REASON_LENGTH);
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    }
    for (const [index, { level, citations, mark }] of cells.entries()) {
      if (mark !== null && mark !== 'doubt') this.verdicts.set(mark, (this.verdicts.get(mark) ?? 0) + 1);
      increase(this.levels[index]?.counts ?? [], LEVELS.indexOf(level));
      for (const source of citations) {
        this.citations += 1;
        const host = readHost(source);
        if (host !== null) this.hosts.set(host, (this.hosts.get(host) ?? 0) + 1);
      }
    }
  }

  /** True for a row that a person should look at. */
  needsLook({ status }: RowOutcome, cells: readonly ShownCell[]): boolean {
    if (status === 'failed' || status === 'over_budget') return true;
    return cells.some(({ level, mark }) => level === 'low' || mark === 'doubt' || mark === 'not_on_page');
  }

  /** Cells of a level, over all fields. */
  countLevel(name: ShownCell['level']): number {
    const at = LEVELS.indexOf(name);
    return this.levels.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0);
  }

  /** Cells that have a value, and all cells. */
  countCells(): { readonly filled: number; readonly all: number } {
    const all = this.levels.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0), 0);
    return { all, filled: all - this.countLevel('none') };
  }

  /** Rows by cost, in equal steps from nothing to the dearest. Null if no row cost anything. */
  spreadCosts(): { readonly counts: readonly number[]; readonly mostMicros: number } | null {
    if (this.#costs.size === 0) return null;
    const mostMicros = Math.max(...this.#costs.keys());
    const counts = Array.from({ length: BUCKETS }, () => 0);
    for (const [micros, rows] of this.#costs) {
      const bucket = Math.min(BUCKETS - 1, Math.floor((micros / mostMicros) * BUCKETS));
      counts[bucket] = (counts[bucket] ?? 0) + rows;
    }
    return { counts, mostMicros };
  }
}

function increase(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
