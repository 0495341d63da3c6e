import type { StoredAnswer } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import { readNextStep } from '../model/ladder.js';
import { type Question, type RowQuestion, readQuestion } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { InFlight } from './in-flight.js';

export interface SelectContext {
  readonly ask: Ask;
  readonly overwrite: boolean;
  readonly inFlight: InFlight;
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
  | { readonly status: 'ask'; readonly question: Question }
  | {
      readonly status:
        | 'reused'
        | 'twin'
        | 'waiting'
        | 'unwanted'
        | 'excluded'
        | 'unchanged'
        | 'unsendable'
        | 'failed';
    };

/** Decides for each row of a chunk; the ledger is asked once. A row that is to be asked is in flight from here on. */
export function selectRows(rows: readonly Row[], context: SelectContext): Selection[] {
  const questions = rows.map((row) => readOpenQuestion(row, context));
  const keys = questions.flatMap((question) => (question.status === 'question' ? [question.key] : []));
  const answers = keys.length === 0 ? new Map<string, StoredAnswer>() : context.findAnswers(keys);
  return questions.map((question) =>
    question.status === 'question'
      ? selectQuestion(question, answers.get(question.key), context)
      : { status: question.status },
  );
}

function readOpenQuestion(
  row: Row,
  context: SelectContext,
): RowQuestion | { readonly status: 'unwanted' | 'excluded' } {
  if (!context.isWanted(row)) return { status: 'unwanted' };
  if (context.isExcluded(row)) return { status: 'excluded' };
  return readQuestion(row, context.ask, context.overwrite);
}

function selectQuestion(
  question: RowQuestion & { readonly status: 'question' },
  stored: StoredAnswer | undefined,
  context: SelectContext,
): Selection {
  const { ask, inFlight } = context;
  if (stored !== undefined && context.hasFailedNow(stored)) {
    return { status: inFlight.claimInherited(question.key) ? 'waiting' : 'failed' };
  }
  const fresh = stored === undefined || context.isStale(stored) ? undefined : stored;
  const waiting = question.fields.filter((field) => !inFlight.has(question.key, field));
  const step = readNextStep(ask, waiting, fresh?.fields);
  if (step === null) {
    // Asked by an earlier process, and counted with its run, whether or not that has ended already.
    if (inFlight.claimInherited(question.key)) return { status: 'waiting' };
    const isTwin = waiting.length < question.fields.length || (fresh !== undefined && context.isOfNow(fresh));
    return { status: isTwin ? 'twin' : 'reused' };
  }
  inFlight.add(question.key, step.fields);
  const { key, record } = question;
  return {
    status: 'ask',
    question: { key, record, fields: step.fields, level: step.level, attempt: 1, fault: null },
  };
}
