import { isTerminal } from '../model/run.js';
import type { RunPageRequest, RunStore, StoredEvent, StoredRun } from './store-contract.js';

/** Keeps runs in memory. Beyond `maxBytes` of text the oldest runs that have ended are forgotten. */
export class MemoryRunStore implements RunStore {
  readonly #maxBytes: number;
  readonly #runs = new Map<string, StoredRun>();
  readonly #events = new Map<string, StoredEvent[]>();
  /** The ids of each team, oldest first; some may have been removed. */
  readonly #teams = new Map<string, { ids: string[]; removed: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(run: StoredRun, events: readonly StoredEvent[]): void {
    this.#put(run);
    const team = this.#teams.get(run.teamId) ?? { ids: [], removed: 0 };
    team.ids.push(run.id);
    this.#teams.set(run.teamId, team);
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
    const ids = this.#teams.get(teamId)?.ids ?? [];
    const found: StoredRun[] = [];
    for (let at = findStart(ids, page.before) - 1; at >= 0 && found.length < page.limit; at -= 1) {
      const run = this.#runs.get(ids[at] ?? '');
      if (run !== undefined) found.push(run);
    }
    return found;
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
    this.#teams.clear();
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
    const team = this.#teams.get(run.teamId);
    if (team === undefined) return;
    team.removed += 1;
    // Now and then, so that a removal costs little on average.
    if (team.removed * 2 < team.ids.length) return;
    team.ids = team.ids.filter((id) => this.#runs.has(id));
    team.removed = 0;
    if (team.ids.length === 0) this.#teams.delete(run.teamId);
  }

  #forget(): void {
    if (this.#bytes <= this.#maxBytes) return;
    for (const run of this.#runs.values()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (isTerminal(run.status)) this.#drop(run);
    }
  }
}

/** How many ids are older than `before`. */
function findStart(ids: readonly string[], before: string | null): number {
  if (before === null) return ids.length;
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? '') < before) low = middle + 1;
    else high = middle;
  }
  return low;
}
