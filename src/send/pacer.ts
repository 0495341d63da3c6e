import { setMaxListeners } from 'node:events';
import type { Timers } from '../model/clock.js';
import { Room } from './room.js';
import { Hold, StartGap } from './start-gap.js';
import { StartWindow } from './start-window.js';

export interface PacerOptions {
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
export class Pacer {
  private readonly clock: Timers;
  private readonly room: Room;
  private readonly gap: StartGap;
  private readonly window: StartWindow;
  /** Holds starts back that found no room, until a run of ours ends. */
  private readonly full = new Hold();
  private readonly waiters: Waiter[] = [];
  /** Rings once time alone lets the first in the line through. */
  private alarm: { readonly atMs: number; readonly callOff: () => void } | null = null;
  private workedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, concurrency, startsPerSecond }: PacerOptions) {
    this.clock = clock;
    this.room = new Room(concurrency);
    this.gap = new StartGap(startsPerSecond);
    this.window = new StartWindow(startsPerSecond);
  }

  /**
   * Resolves when a run may start; throws the signal's reason if it is aborted first. Who was refused goes to the head of
   * the line, so that the batches go out in their order.
   */
  take(signal: AbortSignal, wasRefused = false): Promise<Start> {
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
  accept(start: Start): void {
    start.answered();
    this.room.accept();
    this.full.relax();
    this.gap.accept();
    this.admit();
  }

  /** The start was refused with 429; says how long all starts are held back, 0 where an end of ours is waited for. */
  refuse(start: Start, limit: 'concurrency' | 'rate' | null, retryAfterMs: number | null): number {
    start.answered();
    const nowMs = this.clock.now();
    let heldMs = 0;
    if (limit === 'concurrency') {
      this.room.refuse(nowMs, retryAfterMs);
      // With own runs going, the next of them to end is what makes room; without, only time does.
      if (!this.room.isUsed) heldMs = this.full.hold(nowMs, retryAfterMs);
    } else {
      this.room.fail();
      this.room.release();
      heldMs = this.gap.refuse(nowMs, retryAfterMs);
    }
    this.admit();
    return heldMs;
  }

  /** The start failed otherwise, or its reply was lost: it counts until it is released. */
  fail(start: Start): void {
    start.answered();
    this.room.fail();
    this.admit();
  }

  /** The start was not made after all: its place is free again. */
  giveBack(start: Start): void {
    start.withdraw();
    this.room.fail();
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
      this.room.take();
      this.gap.take(nowMs);
      this.waiters.shift()?.admit(this.openStart());
    }
    this.clearAlarm();
  }

  private openStart(): Start {
    const place = this.window.take();
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
