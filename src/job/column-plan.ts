import type { StoredAnswer } from '../ledger/ledger.js';
import { REJECTED_AGAIN } from '../model/answer.js';
import { type Ask, getFieldIds } from '../model/ask.js';
import { computeLikelyMicros, computeWorstMicros } from '../model/prices.js';
import { type Question, resolveKey } from '../model/question.js';
import type { OpenQuestion } from '../select/select-rows.js';
import type { JobContext } from './job-context.js';
import { addRepairs, sumLevel } from './stated-cost.js';

/** What a job would do with the cells of one column. */
export interface ColumnPlan {
  readonly name: string;
  /** `new`: never asked with this question. `reworded`: asked with another schema or description. Null otherwise. */
  readonly change: 'new' | 'reworded' | null;
  /** Cells to ask for. Rows with equal sent values count once. */
  readonly asked: number;
  /** Cells with an answer of the agent in the ledger. */
  readonly answered: number;
  /** Cells that were asked without a result. */
  readonly notFound: number;
  /** Cells whose answer a person rejected, and that the agent answered the same again. */
  readonly rejected: number;
  /** Cells that a person gave. */
  readonly human: number;
  /** Cells that the file has, and that no answer replaces. */
  readonly kept: number;
  /** Price of asking for this column alone, each cell at its next effort level; the worst includes repairs. */
  readonly worstMicros: number;
  readonly likelyMicros: number;
}

type Counts = Record<'asked' | 'answered' | 'notFound' | 'rejected' | 'human' | 'kept', number>;

/** Counts the cells of each column by what a job would do with them. */
export class ColumnCounter {
  readonly #context: Pick<JobContext, 'ask' | 'prices' | 'settings' | 'table'>;
  readonly #counts: ReadonlyMap<string, Counts>;
  /** Cells to ask for at each effort level, by column. */
  readonly #asked: ReadonlyMap<string, number[]>;

  constructor(context: Pick<JobContext, 'ask' | 'prices' | 'settings' | 'table'>) {
    this.#context = context;
    this.#counts = new Map(
      context.ask.fields.map(({ name }) => [
        name,
        { asked: 0, answered: 0, notFound: 0, rejected: 0, human: 0, kept: 0 },
      ]),
    );
    this.#asked = new Map(context.ask.fields.map(({ name }) => [name, context.ask.efforts.map(() => 0)]));
  }

  /** Counts the cells of a row. `sent` are the questions that are sent for it. */
  add(
    question: OpenQuestion | undefined,
    sent: readonly Question[],
    answers: ReadonlyMap<string, StoredAnswer>,
  ): void {
    if (question?.status !== 'question' && question?.status !== 'unchanged') return;
    const open = question.status === 'question' ? question.fields : [];
    const key =
      question.status === 'question' ? resolveKey(question, (each) => answers.get(each)?.fields) : '';
    const fields = answers.get(key)?.fields;
    const { table } = this.#context;
    for (const [name, counts] of this.#counts) {
      const answer = fields?.get(name);
      // A plan records nothing, so that what a person changed in a filled file is still in the file alone.
      if (!open.includes(name)) counts[table?.fields.has(name) === true ? 'human' : 'kept'] += 1;
      else if (this.#countAsked(name, sent)) counts.asked += 1;
      else if (answer?.who === 'human') counts.human += 1;
      else if (answer?.issue === REJECTED_AGAIN) counts.rejected += 1;
      else if (answer !== undefined) counts[answer.value === null ? 'notFound' : 'answered'] += 1;
    }
  }

  /** Counts a cell at the level at which it is sent; false if it is not. */
  #countAsked(name: string, sent: readonly Question[]): boolean {
    const level = sent.find(({ fields }) => fields.includes(name))?.level;
    const asked = this.#asked.get(name);
    if (level === undefined || asked === undefined) return false;
    asked[level] = (asked[level] ?? 0) + 1;
    return true;
  }

  /** `asks` are what was asked with the question before. */
  read(asks: readonly Ask[]): ColumnPlan[] {
    const { ask, prices, settings } = this.#context;
    const known = new Map<string, Set<string>>();
    for (const [name, id] of asks.flatMap((each) => [...getFieldIds(each)]))
      known.set(name, (known.get(name) ?? new Set()).add(id));
    return [...this.#counts].map(([name, counts]) => {
      const ids = known.get(name);
      const change =
        ids === undefined ? 'new' : ids.has(getFieldIds(ask).get(name) ?? '') ? null : 'reworded';
      let [worstMicros, likelyMicros] = [0, 0];
      for (const [level, asked] of (this.#asked.get(name) ?? []).entries()) {
        const effort = ask.efforts[level] ?? '';
        const runs = Math.ceil(asked / settings.batchSize);
        const runMicros = computeWorstMicros(prices, effort, 0, ask, [name]);
        const contactMicros = computeWorstMicros(prices, effort, asked, ask, [name]) - runMicros;
        if (runs > 0) worstMicros += sumLevel(addRepairs(runs * runMicros + contactMicros));
        likelyMicros += runs * computeLikelyMicros(prices, effort);
      }
      return { name, change, ...counts, worstMicros, likelyMicros };
    });
  }
}
