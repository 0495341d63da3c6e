import { Dispatcher } from '../../src/job/dispatch.js';
import { type NextQuestions, NO_QUESTIONS } from '../../src/job/job-context.js';
import { JobAbort } from '../../src/job/stop.js';
import type { Question } from '../../src/model/question.js';
import { Batcher } from '../../src/run/batcher.js';
import { StartThrottle } from '../../src/run/start-throttle.js';
import { drawLatencyMs, resolveLatency } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { VirtualClock } from './clock.js';

/** Runs that always find something. */
export const FINDS_VALUES = {
  findsNothing: () => false,
  isInDoubt: () => false,
  isClosed: () => false,
  confirmContinue: async () => true,
  stopIfClosed: () => undefined,
};

/** Settings of a simulated job and account. The simulation uses no real time. */
export interface PaceScene {
  readonly runs: number;
  /** Options of the job. */
  readonly concurrency: number;
  /** Run time, such as `median:500ms,sigma:0.5`. */
  readonly latency: string;
  readonly seed: string;
  /** Concurrency cap of the account, by number of runs started and time since the first start. */
  cap(started: number, elapsedMs: number): number;
  readonly startsPerSecond?: number;
  /** Starts per second of the account, as a token bucket with a burst of one second. */
  readonly allowedPerSecond?: number;
  /** Starts allowed in any sliding second, by exact arrival time. */
  readonly allowedInAnySecond?: number;
  /** Timer delay, by number of the start. */
  lateMs?(start: number): number;
  /** Time that a start waits for its connection. */
  connectMs?(start: number): number;
  /** Travel time of a request to the agent, in ms. @default 2 */
  tripMs?(start: number): number;
  /** Sent with each concurrency refusal. */
  readonly retryAfterMs?: number | null;
}

export interface PaceReport {
  /** Active runs divided by allowed runs, averaged over time until the last start. */
  readonly slotsUsed: number;
  /** Share of creates that were refused. */
  readonly refusedShare: number;
  readonly refused: { readonly concurrency: number; readonly rate: number };
  readonly started: number;
  readonly peakActive: number;
  /** For each create that reached the agent: when, with how many active runs, and whether it was accepted. */
  readonly creates: readonly { readonly atMs: number; readonly active: number; readonly accepted: boolean }[];
  readonly endMs: number;
}

/** A request in transit to or from the agent. */
const TRIP_MS = 2;

/** Runs the real throttle and dispatcher against a model of an account with a changing cap, on a virtual clock. */
export async function simulatePace(scene: PaceScene): Promise<PaceReport> {
  const clock = new VirtualClock();
  const { concurrency, startsPerSecond = 0 } = scene;
  const throttle = new StartThrottle({ clock, concurrency, startsPerSecond });
  const account = new Account(scene, clock);
  const { signal } = new AbortController();
  let starts = 0;
  const askGroup = async (): Promise<NextQuestions> => {
    for (let wasRefused = false; ; wasRefused = true) {
      const start = await throttle.acquire(signal, wasRefused);
      starts += 1;
      const tripMs = scene.tripMs?.(starts) ?? TRIP_MS;
      await clock.sleep((scene.lateMs?.(starts) ?? 0) + (scene.connectMs?.(starts) ?? 0));
      start.sent();
      await clock.sleep(tripMs);
      const answer = account.create();
      await clock.sleep(TRIP_MS);
      if (answer.refusal === null) {
        throttle.onStarted(start);
        await answer.end;
        await clock.sleep(TRIP_MS);
        throttle.release();
        return NO_QUESTIONS;
      }
      const asked = scene.retryAfterMs ?? null;
      throttle.onRejected(start, answer.refusal, answer.refusal === 'concurrency' ? asked : null);
    }
  };
  const pool = new Batcher({ batchSize: 1, maxBatchBytes: 1_000, fieldNames: ['f'], computePrice: () => 0 });
  const dispatcher = new Dispatcher({
    concurrency,
    pool,
    stop: new JobAbort(),
    handsOut: false,
    yields: FINDS_VALUES,
    statedCost: { hasRoom: () => true, take: () => true, giveBack: () => undefined },
    askGroup,
    giveUpUnaffordable: async () => undefined,
    lookAgain: async () => NO_QUESTIONS,
  });
  await dispatcher.run(openQuestions(scene.runs));
  return account.report();
}

