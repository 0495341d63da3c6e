import type { FoundAnswers } from '../ledger/ledger.js';
import type { Row } from '../model/row.js';
import type { InFlightLook } from '../select/in-flight.js';
import {
  createQuestions,
  listQuestionKeys,
  type OpenQuestion,
  type Selection,
  selectRows,
} from '../select/select-rows.js';
import type { JobContext } from './job-context.js';

const NOTHING_FOUND: FoundAnswers = { answers: new Map(), elsewhere: new Set(), seen: 0 };

/** A chunk whose rows were looked up in the ledger. */
export interface FoundChunk {
  readonly rows: readonly Row[];
  readonly questions: readonly OpenQuestion[];
  /** What the ledger has for their keys. */
  readonly found: FoundAnswers;
  /** What was in flight meanwhile. */
  readonly look: InFlightLook;
}

export interface SelectedChunk {
  readonly rows: readonly Row[];
  readonly questions: readonly OpenQuestion[];
  /** What the ledger has for their keys. */
  readonly answers: FoundAnswers['answers'];
  readonly selections: readonly Selection[];
  /** Keys that another process has in an open batch. */
  readonly elsewhere: ReadonlySet<string>;
}

/** Looks up the rows of a chunk with one ledger query. `openLook` opens the view of what is in flight. */
export async function findChunk(
  rows: readonly Row[],
  { ledger, job, select, escalation, table }: ChunkContext,
  openLook: (keys: readonly string[]) => InFlightLook,
): Promise<FoundChunk> {
  const questions = createQuestions(rows, select);
  const keys = listQuestionKeys(questions);
  const look = openLook(keys);
  try {
    const answers = keys.length === 0 ? NOTHING_FOUND : await ledger.findAnswers(job, keys);
    const adjusted = table?.adjust(answers) ?? answers;
    const found = escalation === null ? adjusted : await escalation.limit(adjusted, keys);
    return { rows, questions, found, look };
  } catch (error) {
    look.close();
    throw error;
  }
}

/** Decides what to do with each row of a chunk. Chunks must come in the order of the input. */
export function selectChunk(
  { rows, questions, found, look }: FoundChunk,
  { select }: ChunkContext,
): SelectedChunk {
  const selections = selectRows(questions, found, look, select);
  look.close();
  return { rows, questions, answers: found.answers, selections, elsewhere: found.elsewhere };
}

type ChunkContext = Pick<JobContext, 'ledger' | 'job' | 'select' | 'escalation' | 'table'>;
