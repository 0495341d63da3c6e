import { type AgentRun, isTerminal, type RunStatus } from '../model/run.js';

/** A stored run: its JSON text and the columns to look it up by. */
export interface StoredRun {
  readonly id: string;
  readonly teamId: string;
  readonly status: RunStatus;
  /** The run object as sent to clients. */
  readonly text: string;
}

export interface StoredEvent {
  /** 1 for the first event of a run, then 2, 3, … */
  readonly id: number;
  readonly event: string;
  /** JSON text; null means the stored run itself. */
  readonly data: string | null;
  readonly createdAt: string;
}

/** A requested page of runs. */
export interface RunPageRequest {
  readonly limit: number;
  /** Only runs older than this id; null to start with the newest. */
  readonly before: string | null;
}

/** Storage of runs. Ids sort as text in creation order. */
export interface RunStore {
  /** Stores a new run with its first events, in one transaction. */
  add(run: StoredRun, events: readonly StoredEvent[]): void;
  /** Replaces a run and appends the event for the change, in one transaction. */
  change(run: StoredRun, event: StoredEvent): void;
  /** The run with that id, if it belongs to the team. */
  find(teamId: string, id: string): StoredRun | null;
  /** The team's runs, newest first. */
  list(teamId: string, page: RunPageRequest): readonly StoredRun[];
  /** The events of a run after the event `after`, oldest first. */
  listEvents(id: string, after: number, limit: number): readonly StoredEvent[];
  /** Removes a run and its events in one transaction. Returns false if the team has no such run. */
  remove(teamId: string, id: string): boolean;
  /** Active runs of all teams, oldest first, to resume after a restart. */
  listActive(): readonly StoredRun[];
  close(): void;
}

/** Converts a run to its stored form. */
export function toStored(teamId: string, run: AgentRun): StoredRun {
  return { id: run.id, teamId, status: run.status, text: JSON.stringify(run) };
}

/** Parses a stored run. */
export function parseRun(stored: StoredRun): AgentRun {
  // Safe: only this server writes to its store.
  return JSON.parse(stored.text) as AgentRun;
}

/** Keeps runs in memory. Beyond `maxBytes` of text, drops the oldest ended runs. */
export class MemoryRunStore implements RunStore {
  readonly #maxBytes: number;
  readonly #runs = new Map<string, StoredRun>();
  readonly #events = new Map<string, StoredEvent[]>();
  /** Ids of each team, oldest first. Some may have been removed. */
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
    // An existing key keeps its position, so the map stays in creation order.
    this.#runs.set(run.id, run);
  }

  #drop(run: StoredRun): void {
    this.#bytes -= run.text.length;
    this.#runs.delete(run.id);
    this.#events.delete(run.id);
    const team = this.#teams.get(run.teamId);
    if (team === undefined) return;
    team.removed += 1;
    // Only sometimes, so that removals are cheap on average.
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

/** Number of ids older than `before`. */
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
