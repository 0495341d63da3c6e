import type { StoredAnswer } from '../ledger/records.js';
import { type Ask, hashText, listNextSteps } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { createQuestion, listKeys, type Question, type RowQuestion, resolveKey } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Exclusion } from './exclusion.js';

export interface SelectContext {
  readonly ask: Ask;
  readonly overwrite: boolean;
  readonly inFlight: InFlightView;
  /** @default what is blank without options */
  readonly blanks?: Blanks;
  /** False for a row beyond `--limit` or outside `--sample`. */
  isWanted(row: Row): boolean;
  isExcluded(row: Row): boolean;
  findAnswers(keys: readonly string[]): ReadonlyMap<string, StoredAnswer>;
  /** True for an answer that is too old to count, by `--refresh` or `--max-age`. */
  isStale(answer: StoredAnswer): boolean;
  /** True for an answer that this invocation of the job bought. */
  isOfNow(answer: StoredAnswer): boolean;
  /** True for a row that this invocation has given up. */
  hasFailedNow(answer: StoredAnswer): boolean;
}

/** What is done about a row before any of it is sent. */
export type Selection =
  /** One question for each level of the ladder at which some of its fields stand: mostly one. */
  | { readonly status: 'ask'; readonly questions: readonly Question[] }
  | {
      readonly status:
        | 'reused'
        | 'duplicate'
        | 'in_progress'
        | 'out_of_scope'
        | 'excluded'
        | 'unchanged'
        | 'invalid'
        | 'failed';
      /** The row key of a duplicate. */
      readonly key?: string;
    };

/** Decides for each row of a chunk; the ledger is asked once. A row that is to be asked is in flight from here on. */
export function selectRows(rows: readonly Row[], context: SelectContext): Selection[] {
  const questions = rows.map((row) => createOpenQuestion(row, context));
  const keys = questions.flatMap((question) => ('key' in question ? listKeys(question) : []));
  const answers = keys.length === 0 ? new Map<string, StoredAnswer>() : context.findAnswers(keys);
  const isKnown = (key: string): boolean => answers.has(key) || context.inFlight.holds(key);
  return questions.map((question) => {
    if (question.status !== 'question') return { status: question.status };
    const key = resolveKey(question, isKnown);
    const known = key === question.key ? question : { ...question, key };
    return selectQuestion(known, answers.get(key), context);
  });
}

function createOpenQuestion(
  row: Row,
  context: SelectContext,
): RowQuestion | { readonly status: 'out_of_scope' | 'excluded' } {
  if (!context.isWanted(row)) return { status: 'out_of_scope' };
  if (context.isExcluded(row)) return { status: 'excluded' };
  return createQuestion(row, context.ask, context.overwrite, context.blanks);
}

function selectQuestion(
  question: RowQuestion & { readonly status: 'question' },
  stored: StoredAnswer | undefined,
  context: SelectContext,
): Selection {
  const { ask, inFlight } = context;
  // The first row that comes for what an earlier process asked is no twin, and is counted with that run.
  const isInherited = inFlight.claimInherited(question.key);
  const fresh = stored === undefined || context.isStale(stored) ? undefined : stored;
  const waiting = inFlight.holds(question.key)
    ? question.fields.filter((field) => !inFlight.has(question.key, field))
    : question.fields;
  const steps = listNextSteps(ask, waiting, fresh?.fields);
  const isWaiting = waiting.length < question.fields.length;
  if (stored !== undefined && context.hasFailedNow(stored) && (isWaiting || steps.length > 0)) {
    return { status: isInherited ? 'in_progress' : 'failed' };
  }
  if (steps.length === 0) {
    if (isInherited) return { status: 'in_progress' };
    const isTwin = isWaiting || (fresh !== undefined && context.isOfNow(fresh));
    return isTwin ? { status: 'duplicate', key: question.key } : { status: 'reused' };
  }
  const { key, record } = question;
  for (const step of steps) inFlight.add(key, step.fields);
  return {
    status: 'ask',
    questions: steps.map(({ fields, level }) => ({ key, record, fields, level, attempt: 1, fault: null })),
  };
}

/** The fields that are on their way for each row key, so that a twin waits for its answer and is not asked again. */
export class InFlight {
  /** Mostly the list that the question came with: rows that ask for the same fields share it. */
  private readonly fieldsByKey = new Map<string, readonly string[]>();
  /** Keys that an earlier process asked: the first row of this reading that has one is the asked row, not its twin. */
  private readonly inherited = new Set<string>();

  add(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    this.fieldsByKey.set(key, known === undefined ? fields : [...new Set([...known, ...fields])]);
  }

  /** Holds a key that an earlier process asked. */
  inherit(key: string, fields: readonly string[]): void {
    this.add(key, fields);
    this.inherited.add(key);
  }

  /** True once for each key that was inherited, for the first row that has it. */
  claimInherited(key: string): boolean {
    return this.inherited.delete(key);
  }

  /** True for a key that was inherited, until a row comes for it. */
  isUnclaimed(key: string): boolean {
    return this.inherited.has(key);
  }

  remove(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    if (known === undefined) return;
    const left = known === fields ? [] : known.filter((field) => !fields.includes(field));
    if (left.length === 0) this.fieldsByKey.delete(key);
    else this.fieldsByKey.set(key, left);
  }

  /** True while anything of the key is on its way. */
  holds(key: string): boolean {
    return this.fieldsByKey.has(key);
  }

  has(key: string, field: string): boolean {
    return this.fieldsByKey.get(key)?.includes(field) === true;
  }

  /** The same for a look at what would be asked: it finds what is on its way, and what it would add is left to its own count. */
  createView(): InFlightView {
    return {
      holds: (key) => this.holds(key),
      has: (key, field) => this.has(key, field),
      add: () => undefined,
      claimInherited: () => false,
    };
  }
}

/** What deciding about rows needs of it. */
export type InFlightView = Pick<InFlight, 'holds' | 'has' | 'add' | 'claimInherited'>;

/** Picks a fixed number of rows evenly from a file of unknown length: those whose hashed ordinals are smallest. */
export class SamplePicker {
  private readonly size: number;
  private picked: { readonly ordinal: number; readonly rank: string }[] = [];

  constructor(size: number) {
    this.size = size;
  }

  add(ordinal: number): void {
    this.picked.push({ ordinal, rank: hashText(`sample ${ordinal}`, 16) });
    // Thinned out now and then, so that memory follows the size of the sample.
    if (this.picked.length >= 2 * this.size + 1_000) this.thin();
  }

  readPicked(): ReadonlySet<number> {
    this.thin();
    return new Set(this.picked.map((entry) => entry.ordinal));
  }

  private thin(): void {
    this.picked = this.picked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, this.size);
  }
}

/** Where there is no list of records to exclude. What compares with such a list is large, and loaded only with one. */
export const NO_EXCLUSION: Exclusion = {
  findMatch: () => null,
  answerFields: [],
  findExcludedAnswer: () => null,
  relevantTo: () => [],
  countUnmatched: () => ({ count: 0, lines: [] }),
  countBlank: () => ({ count: 0, lines: [] }),
};
