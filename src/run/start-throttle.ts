import { setMaxListeners } from 'node:events';
import type { Timers } from '../model/clock.js';
import { ConcurrencyLimit } from './concurrency-limit.js';

export interface StartThrottleOptions {
  /** The most runs at once, whatever the agent would hold. */
  readonly concurrency: number;
  /** Runs started in any second; 0 for no limit. */
  readonly startsPerSecond: number;
  readonly clock: Timers;
}

/** A start that was let through. Hand it back with what became of it. */
export interface Start {
  /** Its request has left: by then a connection stands, which may take a while. */
  sent(): void;
  /** It was answered, or its reply is lost. */
  readonly answered: () => void;
  readonly withdraw: () => void;
}

interface Waiter {
  readonly admit: (start: Start) => void;
}

/**
 * Says when a run may start: one after the other, as soon as there is room for it and the last starts are long enough ago.
 * Each `take` is followed by one of `accept`, `refuse`, `fail` and `giveBack`; what was accepted or failed counts until
 * `release`.
 */
export class StartThrottle {
  private readonly clock: Timers;
  private readonly room: ConcurrencyLimit;
  private readonly gap: StartInterval;
  private readonly window: StartWindow;
  /** Holds starts back that found no room, until a run of ours ends. */
  private readonly full = new Backoff();
  private readonly waiters: Waiter[] = [];
  /** Rings once time alone lets the first in the line through. */
  private alarm: { readonly atMs: number; readonly callOff: () => void } | null = null;
  private workedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, concurrency, startsPerSecond }: StartThrottleOptions) {
    this.clock = clock;
    this.room = new ConcurrencyLimit(concurrency);
    this.gap = new StartInterval(startsPerSecond);
    this.window = new StartWindow(startsPerSecond);
  }

  /**
   * Resolves when a run may start; throws the signal's reason if it is aborted first. Who was refused goes to the head of
   * the line, so that the batches go out in their order.
   */
  acquire(signal: AbortSignal, wasRefused = false): Promise<Start> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      // As many batches as there are wait on one signal: that is no leak.
      setMaxListeners(0, signal);
      const abort = (): void => {
        this.leave(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit: (start) => {
          signal.removeEventListener('abort', abort);
          resolve(start);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      if (wasRefused) this.waiters.unshift(waiter);
      else this.waiters.push(waiter);
      this.admit();
    });
  }

  /** The start has made a run. */
  onStarted(start: Start): void {
    start.answered();
    this.room.onStarted();
    this.full.relax();
    this.gap.onStarted();
    this.admit();
  }

  /** The start was refused with 429; says how long all starts are held back, 0 where an end of ours is waited for. */
  onRejected(start: Start, limit: 'concurrency' | 'rate' | null, retryAfterMs: number | null): number {
    start.answered();
    const nowMs = this.clock.now();
    let heldMs = 0;
    if (limit === 'concurrency') {
      this.room.onRejected(nowMs, retryAfterMs);
      // With own runs going, the next of them to end is what makes room; without, only time does.
      if (!this.room.isUsed) heldMs = this.full.hold(nowMs, retryAfterMs);
    } else {
      this.room.onError();
      this.room.release();
      heldMs = this.gap.onRejected(nowMs, retryAfterMs);
    }
    this.admit();
    return heldMs;
  }

  /** The start failed otherwise, or its reply was lost: it counts until it is released. */
  onError(start: Start): void {
    start.answered();
    this.room.onError();
    this.admit();
  }

  /** The start was not made after all: its place is free again. */
  giveBack(start: Start): void {
    start.withdraw();
    this.room.onError();
    this.room.release();
    this.admit();
  }

  /** Holds all starts back as long as an overloaded agent asks, and returns for how long. */
  hold(retryAfterMs: number): number {
    return this.gap.hold(this.clock.now(), retryAfterMs);
  }

  /** Counts a run as active that was started before this job. */
  adopt(): void {
    this.room.adopt();
  }

  /** A run has ended, or is not waited for any more. */
  release(): void {
    this.workedAtMs = this.lastWorkMs;
    this.room.release();
    this.full.lift();
    this.admit();
  }

  /** True while the agent works on a run of ours. */
  get isUsed(): boolean {
    return this.room.isUsed;
  }

  /** When a run of ours was at work last, in milliseconds since 1970: while one is, room will come. */
  get lastWorkMs(): number {
    return this.room.isUsed ? this.clock.now() : this.workedAtMs;
  }

  /** Lets through whom there is room for, in their order. */
  private admit(): void {
    while (this.waiters.length > 0) {
      const nowMs = this.clock.now();
      const parts = [this.room, this.full, this.gap, this.window];
      const delayMs = Math.max(...parts.map((part) => part.delayMs(nowMs)));
      if (delayMs > 0) {
        if (delayMs < Number.POSITIVE_INFINITY) this.setAlarm(nowMs + delayMs);
        return;
      }
      this.room.acquire();
      this.gap.acquire(nowMs);
      this.waiters.shift()?.admit(this.openStart());
    }
    this.clearAlarm();
  }

  private openStart(): Start {
    const place = this.window.acquire();
    return {
      sent: () => {
        place.send(this.clock.now());
        this.admit();
      },
      answered: () => place.answer(this.clock.now()),
      withdraw: () => place.withdraw(),
    };
  }

  private leave(waiter: Waiter): void {
    const index = this.waiters.indexOf(waiter);
    if (index >= 0) this.waiters.splice(index, 1);
    if (this.waiters.length === 0) this.clearAlarm();
  }

  /** One that rings too early does no harm: it only looks again. */
  private setAlarm(atMs: number): void {
    if (this.alarm !== null && this.alarm.atMs <= atMs) return;
    this.clearAlarm();
    const ring = (): void => {
      this.alarm = null;
      this.admit();
    };
    this.alarm = { atMs, callOff: this.clock.schedule(ring, atMs - this.clock.now()) };
  }

  private clearAlarm(): void {
    this.alarm?.callOff();
    this.alarm = null;
  }
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The gap after a first refusal for rate where none was kept before. */
const FIRST_GAP_MS = 100;
const MAX_GAP_MS = 10_000;
/** A start that was accepted narrows a widened gap by this part. */
const NARROWING = 0.02;
/** A start that is this late (a busy machine) is caught up with; a longer pause is not. */
const CATCH_UP_MS = 100;

