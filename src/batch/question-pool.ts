import type { Question, QuestionGroup } from '../model/question.js';

export interface PoolOptions {
  /** Rows in a full batch. */
  readonly batchSize: number;
  /** The most that the records of one batch may weigh as JSON, in UTF-16 code units. */
  readonly maxBatchLength: number;
}

interface Bin {
  readonly questions: Question[];
  length: number;
}

/** Gathers questions into batches of the same fields, level and attempt; each repair goes in batches half as large. */
export class QuestionPool {
  private readonly options: PoolOptions;
  private readonly bins = new Map<string, Bin>();
  private readonly full: QuestionGroup[] = [];

  constructor(options: PoolOptions) {
    this.options = options;
  }

  add(question: Question): void {
    const name = `${question.level} ${question.attempt} ${question.fields.join('\u0000')}`;
    const length = JSON.stringify(question.record).length;
    let bin = this.bins.get(name);
    if (bin !== undefined && bin.length + length > this.options.maxBatchLength) {
      this.full.push(createGroup(bin.questions));
      bin = undefined;
    }
    if (bin === undefined) {
      bin = { questions: [], length: 0 };
      this.bins.set(name, bin);
    }
    bin.questions.push(question);
    bin.length += length;
    if (bin.questions.length >= readSize(this.options.batchSize, question.attempt)) {
      this.full.push(createGroup(bin.questions));
      this.bins.delete(name);
    }
  }

  /** The next full batch. */
  takeFull(): QuestionGroup | null {
    return this.full.shift() ?? null;
  }

  /** A batch that is not full: of first questions only, or of any where nothing can come to fill it. */
  takePartial(which: 'first' | 'any'): QuestionGroup | null {
    for (const [name, { questions }] of this.bins) {
      const isFirst = questions[0]?.level === 0 && questions[0].attempt === 1;
      if (which === 'first' && !isFirst) continue;
      this.bins.delete(name);
      return createGroup(questions);
    }
    return null;
  }
}

function createGroup(questions: readonly Question[]): QuestionGroup {
  const [first] = questions;
  if (first === undefined) throw new RangeError('a batch has at least one question');
  const { fields, level, attempt } = first;
  return { questions, fields, level, attempt, previousRunId: null };
}

/** The first time round and the first repair go in full batches, then in halves down to single rows. */
export function readSize(batchSize: number, attempt: number): number {
  return Math.max(1, Math.ceil(batchSize / 2 ** Math.max(0, attempt - 2)));
}

/** The attempt at which a question stands alone: after it there is no smaller batch to try. */
export function readLastAttempt(batchSize: number): number {
  return 2 + Math.ceil(Math.log2(batchSize));
}
