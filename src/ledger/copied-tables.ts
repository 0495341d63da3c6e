/** A value of a record, as SQLite has it: flags are 0 or 1, row keys are packed. */
export type CopiedValue = number | string | null | Uint8Array;

/** A row of a table, by column. */
export type CopiedRecord = Readonly<Record<string, CopiedValue>>;

export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Number by which the table is read in parts. Null for a short table, which is read at once. */
  readonly number: string | null;
}

/**
 * What a copy of a ledger has, in the order in which it is written. Processes with their leases and open batches are not
 * copied: a ledger is copied while it has none.
 */
export const COPIED_TABLES: readonly CopiedTable[] = [
  { name: 'ask', number: 'number', columns: ['number', 'id', 'agent', 'content'] },
  { name: 'ask_version', number: 'number', columns: ['number', 'ask', 'version', 'content'] },
  {
    name: 'ask_count',
    number: 'ask',
    columns: ['ask', 'change', 'answered', 'settled_runs', 'verdicts'],
  },
  {
    name: 'job',
    number: 'number',
    columns: [
      ...['number', 'id', 'ask', 'version', 'input', 'output', 'settings', 'invocation', 'stop', 'counts'],
      ...['finished', 'opened_at', 'closed_at', 'keeps_going', 'folder', 'placed_input', 'placed_output'],
    ],
  },
  {
    name: 'job_count',
    number: 'job',
    columns: ['job', 'spent_micros', 'estimated_micros', 'reserved_micros', 'answered', 'failed', 'yields'],
  },
  { name: 'salt', number: 'number', columns: ['number', 'value'] },
  {
    name: 'account',
    number: null,
    columns: ['id', 'active_limit', 'proven', 'refused_at', 'starts', 'next_start_at'],
  },
  {
    name: 'block',
    number: 'number',
    columns: [
      ...['number', 'keys', 'kind', 'batch', 'job', 'invocation', 'agent', 'run_id', 'cost_micros'],
      ...['is_estimated', 'effort', 'is_refresh', 'intended_at', 'settled_at', 'content', 'raw_run'],
    ],
  },
  {
    name: 'verdict',
    number: 'number',
    columns: ['number', 'ask', 'key', 'field', 'claim', 'value', 'url', 'checked_at', 'content'],
  },
  { name: 'spend', number: null, columns: ['scope', 'quarter', 'cost_micros'] },
  { name: 'pruned_spend', number: null, columns: ['job', 'cost_micros'] },
  { name: 'folder', number: null, columns: ['id', 'place', 'path'] },
  { name: 'written', number: 'number', columns: ['number', 'path', 'digest', 'job', 'written_at'] },
];

/** Records that are read and written at once. */
export const PART = 200;

/** A ledger that is read for a copy, as of one moment. */
export interface CopySource {
  /** Open runs, and processes that work on a job of the ledger, as text. */
  readUse(): Promise<{ readonly openRuns: number; readonly processes: readonly string[] }>;
  readTable(table: CopiedTable): AsyncIterable<readonly CopiedRecord[]>;
  close(): Promise<void>;
}

/** Adds records to a new ledger. */
type Write = (table: CopiedTable, records: readonly CopiedRecord[]) => Promise<void>;

/** Writes everything to a new ledger. If it fails, there is no ledger. */
export type Fill = (write: Write) => Promise<void>;
