import type { Ledger } from '../ledger/ledger.js';
import type { Batch } from '../model/batch.js';
import { isJsonObject } from '../model/json.js';
import type { AgentRun } from '../model/run.js';

/**
 * Says why a run is not the one that a batch was sent as, or null if it may be. A run that repeats our metadata says for
 * itself which batch it was started for; of any other, one run settles one batch.
 */
export function describeMisfit(batch: Batch, run: AgentRun, ledger: Ledger): string | null {
  const named = readBatchId(run);
  if (named === batch.id) return null;
  if (named !== null) return `run ${run.id} was started for other rows: the agent mixes up its runs`;
  if (run.id === '' || !ledger.isRunUsed(batch.id, run.id)) return null;
  return `run ${run.id} has answered other rows already: the agent gave two requests the same run`;
}

/** The batch that the agent says the run was started for; null where it does not say. */
function readBatchId(run: AgentRun): string | null {
  const metadata: unknown = run.request?.metadata;
  const id = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof id === 'string' ? id : null;
}
