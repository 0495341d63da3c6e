import type { PendingBatch, Question } from '../model/question.js';

interface BatcherOptions {
  /** Rows in a full batch. */
  readonly batchSize: number;
  /** Maximum size of a batch's records, in bytes of JSON. */
  readonly maxBatchBytes: number;
}

interface Bin {
  readonly questions: Question[];
  bytes: number;
}

/**
 * Groups questions by fields, level and attempt into batches. Batch size halves with each repair after the
 * first.
 */
export class Batcher {
  private readonly options: BatcherOptions;
  private readonly bins = new Map<string, Bin>();
  private readonly full: PendingBatch[] = [];

  constructor(options: BatcherOptions) {
    this.options = options;
  }

  add(question: Question): void {
    const name = `${question.level} ${question.attempt} ${question.fields.join('\u0000')}`;
    const bytes = Buffer.byteLength(JSON.stringify(question.record));
    let bin = this.bins.get(name);
    if (bin !== undefined && bin.bytes + bytes > this.options.maxBatchBytes) {
      this.full.push(createGroup(bin.questions));
      bin = undefined;
    }
    if (bin === undefined) {
      bin = { questions: [], bytes: 0 };
      this.bins.set(name, bin);
    }
    bin.questions.push(question);
    bin.bytes += bytes;
    if (bin.questions.length >= batchSizeFor(this.options.batchSize, question.attempt)) {
      this.full.push(createGroup(bin.questions));
      this.bins.delete(name);
    }
  }

  /** Returns the next full batch, or null. */
  takeFull(): PendingBatch | null {
    return this.full.shift() ?? null;
  }

  /** Returns a partial batch of first questions, or null. */
  takeFirst(): PendingBatch | null {
    return this.takePartials((questions) => isAt(questions, 0, 1), 1)[0] ?? null;
  }

  /**
   * Returns the partial batches at the lowest level and attempt, for when no more input can fill them. Higher
   * ones wait, because failures of these batches will fill them.
   */
  takeLowest(): PendingBatch[] {
    let [level, attempt] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const { questions } of this.bins.values()) {
      const [first] = questions;
      if (first === undefined || first.level > level) continue;
      attempt = first.level < level ? first.attempt : Math.min(attempt, first.attempt);
      level = first.level;
    }
    return this.takePartials((questions) => isAt(questions, level, attempt), Number.POSITIVE_INFINITY);
  }

  private takePartials(isWanted: (questions: readonly Question[]) => boolean, limit: number): PendingBatch[] {
    const taken: PendingBatch[] = [];
    for (const [name, { questions }] of this.bins) {
      if (taken.length >= limit) break;
      if (!isWanted(questions)) continue;
      this.bins.delete(name);
      taken.push(createGroup(questions));
    }
    return taken;
  }
}

function isAt(questions: readonly Question[], level: number, attempt: number): boolean {
  return questions[0]?.level === level && questions[0].attempt === attempt;
}

function createGroup(questions: readonly Question[]): PendingBatch {
  const [first] = questions;
  if (first === undefined) throw new RangeError('a batch has at least one question');
  const { fields, level, attempt } = first;
  return { questions, fields, level, attempt, previousRunId: null };
}

/** The first attempt and the first repair use full batches; after that the size halves down to single rows. */
export function batchSizeFor(batchSize: number, attempt: number): number {
  return Math.max(1, Math.ceil(batchSize / 2 ** Math.max(0, attempt - 2)));
}

/** The attempt that sends single rows. After it there is no smaller batch to try. */
export function computeLastAttempt(batchSize: number): number {
  return 2 + Math.ceil(Math.log2(batchSize));
}
