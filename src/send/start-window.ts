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
    this.#entries = this.#entries.filter((entry) => this.#readEndMs(entry) > nowMs);
    if (this.#entries.length < this.#most) return 0;
    return Math.min(...this.#entries.map((entry) => this.#readEndMs(entry))) - nowMs;
  }

  take(): WindowPlace {
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
  #readEndMs({ sentAtMs, answeredAtMs }: Entry): number {
    if (sentAtMs === null) return Number.POSITIVE_INFINITY;
    // Everything is slow at first, and what an answer takes at least is not known yet.
    const isFirst = this.#answers < 2 * this.#most;
    const latestMs = isFirst ? Math.max(LATEST_MS, this.#lengthMs) : LATEST_MS;
    const answerMs = answeredAtMs === null ? latestMs : answeredAtMs - sentAtMs;
    const lateMs = isFirst ? answerMs : answerMs - this.#quickestMs;
    return sentAtMs + Math.min(latestMs, Math.max(0, lateMs)) + CLOCK_STEP_MS + this.#lengthMs;
  }
}
