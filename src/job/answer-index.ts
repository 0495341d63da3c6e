import type { JobHandle, Ledger } from '../ledger/ledger.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { JsonValue } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';
import { listCited, listSources } from './cited-sources.js';

/** Rows read from the ledger at once. */
const CHUNK = 2_000;

/** All answers to an ask, by their citations and values: for rows of a file that do not name their runs. */
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
    const places = [...listCited(row, field), fold(getValue(row, field))];
    return [...new Set(places.flatMap((place) => this.#answers.get(`${field}\n${place}`) ?? []))];
  }

  #add(answer: RowAnswer): void {
    for (const [field, stored] of answer.fields) {
      const { value } = stored;
      if (value === null) continue;
      for (const place of new Set([...listSources(stored), fold(value)])) {
        const name = `${field}\n${place}`;
        const known = this.#answers.get(name);
        if (known === undefined) this.#answers.set(name, [answer]);
        else known.push(answer);
      }
    }
  }
}

function fold(value: JsonValue | undefined): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value ?? '');
  return text.trim().toLowerCase();
}
