import { type AgentRun, isTerminal, type RunStatus } from '../model/run.js';

/** A run as it is kept: its JSON text, and what is looked up by. */
export interface StoredRun {
  readonly id: string;
  readonly teamId: string;
  readonly status: RunStatus;
  /** The run object as it is sent. */
  readonly text: string;
}

export interface StoredEvent {
  /** 1 for the first event of a run, then 2, 3, … */
  readonly id: number;
  readonly event: string;
  /** JSON text; null stands for the run itself, as it is stored. */
  readonly data: string | null;
  readonly createdAt: string;
}

/** Which part of a list is asked for. */
export interface RunPageRequest {
  readonly limit: number;
  /** Only runs older than this id; null: from the newest on. */
  readonly before: string | null;
}

/** Where the server keeps its runs. Ids sort as text in the order of creation. */
export interface RunStore {
  /** Stores a new run with its first events, in one transaction. */
  add(run: StoredRun, events: readonly StoredEvent[]): void;
  /** Replaces a run and appends the event that tells why, in one transaction. */
  change(run: StoredRun, event: StoredEvent): void;
  /** The run of that id, if it is the team's. */
  find(teamId: string, id: string): StoredRun | null;
  /** The team's runs, newest first. */
  list(teamId: string, page: RunPageRequest): readonly StoredRun[];
  /** The events of a run after the event `after`, oldest first. */
  listEvents(id: string, after: number, limit: number): readonly StoredEvent[];
  /** Removes a run and its events in one transaction; false where the team has no such run. */
  remove(teamId: string, id: string): boolean;
  /** The runs of all teams that had not ended, oldest first: what a restart takes up again. */
  listActive(): readonly StoredRun[];
  close(): void;
}

/** A run as the store keeps it. */
export function toStored(teamId: string, run: AgentRun): StoredRun {
  return { id: run.id, teamId, status: run.status, text: JSON.stringify(run) };
}

/** The run in a stored text. */
export function parseRun(stored: StoredRun): AgentRun {
  // Only this server writes into its store.
  return JSON.parse(stored.text) as AgentRun;
}

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
