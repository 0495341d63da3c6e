import type { Ask } from '../model/ask.js';
import type { Question } from '../model/question.js';

/**
 * Joins the questions of equal rows with different blanks, so that each row is sent once with all its fields. Holds the
 * questions of one chunk of rows back, because the next one may have the equal row.
 */
export class QuestionJoiner {
  readonly #ask: Pick<Ask, 'fields'>;
  #held: readonly Question[] = [];

  constructor(ask: Pick<Ask, 'fields'>) {
    this.#ask = ask;
  }

  /** Adds a chunk. Returns the questions of the chunk before it. */
  add(questions: readonly Question[]): readonly Question[] {
    const ready = this.#held;
    this.#held = questions;
    // Rows that lack every field are sent once anyway.
    if (this.#isWhole(ready) && this.#isWhole(questions)) return ready;
    const before = new Map(ready.map((question) => [toPlace(question), question]));
    const chunk = new Map<string, Question>();
    for (const question of questions) {
      const place = toPlace(question);
      const joined = before.has(place) ? before : chunk;
      joined.set(place, this.#join(joined.get(place), question));
    }
    this.#held = [...chunk.values()];
    return [...before.values()];
  }

  /** Returns the questions of the last chunk. */
  end(): readonly Question[] {
    return this.add([]);
  }

  #isWhole(questions: readonly Question[]): boolean {
    return questions.every(({ fields }) => fields.length === this.#ask.fields.length);
  }

  #join(first: Question | undefined, question: Question): Question {
    if (first === undefined) return question;
    const open = new Set([...first.fields, ...question.fields]);
    const fields = this.#ask.fields.flatMap(({ name }) => (open.has(name) ? [name] : []));
    return { ...first, fields, fault: first.fault ?? question.fault };
  }
}

function toPlace({ key, level, attempt }: Question): string {
  return `${key} ${level} ${attempt}`;
}
