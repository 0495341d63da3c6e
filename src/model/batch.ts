import { hashText } from './ask.js';
import type { JsonObject } from './json.js';

/** One row of a batch. */
export interface BatchRow {
  /**
   * Answers are matched by this id. It is short, and unique in the job so that an answer to another run never
   * matches.
   */
  readonly rowId: string;
  /** Row key, under which the answer is stored. */
  readonly key: string;
  /** Sent columns and their values. */
  readonly record: JsonObject;
  /** What was wrong with the previous answer; never contains cell text. Absent if nothing was. */
  readonly fault?: string;
}

/** The rows sent together in one run. */
export interface Batch {
  /** Hash of job, invocation, question and attempt, so it is unique per create request. */
  readonly id: string;
  readonly jobId: string;
  readonly askId: string;
  /** Version of the job's ask. @default that of the job's last invocation */
  readonly version?: string;
  /** 1 for the first attempt; repairs and resends increase it. */
  readonly attempt: number;
  readonly effort: string;
  /** Names of the requested fields, in the ask's order. */
  readonly fields: readonly string[];
  readonly rows: readonly BatchRow[];
  /** For a follow-up: the run to continue. */
  readonly previousRunId: string | null;
  /** For a repair: what was wrong with the previous answer, sent to the agent. Never contains cell text. */
  readonly complaint: string | null;
  /** True for a deliberate refresh: the new answer replaces the old one, even with null. */
  readonly refresh?: boolean;
  /** Worst-case cost of the run. */
  readonly reserveMicros: number;
}

/** A batch before it gets its ids. */
export interface BatchParts extends Omit<Batch, 'id' | 'rows'> {
  readonly rows: readonly Omit<BatchRow, 'rowId'>[];
}

/**
 * Derives the batch id from the content, and the row ids from the batch id. `invocation` gives a refresh its
 * own id, `resends` a batch whose create request was lost.
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
  const id = `b_${hashText(content, 24)}`;
  return { ...parts, rows: addRowIds(id, parts.rows), id };
}

/** Gives the rows of a batch their ids. */
export function addRowIds(batchId: string, parts: BatchParts['rows']): BatchRow[] {
  const hash = batchId.slice(2);
  const start = createRowIdStart(hash);
  const first = createFirstNumber(hash);
  const rows: BatchRow[] = [];
  for (const { key, record, fault } of parts) {
    const rowId = `${start}-${first + rows.length}`;
    rows.push(fault === undefined ? { rowId, key, record } : { rowId, key, record, fault });
  }
  return rows;
}

/** Prefix of the row ids of a batch, as an agent repeats them. */
export function rowIdPrefixOf(batchId: string): string {
  return `${createRowIdStart(batchId.slice(2))}-`;
}

/** 40 bits of the batch's hash. Among 10,000 batches, the chance that any two share them is 1 in 20,000. */
function createRowIdStart(hash: string): string {
  return `r${Number.parseInt(hash.slice(0, 10), 16).toString(36).padStart(8, '0')}`;
}

/** Three digits, so that the numbers 1, 2, 3… of an agent that numbers its own list are never those of row ids. */
function createFirstNumber(hash: string): number {
  return 100 + (Number.parseInt(hash.slice(10, 14), 16) % 900);
}
