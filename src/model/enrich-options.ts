import type { FileFormat } from './file-format.js';
import type { ApiKey } from './option-types.js';
import type { PriceList } from './prices.js';
import type { Confidence } from './run.js';

/** An effort level; another one needs a price in `prices`. */
export type Effort =
  | 'minimal'
  | 'low'
  | 'medium'
  | 'high'
  | 'xhigh'
  | 'auto'
  | 'ultra'
  | 'max'
  // Keeps the names above in an editor's suggestions.
  | (string & {});

/** The options of `enrich`, with the same names as on the command line. */
export interface EnrichOptions {
  /** Path of the file to fill; `-` is standard input. */
  readonly input: string;
  /**
   * A stable name for an input without a lasting path. The same question with the same name continues the same job.
   * @default the path of the input
   */
  readonly name?: string | undefined;
  /**
   * Path of the result; `-` is standard output. An existing file is replaced.
   * @default `<stem>.filled.<ext>` next to the input; `<stem>.filled-2.<ext>` if that is not this job's output
   */
  readonly output?: string | undefined;
  /** @default from the extension of `output`, else the format of the input */
  readonly format?: FileFormat | undefined;
  /** What to find out, in plain words. @default 'Find the requested fields for each record.' */
  readonly query?: string | undefined;
  /** Instructions for the agent, such as which sources to prefer. */
  readonly system?: string | undefined;
  /** Columns to fill, each as `name[:type][=description]`. */
  readonly fields?: readonly string[] | undefined;
  /** Path of a JSON Schema whose properties are the columns to fill. Use instead of `fields`. */
  readonly schema?: string | undefined;
  /**
   * The JSON Schema itself. Use instead of `schema` and `fields`. If names are numbers, columns have the order of its
   * `required`, because JavaScript puts such keys first.
   */
  readonly schemaObject?: object | undefined;
  /** Columns to send to the agent. @default every column that is not being filled */
  readonly send?: readonly string[] | undefined;
  /** Confirms that rows with equal sent columns should share one answer, even if other columns differ. @default false */
  readonly shareAnswers?: boolean | undefined;
  /** Path of a file of records to skip, such as existing customers. */
  readonly exclude?: string | undefined;
  /**
   * Columns in which a row must agree with a record to be excluded: `domain`, or `Website=Homepage` if the list has another
   * name for it. @default an equal email or domain, or an equal name if the domains do not differ
   */
  readonly excludeOn?: readonly string[] | undefined;
  /** Process only the first N rows. */
  readonly limit?: number | undefined;
  /** Process only N rows, spread evenly over the file or over its first `limit` rows. Always picks the same rows. */
  readonly sample?: number | undefined;
  /** Also look up cells that already have a value, and replace them. @default false */
  readonly overwrite?: boolean | undefined;
  /** Ignore answers in the ledger and send the rows again. @default false */
  readonly refresh?: boolean | undefined;
  /** Ignore answers in the ledger that are older than this: a number with `ms`, `s`, `m`, `h`, `d` or `w`. */
  readonly maxAge?: string | undefined;
  /** Ask only for these fields; the others stay as they are. @default all */
  readonly only?: readonly string[] | undefined;
  /**
   * Ask again for what is missing in rows with these statuses (`not_found`, `partial`, `failed`), or for cells of a
   * filled file that were cleared (`cleared`), however many.
   */
  readonly again?: readonly string[] | undefined;
  /** URL of the agent. @default the hosted service */
  readonly apiUrl?: string | undefined;
  /** Folder of local tables to answer from, or one such table, instead of an agent on the network. */
  readonly reference?: string | undefined;
  /** Columns of the reference tables that answer fields of another name, each as `field=column`. */
  readonly lookUp?: readonly string[] | undefined;
  /** The agent's API key, or a function that returns it and is called again if the key is rejected. Never written anywhere. */
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
  /** Effort levels, lowest first. Each next level retries what is still missing. @default ['low'] */
  readonly effort?: readonly Effort[] | undefined;
  /** Retry answers below this confidence (`medium` or `high`) at the next effort level. */
  readonly escalateBelow?: string | undefined;
  /** Rows per run. @default 8 */
  readonly batchSize?: number | undefined;
  /** Maximum number of concurrent runs. @default 20 */
  readonly concurrency?: number | undefined;
  /**
   * Hand the batches out to the processes of `rowfill worker` instead of running them here. Needs a ledger on PostgreSQL.
   * `concurrency` is then the maximum for all workers together. @default false
   */
  readonly workers?: boolean | undefined;
  /** Maximum run starts per second; 0 for no limit. @default 5, or 0 for an agent on this machine */
  readonly startsPerSecond?: number | undefined;
  /**
   * Timeout of a run, in milliseconds. After it, the job continues without the run and collects it next time.
   * @default 75 minutes, or 3.5 hours for the efforts ultra and max
   */
  readonly runTimeoutMs?: number | undefined;
  /**
   * How far the agent's list of runs may lag, in milliseconds. If a request to start a run got no reply, rowfill looks
   * for the run this long before starting it again. If this is too short, a run may be paid twice. @default 15 seconds
   */
  readonly listLagMs?: number | undefined;
  /** Cap on the total cost of this job, in US dollars, over all its invocations. */
  readonly maxCost?: number | undefined;
  /** Cap on what this call may add to the job's cost, in US dollars. */
  readonly maxCostNow?: number | undefined;
  /**
   * Cap on the cost of all jobs in the ledger per calendar day (local, or UTC with PostgreSQL), in US dollars. The
   * command line takes it from ROWFILL_MAX_COST_PER_DAY.
   */
  readonly ledgerMaxCostPerDay?: number | undefined;
  /**
   * Maximum price of a run by effort level, in US dollars. The keys `email` and `phone` hold the extra price per contact.
   * @default the prices of the hosted service
   */
  readonly prices?: Readonly<Record<string, number>> | undefined;
  /**
   * If another process or call works on the same job, wait until it has ended. Otherwise fail with LEASE_HELD, of kind
   * `busy`. @default true
   */
  readonly wait?: boolean | undefined;
  /** Start without asking for confirmation. @default false */
  readonly yes?: boolean | undefined;
  /** Continue, now and in later invocations, even if the first answers of a paid job have no values. @default false */
  readonly keepGoing?: boolean | undefined;
  /** Cancel the job's active runs when it is interrupted. @default false */
  readonly cancelOnInterrupt?: boolean | undefined;
  /**
   * Write only the input's columns and the fields: no confidence, citations and `enrichment_*`. A workbook becomes one
   * sheet of values. @default false
   */
  readonly plain?: boolean | undefined;
  /**
   * Where the sources of a workbook's values go: `columns`, `comments` on the cells, or a `sheet` of their own.
   * @default 'columns'
   */
  readonly sources?: string | undefined;
  /** Start a CSV output with a byte order mark, for Excel. @default false */
  readonly bom?: boolean | undefined;
  /**
   * Write the agent's text unchanged, including control characters and text that a spreadsheet would run as a formula.
   * @default false
   */
  readonly raw?: boolean | undefined;
  /** Column separator of the input. @default detected */
  readonly delimiter?: string | undefined;
  /** Encoding of the input. @default detected */
  readonly encoding?: string | undefined;
  /** Sheet of the workbook to fill, by name or number. @default the first visible sheet with a table */
  readonly sheet?: string | undefined;
  /**
   * Line of the header, or row of the sheet, from 1. It also settles doubts about the header. @default found in the
   * first lines
   */
  readonly headerRow?: number | undefined;
  /** Hidden rows of a workbook: `skip` leaves them alone, `fill` fills them. @default `fill`; a paid job asks first */
  readonly hiddenRows?: string | undefined;
  /** List of a JSON document that has the rows, such as `data.items`; `.` is the object itself. @default its only list */
  readonly rowsAt?: string | undefined;
  /** Quote character of the input, or `none` if quotes are text. @default detected */
  readonly quote?: string | undefined;
  /** False if the file has no header row. @default true */
  readonly header?: boolean | undefined;
  /**
   * Words that count as an empty cell, instead of `N/A`, `null`, `-` and so on. `+word` adds a word to the default list.
   * @default common placeholders of spreadsheets and databases
   */
  readonly blank?: readonly string[] | undefined;
  /** Reject a file that has rows of the wrong length or unreadable lines. @default false */
  readonly strict?: boolean | undefined;
  /**
   * Open each cited page as rows are answered, and look for the values there. Costs nothing; see `verifyJob`.
   * @default false
   */
  readonly verify?: boolean | undefined;
  /** For `verify`: private hosts whose pages may be fetched. @default none */
  readonly fetchPrivate?: readonly string[] | undefined;
  /** For `verify`: pause between two requests to a site, such as `500ms`. @default "1s" */
  readonly hostDelay?: string | undefined;
  /** For `verify`: folder of the page cache. @default `pages` in the user's data folder */
  readonly pages?: string | undefined;
  /** Path of a file for all citations, one JSON object per line. If a recipe names it, no other file is replaced. */
  readonly citationsFile?: string | undefined;
  /** Path of the ledger, or URL of a PostgreSQL database. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /**
   * Where options were set, for messages: maps an option name, or an entry such as `send/0`, to a place such as
   * `companies.recipe.yaml:7:8`. Options missing here came from the command line or from code.
   */
  readonly origins?: Readonly<Record<string, string>> | undefined;
}

