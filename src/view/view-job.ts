import { joinRows } from '../answer/join-rows.js';
import { readCellVerdicts } from '../job/cell-verdicts.js';
import { CleanupStack } from '../job/open-agent.js';
import { findStoredJob, openStoredInput } from '../job/stored-job.js';
import type { JobRecord, Ledger } from '../ledger/ledger.js';
import type { FilledRow } from '../model/answer.js';
import type { Blanks } from '../model/blank.js';
import {
  createQuestion,
  type FileHistory,
  listKeys,
  type RowQuestion,
  resolveKey,
} from '../model/question.js';
import type { Row } from '../model/row.js';
import type { CheckedCitation } from '../model/verdict.js';
import type { Input } from '../read/open-input.js';
import { RowFile } from './row-file.js';

/** A row with its question, its answer and the key that the answer is stored under. */
export interface JoinedRow extends FilledRow {
  readonly question: RowQuestion;
  /** Null for a row that is not asked. */
  readonly key: string | null;
  /** What was seen of its values on the pages that they cite, by field; empty if nobody looked. */
  readonly verdicts: ReadonlyMap<string, CheckedCitation>;
}

const NO_VERDICTS: ReadonlyMap<string, CheckedCitation> = new Map();

/** A job as the view reads it: any of its rows, joined with what the ledger knows about them now. */
export interface ViewJob {
  readonly ledger: Ledger;
  readonly job: JobRecord;
  readonly input: Input;
  readonly blanks: Blanks;
  readonly history: FileHistory;
  readonly rows: RowFile;
  /** Reads rows by ordinal and joins them. `claimKey` decides which of several equal rows bears their cost. */
  read(ordinals: readonly number[], claimKey?: (key: string) => boolean): Promise<JoinedRow[]>;
  /** Shows the answers of these rows from here on, even if the job's last run was limited to others. */
  include(ordinals: Iterable<number>): void;
  close(): Promise<void>;
}

/**
 * Opens the input of a job for viewing. `input` is where it is now, if it was moved. Throws what `export` throws for a
 * job whose input cannot be read again. The ledger stays open when the view closes.
 */
export async function openViewJob(
  ledger: Ledger,
  jobId: string,
  input: string | undefined,
): Promise<ViewJob> {
  const closers = new CleanupStack();
  try {
    const job = await findStoredJob(ledger, jobId, input);
    const opened = await openStoredInput(ledger, job, closers);
    const rows = closers.add(await RowFile.open(opened.input));
    const { ask } = job;
    const { blanks, exclusion, history, kept, table } = opened;
    const overwrite = kept.overwrite ?? false;
    const included = new Set<number>();
    const context = {
      ask,
      blanks,
      overwrite,
      returned: table,
      unasked: job.stop === 'budget' ? 'over_budget' : 'pending',
      isWanted: (row: Row) => opened.isWanted(row) || included.has(row.ordinal),
      exclusion,
      exclusionName: kept.exclude ?? '',
      // The page shows text as text, so only marks that reorder or hide it are removed.
      raw: false,
    } as const;
    return {
      ledger,
      job,
      input: opened.input,
      blanks,
      history,
      rows,
      async read(ordinals, claimKey = () => true) {
        const read = await rows.read(ordinals);
        const questions = read.map((row) => createQuestion(row, ask, overwrite, blanks, history));
        const { answers } = await ledger.findAnswers(job, questions.flatMap(listKeys));
        const filled = joinRows(read, questions, answers, { ...context, claimKey });
        const findFields = (key: string) => answers.get(key)?.fields;
        const seen = await ledger.findVerdicts(job, [...answers.keys()]);
        return filled.map((each, index): JoinedRow => {
          const question = questions[index] ?? { status: 'unchanged' };
          const isAsked = question.status === 'question' && each.outcome.status !== 'excluded';
          const key = isAsked ? resolveKey(question, findFields) : null;
          const stored = key === null ? undefined : seen.get(key);
          const verdicts = stored === undefined ? NO_VERDICTS : readCellVerdicts(each.outcome.fields, stored);
          return { ...each, question, key, verdicts };
        });
      },
      include(ordinals) {
        for (const ordinal of ordinals) included.add(ordinal);
      },
      close: () => closers.close(),
    };
  } catch (error) {
    return closers.closeAfter(error);
  }
}
