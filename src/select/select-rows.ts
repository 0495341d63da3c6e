import type { StoredAnswer } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { readNextSteps } from '../model/ladder.js';
import { listKeys, type Question, type RowQuestion, readQuestion, resolveKey } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { InFlightView } from './in-flight.js';

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
        | 'twin'
        | 'waiting'
        | 'unwanted'
        | 'excluded'
        | 'unchanged'
        | 'unsendable'
        | 'failed';
      /** The row key of a twin. */
      readonly key?: string;
    };

/** Decides for each row of a chunk; the ledger is asked once. A row that is to be asked is in flight from here on. */
export function selectRows(rows: readonly Row[], context: SelectContext): Selection[] {
  const questions = rows.map((row) => readOpenQuestion(row, context));
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

function readOpenQuestion(
  row: Row,
  context: SelectContext,
): RowQuestion | { readonly status: 'unwanted' | 'excluded' } {
  if (!context.isWanted(row)) return { status: 'unwanted' };
  if (context.isExcluded(row)) return { status: 'excluded' };
  return readQuestion(row, context.ask, context.overwrite, context.blanks);
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
  const steps = readNextSteps(ask, waiting, fresh?.fields);
  const isWaiting = waiting.length < question.fields.length;
  if (stored !== undefined && context.hasFailedNow(stored) && (isWaiting || steps.length > 0)) {
    return { status: isInherited ? 'waiting' : 'failed' };
  }
  if (steps.length === 0) {
    if (isInherited) return { status: 'waiting' };
    const isTwin = isWaiting || (fresh !== undefined && context.isOfNow(fresh));
    return isTwin ? { status: 'twin', key: question.key } : { status: 'reused' };
  }
  const { key, record } = question;
  for (const step of steps) inFlight.add(key, step.fields);
  return {
    status: 'ask',
    questions: steps.map(({ fields, level }) => ({ key, record, fields, level, attempt: 1, fault: null })),
  };
}
