import { createParser } from 'eventsource-parser';
import type { Timers } from '../model/clock.js';
import { isJsonObject, type JsonValue, parseAgentJson } from '../model/json.js';
import type { AgentRunEvent } from '../model/run.js';
import { mapTexts } from '../model/untrusted-text.js';
import { AgentError } from './agent-error.js';
import type { ByteSource } from './transport.js';

/**
 * The next item of a stream: an event, or its end. `cut` is the error that ended it, or null for a clean end.
 */
type StreamItem =
  | { readonly kind: 'event'; readonly event: AgentRunEvent }
  | { readonly kind: 'end'; readonly cut: unknown };

/**
 * An open stream of server-sent events. Reading it never rejects: a broken stream ends with its error in
 * `cut`.
 */
export class EventStream {
  /** Time of the last received bytes, including SSE comments. */
  lastByteAt: number;
  /** Bytes received so far. */
  receivedBytes = 0;
  readonly #body: ByteSource;
  readonly #now: () => number;
  readonly #events: AsyncGenerator<AgentRunEvent, void>;
  readonly #unread: AgentRunEvent[] = [];

  /** `mask` removes the key from received text. */
  constructor(
    body: ByteSource,
    maxBytes: number,
    now: () => number,
    mask: (text: string) => string = (text) => text,
  ) {
    this.#body = body;
    this.#now = now;
    this.lastByteAt = now();
    this.#events = this.#read(maxBytes, mask);
  }

  /** Returns the next event, or the end. One call at a time. */
  async next(): Promise<StreamItem> {
    const unread = this.#unread.shift();
    if (unread !== undefined) return { kind: 'event', event: unread };
    try {
      const step = await this.#events.next();
      return step.done === true ? { kind: 'end', cut: null } : { kind: 'event', event: step.value };
    } catch (error) {
      return { kind: 'end', cut: error };
    }
  }

  /** Puts back events that were read too early, so the next reader gets them first. */
  unread(events: readonly AgentRunEvent[]): void {
    this.#unread.unshift(...events);
  }

  /** Closes the connection. The run continues. */
  close(): void {
    this.#body.destroy();
  }

  /** Reads the rest so the connection can be reused. The caller limits it with `close`. */
  async drain(): Promise<void> {
    for (;;) if ((await this.next()).kind === 'end') return;
  }

  async *#read(maxBytes: number, mask: (text: string) => string): AsyncGenerator<AgentRunEvent, void> {
    const ready: AgentRunEvent[] = [];
    let tooLarge = false;
    const parser = createParser({
      // In characters; each takes at least one byte.
      maxBufferSize: maxBytes,
      onEvent: (message) => ready.push(parseMessage(message, mask)),
      onError: (error) => {
        tooLarge ||= error.type === 'max-buffer-size-exceeded';
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of this.#body) {
      this.lastByteAt = this.#now();
      this.receivedBytes += chunk.length;
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* ready.splice(0);
      if (tooLarge) throw createSizeError(maxBytes);
    }
    // The last frame may lack its blank line. Accept it only if its data is a complete object: otherwise it
    // was cut.
    parser.feed(`${decoder.decode()}\n\n`);
    yield* ready.splice(0).filter((event) => isJsonObject(event.data));
  }
}

function parseMessage(
  message: { id?: string | undefined; event?: string | undefined; data: string },
  mask: (text: string) => string,
): AgentRunEvent {
  return {
    id: mask(message.id ?? ''),
    event: mask(message.event ?? 'message'),
    data: mapTexts(parseData(message.data), mask),
  };
}

function parseData(text: string): JsonValue {
  try {
    return parseAgentJson(text);
  } catch {
    return text;
  }
}

function createSizeError(maxBytes: number): AgentError {
  return new AgentError('RESPONSE_TOO_LARGE', `A stream event is larger than ${maxBytes} bytes`, {
    hint: 'Send fewer rows per run (lower --batch-size).',
  });
}

/** Anything that records when its last bytes arrived. */
interface ByteClock {
  readonly lastByteAt: number;
}

/**
 * Keep-alives extend the timeout to at most this many times `idleMs`, since a proxy may send them for a dead
 * agent.
 */
const LIFE_FACTOR = 10;

/** Timeout that fires when no byte arrived for `idleMs`. Uses one timer for any number of events. */
export class IdleTimeout {
  readonly #source: ByteClock;
  readonly #clock: Timers;
  readonly #idleMs: number;
  #since: number;
  #timeout: Promise<null> | null = null;
  #cancel = (): void => {};

  constructor(source: ByteClock, clock: Timers, idleMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#since = clock.now();
  }

  /** Resolves to `next`, or to null on timeout. Time when nobody waits does not count. */
  async race<T>(next: Promise<T>): Promise<T | null> {
    this.#since = this.#clock.now();
    this.#timeout ??= new Promise((resolve) => this.#watch(resolve));
    return Promise.race([next, this.#timeout]);
  }

  /** Cancels the timer. After that, a pending race never times out. */
  close(): void {
    this.#cancel();
  }

  #watch(onTimeout: (value: null) => void): void {
    const idleAt = Math.max(this.#since, this.#source.lastByteAt) + this.#idleMs;
    const leftMs = Math.min(idleAt, this.#since + LIFE_FACTOR * this.#idleMs) - this.#clock.now();
    if (leftMs > 0) {
      this.#cancel = this.#clock.schedule(() => this.#watch(onTimeout), leftMs);
    } else {
      this.#timeout = null;
      onTimeout(null);
    }
  }
}
