import type { RowStatus } from '../model/answer.js';

export type { RowStatus } from '../model/answer.js';

/** What the view's server and its page say to each other. Types only: the page imports nothing else of the program. */

/**
 * What a cell of a field shows: the confidence of its value, or why it has none of the agent's. `own`: the value was in
 * the input. `unrated`: the agent gave no confidence.
 */
export type Level = 'none' | 'low' | 'medium' | 'high' | 'unrated' | 'human' | 'own';

/** A cell of a field: its text, index in `ViewMeta.levels`, number of sources, and a mark. 0 for an empty cell. */
export type PageCell = 0 | readonly [text: string, level: number, sources: number, mark?: CellMark];
/** `doubt`: the value breaks a rule across fields. Otherwise, what was found on its cited pages. */
export type CellMark = 'doubt' | VerdictMark;
/** `on_page?` with weak evidence; `unchecked` if the pages could not be read. */
export type VerdictMark = 'on_page' | 'on_page?' | 'not_on_page' | 'unchecked';

/** A row of a page. */
export type PageRow = readonly [
  ordinal: number,
  input: readonly string[],
  cells: readonly PageCell[],
  /** Index in `ViewMeta.statuses`. */
  status: number,
  costMicros: number,
  /** Indexes of the fields that are being asked now. */
  asked: readonly number[],
  /** Why it failed, was excluded or skipped. */
  reason?: string,
];

export interface ViewField {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'link';
}

/** What the page is about. It changes only when the server starts again. */
export interface ViewMeta {
  readonly job: string;
  readonly file: string;
  readonly output: string;
  readonly query: string;
  readonly statuses: readonly RowStatus[];
  readonly levels: readonly Level[];
  readonly verdicts: readonly VerdictMark[];
  /** Input columns, without those of fields. */
  readonly columns: readonly string[];
  readonly fields: readonly ViewField[];
  /** The effort ladder of the job. */
  readonly efforts: readonly string[];
  /** True if the agent costs nothing. */
  readonly isFree: boolean;
  /** Efforts to choose from when rows are asked again; empty if the agent knows none. */
  readonly effortChoices: readonly string[];
  /** Why values cannot be changed; null if they can. */
  readonly readOnly: string | null;
  /** Why rows cannot be asked again; null if they can. */
  readonly cannotAsk: string | null;
  readonly progress: ViewProgress;
  /** The number of the last change. */
  readonly seen: number;
}

/** The numbers that change. */
export interface ViewProgress {
  /** Rows of the file that were read so far. */
  readonly rows: number;
  readonly isRead: boolean;
  /** Why the rest of the file cannot be read; null if it can. */
  readonly fault: string | null;
  /** Rows whose status is known. */
  readonly surveyed: number;
  /** Rows by status, in the order of `ViewMeta.statuses`. */
  readonly counts: readonly number[];
  readonly spentMicros: number;
  readonly reservedMicros: number;
  /** True while any process has runs at work for this question. */
  readonly isFilling: boolean;
  readonly rowsAMinute: number;
  /** Null if it cannot be told. */
  readonly secondsLeft: number | null;
  /** Rows that are being asked again from this page; null if none are. */
  readonly again: string | null;
}

/** What has changed since a page looked last. */
export interface ViewChanges {
  /** The number of the last change, to ask with the next time. */
  readonly seen: number;
  readonly progress: ViewProgress;
  /** Rows that changed, by ordinal; null for too many to list, or too long ago. */
  readonly rows: readonly number[] | null;
  /** What happened to rows that were asked again, once it has ended. */
  readonly notes: readonly string[];
}

export interface ViewFilter {
  readonly status: readonly RowStatus[];
  readonly levels: readonly Level[];
  /** What was seen of values, any of them. */
  readonly verdicts: readonly VerdictMark[];
  /** The field that `levels` and `verdicts` are about; null for any. */
  readonly field: string | null;
  /** Hosts of sources, any of them. */
  readonly hosts: readonly string[];
  /** Why a row failed, any of them. */
  readonly reasons: readonly string[];
  readonly search: string;
}

export interface ViewSort {
  /** A column or field; `#status` or `#cost`. */
  readonly column: string;
  readonly descending: boolean;
}

export interface ViewQuery {
  readonly filter: ViewFilter;
  readonly sort: ViewSort | null;
}

