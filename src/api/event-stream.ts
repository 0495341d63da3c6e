import { createParser } from 'eventsource-parser';
import type { Timers } from '../model/clock.js';
import { mapTexts } from '../model/foreign-text.js';
import { isJsonObject, type JsonValue, parseExactJson } from '../model/json.js';
import type { AgentRunEvent } from '../model/run.js';
import { AgentError } from './agent-error.js';
import type { ByteSource } from './transport.js';

/** What a stream brings next: an event, or its end; `cut` is the failure that ended it, null for an orderly end. */
export type StreamItem =
  | { readonly kind: 'event'; readonly event: AgentRunEvent }
  | { readonly kind: 'end'; readonly cut: unknown };

/** An open stream of server-sent events. Reading it never rejects: a broken stream ends with what broke it. */
export class EventStream {
  /** When the last bytes came, comments included. */
  lastByteAt: number;
  /** How many bytes came so far. */
  receivedBytes = 0;
  readonly #body: ByteSource;
  readonly #now: () => number;
  readonly #events: AsyncGenerator<AgentRunEvent, void>;
  readonly #unread: AgentRunEvent[] = [];

  /** `mask` takes the key out of what comes. */
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

  /** The next event, or the end. One call at a time. */
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

  /** Puts events back that were read too early, so that the next reader sees them first. */
  unread(events: readonly AgentRunEvent[]): void {
    this.#unread.unshift(...events);
  }

  /** Drops the connection. The run behind it goes on. */
  close(): void {
    this.#body.destroy();
  }

  /** Reads what is left, so that the connection can be used again; the caller bounds it with `close`. */
  async drain(): Promise<void> {
    for (;;) if ((await this.next()).kind === 'end') return;
  }

  async *#read(maxBytes: number, mask: (text: string) => string): AsyncGenerator<AgentRunEvent, void> {
    const ready: AgentRunEvent[] = [];
    let tooLarge = false;
    const parser = createParser({
      // In characters, of which none takes less than a byte.
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
    // The last frame may lack its blank line. It counts only if its data is a whole object: else it was cut.
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
    return parseExactJson(text);
  } catch {
    return text;
  }
}

function createSizeError(maxBytes: number): AgentError {
  return new AgentError('RESPONSE_TOO_LARGE', `An event of the stream is larger than ${maxBytes} bytes`, {
    hint: 'Send fewer rows a run (--batch-size).',
  });
}

/** What is watched: anything that knows when bytes came last. */
export interface ByteClock {
  readonly lastByteAt: number;
}

/** Signs of life alone put the ring off this many times `idleMs` at most: a proxy gives them for a dead agent too. */
const LIFE_FACTOR = 10;

/** Rings when no byte has come for `idleMs`, with one timer however many events come. */
export class IdleTimeout {
  readonly #source: ByteClock;
  readonly #clock: Timers;
  readonly #idleMs: number;
  #since: number;
  #ringing: Promise<null> | null = null;
  #callOff = (): void => {};

  constructor(source: ByteClock, clock: Timers, idleMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#since = clock.now();
  }

  /** What comes first: the thing waited for, or null for the ring. Time in which nobody waits does not count. */
  async race<T>(next: Promise<T>): Promise<T | null> {
    this.#since = this.#clock.now();
    this.#ringing ??= new Promise((resolve) => this.#watch(resolve));
    return Promise.race([next, this.#ringing]);
  }

  /** Stops the timer. A closed watch never rings: whoever waited has what it waited for. */
  close(): void {
    this.#callOff();
  }

  #watch(ring: (value: null) => void): void {
    const idleAt = Math.max(this.#since, this.#source.lastByteAt) + this.#idleMs;
    const leftMs = Math.min(idleAt, this.#since + LIFE_FACTOR * this.#idleMs) - this.#clock.now();
    if (leftMs > 0) {
      this.#callOff = this.#clock.schedule(() => this.#watch(ring), leftMs);
    } else {
      this.#ringing = null;
      ring(null);
    }
  }
}