/** Holds starts back: as long as the agent asks, else longer each time. */
export class Backoff {
  #untilMs = 0;
  #backoffMs = FIRST_BACKOFF_MS;

  delayMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /** Holds on from now and returns for how long. Refusals during one hold back off once. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    // 0, or a date that has passed, says nothing of how long.
    const askedMs = retryAfterMs === 0 ? null : retryAfterMs;
    const isFresh = nowMs >= this.#untilMs;
    if (askedMs !== null || isFresh) {
      this.#untilMs = Math.max(this.#untilMs, nowMs + (askedMs ?? this.#backoffMs));
    }
    if (isFresh) this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
    return this.#untilMs - nowMs;
  }

  lift(): void {
    this.#untilMs = 0;
  }

  /** A start was accepted: the next hold is short again. */
  relax(): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
  }
}

/** Spreads starts evenly, holds all of them after a refusal for rate, and widens the gap between them then. */
export class StartInterval {
  private readonly leastMs: number;
  private readonly held = new Backoff();
  private gapMs: number;
  private nextMs = 0;

  /** `startsPerSecond` is 0 for no limit. */
  constructor(startsPerSecond: number) {
    this.leastMs = startsPerSecond > 0 ? 1_000 / startsPerSecond : 0;
    this.gapMs = this.leastMs;
  }

  /** How long until a start may go out; 0 for now. */
  delayMs(nowMs: number): number {
    return Math.max(0, this.nextMs - nowMs, this.held.delayMs(nowMs));
  }

  acquire(nowMs: number): void {
    // Counted from when the start was due, or every timer that is late would lower the rate.
    const isPause = nowMs - this.nextMs > Math.max(this.gapMs, CATCH_UP_MS);
    this.nextMs = (isPause ? nowMs : this.nextMs) + this.gapMs;
  }

