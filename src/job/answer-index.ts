import type { JobHandle, Ledger } from '../ledger/ledger.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { JsonValue } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';
import { listCited, listSources } from './cited-sources.js';

/** Rows read from the ledger at once. */
const CHUNK = 2_000;

/** Answers kept with the same value, or source: more of them would not tell whose a cell is. */
const MAX_ALIKE = 64;

/** All answers to an ask, by their citations and values: for cells that show another answer than their row's. */
export class AnswerIndex {
  readonly #answers = new Map<string, RowAnswer[]>();

  static async create(
    ledger: Pick<Ledger, 'findAnswers' | 'listChangedRows'>,
    job: JobHandle & { readonly ask: Ask },
  ): Promise<AnswerIndex> {
    const index = new AnswerIndex();
    const seenKeys = new Set<string>();
    let since = 0;
    for (;;) {
      const { keys, seen, hasMore } = await ledger.listChangedRows(job.ask.id, since, CHUNK);
      const fresh = keys.filter((key) => !seenKeys.has(key));
      for (const key of fresh) seenKeys.add(key);
      const found = fresh.length === 0 ? null : await ledger.findAnswers(job, fresh);
      for (const [key, { fields }] of found?.answers ?? []) index.#add({ key, fields });
      if (!hasMore) return index;
      since = seen;
    }
  }

  /** The answers whose citations or value a cell shows. */
  find(row: Row, field: string): readonly RowAnswer[] {
    const sources = listCited(row, field);
    const value = fold(getValue(row, field));
    const find = (place: string): readonly RowAnswer[] => this.#answers.get(`${field}\n${place}`) ?? [];
    // The rarest source tells most: many answers may cite the same page.
    const pick = (places: readonly string[]): readonly RowAnswer[] =>
      places
        .map(find)
        .filter(({ length }) => length > 0)
        .sort((one, other) => one.length - other.length)[0] ?? [];
    for (const places of [sources.map((source) => `${source}\n${value}`), sources, [value]]) {
      const found = pick(places);
      if (found.length > 0) return found;
    }
    return [];
  }

  #add(answer: RowAnswer): void {
    for (const [field, stored] of answer.fields) {
      const { value } = stored;
      if (value === null) continue;
      for (const place of new Set(listPlaces(listSources(stored), fold(value)))) {
        const name = `${field}\n${place}`;
        const known = this.#answers.get(name);
        if (known === undefined) this.#answers.set(name, [answer]);
        else if (known.length < MAX_ALIKE) known.push(answer);
      }
    }
  }
}

/** A source and a value together find an answer even if very many have the same source, or the same value. */
function listPlaces(sources: readonly string[], value: string): string[] {
  return [...sources.flatMap((source) => [source, `${source}\n${value}`]), value];
}

function fold(value: JsonValue | undefined): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value ?? '');
  return text.trim().toLowerCase();
}
