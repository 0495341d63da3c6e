import type { JsonValue } from './json.js';

/** The values of one row as the check left them, before citations and costs are joined to them. */
export interface CheckedRow {
  readonly rowId: string;
  readonly key: string;
  /** Where the row stood in the agent's own list: grounding paths speak of this index. */
  readonly index: number;
  readonly fields: ReadonlyMap<string, CheckedField>;
  /** Only for a row with several entries. */
  readonly twice?: {
    /** The indexes of the entries that hold the value, by field. */
    readonly places: ReadonlyMap<string, readonly number[]>;
    /** The fields that have different values in them: they are left null. */
    readonly disputed: readonly string[];
  };
}

export interface CheckedField {
  readonly value: JsonValue;
  readonly issue: string | null;
}

/** A row that has to go round again, and what was wrong with it, in words that hold no cell text. */
export interface RejectedRow {
  readonly rowId: string;
  readonly key: string;
  readonly reason: string;
}

/** What a run brought, told apart row by row: every row of the batch is in exactly one of the two lists. */
export interface CheckedRun {
  readonly rows: readonly CheckedRow[];
  /** Rows that have to go round again: missing, without anything usable, or wrong in every field. */
  readonly rejected: readonly RejectedRow[];
  /** Entries that name no row of the batch; they are dropped. */
  readonly unknownIds: number;
  /** Entries beyond the first for the same row. */
  readonly doubled: number;
}
