import { setImmediate } from 'node:timers/promises';
import type { Agent } from '../agents/agent.js';
import { describeError } from '../errors.js';
import type { Timers } from '../model/clock.js';
import type { AgentRun, CreateRunRequest } from '../model/run.js';
import { type Contract, isLongEffort } from './contract.js';
import { createConcurrencyLimit, createInvalid, createRefusal, createRunNotFound } from './refusal.js';
import { createRunIds } from './resolve-page.js';
import {
  chargeOf,
  createEndedDocument,
  createRunDocument,
  createServerError,
  EMPTY_RESULT,
  type PriceRun,
  type RunEnd,
  writeEndEvent,
  writeStartEvents,
} from './run-document.js';
import {
  parseRun,
  type RunPageRequest,
  type RunStore,
  type StoredEvent,
  type StoredRun,
  toStored,
} from './store-contract.js';
import type { Tally } from './tally.js';

/** Time that a stopped agent has to return its results. */
const STOP_GRACE_MS = 2_000;
/** All keys together may have as many active runs as this many keys at their limit. */
const MAX_TEAMS = 20;

interface EngineParts {
  readonly agent: Agent;
  readonly store: RunStore;
  readonly clock: Timers;
  readonly contract: Contract;
  /** Maximum number of active runs per team, now. */
  readonly readMaxActive: () => number;
  readonly runTimeoutMs: number;
  readonly longRunTimeoutMs: number;
  readonly priceRun: PriceRun | null;
  readonly tally: Tally;
  /** Called when the agent throws, with the run's id and the reason. */
  readonly onFailure: (runId: string, reason: string) => void;
}

/** Called for each new event of a run, with the stored run. */
type RunListener = (event: StoredEvent, run: StoredRun) => void;

interface ActiveRun {
  readonly teamId: string;
  readonly run: AgentRun;
  readonly abort: AbortController;
  readonly listeners: Set<RunListener>;
  readonly timers: (() => void)[];
  lastEventId: number;
  settled: Promise<void>;
  /** Reason of a requested stop. The agent's next result ends the run with it. */
  stopReason: string | null;
}

