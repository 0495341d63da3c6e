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
  /** @default the default blanks */
  readonly blanks?: Blanks;
  /** False for a row beyond `--limit` or outside `--sample`. */
  isWanted(row: Row): boolean;
  isExcluded(row: Row): boolean;
  findAnswers(keys: readonly string[]): ReadonlyMap<string, StoredAnswer>;
  /** True for an answer that is too old, by `--refresh` or `--max-age`. */
  isStale(answer: StoredAnswer): boolean;
  /** True for an answer that this invocation paid for. */
  isFromThisInvocation(answer: StoredAnswer): boolean;
  /** True for a row that has failed in this invocation. */
  failedThisInvocation(answer: StoredAnswer): boolean;
}

/** What to do with a row before anything is sent. */
export type Selection =
  /** One question per effort level at which some of its fields are; usually one. */
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

/**
 * Decides what to do with each row of a chunk, with one ledger query. A row that will be sent counts as in
 * flight from here on.
 */
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
  // The first row with a key that an earlier process sent is not a duplicate; it is counted with that run.
  const isInherited = inFlight.claimInherited(question.key);
  const fresh = stored === undefined || context.isStale(stored) ? undefined : stored;
  const waiting = inFlight.holds(question.key)
    ? question.fields.filter((field) => !inFlight.has(question.key, field))
    : question.fields;
  const steps = listNextSteps(ask, waiting, fresh?.fields);
  const isWaiting = waiting.length < question.fields.length;
  if (stored !== undefined && context.failedThisInvocation(stored) && (isWaiting || steps.length > 0)) {
    return { status: isInherited ? 'in_progress' : 'failed' };
  }
  if (steps.length === 0) {
    if (isInherited) return { status: 'in_progress' };
    const isTwin = isWaiting || (fresh !== undefined && context.isFromThisInvocation(fresh));
    return isTwin ? { status: 'duplicate', key: question.key } : { status: 'reused' };
  }
  const { key, record } = question;
  for (const step of steps) inFlight.add(key, step.fields);
  return {
    status: 'ask',
    questions: steps.map(({ fields, level }) => ({ key, record, fields, level, attempt: 1, fault: null })),
  };
}

/** The fields in flight per row key, so that a duplicate row waits for the answer and is not sent again. */
export class InFlight {
  /** Usually the question's own list, shared by rows with the same fields. */
  private readonly fieldsByKey = new Map<string, readonly string[]>();
  /** Keys that an earlier process sent. The first row with such a key is that row, not its duplicate. */
  private readonly inherited = new Set<string>();

  add(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    this.fieldsByKey.set(key, known === undefined ? fields : [...new Set([...known, ...fields])]);
  }

  /** Adds a key that an earlier process sent. */
  inherit(key: string, fields: readonly string[]): void {
    this.add(key, fields);
    this.inherited.add(key);
  }

  /** True once per inherited key, for the first row with it. */
  claimInherited(key: string): boolean {
    return this.inherited.delete(key);
  }

  /** True for an inherited key until a row has claimed it. */
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

  /** True while any field of the key is in flight. */
  holds(key: string): boolean {
    return this.fieldsByKey.has(key);
  }

  has(key: string, field: string): boolean {
    return this.fieldsByKey.get(key)?.includes(field) === true;
  }

  /** A read-only view for estimates: sees what is in flight but adds nothing. */
  createView(): InFlightView {
    return {
      holds: (key) => this.holds(key),
      has: (key, field) => this.has(key, field),
      add: () => undefined,
      claimInherited: () => false,
    };
  }
}

/** The part that `selectRows` needs. */
type InFlightView = Pick<InFlight, 'holds' | 'has' | 'add' | 'claimInherited'>;

/**
 * Picks a fixed number of random rows from a file of unknown length: those with the smallest hashed ordinals.
 */
export class SamplePicker {
  private readonly size: number;
  private picked: { readonly ordinal: number; readonly rank: string }[] = [];

  constructor(size: number) {
    this.size = size;
  }

  add(ordinal: number): void {
    this.picked.push({ ordinal, rank: hashText(`sample ${ordinal}`, 16) });
    // Drop surplus entries now and then, so memory depends on the sample size only.
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

/** Used without an exclusion list. The real matcher is large, so it is loaded only when needed. */
export const NO_EXCLUSION: Exclusion = {
  findMatch: () => null,
  answerFields: [],
  findExcludedAnswer: () => null,
  relevantTo: () => [],
};
