import type { CellVerdict } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import { type CitationVerdict, VERDICTS, type Verdict } from '../model/verdict.js';
import { isPrivateRefusal } from '../pages/address.js';
import { hashValue, readCellVerdicts } from './cell-verdicts.js';

/** Number of cells or citations by verdict, and the share of them that are on their page. */
export interface VerdictShare {
  readonly name: string;
  readonly total: number;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Those on their page with strong evidence. */
  readonly strong: number;
  /** `on_page` of all that are `on_page`, `not_on_page` or `gone`. Null if there are none. */
  readonly share: number | null;
  /** 95 % interval of the share, by Wilson's method. Null without a share. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** Counts verdicts: cells by column, and citations by the host that they are on. */
export class VerdictTally {
  readonly #all = new Counts();
  readonly #columns: ReadonlyMap<string, Counts>;
  readonly #hosts = new Map<string, Counts>();
  /** Citations of private hosts, which are opened only if they are allowed. */
  privateCitations = 0;

  constructor(fields: readonly string[]) {
    this.#columns = new Map(fields.map((name) => [name, new Counts()]));
  }

  /** Adds the cells of a row. Cells that were not checked do not count. */
  add(fields: ReadonlyMap<string, FieldAnswer>, stored: readonly CellVerdict[]): void {
    for (const [name, verdict] of readCellVerdicts(fields, stored)) {
      const column = this.#columns.get(name);
      if (column === undefined) continue;
      column.add(verdict);
      this.#all.add(verdict);
    }
    for (const { field, value, citation } of stored) {
      const answer = fields.get(field);
      if (answer === undefined || answer.value === null || !this.#columns.has(field)) continue;
      if (hashValue(answer.value) !== value || !answer.citations.some(({ url }) => url === citation.url))
        continue;
      const host = readHost(citation.url);
      const counts = this.#hosts.get(host) ?? new Counts();
      this.#hosts.set(host, counts);
      counts.add(citation);
      if (citation.reason !== null && isPrivateRefusal(citation.reason)) this.privateCitations += 1;
    }
  }

  /** All cells, the columns in their order, and the hosts with the most citations first. */
  read(): {
    readonly cells: VerdictShare;
    readonly columns: readonly VerdictShare[];
    readonly hosts: readonly VerdictShare[];
  } {
    const list = (counts: ReadonlyMap<string, Counts>): VerdictShare[] =>
      [...counts].map(([name, each]) => each.read(name));
    const hosts = list(this.#hosts).sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
    return { cells: this.#all.read('all'), columns: list(this.#columns), hosts };
  }
}

class Counts {
  readonly #counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  #strong = 0;
  #total = 0;

  add({ verdict, evidence }: Pick<CitationVerdict, 'verdict' | 'evidence'>): void {
    this.#counts[verdict] += 1;
    this.#total += 1;
    if (verdict === 'on_page' && evidence === 'strong') this.#strong += 1;
  }

  read(name: string): VerdictShare {
    const counts = { ...this.#counts };
    const looked = counts.on_page + counts.not_on_page + counts.gone;
    return {
      name,
      total: this.#total,
      counts,
      strong: this.#strong,
      share: looked === 0 ? null : counts.on_page / looked,
      interval: looked === 0 ? null : computeInterval(counts.on_page, looked),
    };
  }
}

/** Wilson's score interval for a share of `found` in `total`, at 95 %. */
function computeInterval(found: number, total: number): [low: number, high: number] {
  const z = 1.959964;
  const share = found / total;
  const scale = 1 + z ** 2 / total;
  const middle = (share + z ** 2 / (2 * total)) / scale;
  const reach = (z / scale) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
}

function readHost(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host } = new URL(url);
  return protocol === 'file:' ? 'own tables' : host.replace(/^www\./, '');
}
