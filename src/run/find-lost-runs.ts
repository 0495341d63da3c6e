import type { AgentClient } from '../api/agent-client.js';
import { rowIdPrefixOf } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import { isJsonObject } from '../model/json.js';
import { type AgentRun, isAgentFailure, isRunId } from '../model/run.js';
import { hasOurQuery } from './create-request.js';

/** A batch whose request may have reached the agent; both times are milliseconds since 1970. */
export interface LostBatch {
  readonly batchId: string;
  /** Before this its request has certainly not left. */
  readonly intendedAtMs: number;
  /** After this it has certainly not left any more. */
  readonly lostAtMs: number;
}

export interface FoundRuns {
  /** The ids of the runs that were found, by batch; one that is not a valid run id belongs to a run that cannot be used. */
  readonly runIds: ReadonlyMap<string, string>;
  /** Why nobody can tell of the other batches; null if they certainly have no run. */
  readonly doubt: string | null;
}

export interface LookOptions {
  /** How far the agent's list of runs may lag behind its creates. */
  readonly listLagMs: number;
  /** By how much this machine's clock is ahead of the agent's; negative where it is behind. */
  readonly clockAheadMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const LOOK_AGAIN_MS = 500;
const PAGE_SIZE = 100;
/** A list that is longer than this many pages never ends: it makes up new cursors, or its runs have no dates. */
const MAX_PAGES = 1_000;
/** Runs that are read one by one because the list does not show what they were asked. */
const MAX_READS = 1_000;
/** This machine's clock and the agent's may differ by so much more than is known. */
const CLOCK_SKEW_MS = 10 * 60_000;

/**
 * Looks for the runs of batches whose replies were lost, again and again until the list has had `listLagMs` since the
 * last request may have left to show them. A list that fails, or an aborted signal, leaves a doubt.
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
    for (let delayMs = LOOK_AGAIN_MS; ; delayMs *= 2) {
      const restMs = lastLossMs + listLagMs - clock.now();
      await search.look();
      if (search.isComplete || restMs <= 0) return search.readFound();
      await clock.sleep(Math.min(delayMs, restMs), signal);
    }
  } catch (error) {
    if (signal.aborted) return search.readFound('the job was stopped before the agent could be asked');
    if (isAgentFailure(error)) return search.readFound(error.message);
    throw error;
  }
}

/** Pages through the agent's runs, newest first, as far back as the first intent. */
class Search {
  private readonly client: AgentClient;
  private readonly signal: AbortSignal;
  private readonly sinceMs: number;
  private readonly untilMs: number;
  private readonly missing: Set<string>;
  /** What a run repeats of each batch if its metadata is left out: the batch's id, or the ids of its rows. */
  private readonly marks: ReadonlyMap<string, readonly string[]>;
  private readonly runIds = new Map<string, string>();
  /** Runs that the list shows without what they were asked: the batch of each, null for none of ours. */
  private readonly asked = new Map<string, string | null>();
  private blind: string | null = null;
  /** Why the last look could not see all the runs that it had to; null if it could. */
  private cut: string | null = null;

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
    const blind = this.blind === null ? null : `the agent does not tell what its run ${this.blind} was asked`;
    return { runIds: this.runIds, doubt: this.isComplete ? null : (fault ?? blind ?? this.cut) };
  }

  async look(): Promise<void> {
    const cursors = new Set<string>();
    let cursor: string | null = null;
    this.cut = null;
    for (let pages = 1; ; pages += 1) {
      const page = await this.client.list({
        limit: PAGE_SIZE,
        signal: this.signal,
        ...(cursor === null ? {} : { cursor }),
      });
      for (const run of page.data) {
        const batchId = await this.readBatchId(run);
        if (batchId !== null && this.missing.delete(batchId)) this.runIds.set(batchId, run.id);
      }
      const oldest = page.data.at(-1);
      const isPast = oldest !== undefined && Date.parse(oldest.createdAt) < this.sinceMs;
      if (isPast || this.isComplete || !page.hasMore) return;
      // A cursor that comes back a second time would page in a circle.
      if (page.nextCursor === null || cursors.has(page.nextCursor)) {
        this.cut = 'the list of its runs says that it goes on, and does not say where';
        return;
      }
      if (pages === MAX_PAGES) {
        this.cut = `the list of its runs goes on after ${MAX_PAGES * PAGE_SIZE} runs`;
        return;
      }
      cursors.add(page.nextCursor);
      cursor = page.nextCursor;
    }
  }

  /** The batch that a run was started for. If the list does not tell, the run itself is read, once. */
  private async readBatchId(run: AgentRun): Promise<string | null> {
    const named = readMetadata(run);
    if (named !== null) return named;
    const createdAtMs = Date.parse(run.createdAt);
    if (createdAtMs < this.sinceMs || createdAtMs > this.untilMs) return null;
    const marked = this.findMarked(run);
    if (marked !== null) return marked;
    // Nothing can be asked about a run without a valid id.
    if (showsRecords(run) || !isRunId(run.id)) return null;
    const known = this.asked.get(run.id);
    if (known !== undefined) return known;
    if (this.asked.size >= MAX_READS) {
      this.blind ??= run.id;
      return null;
    }
    const whole = await this.readRun(run.id);
    const batchId = whole === null ? null : (readMetadata(whole) ?? this.findMarked(whole));
    if (whole !== null && batchId === null && !isFromProxy(whole)) this.blind ??= run.id;
    this.asked.set(run.id, batchId);
    return batchId;
  }

  /** The batch whose id, or whose rows' ids, a run repeats anywhere. */
  private findMarked(run: AgentRun): string | null {
    const text = JSON.stringify(run);
    for (const [batchId, marks] of this.marks) if (marks.some((mark) => text.includes(mark))) return batchId;
    return null;
  }

  /** Null for a run that was deleted in the meantime. */
  private async readRun(runId: string): Promise<AgentRun | null> {
    try {
      return await this.client.get(runId, { signal: this.signal });
    } catch (error) {
      if (isAgentFailure(error) && error.status === 404 && !error.isFromProxy) return null;
      throw error;
    }
  }
}

/** The batch that a run's metadata names; null if they were left out. */
function readMetadata({ request }: AgentRun): string | null {
  const metadata: unknown = request?.metadata;
  const batchId = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof batchId === 'string' ? batchId : null;
}

/** True if a run shows what it was sent, where our row ids would be. */
function showsRecords({ request }: AgentRun): boolean {
  const records: unknown = request?.input?.data;
  return (Array.isArray(records) && records.length > 0) || isJsonObject(request?.outputSchema);
}

/** True for a run without our row ids that tells enough of its request to be another program's. */
function isFromProxy(run: AgentRun): boolean {
  const query: unknown = run.request?.query;
  return showsRecords(run) || (typeof query === 'string' && !hasOurQuery(query));
}
