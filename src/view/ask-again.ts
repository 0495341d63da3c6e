import { randomUUID } from 'node:crypto';
import { enrichWith } from '../enrich.js';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { parseKeptOptions, readLadder } from '../job/resolve-ask.js';
import type { JobRecord } from '../ledger/ledger.js';
import { openLedger } from '../ledger/open-ledger.js';
import { isEmbedded, TABLE_STATE } from '../model/ask.js';
import type { JobSummary } from '../model/events.js';
import { formatDollars, formatList, formatNumber } from '../model/format.js';
import { HOSTED_URL } from '../model/run.js';
import { type EnrichOptions, resolveOutput } from '../options.js';
import { planRows } from '../plan.js';
import { SharedThrottle } from '../run/shared-throttle.js';
import type { AgainQuote, AgainRequest } from './api.js';
import type { Follower } from './follower.js';
import type { ViewJob } from './view-job.js';

/** How long a price holds. */
const VALID_MS = 5 * 60_000;

/** What the view needs to spend money: the key, and limits of the environment. */
export type AgentOptions = Pick<
  EnrichOptions,
  'apiKey' | 'insecureHttp' | 'ledgerMaxCostPerDay' | 'prices' | 'batchSize'
>;

interface Offer {
  readonly rows: ReadonlySet<number>;
  /** Such as "ceo and founded of 3 rows". */
  readonly what: string;
  readonly options: EnrichOptions;
  readonly worstMicros: number;
  readonly madeAtMs: number;
}

/**
 * Asks rows again, or some of their fields, as another invocation of the same job: under its lease, its budgets and its
 * ledger. The price is quoted first, and a quote spends once.
 */
export class AskAgain {
  readonly #view: ViewJob;
  readonly #job: JobRecord;
  readonly #options: EnrichOptions;
  readonly #follower: Follower;
  readonly #offers = new Map<string, Offer>();
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(view: ViewJob, ledgerPath: string, agent: AgentOptions, follower: Follower) {
    const { job } = view;
    this.#view = view;
    this.#job = job;
    this.#follower = follower;
    this.#options = { ...createJobOptions(job), ...agent, ledger: ledgerPath, refresh: true, wait: false };
  }

  /** Computes what asking again can cost. Spends nothing. */
  async quote({ rows: ordinals, fields, effort }: AgainRequest): Promise<AgainQuote> {
    const rows = new Set(ordinals);
    const options: EnrichOptions = {
      ...this.#options,
      ...(effort === null ? {} : { effort: [effort] }),
      ...(fields === null ? {} : { only: fields }),
    };
    const { jobId, quote } = await planRows(options, rows);
    if (jobId !== this.#job.id) {
      throw createUsageError(
        'QUESTION_CHANGED',
        'This job cannot be asked again from here: its file was moved, or its tables or schema have changed',
        'Run the job again in the terminal.',
      );
    }
    const id = randomUUID();
    const { worstMicros } = quote;
    const isFree = isEmbedded(this.#job.ask);
    this.#offers.set(id, {
      rows,
      what: describeCells(rows.size, fields),
      options,
      worstMicros: isFree ? 0 : worstMicros,
      madeAtMs: Date.now(),
    });
    return {
      quote: id,
      rows: quote.rows,
      runs: quote.runs,
      worstMicros: isFree ? 0 : worstMicros,
      likelyMicros: isFree ? 0 : quote.likelyMicros,
      efforts: options.effort ?? [],
      isFree,
    };
  }

  /**
   * Starts what a quote is about, and resolves once the job is held. Throws LEASE_HELD, naming it, if another process
   * works on the job, and QUOTE_USED or QUOTE_OLD for a quote that no longer holds.
   */
  async start(quoteId: string): Promise<void> {
    const offer = this.#offers.get(quoteId);
    this.#offers.delete(quoteId);
    if (offer === undefined) {
      throw new RowfillError('busy', 'QUOTE_USED', 'This was asked already.');
    }
    if (Date.now() - offer.madeAtMs > VALID_MS) {
      throw new RowfillError(
        'busy',
        'QUOTE_OLD',
        'The price is more than five minutes old. Ask for it again.',
      );
    }
    if (this.#running !== null) {
      throw new RowfillError(
        'busy',
        'BUSY',
        'Rows are being asked again already. Wait until they are answered.',
      );
    }
    await new Promise<void>((resolve, reject) => {
      this.#running = this.#run(offer, resolve).then(
        (note) => this.#end(note),
        (error: unknown) => {
          reject(error);
          return this.#end(describeError(error));
        },
      );
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(offer: Offer, onHeld: () => void): Promise<string> {
    const { rows, what, options, worstMicros } = offer;
    this.#view.include(rows);
    const summary = await enrichWith(
      openLedger,
      options,
      {
        onEvent: (event) => {
          if (event.type !== 'job') return;
          this.#follower.again = `Asking ${what} again`;
          void this.#follower.look();
          onHeld();
        },
        confirm: async (quote) => quote.worstMicros <= worstMicros,
        // The price was agreed to, and what is odd about the file when the job was run.
        confirmNothingFound: async () => true,
        confirmDoubt: async () => true,
        mayKeepOutput: true,
        signal: this.#stop.signal,
      },
      { budget: null, throttle: new SharedThrottle(), onlyRows: rows },
    );
    return describeEnd(summary, what);
  }

  async #end(note: string): Promise<void> {
    this.#running = null;
    this.#follower.again = null;
    await this.#follower.look(note);
  }
}

/** The options with which a job was asked, so that the same question is asked again. */
function createJobOptions(job: JobRecord): EnrichOptions {
  const { ask, input, output, settings } = job;
  // A row that a person chooses is wanted, even beyond the limit of the last run.
  const { limit: _limit, sample: _sample, ...kept } = parseKeptOptions(settings);
  const isDefault = output === resolveOutput({ input });
  return {
    ...kept,
    input,
    ...(isDefault ? {} : { output }),
    query: ask.query,
    ...(ask.system === null ? {} : { system: ask.system }),
    schemaObject: ask.schema,
    send: ask.send,
    effort: readLadder(job),
    ...(ask.escalateBelow === null ? {} : { escalateBelow: ask.escalateBelow }),
    ...(isEmbedded(ask)
      ? { reference: ask.agent.replace(TABLE_STATE, '') }
      : ask.agent === HOSTED_URL
        ? {}
        : { apiUrl: ask.agent }),
  };
}

/** Names at most this many fields. */
const MAX_NAMED = 3;

function describeCells(count: number, fields: readonly string[] | null): string {
  const rows = formatNumber(count, 'row');
  if (fields === null) return rows;
  return `${fields.length > MAX_NAMED ? formatNumber(fields.length, 'field') : formatList(fields)} of ${rows}`;
}

function describeEnd({ stop, error, costNowMicros }: JobSummary, what: string): string {
  const cost = costNowMicros === 0 ? '' : ` for ${formatDollars(costNowMicros)}`;
  if (stop === 'done') return `Asked ${what} again${cost}.`;
  if (stop === 'budget') return `The budget is reached: not all of ${what} were asked again${cost}.`;
  return `Asking again ended early${cost}: ${error?.message ?? stop}.`;
}