/** Starts runs, passes them to the agent, and ends each exactly once. */
export class RunEngine {
  readonly #parts: EngineParts;
  readonly #createId: () => string;
  readonly #active = new Map<string, ActiveRun>();
  /** Ended runs that the store could not take, such as on a full disk. */
  readonly #unstored = new Map<string, StoredRun>();
  #closed = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#createId = createRunIds(parts.clock);
  }

  /** Stores a run and starts it. Refuses if the team has too many active runs. */
  create(teamId: string, request: CreateRunRequest): StoredRun {
    const previous = resolvePrevious(this.#parts.store, teamId, request.previousRunId);
    const limit = this.#parts.readMaxActive();
    if (this.#countActive(teamId) >= limit || this.#active.size >= limit * MAX_TEAMS) {
      this.#parts.tally.count('concurrencyRefusals');
      throw createConcurrencyLimit(limit);
    }
    const run = createRunDocument(this.#createId(), this.#readTime(), request);
    const events = writeStartEvents(run);
    const stored = toStored(teamId, run);
    try {
      this.#parts.store.add(stored, events);
    } catch (error) {
      const message = describeStoreError(error);
      this.#parts.onFailure(run.id, message);
      throw createRefusal(500, 'SERVER_ERROR', 'SERVER_ERROR', message);
    }
    this.#start(teamId, run, previous, events.length);
    this.#parts.tally.countCreated(this.#active.size);
    return stored;
  }

  /** Resumes the runs that were active when the server stopped, by starting each again. */
  resume(): void {
    for (const stored of this.#parts.store.listActive()) {
      const run = parseRun(stored);
      const previousId = run.request?.previousRunId;
      const previous = previousId === undefined ? null : this.#parts.store.find(stored.teamId, previousId);
      const lastEventId = this.#parts.store.listEvents(stored.id, 0, 1_000).at(-1)?.id ?? 0;
      this.#start(stored.teamId, run, previous === null ? null : parseRun(previous), lastEventId);
    }
  }

  /** Finds a run by id. Refuses if the team has none. */
  find(teamId: string, id: string): StoredRun {
    const stored = this.#parts.store.find(teamId, id);
    if (stored === null) throw createRunNotFound(id);
    return this.#unstored.get(id) ?? stored;
  }

  /** A page of a team's runs, newest first. */
  list(teamId: string, page: RunPageRequest): readonly StoredRun[] {
    return this.#parts.store.list(teamId, page).map((run) => this.#unstored.get(run.id) ?? run);
  }

  /** Cancels a run. Does nothing if it has ended. */
  cancel(teamId: string, id: string): StoredRun {
    const stored = this.find(teamId, id);
    const active = this.#active.get(id);
    if (active === undefined) return stored;
    this.#end(active, { status: 'cancelled' });
    return this.find(teamId, id);
  }

  /** Stops a long run and keeps its results so far. Does nothing if it has ended. */
  async stop(teamId: string, id: string): Promise<StoredRun> {
    const stored = this.find(teamId, id);
    const active = this.#active.get(id);
    if (active === undefined) return stored;
    const effort = active.run.request?.effort;
    if (!isLongEffort(effort)) {
      throw createInvalid(`Only runs of the effort ultra can be stopped; this one is ${effort}.`);
    }
    await this.#stopEarly(active, 'stopped');
    return this.find(teamId, id);
  }

  /** Deletes a run, and cancels it first if it is active. */
  remove(teamId: string, id: string): void {
    this.cancel(teamId, id);
    this.#parts.store.remove(teamId, id);
    this.#unstored.delete(id);
  }

  /** Subscribes to new events of a run. Returns a function that unsubscribes. */
  listen(id: string, listener: RunListener): () => void {
    const active = this.#active.get(id);
    active?.listeners.add(listener);
    return () => active?.listeners.delete(listener);
  }

  /** True while the run may still change. */
  isActive(id: string): boolean {
    return this.#active.has(id);
  }

  /** Maximum number of active runs per team, now. */
  readMaxActive(): number {
    return this.#parts.readMaxActive();
  }

  /** Abandons the active runs without ending them, so that a restart can resume them. */
  async close(): Promise<void> {
    this.#closed = true;
    const actives = [...this.#active.values()];
    this.#active.clear();
    for (const active of actives) {
      for (const cancelTimer of active.timers) cancelTimer();
      active.abort.abort(new Error('The server is closing.'));
    }
  }

  #countActive(teamId: string): number {
    let count = 0;
    for (const active of this.#active.values()) if (active.teamId === teamId) count += 1;
    return count;
  }

  #start(teamId: string, run: AgentRun, previous: AgentRun | null, lastEventId: number): void {
    const active: ActiveRun = {
      teamId,
      run,
      abort: new AbortController(),
      listeners: new Set(),
      timers: [],
      lastEventId,
      settled: Promise.resolve(),
      stopReason: null,
    };
    this.#active.set(run.id, active);
    this.#scheduleLimits(active);
    active.settled = this.#work(active, previous);
  }

  #scheduleLimits(active: ActiveRun): void {
    const { clock, runTimeoutMs, longRunTimeoutMs } = this.#parts;
    const request = active.run.request;
    const timeoutMs = isLongEffort(request?.effort) ? longRunTimeoutMs : runTimeoutMs;
    active.timers.push(
      clock.schedule(() => {
        const message = `The run took longer than ${Math.round(timeoutMs / 1_000)} seconds.`;
        this.#end(active, { status: 'failed', error: createServerError('TIMEOUT', message) });
      }, timeoutMs),
    );
    const seconds = request?.budget?.maxDurationSeconds;
    if (seconds === undefined) return;
    active.timers.push(
      clock.schedule(() => void this.#stopEarly(active, 'time_limit_reached'), seconds * 1_000),
    );
  }

  async #work(active: ActiveRun, previous: AgentRun | null): Promise<void> {
    // Respond to the create before the agent starts, so that its work does not delay the response.
    await setImmediate();
    if (active.abort.signal.aborted) return;
    try {
      const task = { request: active.run.request ?? { query: '' }, previous };
      const result = await this.#parts.agent.answer(task, active.abort.signal);
      const stopReason = active.stopReason ?? result.stopReason ?? 'schema_satisfied';
      this.#end(active, { status: 'completed', stopReason, result });
    } catch (error) {
      if (active.stopReason !== null) {
        this.#end(active, { status: 'completed', stopReason: active.stopReason, result: EMPTY_RESULT });
      } else {
        const message = `The agent failed: ${describeError(error)}`;
        if (this.#active.has(active.run.id)) this.#parts.onFailure(active.run.id, message);
        this.#end(active, { status: 'failed', error: createServerError('SERVER_ERROR', message) });
      }
    }
  }

  async #stopEarly(active: ActiveRun, reason: string): Promise<void> {
    if (!this.#active.has(active.run.id)) return;
    active.stopReason = reason;
    active.abort.abort(new StopRequest());
    let cancelTimer = (): void => {};
    const patience = new Promise<void>((resolve) => {
      cancelTimer = this.#parts.clock.schedule(resolve, STOP_GRACE_MS);
    });
    await Promise.race([active.settled, patience]);
    cancelTimer();
    this.#end(active, { status: 'completed', stopReason: reason, result: EMPTY_RESULT });
  }

  #end(active: ActiveRun, end: RunEnd): void {
    const { store, contract, priceRun, tally } = this.#parts;
    // The first end of a run wins; later ones find it gone.
    if (this.#closed || !this.#active.delete(active.run.id)) return;
    for (const cancelTimer of active.timers) cancelTimer();
    const charge = priceRun?.(active.run, end) ?? chargeOf(end);
    const write = (how: RunEnd) => {
      const ended = createEndedDocument(active.run, how, charge, this.#readTime(), contract);
      const event = writeEndEvent(ended, how, active.lastEventId + 1, contract);
      return { ended, event, stored: toStored(active.teamId, ended) };
    };
    let written = write(end);
    try {
      store.change(written.stored, written.event);
    } catch (error) {
      // The client must not wait for a run that nobody can read again. A restart answers it anew.
      const message = describeStoreError(error);
      written = write({ status: 'failed', error: createServerError('SERVER_ERROR', message) });
      this.#unstored.set(active.run.id, written.stored);
      this.#parts.onFailure(active.run.id, message);
    }
    tally.countEnded(written.ended);
    for (const listener of active.listeners) listener(written.event, written.stored);
    active.listeners.clear();
    if (end.status !== 'completed') active.abort.abort(new Error(`The run was ${end.status}.`));
  }

  #readTime(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }
}

function describeStoreError(error: unknown): string {
  return `The run cannot be stored: ${describeError(error)}`;
}

/** Abort reason that asks the agent to return its results so far. */
export class StopRequest extends Error {
  override readonly name = 'StopRequest';

  constructor() {
    super('The run was stopped. Return the results so far.');
  }
}

/** Finds the run that a request continues. Refuses if it belongs to another team or did not complete. */
function resolvePrevious(store: RunStore, teamId: string, id: string | undefined): AgentRun | null {
  if (id === undefined) return null;
  const stored = store.find(teamId, id);
  if (stored === null) {
    throw createInvalid(`previousRunId: no run ${id} belongs to this key.`, 'PREVIOUS_RUN_NOT_FOUND');
  }
  if (stored.status !== 'completed') {
    const message = `previousRunId: run ${id} is ${stored.status}, but only a completed run can be continued.`;
    throw createInvalid(message, 'PREVIOUS_RUN_NOT_COMPLETED');
  }
  return parseRun(stored);
}
