import type { FoundAnswers, StoredAnswer } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import { type Ask, hashText, type LadderStep, listNextSteps } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import {
  createQuestion,
  type FileHistory,
  listKeys,
  type Question,
  type RowQuestion,
  resolveKey,
} from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Exclusion } from './exclusion.js';
import type { InFlightView } from './in-flight.js';

type FieldAnswers = ReadonlyMap<string, FieldAnswer>;

export interface SelectContext {
  readonly ask: Ask;
  readonly overwrite: boolean;
  /** @default the default blanks */
  readonly blanks?: Blanks;
  readonly history?: FileHistory;
  /** False for a row beyond `--limit` or outside `--sample`. */
  isWanted(row: Row): boolean;
  isExcluded(row: Row): boolean;
  /** Removes answers that are asked for again: too old by `--refresh` or `--max-age`, or of a status of `--again`. */
  keepFresh(stored: StoredAnswer, asked: readonly string[]): FieldAnswers;
  /** The fields of `--only`. @default all */
  readonly only?: ReadonlySet<string> | null;
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
        | 'skipped'
        | 'invalid'
        | 'failed';
      /** The row key of a duplicate. */
      readonly key?: string;
    };

/** A row to classify: its question, or why it has none. */
export type OpenQuestion = RowQuestion | { readonly status: 'out_of_scope' | 'excluded' };

/** Creates the questions of a chunk of rows. */
export function createQuestions(rows: readonly Row[], context: SelectContext): OpenQuestion[] {
  const questions: OpenQuestion[] = [];
  for (const row of rows) questions.push(createOpenQuestion(row, context));
  return questions;
}

/** Lists the keys to find in the ledger before `selectRows`. */
export function listQuestionKeys(questions: readonly OpenQuestion[]): string[] {
  const keys: string[] = [];
  for (const question of questions) if ('key' in question) keys.push(...listKeys(question));
  return keys;
}

/**
 * Decides what to do with each row of a chunk. A row that will be sent counts as in flight from here on. `inFlight` must
 * have been opened before the ledger was asked for `found`.
 */
export function selectRows(
  questions: readonly OpenQuestion[],
  found: FoundAnswers,
  inFlight: InFlightView,
  context: SelectContext,
): Selection[] {
  const { answers } = found;
  const findFields = (key: string) => answers.get(key)?.fields;
  const selections: Selection[] = [];
  for (const question of questions) {
    if (question.status !== 'question') selections.push({ status: question.status });
    else {
      const key = resolveKey(question, findFields);
      const known = key === question.key ? question : { ...question, key };
      selections.push(selectQuestion(known, found, inFlight, context));
    }
  }
  return selections;
}

function createOpenQuestion(row: Row, context: SelectContext): OpenQuestion {
  if (!context.isWanted(row)) return { status: 'out_of_scope' };
  if (row.skip === undefined && context.isExcluded(row)) return { status: 'excluded' };
  return createQuestion(row, context.ask, context.overwrite, context.blanks, context.history);
}

function selectQuestion(
  question: RowQuestion & { readonly status: 'question' },
  { answers, seen }: FoundAnswers,
  inFlight: InFlightView,
  context: SelectContext,
): Selection {
  const { ask } = context;
  const stored = answers.get(question.key);
  // The first row with a key that an earlier process sent is not a duplicate; it is counted with that run.
  const isInherited = inFlight.claimInherited(question.key);
  const { only = null } = context;
  const asked = only === null ? question.fields : keepFields(question.fields, only);
  const fresh = stored === undefined ? undefined : context.keepFresh(stored, question.fields);
  const waiting = inFlight.holds(question.key) ? dropFlying(asked, question.key, inFlight) : asked;
  const steps = listNextSteps(ask, waiting, fresh);
  const isWaiting = waiting.length < asked.length;
  if (stored !== undefined && context.failedThisInvocation(stored) && (isWaiting || steps.length > 0)) {
    return { status: isInherited ? 'in_progress' : 'failed' };
  }
  if (steps.length === 0) {
    if (isInherited) return { status: 'in_progress' };
    const isTwin = isWaiting || (stored !== undefined && context.isFromThisInvocation(stored));
    return isTwin ? { status: 'duplicate', key: question.key } : { status: 'reused' };
  }
  return { status: 'ask', questions: askSteps(question, steps, seen, inFlight) };
}

/** Creates the questions of a row, which are in flight from here on. */
function askSteps(
  { key, record, bytes }: RowQuestion & { readonly status: 'question' },
  steps: readonly LadderStep[],
  seen: number,
  inFlight: InFlightView,
): Question[] {
  const retry = inFlight.takeRetry(key);
  return steps.map(({ fields, level }) => {
    inFlight.add(key, fields);
    const { attempt, fault } = retry?.level === level ? retry : FIRST;
    return { key, record, bytes, fields, level, attempt, fault, seen };
  });
}

// Of their own, because a function that makes closures allocates with every call.
function keepFields(fields: readonly string[], kept: ReadonlySet<string>): string[] {
  return fields.filter((field) => kept.has(field));
}

function dropFlying(fields: readonly string[], key: string, inFlight: InFlightView): string[] {
  return fields.filter((field) => !inFlight.has(key, field));
}

const FIRST = { attempt: 1, fault: null };

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
