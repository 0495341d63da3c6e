import { hashText } from './ask.js';
import type { JsonObject } from './json.js';

/** One question of a batch. */
export interface BatchRow {
  /** Short, and unique in the job, so that the answer to another run never fits; the answer is matched by it. */
  readonly rowId: string;
  /** The row key: what the answer is stored under. */
  readonly key: string;
  /** The sent columns with their values. */
  readonly record: JsonObject;
  /** What was wrong with the last answer, in words that hold no cell text; left out where nothing was. */
  readonly fault?: string;
}

/** The rows sent together in one run. */
export interface Batch {
  /** Hash of the job, its invocation, the question and the attempt: unique for each create. */
  readonly id: string;
  readonly jobId: string;
  readonly askId: string;
  /** 1 for the first time round; repairs and re-sends count up. */
  readonly attempt: number;
  readonly effort: string;
  /** The names of the fields asked in this batch, in the ask's order. */
  readonly fields: readonly string[];
  readonly rows: readonly BatchRow[];
  /** The run that this one continues, in a follow-up. */
  readonly previousRunId: string | null;
  /** What was wrong the last time, said to the agent in a repair; never holds cell text. */
  readonly complaint: string | null;
  /** True where an answer is asked for again on purpose: what comes back replaces the older one, a null too. */
  readonly refresh?: boolean;
  /** The most that the run may cost. */
  readonly reserveMicros: number;
}

/** A batch before it is named. */
export interface BatchParts extends Omit<Batch, 'id' | 'rows'> {
  readonly rows: readonly Omit<BatchRow, 'rowId'>[];
}

/**
 * Names a batch by its content, and its rows by the batch; `invocation` keeps a question that is asked again on purpose
 * apart, `resends` one whose request was lost.
 */
export function createBatch(parts: BatchParts, invocation: number, resends = 0): Batch {
  const content = JSON.stringify([
    parts.jobId,
    parts.askId,
    invocation,
    resends,
    parts.attempt,
    parts.effort,
    parts.fields,
    parts.rows.map((row) => row.key),
  ]);
  const hash = hashText(content, 24);
  const start = createRowIdStart(hash);
  const rows = parts.rows.map(({ key, record, fault }, index) => {
    const rowId = `${start}-${index + 1}`;
    return fault === undefined ? { rowId, key, record } : { rowId, key, record, fault };
  });
  return { ...parts, rows, id: `b_${hash}` };
}

/** What the ids of a batch's rows begin with, as an agent repeats them. */
export function readRowIdPrefix(batchId: string): string {
  return `${createRowIdStart(batchId.slice(2))}-`;
}

/** 40 bits of the batch's name: among 10,000 batches the chance that two share them is 1 in 20,000. */
function createRowIdStart(hash: string): string {
  return `r${Number.parseInt(hash.slice(0, 10), 16).toString(36).padStart(8, '0')}`;
}
