import type { Timers } from '../model/clock.js';
import { toMicros } from '../model/format.js';
import type { AgentRun } from '../model/run.js';

/** Activity of the server since it started. */
export interface ServerReport {
  readonly runs: {
    readonly created: number;
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly peakActive: number;
  };
  /** Total cost of ended runs. */
  readonly billedMicros: number;
  /** Creates refused because of the active-run cap or the start rate. */
  readonly refused: { readonly concurrency: number; readonly rate: number };
  /** Answered requests by operation. */
  readonly requests: Readonly<Record<string, number>>;
  /** Injected faults by name. */
  readonly faults: Readonly<Record<string, number>>;
}

type Counter = 'concurrencyRefusals' | 'rateRefusals';

/** Counts events for the report. */
export class Tally {
  readonly #counters: Record<Counter, number> = { concurrencyRefusals: 0, rateRefusals: 0 };
  readonly #ended: Record<string, number> = {};
  readonly #requests: Record<string, number> = {};
  readonly #faults: Record<string, number> = {};
  #created = 0;
  #peakActive = 0;
  #billedMicros = 0;

  count(counter: Counter): void {
    this.#counters[counter] += 1;
  }

  countCreated(active: number): void {
    this.#created += 1;
    this.#peakActive = Math.max(this.#peakActive, active);
  }

  countEnded(run: AgentRun): void {
    this.#ended[run.status] = (this.#ended[run.status] ?? 0) + 1;
    this.#billedMicros += toMicros(run.costDollars.total ?? 0);
  }

  countRequest(operation: string): void {
    this.#requests[operation] = (this.#requests[operation] ?? 0) + 1;
  }

  countFault(fault: string): void {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
  }

  get created(): number {
    return this.#created;
  }

  report(): ServerReport {
    return {
      runs: {
        created: this.#created,
        completed: this.#ended.completed ?? 0,
        failed: this.#ended.failed ?? 0,
        cancelled: this.#ended.cancelled ?? 0,
        peakActive: this.#peakActive,
      },
      billedMicros: this.#billedMicros,
      refused: { concurrency: this.#counters.concurrencyRefusals, rate: this.#counters.rateRefusals },
      requests: { ...this.#requests },
      faults: { ...this.#faults },
    };
  }
}

/** Teams whose starts are remembered before some are forgotten. */
const MAX_TEAMS = 10_000;

/** Limits run starts per second and team: up to one second's worth at once, then evenly. */
export class StartRate {
  readonly #perSecond: number;
  readonly #clock: Timers;
  readonly #teams = new Map<string, { tokens: number; at: number }>();

  constructor(perSecond: number, clock: Timers) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** Takes a start. Returns null if allowed, otherwise the seconds until the next one is. */
  take(teamId: string): number | null {
    if (this.#perSecond === 0) return null;
    const now = this.#clock.now();
    const burst = Math.max(1, this.#perSecond);
    const bucket = this.#teams.get(teamId) ?? { tokens: burst, at: now };
    if (this.#teams.size >= MAX_TEAMS) this.#forgetFull(now);
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * this.#perSecond);
    const allowed = tokens >= 1;
    this.#teams.set(teamId, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed ? null : (1 - tokens) / this.#perSecond;
  }

  /** Forgets teams that could start as much as a new one, so that memory does not grow with the number of keys. */
  #forgetFull(now: number): void {
    for (const [teamId, { tokens, at }] of this.#teams) {
      const isFull =
        tokens + (Math.max(0, now - at) / 1_000) * this.#perSecond >= Math.max(1, this.#perSecond);
      if (isFull) this.#teams.delete(teamId);
    }
  }
}
