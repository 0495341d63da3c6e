import type { AgentRun, RunStatus } from '../model/run.js';

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