/** What `again` may name. */
export type AgainChoice = 'not_found' | 'partial' | 'failed' | 'cleared';

/** Checked options with all defaults filled in. */
export interface Settings {
  readonly options: EnrichOptions;
  /** SHA-256 of the input if the output replaces it: a filled file that was returned. Null otherwise. */
  readonly replacedDigest: string | null;
  /** Digest of standard input's rows, which stands for its path; null until they were read, and for files. */
  readonly inputDigest: string | null;
  /** Name of the sheet that is read, whether chosen or not; null until it is known, and for other inputs. */
  readonly sheet: string | null;
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
  /** Fields to ask for; null for all. */
  readonly only: ReadonlySet<string> | null;
  readonly again: ReadonlySet<AgainChoice>;
  readonly capMicros: number | null;
  /** Cap on what this call may add to the cost of its job. */
  readonly capNowMicros: number | null;
  /** Cap on what all jobs of the ledger may cost per day. */
  readonly ledgerDayCapMicros: number | null;
  readonly prices: PriceList;
  readonly agent: AgentChoice;
}

/** The agent that answers. */
export type AgentChoice =
  | {
      readonly kind: 'reference';
      readonly directory: string;
      /** The job's own files. If they are in that folder they are skipped, so a job never answers from its own result. */
      readonly omit: readonly string[];
      /** The column that answers a field, by field. */
      readonly lookUp: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'hosted' };
