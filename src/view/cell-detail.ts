import { RowfillError } from '../errors.js';
import type { CheckedCitation } from '../model/verdict.js';
import { formatInput } from '../write/cells.js';
import type { CellDetail, EarlierValue } from './api.js';
import { markVerdict, showCell, showSource } from './cell-text.js';
import type { Survey } from './survey.js';
import type { JoinedRow, ViewJob } from './view-job.js';

/** Reads one row. Throws NO_SUCH_ROW. */
export async function readRow(view: ViewJob, ordinal: number): Promise<JoinedRow> {
  const [row] = ordinal < view.rows.count ? await view.read([ordinal]) : [];
  if (row !== undefined) return row;
  throw new RowfillError('usage', 'NO_SUCH_ROW', `there is no row ${ordinal + 1}`);
}

/** Why a cell cannot be changed in the ledger; null if it can. */
export function findFixed({ question, outcome }: JoinedRow, field: string): string | null {
  if (outcome.status === 'excluded') return 'The row is on the exclusion list.';
  if (question.status === 'question') {
    return question.fields.includes(field) ? null : 'The value is in your file: change it there.';
  }
  if (question.status === 'unchanged') return 'The row was full before: change it in your file.';
  return 'The row is not sent to the agent, so no value can be stored for it.';
}

/** Reads everything about one cell. */
export async function readCell(
  view: ViewJob,
  survey: Survey,
  ordinal: number,
  field: string,
): Promise<CellDetail> {
  const joined = await readRow(view, ordinal);
  const { row, outcome, key } = joined;
  const answer = outcome.fields.get(field);
  const cell = showCell(row, field, answer, view.blanks);
  const isAnswered = answer !== undefined;
  return {
    ordinal,
    line: row.line,
    field,
    text: cell.text,
    level: cell.level,
    status: outcome.status,
    issue: answer?.issue ?? null,
    error: outcome.error,
    sources: cell.citations.map(showSource),
    earlier: key === null ? [] : await listEarlier(view, key, field),
    runId: isAnswered && answer.runId !== '' ? answer.runId : null,
    effort: isAnswered && answer.effort !== '' ? answer.effort : null,
    answeredAtMs: answer?.foundAtMs ?? null,
    rowMicros: ordinal < survey.done ? survey.costOf(ordinal) : outcome.costMicros,
    twins: key === null ? 0 : Math.max(0, survey.findRows([key]).length - 1),
    fixed: findFixed(joined, field),
    verdict: showVerdict(joined.verdicts.get(field)),
    row: view.input.columns.map((column) => [column, formatInput(readInput(joined, column))] as const),
  };
}

function readInput({ row }: JoinedRow, column: string) {
  if (row.kind === 'cells') return row.cells[row.columns.get(column) ?? -1];
  return row.kind === 'object' && Object.hasOwn(row.object, column) ? row.object[column] : undefined;
}

function showVerdict(seen: CheckedCitation | undefined): CellDetail['verdict'] {
  const mark = markVerdict(seen);
  if (seen === undefined || mark === null) return null;
  return { mark, reason: seen.reason, passage: seen.passage, link: seen.passageUrl };
}

/** Values that the cell had before, newest first. */
async function listEarlier(view: ViewJob, key: string, field: string): Promise<EarlierValue[]> {
  const older = await view.ledger.listOlderAnswers(view.job.askId, key);
  return older.flatMap(({ fields, replacedAtMs }) => {
    const answer = fields.get(field);
    if (answer === undefined || answer.value === null) return [];
    const level = answer.who === 'human' ? 'human' : (answer.confidence ?? 'unrated');
    return [
      {
        text: formatInput(answer.value),
        level,
        replacedAtMs,
        runId: answer.runId === '' ? null : answer.runId,
      },
    ];
  });
}
