import { setMaxListeners } from 'node:events';
import type { Timers } from '../model/clock.js';
import { ConcurrencyLimit } from './concurrency-limit.js';

export interface StartThrottleOptions {
  /** Maximum concurrent runs, even if the agent allows more. */
  readonly concurrency: number;
  /** Maximum starts in any one second; 0 for no limit. */
  readonly startsPerSecond: number;
  readonly clock: Timers;
}

/** A permitted start. Hand it back with its outcome. */
export interface Start {
  /** Records that its request was sent, which may be later: it waits for a connection first. */
  sent(): void;
  /** Records that the response arrived or is lost. */
  readonly answered: () => void;
  readonly withdraw: () => void;
}

interface Waiter {
  readonly admit: (start: Start) => void;
}

/**
 * Decides when a run may start: in order, once a slot is free and the start rate allows it. Each `acquire` is
 * followed by one of `onStarted`, `onRejected`, `onError` and `giveBack`. Started and failed ones count as
 * active until `release`.
 */
export class StartThrottle {
  private readonly clock: Timers;
  private readonly room: ConcurrencyLimit;
  private readonly gap: StartInterval;
  private readonly window: StartWindow;
  /** Holds starts back after a full account, until one of our runs ends. */
  private readonly full = new Backoff();
  private readonly waiters: Waiter[] = [];
  /** Timer for when the first waiter may start. */
  private timer: { readonly atMs: number; readonly cancel: () => void } | null = null;
  private workedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, concurrency, startsPerSecond }: StartThrottleOptions) {
    this.clock = clock;
    this.room = new ConcurrencyLimit(concurrency);
    this.gap = new StartInterval(startsPerSecond);
    this.window = new StartWindow(startsPerSecond);
  }

  /** Changes the limits. Active runs above a lower one go on. */
  setLimits({ concurrency, startsPerSecond }: Omit<StartThrottleOptions, 'clock'>): void {
    this.room.setConcurrency(concurrency);
    this.gap.setRate(startsPerSecond);
    this.window.setRate(startsPerSecond);
    this.admit();
  }

  /**
   * Resolves when a run may start; throws the signal's reason if it aborts first. A rejected start goes to
   * the front of the queue, so batches keep their order.
   */
  acquire(signal: AbortSignal, wasRefused = false): Promise<Start> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      // One listener per waiting batch is expected here, so silence the leak warning.
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

  /** Records that the start created a run. */
  onStarted(start: Start): void {
    start.answered();
    this.room.onStarted();
    this.full.relax();
    this.gap.onStarted();
    this.admit();
  }

  /**
   * Records a 429. Returns how long all starts are held back, in ms; 0 if waiting for one of our runs to end.
   */
  onRejected(start: Start, limit: 'concurrency' | 'rate' | null, retryAfterMs: number | null): number {
    start.answered();
    const nowMs = this.clock.now();
    let heldMs = 0;
    if (limit === 'concurrency') {
      this.room.onRejected(nowMs, retryAfterMs);
      // If we have active runs, the next one to end frees a slot; if not, only time does.
      if (!this.room.isUsed) heldMs = this.full.hold(nowMs, retryAfterMs);
    } else {
      this.room.onError();
      this.room.release();
      heldMs = this.gap.onRejected(nowMs, retryAfterMs);
    }
    this.admit();
    return heldMs;
  }

  /** Records another failure or a lost response: it counts as active until released. */
  onError(start: Start): void {
    start.answered();
    this.room.onError();
    this.admit();
  }

  /** Records that the start was not made: its slot is free again. */
  giveBack(start: Start): void {
    start.withdraw();
    this.room.onError();
    this.room.release();
    this.admit();
  }

  /** Holds all starts back for the Retry-After of an overloaded agent. Returns for how long, in ms. */
  hold(retryAfterMs: number): number {
    return this.gap.hold(this.clock.now(), retryAfterMs);
  }

  /** Counts an active run that was started before this job. */
  adopt(): void {
    this.room.adopt();
  }

  /** Records that a run has ended or is no longer waited for. */
  release(): void {
    this.workedAtMs = this.lastWorkMs;
    this.room.release();
    this.full.lift();
    this.admit();
  }

  /** True while one of our runs is active. */
  get isUsed(): boolean {
    return this.room.isUsed;
  }

  /**
   * When one of our runs was last active, in milliseconds since 1970. While one is, a slot will become free.
   */
  get lastWorkMs(): number {
    return this.room.isUsed ? this.clock.now() : this.workedAtMs;
  }

  /** Admits waiters in order while slots are free. */
  private admit(): void {
    while (this.waiters.length > 0) {
      const nowMs = this.clock.now();
      const parts = [this.room, this.full, this.gap, this.window];
      const delayMs = Math.max(...parts.map((part) => part.delayMs(nowMs)));
      if (delayMs > 0) {
        if (delayMs < Number.POSITIVE_INFINITY) this.setTimer(nowMs + delayMs);
        return;
      }
      this.room.acquire();
      this.gap.acquire(nowMs);
      this.waiters.shift()?.admit(this.openStart());
    }
    this.clearTimer();
  }

  private openStart(): Start {
    const place = this.window.acquire();
    let isSent = false;
    return {
      sent: () => {
        isSent = true;
        place.send(this.clock.now());
        this.admit();
      },
      answered: () => place.answer(this.clock.now()),
      withdraw: () => {
        place.withdraw();
        if (!isSent) this.gap.giveBack();
      },
    };
  }

  private leave(waiter: Waiter): void {
    const index = this.waiters.indexOf(waiter);
    if (index >= 0) this.waiters.splice(index, 1);
    if (this.waiters.length === 0) this.clearTimer();
  }

  /** A timer that fires too early is harmless: it only checks again. */
  private setTimer(atMs: number): void {
    if (this.timer !== null && this.timer.atMs <= atMs) return;
    this.clearTimer();
    const onTimer = (): void => {
      this.timer = null;
      this.admit();
    };
    this.timer = { atMs, cancel: this.clock.schedule(onTimer, atMs - this.clock.now()) };
  }

  private clearTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** First gap between starts after a rate limit, if there was none before. */
