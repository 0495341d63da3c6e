import type { FileFormat } from './file-format.js';
import type { JsonObject } from './json.js';
import type { ApiKey } from './option-types.js';
import type { PriceList } from './prices.js';
import type { Confidence } from './run.js';

/** What `enrich` is asked to do; every name is that of the command line's option. */
export interface EnrichOptions {
  /** Path of the file to fill; `-` is standard input. */
  readonly input: string;
  /**
   * What the job calls its input, where that has no path which lasts: the same ask under the same name is the same job.
   * @default the path of the input
   */
  readonly name?: string | undefined;
  /**
   * Path of the result; `-` is standard output. A file of this name is replaced.
   * @default `<stem>.filled.<ext>` beside the input; `<stem>.filled-2.<ext>` if that holds anything but this job's output
   */
  readonly output?: string | undefined;
  /** @default what the ending of `output` says, else the format of the input */
  readonly format?: FileFormat | undefined;
  /** What to find out, in words. */
  readonly query?: string | undefined;
  readonly system?: string | undefined;
  /** Columns to fill, each as `name[:type][=description]`. */
  readonly fields?: readonly string[] | undefined;
  /** Path of a JSON Schema whose properties are the columns to fill; instead of `fields`. */
  readonly schema?: string | undefined;
  /** That schema itself; instead of `schema` and `fields`. */
  readonly schemaObject?: JsonObject | undefined;
  /** The columns that are sent. @default every column that is not itself to be filled */
  readonly send?: readonly string[] | undefined;
  /** Rows that are equal in the sent columns share one answer by intent, also where they differ in others. @default false */
  readonly shareAnswers?: boolean | undefined;
  /** Path of a file of records that are not to be asked about. */
  readonly exclude?: string | undefined;
  /** Columns that tell whether a row is an excluded record. @default the columns that both files have */
  readonly excludeOn?: readonly string[] | undefined;
  /** Work on the first so many rows only. */
  readonly limit?: number | undefined;
  /** Work on this many rows only, picked evenly from the file, or from its first `limit` rows; the same ones every time. */
  readonly sample?: number | undefined;
  /** Ask for filled cells too, and replace them. @default false */
  readonly overwrite?: boolean | undefined;
  /** Ask again for what is in the ledger. @default false */
  readonly refresh?: boolean | undefined;
  /** Ask again for what is older than this: a number with `m`, `h`, `d` or `w`. */
  readonly maxAge?: string | undefined;
  /** Address of an agent. @default the hosted service */
  readonly apiUrl?: string | undefined;
  /** Folder of tables to answer from, on this machine. */
  readonly reference?: string | undefined;
  /** Key for the agent, or a function that reads it: called again when the key is refused. Never written anywhere. */
  readonly apiKey?: ApiKey | undefined;
  /** Effort ladder, lowest first. @default ['low'] */
  readonly effort?: readonly string[] | undefined;
  /** Answers below this confidence climb the ladder as if they were missing. */
  readonly escalateBelow?: string | undefined;
  /** Rows in one run. @default 8 */
  readonly batchSize?: number | undefined;
  /** The most runs at once. @default 20 */
  readonly concurrency?: number | undefined;
  /** Runs started in a second; 0 for no limit. @default 5, and 0 for an agent on this machine */
  readonly startsPerSecond?: number | undefined;
  /**
   * How long a run is waited for, in milliseconds; past it the job goes on without it, and picks it up the next time.
   * @default 75 minutes, and 3.5 hours for the efforts ultra and max
   */
  readonly runTimeoutMs?: number | undefined;
  /**
   * How far the agent's list of runs may lag behind, in milliseconds: so long a start without a reply is looked for
   * before it is made again. Too short a time can buy a run twice. @default 15 seconds
   */
  readonly listLagMs?: number | undefined;
  /** The most that this job may cost, in US dollars, over every time it is run. */
  readonly maxCost?: number | undefined;
  /** The most that this call may add to that, in US dollars, whatever the job cost before. */
  readonly maxCostNow?: number | undefined;
  /**
   * The most that all jobs of the ledger together may cost from one local midnight to the next, in US dollars. On the
   * command line it is ROWFILL_MAX_COST_PER_DAY.
   */
  readonly ledgerMaxCostPerDay?: number | undefined;
  /**
   * Worst price of a run by effort in US dollars, where it is not the hosted service's; under `email` and `phone`, what a
   * contact costs beside it.
   */
  readonly prices?: Readonly<Record<string, number>> | undefined;
  /** Start without a question. @default false */
  readonly yes?: boolean | undefined;
  /** Go on, now and every other time, although the first answers of a paid job hold no value. @default false */
  readonly keepGoing?: boolean | undefined;
  /** Cancel the runs at the agent when the job is interrupted. @default false */
  readonly cancelOnInterrupt?: boolean | undefined;
  readonly bom?: boolean | undefined;
  /** Write text of the agent as it came: formulas that a spreadsheet would run, control characters and all. @default false */
  readonly raw?: boolean | undefined;
  readonly delimiter?: string | undefined;
  readonly encoding?: string | undefined;
  /** Of a workbook, the sheet to fill: its name or its number. @default the first visible one that has a table */
  readonly sheet?: string | undefined;
  /** False for a file without a header. @default true */
  readonly header?: boolean | undefined;
  /**
   * Words that count as an empty cell, instead of `N/A`, `null`, `-` and the like; `+word` adds one to that list.
   * @default the placeholders that spreadsheets and databases write
   */
  readonly blank?: readonly string[] | undefined;
  /** Refuse a file with rows of the wrong length or lines that cannot be read. @default false */
  readonly strict?: boolean | undefined;
  /** Path of a file for all citations, one JSON object a line. One that a recipe names replaces no other file. */
  readonly citationsFile?: string | undefined;
  /** Path of the ledger. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /**
   * Where options were written, for messages: by the name of an option, or of one of its entries such as `send/0`, a place
   * such as `companies.recipe.yaml:7:8`. What is not here was given on the command line or in code.
   */
  readonly origins?: Readonly<Record<string, string>> | undefined;
}

/** Options that were checked, every default in place. */
export interface Settings {
  readonly options: EnrichOptions;
  readonly output: string;
  readonly query: string;
  readonly efforts: readonly string[];
  readonly escalateBelow: Confidence | null;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly startsPerSecond: number | null;
  readonly runTimeoutMs: number | null;
  readonly listLagMs: number | null;
  readonly limit: number | null;
  readonly sample: number | null;
  readonly overwrite: boolean;
  readonly refresh: boolean;
  readonly maxAgeMs: number | null;
  readonly capMicros: number | null;
  /** What this call may add to the cost of its job. */
  readonly capNowMicros: number | null;
  /** What all jobs of the ledger may cost in a day. */
  readonly ledgerDayCapMicros: number | null;
  readonly prices: PriceList;
  readonly agent: AgentChoice;
}

/** Who answers. */
export type AgentChoice =
  | {
      readonly kind: 'reference';
      readonly directory: string;
      /** Files of the job itself, which may lie in that folder but are no tables: nothing is answered from its own result. */
      readonly omit: readonly string[];
    }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'hosted' };
