import { isTerminal } from '../model/run.js';
import type { EventStream } from './event-stream.js';
import type { RunEngine } from './run-engine.js';
import type { RunStore, StoredEvent, StoredRun } from './store-contract.js';

const MAX_STORED = 10_000;

interface StreamSources {
  readonly engine: RunEngine;
  readonly store: RunStore;
}

/**
 * Sends what has happened to a run, then what happens, until it ends. A reader that leaves changes nothing for the run.
 * `cutAfter`: a rehearsed break inside the frame that follows so many events.
 */
export function streamLive(
  stream: EventStream,
  run: StoredRun,
  sources: StreamSources,
  cutAfter: number | null,
): void {
  const send = createSender(stream, cutAfter);
  for (const event of sources.store.listEvents(run.id, 0, MAX_STORED)) send(event, run);
  const stopListening = sources.engine.listen(run.id, (event, changed) => {
    send(event, changed);
    if (isTerminal(changed.status)) stream.end();
  });
  stream.onClose(stopListening);
  if (!sources.engine.isActive(run.id)) stream.end();
}

/** Sends the events of a run that are stored now, after the one that was seen last, and closes. */
export function streamStored(
  stream: EventStream,
  run: StoredRun,
  after: number,
  sources: StreamSources,
  cutAfter: number | null,
): void {
  const send = createSender(stream, cutAfter);
  for (const event of sources.store.listEvents(run.id, after, MAX_STORED)) send(event, run);
  stream.end();
}

function createSender(stream: EventStream, cutAfter: number | null) {
  let sent = 0;
  return (event: StoredEvent, run: StoredRun): void => {
    if (sent === cutAfter) stream.cut(event, run);
    else stream.send(event, run);
    sent += 1;
  };
}