const FIRST_GAP_MS = 100;
const MAX_GAP_MS = 10_000;
/** Each accepted start shrinks a widened gap by this share. */
const NARROWING = 0.02;
/** A start up to this late (busy machine) is made up for; a longer pause is not. */
const CATCH_UP_MS = 100;

/** Holds starts back for Retry-After if given, else longer each time. */
class Backoff {
  #untilMs = 0;
  #backoffMs = FIRST_BACKOFF_MS;

  delayMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /**
   * Holds starts back from now; returns for how long, in ms. Rejections during one hold increase the backoff
   * once.
   */
  hold(nowMs: number, retryAfterMs: number | null): number {
    // 0 or a past date gives no usable delay.
    const requestedMs = retryAfterMs === 0 ? null : retryAfterMs;
    const isFresh = nowMs >= this.#untilMs;
    if (requestedMs !== null || isFresh) {
      this.#untilMs = Math.max(this.#untilMs, nowMs + (requestedMs ?? this.#backoffMs));
    }
    if (isFresh) this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
    return this.#untilMs - nowMs;
  }

  lift(): void {
    this.#untilMs = 0;
  }

  /** Resets the backoff after an accepted start. */
  relax(): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
  }
}

/** Spaces starts evenly. After a rate limit, holds all starts and widens the gap. */
class StartInterval {
  private leastMs = 0;
  private readonly held = new Backoff();
  private gapMs = 0;
  private nextMs = 0;

  constructor(startsPerSecond: number) {
    this.setRate(startsPerSecond);
  }

  /** `startsPerSecond` 0 means no limit. A gap that was widened after a rate limit stays wide. */
  setRate(startsPerSecond: number): void {
    const isWidened = this.gapMs > this.leastMs;
    this.leastMs = startsPerSecond > 0 ? 1_000 / startsPerSecond : 0;
    this.gapMs = isWidened ? Math.max(this.leastMs, this.gapMs) : this.leastMs;
  }