/** Each group is counted under all filters but its own. */
export interface Facets {
  readonly status: readonly number[];
  /** Cells by level, of the chosen field or of all. */
  readonly levels: readonly number[];
  /** Cells by level, by field. */
  readonly fields: readonly (readonly number[])[];
  /** Cells by what was seen of them, of the chosen field or of all. */
  readonly verdicts: readonly number[];
  /** The most frequent, with the number of rows that rest on them. */
  readonly hosts: readonly (readonly [host: string, rows: number])[];
  /** Cells of the rows that pass all filters that a person should look at. */
  readonly review: number;
  readonly reasons: readonly (readonly [reason: string, rows: number])[];
}

export interface View {
  readonly id: string;
  readonly count: number;
  readonly facets: Facets;
}

export interface CellSource {
  /** A web address that may be opened; null for anything else. */
  readonly link: string | null;
  readonly title: string | null;
  /** Text to show if it is not a link: a table and row, or the citation as the agent gave it. */
  readonly text: string | null;
}

export interface EarlierValue {
  readonly text: string;
  readonly level: Level;
  readonly replacedAtMs: number;
  readonly runId: string | null;
}

/** Everything about one cell. */
export interface CellDetail {
  readonly ordinal: number;
  readonly line: number;
  readonly field: string;
  readonly text: string | null;
  readonly level: Level;
  readonly status: RowStatus;
  readonly issue: string | null;
  /** Why the row failed, was excluded or skipped. */
  readonly error: string | null;
  readonly sources: readonly CellSource[];
  readonly earlier: readonly EarlierValue[];
  readonly runId: string | null;
  readonly effort: string | null;
  readonly answeredAtMs: number | null;
  readonly rowMicros: number;
  /** Other rows of the file that share the answer. */
  readonly twins: number;
  /** Why this cell cannot be changed here; null if it can. */
  readonly fixed: string | null;
  /** What was seen of the value on the pages that it cites; null if nobody looked. */
  readonly verdict: {
    readonly mark: VerdictMark;
    readonly reason: string | null;
    readonly passage: string | null;
    readonly link: string | null;
  } | null;
  readonly row: readonly (readonly [column: string, text: string])[];
}

export interface EditRequest {
  readonly ordinal: number;
  readonly field: string;
  /** Null clears the cell. */
  readonly text: string | null;
  /** The text that the page shows, so that a change in between is not lost. */
  readonly was: string | null;
  /** An id of the page's own: sent again with the same one, the edit is made once. */
  readonly edit?: string | undefined;
}

export interface Edited {
  /** The id of the edit. */
  readonly undo: string;
  readonly text: string | null;
  readonly twins: number;
}

/** A cell of a view. */
export interface ViewCell {
  readonly place: number;
  readonly ordinal: number;
  readonly field: string;
}

/** What to ask again: cells of these fields in these rows, by ordinal. */
export interface AgainRequest {
  readonly rows: readonly number[];
  /** Null for all. The other fields of the rows stay as they are. */
  readonly fields: readonly string[] | null;
  /** Null for the effort of the job. */
  readonly effort: string | null;
}

export interface AgainQuote {
  readonly quote: string;
  /** Rows that would be sent: fewer than were named if some cannot be asked, or share an answer. */
  readonly rows: number;
  readonly runs: number;
  readonly worstMicros: number;
  readonly likelyMicros: number;
  readonly efforts: readonly string[];
  readonly isFree: boolean;
}

/** The rows of a report, by column. */
export interface ReportData {
  readonly statuses: readonly RowStatus[];
  readonly levels: readonly Level[];
  readonly columns: readonly string[];
  readonly fields: readonly ViewField[];
  readonly ordinals: readonly number[];
  /** Input cells, by column. */
  readonly cells: readonly (readonly string[])[];
  readonly status: readonly number[];
  readonly costs: readonly number[];
  /** Why rows failed, by row index. */
  readonly errors: Readonly<Record<number, string>>;
  /** Values, by field. */
  readonly values: readonly (readonly (string | null)[])[];
  /** One digit a row, by field: an index in `levels`. */
  readonly levelsByField: readonly string[];
  /** Indexes in `links`, by field and row. */
  readonly sources: readonly (readonly (readonly number[])[])[];
  /** Address and title of each source. */
  readonly links: readonly (readonly [address: string, title: string])[];
}