async function* openQuestions(count: number): AsyncGenerator<readonly Question[]> {
  for (let index = 0; index < count; index += 1) {
    const company = `Company ${index + 1}`;
    yield [
      { key: company, record: { company }, fields: ['ceo'], level: 0, attempt: 1, fault: null, seen: 0 },
    ];
  }
}

type CreateAnswer = { refusal: 'concurrency' | 'rate' } | { refusal: null; end: Promise<void> };

/** Models an account: counts its requests and refuses those beyond its limits. */
class Account {
  private readonly scene: PaceScene;
  private readonly clock: VirtualClock;
  private readonly creates: { atMs: number; active: number; accepted: boolean }[] = [];
  private readonly refused = { concurrency: 0, rate: 0 };
  private readonly firstMs: number;
  private active = 0;
  private started = 0;
  private peakActive = 0;
  private tokens: number;
  private tokensAtMs: number;
  /** Totals up to the last start; later time is added with the next one. */
  private readonly used = { busyMs: 0, allowedMs: 0 };
  private readonly since = { busyMs: 0, allowedMs: 0, atMs: 0, cap: 0 };

  constructor(scene: PaceScene, clock: VirtualClock) {
    this.scene = scene;
    this.clock = clock;
    this.firstMs = clock.now() + TRIP_MS;
    this.tokens = scene.allowedPerSecond ?? 0;
    this.tokensAtMs = this.firstMs;
    Object.assign(this.since, { atMs: this.firstMs, cap: scene.cap(0, 0) });
  }

  create(): CreateAnswer {
    this.note();
    const atMs = this.clock.now() - this.firstMs;
    const refusal = this.refuse(atMs);
    this.creates.push({ atMs, active: this.active, accepted: refusal === null });
    if (refusal !== null) {
      this.refused[refusal] += 1;
      return { refusal };
    }
    this.countUsed();
    this.started += 1;
    this.active += 1;
    this.peakActive = Math.max(this.peakActive, this.active);
    const { latency, seed } = this.scene;
    const latencyMs = drawLatencyMs(resolveLatency(latency), seed, this.started);
    return { refusal: null, end: this.end(latencyMs) };
  }

  report(): PaceReport {
    const { used, refused, started, peakActive, creates } = this;
    return {
      ...{ refused, started, peakActive, creates },
      slotsUsed: used.busyMs / used.allowedMs,
      refusedShare: (refused.concurrency + refused.rate) / creates.length,
      endMs: this.clock.now() - this.firstMs,
    };
  }

  private async end(latencyMs: number): Promise<void> {
    await this.clock.sleep(latencyMs);
    this.note();
    this.active -= 1;
  }

  private refuse(atMs: number): 'concurrency' | 'rate' | null {
    const { allowedPerSecond: rate } = this.scene;
    if (rate !== undefined) {
      this.tokens = Math.min(rate, this.tokens + ((this.clock.now() - this.tokensAtMs) / 1_000) * rate);
      this.tokensAtMs = this.clock.now();
      if (this.tokens < 1) return 'rate';
    }
    const { allowedInAnySecond: most } = this.scene;
    const isInSecond = (create: { readonly atMs: number }): boolean => create.atMs > atMs - 1_000;
    if (most !== undefined && this.creates.filter(isInSecond).length >= most) return 'rate';
    if (this.active >= this.scene.cap(this.started, atMs)) return 'concurrency';
    this.tokens -= 1;
    return null;
  }

  /** Adds used and allowed slots since the last change. */
  private note(): void {
    const { since } = this;
    const nowMs = this.clock.now();
    since.busyMs += this.active * (nowMs - since.atMs);
    since.allowedMs += since.cap * (nowMs - since.atMs);
    since.atMs = nowMs;
    since.cap = this.scene.cap(this.started, nowMs - this.firstMs);
  }

  private countUsed(): void {
    const { since, used } = this;
    used.busyMs += since.busyMs;
    used.allowedMs += since.allowedMs;
    Object.assign(since, { busyMs: 0, allowedMs: 0 });
  }
}
