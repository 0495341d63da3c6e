import { readEventData } from './run-events.js';
import type { StoredEvent, StoredRun } from './store-contract.js';

/** A page ends early beyond this many characters, with a cursor to go on from; it has one item at least. */
const MAX_PAGE_LENGTH = 32 * 1024 * 1024;

/** A page of runs as JSON text; `runs` may hold one more than the page, which tells that more follow. */
export function writeRunPage(runs: readonly StoredRun[], limit: number): string {
  let length = 0;
  const fits = (run: StoredRun, index: number): boolean => {
    length += run.text.length;
    return index === 0 || length <= MAX_PAGE_LENGTH;
  };
  const end = runs.findIndex((run, index) => index >= limit || !fits(run, index));
  const shown = end < 0 ? runs : runs.slice(0, end);
  const last = shown.at(-1);
  const cursor = runs.length > shown.length && last !== undefined ? last.id : null;
  return writePage(
    shown.map((run) => run.text),
    cursor,
  );
}

/** A page of a run's events as JSON text, oldest first, by the same rule. */
export function writeEventPage(events: readonly StoredEvent[], limit: number, run: StoredRun): string {
  const shown = events.slice(0, limit);
  const last = shown.at(-1);
  const cursor = events.length > limit && last !== undefined ? String(last.id) : null;
  return writePage(
    shown.map((event) => writeEvent(event, run)),
    cursor,
  );
}

function writeEvent(event: StoredEvent, run: StoredRun): string {
  const { id, event: name, createdAt } = event;
  const head = JSON.stringify({ id: String(id), event: name, createdAt });
  // The data is JSON text already; it is put in as it is rather than read and written again.
  return `${head.slice(0, -1)},"data":${readEventData(event, run)}}`;
}

function writePage(items: readonly string[], cursor: string | null): string {
  return `{"object":"list","data":[${items.join(',')}],"hasMore":${cursor !== null},"nextCursor":${JSON.stringify(cursor)}}`;
}
