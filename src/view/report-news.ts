import { type ChangedCell, diffJob } from '../diff.js';
import type { JobRecord, Ledger } from '../ledger/ledger.js';

/** Examples in a report. `rowfill diff` lists all of them. */
const MAX_EXAMPLES = 8;

/** What the last run of a job changed. */
export interface ReportNews {
  readonly sinceMs: number;
  readonly changedRows: number;
  /** Cells that got a value, another value, or lost theirs. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** The first of them, in the order of the input. */
  readonly examples: readonly ChangedCell[];
}

/** Reads what the last run of a job changed. Null for its first run, in which everything is new. */
export async function readNews(
  ledger: Ledger,
  job: JobRecord,
  input: string | undefined,
): Promise<ReportNews | null> {
  const { openedAtMs: sinceMs, invocation } =
    (await ledger.listJobs()).find(({ id }) => id === job.id) ?? NEVER_RUN;
  if (invocation < 2) return null;
  const examples: ChangedCell[] = [];
  const { changedRows, fields } = await diffJob({
    ledger,
    jobId: job.id,
    input,
    sinceMs,
    onCell: (cell) => {
      if (examples.length < MAX_EXAMPLES) examples.push(cell);
    },
  });
  const sum = (name: 'added' | 'changed' | 'removed'): number =>
    [...fields.values()].reduce((total, counts) => total + counts[name], 0);
  return {
    sinceMs,
    changedRows,
    added: sum('added'),
    changed: sum('changed'),
    removed: sum('removed'),
    examples,
  };
}

const NEVER_RUN = { openedAtMs: 0, invocation: 1 };
