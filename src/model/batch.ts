import { hashText } from './ask.js';
import type { JsonObject } from './json.js';

/** One question of a batch. */
export interface BatchRow {
  /** Short and unique in the run; the answer is matched by it. */
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

/**
 * Names a batch by its content; `invocation` keeps a question that is asked again on purpose apart, `resends` one whose
 * request was lost.
 */
export function createBatch(parts: Omit<Batch, 'id'>, invocation: number, resends = 0): Batch {
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
  return { ...parts, id: `b_${hashText(content, 24)}` };
}