  onStarted(): void {
    this.held.relax();
    this.gapMs = Math.max(this.leastMs, this.gapMs * (1 - NARROWING));
    if (this.leastMs === 0 && this.gapMs < FIRST_GAP_MS / 10) this.gapMs = 0;
  }

  /** A start was refused for rate: returns for how long all are held. Those refused together widen the gap once. */
  onRejected(nowMs: number, retryAfterMs: number | null): number {
    if (this.held.delayMs(nowMs) === 0) {
      this.gapMs = Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, this.gapMs * 2));
    }
    return this.hold(nowMs, retryAfterMs);
  }

  /** Holds all starts, and returns for how long. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    return this.held.hold(nowMs, retryAfterMs);
  }
}

/** A start on its way to the agent. All times are milliseconds since 1970. */
interface Entry {
  /** When its request left; null while it waits for a connection. */
  sentAtMs: number | null;
  /** When its answer came: the request arrived before that. */
  answeredAtMs: number | null;
}

/** One start, as the window counts it. */
export interface WindowPlace {
  /** The request has left. */
  send(nowMs: number): void;
  /** The request was answered, or nobody waits for it any more. */
  answer(nowMs: number): void;
  /** The request never left. */
  withdraw(): void;
}

/** No request is counted as later than this, or an agent whose answers vary would be sent too few starts. */
const LATEST_MS = 100;
/** The clock counts whole milliseconds. */
const CLOCK_STEP_MS = 1;
/** More starts a second than this are counted over less than a second, so that few have to be remembered. */
const MOST_COUNTED = 100;

/**
 * Counts the starts of the last second as the agent does: by when they arrive. A request is late by as much as its answer
 * is later than the quickest one, at most; a start that still waits for its connection has yet to arrive.
 */
export class StartWindow {
  readonly #most: number;
  readonly #lengthMs: number;
  #entries: Entry[] = [];
  /** The quickest answer so far. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #answers = 0;

  /** `startsPerSecond` is 0 for no limit. */
  constructor(startsPerSecond: number) {
    this.#most = Math.min(MOST_COUNTED, Math.max(1, Math.floor(startsPerSecond)));
    this.#lengthMs = startsPerSecond > 0 ? (1_000 * this.#most) / startsPerSecond : 0;
  }

  /** How long until one more may leave: 0 for now, Infinity for not before another has left. */
  delayMs(nowMs: number): number {
    if (this.#lengthMs === 0) return 0;
    this.#entries = this.#entries.filter((entry) => this.#computeEndMs(entry) > nowMs);
    if (this.#entries.length < this.#most) return 0;
    return Math.min(...this.#entries.map((entry) => this.#computeEndMs(entry))) - nowMs;
  }

  acquire(): WindowPlace {
    const entry: Entry = { sentAtMs: null, answeredAtMs: null };
    if (this.#lengthMs > 0) this.#entries.push(entry);
    return {
      send: (nowMs) => {
        entry.sentAtMs = nowMs;
      },
      answer: (nowMs) => {
        if (entry.answeredAtMs !== null) return;
        entry.answeredAtMs = nowMs;
        if (entry.sentAtMs === null) {
          // Given up before it was seen to leave.
          entry.sentAtMs = nowMs;
          return;
        }
        this.#answers += 1;
        this.#quickestMs = Math.min(this.#quickestMs, nowMs - entry.sentAtMs);
      },
      withdraw: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  /** When a start counts no more. */
  #computeEndMs({ sentAtMs, answeredAtMs }: Entry): number {
    if (sentAtMs === null) return Number.POSITIVE_INFINITY;
    // Everything is slow at first, and what an answer takes at least is not known yet.
    const isFirst = this.#answers < 2 * this.#most;
    const latestMs = isFirst ? Math.max(LATEST_MS, this.#lengthMs) : LATEST_MS;
    const answerMs = answeredAtMs === null ? latestMs : answeredAtMs - sentAtMs;
    const lateMs = isFirst ? answerMs : answerMs - this.#quickestMs;
    return sentAtMs + Math.min(latestMs, Math.max(0, lateMs)) + CLOCK_STEP_MS + this.#lengthMs;
  }
}
