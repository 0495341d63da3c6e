import { isTerminal } from '../model/run.js';
import type { EventStream } from './event-stream.js';
import type { RunEngine } from './run-engine.js';
import type { RunStore, StoredRun } from './store-contract.js';

const MAX_STORED = 10_000;

/** Sends what has happened to a run, then what happens, until it ends. A reader that leaves changes nothing for the run. */
export function streamLive(
  stream: EventStream,
  run: StoredRun,
  parts: { readonly engine: RunEngine; readonly store: RunStore },
): void {
  for (const event of parts.store.listEvents(run.id, 0, MAX_STORED)) stream.send(event, run);
  const stopListening = parts.engine.listen(run.id, (event, changed) => {
    stream.send(event, changed);
    if (isTerminal(changed.status)) stream.end();
  });
  stream.onClose(stopListening);
  if (!parts.engine.isActive(run.id)) stream.end();
}
