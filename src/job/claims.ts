import { KeySet } from '../model/key-set.js';
import type { Question } from '../model/question.js';

/** Tells what a row asks first from what its twins ask again, over one reading of an input. */
export class Claims {
  readonly #isPartlyFilled: boolean;
  /** By field, or by level where every row asks for every field. */
  readonly #met = new Map<string, KeySet>();

  constructor(isPartlyFilled: boolean) {
    this.#isPartlyFilled = isPartlyFilled;
  }

  /** Leaves of a row's questions what no row before it asks; nothing of them is left of a twin's. */
  claim(questions: readonly Question[]): Question[] {
    return questions.flatMap((question) => {
      const { key, level } = question;
      if (!this.#isPartlyFilled) return this.#add(String(level), key) ? [question] : [];
      const fields = question.fields.filter((field) => this.#add(field, key));
      return fields.length === 0 ? [] : [{ ...question, fields }];
    });
  }

  #add(name: string, key: string): boolean {
    let met = this.#met.get(name);
    if (met === undefined) {
      met = new KeySet();
      this.#met.set(name, met);
    }
    return met.add(key);
  }
}
