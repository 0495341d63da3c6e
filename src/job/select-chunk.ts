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

export interface SelectedChunk {
  readonly questions: readonly OpenQuestion[];
  /** What the ledger has for their keys. */
  readonly answers: FoundAnswers['answers'];
  readonly selections: readonly Selection[];
  /** Keys that another process has in an open batch. */
  readonly elsewhere: ReadonlySet<string>;
}

/** Decides what to do with each row of a chunk, with one ledger query. `openLook` opens the view of what is in flight. */
export async function selectChunk(
  rows: readonly Row[],
  {
    ledger,
    job,
    select,
    escalation,
    table,
  }: Pick<JobContext, 'ledger' | 'job' | 'select' | 'escalation' | 'table'>,
  openLook: (keys: readonly string[]) => InFlightLook,
): Promise<SelectedChunk> {
  const questions = createQuestions(rows, select);
  const keys = listQuestionKeys(questions);
  const look = openLook(keys);
  try {
    const answers = keys.length === 0 ? NOTHING_FOUND : await ledger.findAnswers(job, keys);
    const found = table?.adjust(answers) ?? answers;
    const seen = escalation === null ? found : await escalation.limit(found, keys);
    const selections = selectRows(questions, seen, look, select);
    return { questions, answers: seen.answers, selections, elsewhere: found.elsewhere };
  } finally {
    look.close();
  }
}
