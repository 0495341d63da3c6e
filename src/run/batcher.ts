import type { PendingBatch, Question } from '../model/question.js';

interface BatcherOptions {
  /** Rows in a full batch. */
  readonly batchSize: number;
  /** Maximum size of a batch's records, in bytes of JSON. */
  readonly maxBatchBytes: number;
  /** Names of all fields, in the ask's order. */
  readonly fieldNames: readonly string[];
  /** The worst price of a batch's run. */
  readonly computePrice: (group: PendingBatch) => number;
}

interface Bin {
  readonly questions: Question[];
  bytes: number;
}

/**
 * Groups questions by fields, level and attempt into batches. Batch size halves with each repair after the
 * first. Questions that do not fill a batch share one with questions about other fields.
 */
export class Batcher {
  private readonly options: BatcherOptions;
  private readonly bins = new Map<string, Bin>();
  private readonly full: PendingBatch[] = [];
  /** The name of the last bin that was added to. The next question usually goes there, too. */
  private last: (Pick<Question, 'level' | 'attempt' | 'fields'> & { readonly name: string }) | null = null;

  constructor(options: BatcherOptions) {
    this.options = options;
  }

  add(question: Question): void {
    const name = this.nameBin(question);
    const bytes = measureRecord(question);
    let bin = this.bins.get(name);
    if (bin !== undefined && bin.bytes + bytes > this.options.maxBatchBytes) {
      this.full.push(this.createGroup(bin.questions));
      bin = undefined;
    }
    if (bin === undefined) {
      bin = { questions: [], bytes: 0 };
      this.bins.set(name, bin);
    }
    bin.questions.push(question);
    bin.bytes += bytes;
    if (bin.questions.length >= batchSizeFor(this.options.batchSize, question.attempt)) {
      this.full.push(this.createGroup(bin.questions));
      this.bins.delete(name);
    }
  }

  private nameBin(question: Question): string {
    const { level, attempt, fields } = question;
    const { last } = this;
    const isSame = last?.fields === fields && last.level === level && last.attempt === attempt;
    if (last !== null && isSame) return last.name;
    const name = `${level} ${attempt} ${fields.join('\u0000')}`;
    this.last = { level, attempt, fields, name };
    return name;
  }

  /** Returns the next full batch, or null. */
  takeFull(): PendingBatch | null {
    return this.full.shift() ?? null;
  }

  /** Returns the first questions that fill no batch, for when no more input can fill them. */
  takeFirst(): PendingBatch[] {
    return this.takePartials(0, 1);
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
    return this.takePartials(level, attempt);
  }

  private takePartials(level: number, attempt: number): PendingBatch[] {
    const taken: Question[][] = [];
    for (const [name, { questions }] of this.bins) {
      if (questions[0]?.level !== level || questions[0].attempt !== attempt) continue;
      this.bins.delete(name);
      taken.push(questions);
    }
    return this.merge(taken);
  }

  /**
   * Merges partial batches of different fields, because a run costs the same for many rows. Otherwise rows with different
   * blanks would take more runs than if all their cells were asked, and a level more money than was stated before the job.
   */
  private merge(partials: readonly (readonly Question[])[]): PendingBatch[] {
    const merged: PendingBatch[] = [];
    let open: readonly Question[] = [];
    for (const partial of this.joinRows(partials)) {
      let rest = partial;
      while (rest.length > 0) {
        const part = rest.slice(0, this.countFitting(open, rest));
        if (part.length > 0 && this.isNotDearer(open, part)) {
          open = [...open, ...part];
          rest = rest.slice(part.length);
        } else {
          merged.push(this.createGroup(open));
          open = [];
        }
      }
    }
    if (open.length > 0) merged.push(this.createGroup(open));
    return merged;
  }

  /** A batch has each row once: joins the fields of a row that is in several partial batches. */
  private joinRows(partials: readonly (readonly Question[])[]): (readonly Question[])[] {
    const fieldsByKey = new Map<string, readonly string[]>();
    for (const { key, fields } of partials.flat())
      fieldsByKey.set(key, this.joinFields([fieldsByKey.get(key) ?? [], fields]));
    const joined = new Set<string>();
    return partials.map((questions) =>
      questions.flatMap((question) => {
        if (joined.has(question.key)) return [];
        joined.add(question.key);
        return [{ ...question, fields: fieldsByKey.get(question.key) ?? question.fields }];
      }),
    );
  }

  /** Returns how many of the first questions still fit into a batch; at least 1 if it is empty. */
  private countFitting(open: readonly Question[], rest: readonly Question[]): number {
    const room = batchSizeFor(this.options.batchSize, rest[0]?.attempt ?? 1) - open.length;
    let bytes = open.reduce((sum, question) => sum + measureRecord(question), 0);
    let count = 0;
    for (const question of rest.slice(0, room)) {
      bytes += measureRecord(question);
      if (bytes > this.options.maxBatchBytes && open.length + count > 0) break;
      count += 1;
    }
    return count;
  }

  /** False if contacts make one run for both dearer than two runs: they are priced for every row of a batch. */
  private isNotDearer(open: readonly Question[], part: readonly Question[]): boolean {
    if (open.length === 0) return true;
    const [both, ...each] = [[...open, ...part], open, part].map((questions) =>
      this.options.computePrice(this.createGroup(questions)),
    );
    return (both ?? 0) <= each.reduce((sum, micros) => sum + micros, 0);
  }

  private createGroup(questions: readonly Question[]): PendingBatch {
    const [first] = questions;
    if (first === undefined) throw new RangeError('a batch has at least one question');
    const { level, attempt } = first;
    const fields = this.joinFields(questions.map((question) => question.fields));
    return { questions, fields, level, attempt, previousRunId: null };
  }

  /** Returns all fields of several lists, in the ask's order. Equal lists are usually the same one. */
  private joinFields(lists: readonly (readonly string[])[]): readonly string[] {
    const [first = [], ...others] = new Set(lists);
    if (others.length === 0) return first;
    const wanted = new Set(first.concat(...others));
    return this.options.fieldNames.filter((name) => wanted.has(name));
  }
}

function measureRecord({ record, bytes }: Question): number {
  return bytes ?? Buffer.byteLength(JSON.stringify(record));
}

/** The first attempt and the first repair use full batches; after that the size halves down to single rows. */
export function batchSizeFor(batchSize: number, attempt: number): number {
  return Math.max(1, Math.ceil(batchSize / 2 ** Math.max(0, attempt - 2)));
}

/** The attempt that sends single rows. After it there is no smaller batch to try. */
export function computeLastAttempt(batchSize: number): number {
  return 2 + Math.ceil(Math.log2(batchSize));
}
