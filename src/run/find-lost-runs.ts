import type { AgentClient } from '../api/agent-client.js';
import { rowIdPrefixOf } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import { isJsonObject } from '../model/json.js';
import { type AgentRun, isAgentFailure, isRunId } from '../model/run.js';
import { hasOurQuery } from './create-request.js';

/** A batch whose request may have reached the agent. Times are in milliseconds since 1970. */
export interface LostBatch {
  readonly batchId: string;
  /** Its request was certainly not sent before this. */
  readonly intendedAtMs: number;
  /** Its request was certainly not sent after this. */
  readonly lostAtMs: number;
}

export interface FoundRuns {
  /** Found run ids by batch. An invalid run id means that the run exists but cannot be used. */
  readonly runIds: ReadonlyMap<string, string>;
  /** Why the other batches are unresolved; null if they certainly have no run. */
  readonly doubt: string | null;
}

interface LookOptions {
  /** How long a new run may take to appear in the agent's list, in ms. */
  readonly listLagMs: number;
  /** How far this machine's clock is ahead of the agent's, in ms; negative if behind. */
  readonly clockAheadMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const FIRST_DELAY_MS = 500;
const PAGE_SIZE = 100;
/** A longer list counts as endless: it makes up new cursors, or its runs have no dates. */
const MAX_PAGES = 1_000;
/** Maximum number of runs to fetch one by one because the list omits their requests. */
const MAX_READS = 1_000;
/** Safety margin for clock differences beyond the known one. */
const CLOCK_SKEW_MS = 10 * 60_000;

/**
 * Looks for the runs of batches whose responses were lost. Repeats until `listLagMs` after the last request
 * may have been sent. A list that fails, or an aborted signal, leaves a doubt.
 */
export async function findLostRuns(
  client: AgentClient,
  batches: readonly LostBatch[],
  options: LookOptions,
): Promise<FoundRuns> {
  const { clock, listLagMs, signal } = options;
  const lastLossMs = Math.max(...batches.map((batch) => batch.lostAtMs));
  const search = new Search(client, batches, options);
  try {
    for (let delayMs = FIRST_DELAY_MS; ; delayMs *= 2) {
      const leftMs = lastLossMs + listLagMs - clock.now();
      await search.searchOnce();
      if (search.isComplete || leftMs <= 0) return search.readFound();
      await clock.sleep(Math.min(delayMs, leftMs), signal);
    }
  } catch (error) {
    if (signal.aborted) return search.readFound('the job was stopped before the run list was read');
    if (isAgentFailure(error)) return search.readFound(error.message);
    throw error;
  }
}

/** Runs created at about the same time may be listed in either order. */
const SAME_TIME_MS = 60_000;

/** Checks that a list is newest first. In any other order, an old run says nothing about the runs after it. */
class ListOrder {
  /** When the last run was created; NaN before the first run. */
  lastMs = Number.NaN;
  private descends = false;
  private ascends = false;

  get isNewestFirst(): boolean {
    return this.descends && !this.ascends;
  }

  add(createdAtMs: number): void {
    if (createdAtMs < this.lastMs) this.descends = true;
    if (createdAtMs > this.lastMs + SAME_TIME_MS) this.ascends = true;
    this.lastMs = createdAtMs;
  }
}

/** Pages through the agent's runs, newest first, back to the first reservation. */
class Search {
  private readonly client: AgentClient;
  private readonly signal: AbortSignal;
  private readonly sinceMs: number;
  private readonly untilMs: number;
  private readonly missing: Set<string>;
  /** Marks of each batch to look for in runs without metadata: the batch id and the row id prefix. */
  private readonly marks: ReadonlyMap<string, readonly string[]>;
  private readonly runIds = new Map<string, string>();
  /** Batch of each run that the list shows without its request; null if it is not ours. */
  private readonly batchByRun = new Map<string, string | null>();
  private unreadable: string | null = null;
  /** Why the last search was incomplete; null if it was complete. */
  private incomplete: string | null = null;

  constructor(client: AgentClient, batches: readonly LostBatch[], { signal, clockAheadMs }: LookOptions) {
    this.client = client;
    this.signal = signal;
    this.sinceMs = Math.min(...batches.map((batch) => batch.intendedAtMs)) - clockAheadMs - CLOCK_SKEW_MS;
    this.untilMs = Math.max(...batches.map((batch) => batch.lostAtMs)) - clockAheadMs + CLOCK_SKEW_MS;
    this.missing = new Set(batches.map((batch) => batch.batchId));
    this.marks = new Map(
      batches.map(({ batchId }) => [batchId, [`"${batchId}"`, `"${rowIdPrefixOf(batchId)}`]]),
    );
  }

