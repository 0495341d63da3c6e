import type { AgentClient } from '../api/agent-client.js';
import type { Clock } from '../model/clock.js';
import type { AgentRun } from '../model/run.js';

const PAGE_SIZE = 100;
/** This machine's clock and the agent's may differ by so much. */
const CLOCK_SKEW_MS = 10 * 60_000;

export interface LostBatch {
  readonly batchId: string;
  /** Milliseconds since 1970. */
  readonly intendedAtMs: number;
}

const LOOK_AGAIN_MS = 500;

/**
 * Looks for the runs of batches whose replies were lost, again and again until the list has had `listLagMs` since the
 * last intent to show them. A batch that is not in the answer has certainly no run. Throws what the client throws.
 */
export async function findLostRuns(
  client: AgentClient,
  batches: readonly LostBatch[],
  listLagMs: number,
  clock: Clock,
): Promise<ReadonlyMap<string, AgentRun>> {
  const found = new Map<string, AgentRun>();
  const firstIntentMs = Math.min(...batches.map((batch) => batch.intendedAtMs));
  const lastIntentMs = Math.max(...batches.map((batch) => batch.intendedAtMs));
  for (let delayMs = LOOK_AGAIN_MS; ; delayMs *= 2) {
    const isLastLook = clock.now() - lastIntentMs >= listLagMs;
    const missing = batches.map((batch) => batch.batchId).filter((batchId) => !found.has(batchId));
    for (const [batchId, run] of await findRuns(client, new Set(missing), firstIntentMs))
      found.set(batchId, run);
    if (isLastLook || found.size === batches.length) return found;
    await clock.sleep(delayMs);
  }
}

/**
 * Looks for runs by the batch ids in their metadata, newest first, as far back as `sinceMs` (milliseconds since 1970).
 * The answer holds the run of each batch that the agent's list shows; throws what the client throws if the list fails.
 */
async function findRuns(
  client: AgentClient,
  batchIds: ReadonlySet<string>,
  sinceMs: number,
): Promise<ReadonlyMap<string, AgentRun>> {
  const found = new Map<string, AgentRun>();
  const cursors = new Set<string>();
  let cursor: string | null = null;
  for (;;) {
    const page = await client.list({ limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) });
    for (const run of page.data) {
      const batchId = run.request?.metadata?.rowfill_batch;
      if (batchId !== undefined && batchIds.has(batchId)) found.set(batchId, run);
    }
    const oldest = page.data.at(-1);
    const isPast = oldest !== undefined && Date.parse(oldest.createdAt) < sinceMs - CLOCK_SKEW_MS;
    if (isPast || found.size === batchIds.size || !page.hasMore || page.nextCursor === null) return found;
    // A cursor that comes back a second time would page in a circle.
    if (cursors.has(page.nextCursor)) return found;
    cursors.add(page.nextCursor);
    cursor = page.nextCursor;
  }
}
