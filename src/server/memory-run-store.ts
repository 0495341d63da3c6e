import { isTerminal } from '../model/run.js';
import type { RunPageRequest, RunStore, StoredEvent, StoredRun } from './store-contract.js';

/** Keeps runs in memory. Beyond `maxBytes` of text the oldest runs that have ended are forgotten. */
export class MemoryRunStore implements RunStore {
  readonly #maxBytes: number;
  readonly #runs = new Map<string, StoredRun>();
  readonly #events = new Map<string, StoredEvent[]>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(run: StoredRun, events: readonly StoredEvent[]): void {
    this.#put(run);
    this.#events.set(run.id, [...events]);
    this.#forget();
  }

  change(run: StoredRun, event: StoredEvent): void {
    this.#put(run);
    this.#events.get(run.id)?.push(event);
    this.#forget();
  }

  find(teamId: string, id: string): StoredRun | null {
    const run = this.#runs.get(id);
    return run?.teamId === teamId ? run : null;
  }

  list(teamId: string, page: RunPageRequest): readonly StoredRun[] {
    return [...this.#runs.values()]
      .filter((run) => run.teamId === teamId && (page.before === null || run.id < page.before))
      .reverse()
      .slice(0, page.limit);
  }

  listEvents(id: string, after: number, limit: number): readonly StoredEvent[] {
    return (this.#events.get(id) ?? []).filter((event) => event.id > after).slice(0, limit);
  }

  remove(teamId: string, id: string): boolean {
    const run = this.find(teamId, id);
    if (run === null) return false;
    this.#drop(run);
    return true;
  }

  listActive(): readonly StoredRun[] {
    return [...this.#runs.values()].filter((run) => !isTerminal(run.status));
  }

  close(): void {
    this.#runs.clear();
    this.#events.clear();
  }

  #put(run: StoredRun): void {
    this.#bytes += run.text.length - (this.#runs.get(run.id)?.text.length ?? 0);
    // A key that exists keeps its place, so the map stays in the order of creation.
    this.#runs.set(run.id, run);
  }

  #drop(run: StoredRun): void {
    this.#bytes -= run.text.length;
    this.#runs.delete(run.id);
    this.#events.delete(run.id);
  }

  #forget(): void {
    if (this.#bytes <= this.#maxBytes) return;
    for (const run of this.#runs.values()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (isTerminal(run.status)) this.#drop(run);
    }
  }
}