  /** Delay until a start may be sent, in ms; 0 for now. */
  delayMs(nowMs: number): number {
    return Math.max(0, this.nextMs - nowMs, this.held.delayMs(nowMs));
  }

  acquire(nowMs: number): void {
    // Count from the due time, or every late timer would lower the rate.
    const isPause = nowMs - this.nextMs > Math.max(this.gapMs, CATCH_UP_MS);
    this.nextMs = (isPause ? nowMs : this.nextMs) + this.gapMs;
  }

  /** Gives back the interval of a start that was not made, so that others do not wait for it. */
  giveBack(): void {
    this.nextMs -= this.gapMs;
  }

  onStarted(): void {
    this.held.relax();
    this.gapMs = Math.max(this.leastMs, this.gapMs * (1 - NARROWING));
    if (this.leastMs === 0 && this.gapMs < FIRST_GAP_MS / 10) this.gapMs = 0;
  }

  /**
   * Records a rate limit. Returns how long all starts are held back, in ms. Concurrent rejections widen the
   * gap once.
   */
  onRejected(nowMs: number, retryAfterMs: number | null): number {
    if (this.held.delayMs(nowMs) === 0) {
      this.gapMs = Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, this.gapMs * 2));
    }
    return this.hold(nowMs, retryAfterMs);
  }

  /** Holds all starts back; returns for how long, in ms. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    return this.held.hold(nowMs, retryAfterMs);
  }
}

/** A start in transit. Times are in milliseconds since 1970. */
interface Entry {
  /** When its request was sent; null while it waits for a connection. */
  sentAtMs: number | null;
  /** When its response arrived; the request arrived before that. */
  answeredAtMs: number | null;
}

/** One start in the window. */
interface WindowPlace {
  /** Records that the request was sent. */
  send(nowMs: number): void;
  /** Records that the response arrived or is no longer waited for. */
  answer(nowMs: number): void;
  /** Records that the request was never sent. */
  withdraw(): void;
}

/** Cap on the estimated latency; without it, an agent with varying response times would get too few starts. */
const LATEST_MS = 100;
/** The clock has millisecond resolution. */
const CLOCK_STEP_MS = 1;
/** For higher rates, count over less than a second, so that few starts have to be stored. */
const MOST_COUNTED = 100;

/**
 * Counts the starts of the last second by when they reach the agent. A request's latency is at limit its
 * response time minus the fastest one. A start that waits for its connection has not arrived yet.
 */
class StartWindow {
  #limit = 1;
  #lengthMs = 0;
  #entries: Entry[] = [];
  /** Fastest response so far. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #answers = 0;

  constructor(startsPerSecond: number) {
    this.setRate(startsPerSecond);
  }

  /** `startsPerSecond` 0 means no limit. */
  setRate(startsPerSecond: number): void {
    this.#limit = Math.min(MOST_COUNTED, Math.max(1, Math.floor(startsPerSecond)));
    this.#lengthMs = startsPerSecond > 0 ? (1_000 * this.#limit) / startsPerSecond : 0;
  }

  /** Delay until one more may be sent, in ms: 0 for now, Infinity until another one was sent. */
  delayMs(nowMs: number): number {
    if (this.#lengthMs === 0) return 0;
    this.#entries = this.#entries.filter((entry) => this.#computeEndMs(entry) > nowMs);
    if (this.#entries.length < this.#limit) return 0;
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
          // Abandoned before it was sent.
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

  /** When a start leaves the window. */
  #computeEndMs({ sentAtMs, answeredAtMs }: Entry): number {
    if (sentAtMs === null) return Number.POSITIVE_INFINITY;
    // The first requests are slow, and the minimum response time is not known yet.
    const isFirst = this.#answers < 2 * this.#limit;
    const latestMs = isFirst ? Math.max(LATEST_MS, this.#lengthMs) : LATEST_MS;
    const answerMs = answeredAtMs === null ? latestMs : answeredAtMs - sentAtMs;
    const lateMs = isFirst ? answerMs : answerMs - this.#quickestMs;
    return sentAtMs + Math.min(latestMs, Math.max(0, lateMs)) + CLOCK_STEP_MS + this.#lengthMs;
  }
}