  get isComplete(): boolean {
    return this.missing.size === 0;
  }

  readFound(fault: string | null = null): FoundRuns {
    const unreadable =
      this.unreadable === null ? null : `the agent does not return the request of run ${this.unreadable}`;
    return { runIds: this.runIds, doubt: this.isComplete ? null : (fault ?? unreadable ?? this.incomplete) };
  }

  async searchOnce(): Promise<void> {
    const cursors = new Set<string>();
    const order = new ListOrder();
    let cursor: string | null = null;
    this.incomplete = null;
    for (let pages = 1; ; pages += 1) {
      const page = await this.client.list({
        limit: PAGE_SIZE,
        signal: this.signal,
        ...(cursor === null ? {} : { cursor }),
      });
      for (const run of page.data) {
        const batchId = await this.readBatchId(run);
        if (batchId !== null && this.missing.delete(batchId)) this.runIds.set(batchId, run.id);
        order.add(Date.parse(run.createdAt));
      }
      const isPast = order.isNewestFirst && order.lastMs < this.sinceMs;
      // A cursor says that there is more, even if the page denies it.
      const hasMore = page.hasMore || (page.nextCursor !== null && page.data.length > 0);
      if (isPast || this.isComplete || !hasMore) return;
      // A repeated cursor would loop forever.
      if (page.nextCursor === null || cursors.has(page.nextCursor)) {
        if (!page.hasMore) return;
        this.incomplete = 'the run list reports more pages but returned no new cursor';
        return;
      }
      if (pages === MAX_PAGES) {
        this.incomplete = `the run list does not end after ${MAX_PAGES * PAGE_SIZE} runs`;
        return;
      }
      cursors.add(page.nextCursor);
      cursor = page.nextCursor;
    }
  }

  /** Returns the batch of a run. If the list omits the request, the run itself is fetched, once. */
  private async readBatchId(run: AgentRun): Promise<string | null> {
    const named = readMetadata(run);
    if (named !== null) return named;
    const marked = this.findMarked(run);
    if (marked !== null) return marked;
    const createdAtMs = Date.parse(run.createdAt);
    if (createdAtMs < this.sinceMs || createdAtMs > this.untilMs) return null;
    // A run with an invalid id cannot be fetched.
    if (showsRecords(run) || !isRunId(run.id)) return null;
    const known = this.batchByRun.get(run.id);
    if (known !== undefined) return known;
    if (this.batchByRun.size >= MAX_READS) {
      this.unreadable ??= run.id;
      return null;
    }
    const whole = await this.readRun(run.id);
    const batchId = whole === null ? null : (readMetadata(whole) ?? this.findMarked(whole));
    if (whole !== null && batchId === null && !isOthers(whole)) this.unreadable ??= run.id;
    this.batchByRun.set(run.id, batchId);
    return batchId;
  }

  /** Returns the batch whose id, or whose row ids, appear anywhere in the run. */
  private findMarked(run: AgentRun): string | null {
    const text = JSON.stringify(run);
    for (const [batchId, marks] of this.marks) if (marks.some((mark) => text.includes(mark))) return batchId;
    return null;
  }

  /** Returns null if the run was deleted in the meantime. */
  private async readRun(runId: string): Promise<AgentRun | null> {
    try {
      return await this.client.get(runId, { signal: this.signal });
    } catch (error) {
      if (isAgentFailure(error) && error.status === 404 && !error.isFromProxy) return null;
      throw error;
    }
  }
}

/** The batch in a run's metadata; null if the agent leaves the metadata out. */
function readMetadata({ request }: AgentRun): string | null {
  const metadata: unknown = request?.metadata;
  const batchId = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof batchId === 'string' ? batchId : null;
}

/** True if a run repeats its records or schema, where our row ids would be. */
function showsRecords({ request }: AgentRun): boolean {
  const records: unknown = request?.input?.data;
  return (Array.isArray(records) && records.length > 0) || isJsonObject(request?.outputSchema);
}

/** True for a run that shows enough of its request to be another program's. */
function isOthers(run: AgentRun): boolean {
  const query: unknown = run.request?.query;
  return showsRecords(run) || (typeof query === 'string' && !hasOurQuery(query));
}
