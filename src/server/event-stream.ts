import type { ServerResponse } from 'node:http';
import type { Timers } from '../model/clock.js';
import { isTerminal } from '../model/run.js';
import { formatEventData } from './run-document.js';
import type { RunEngine } from './run-engine.js';
import type { RunStore, StoredEvent, StoredRun } from './store-contract.js';

/** A client that reads nothing for this long is disconnected. It can replay the events later. */
const STALL_MS = 30_000;

interface EventStreamOptions {
  readonly clock: Timers;
  readonly keepAliveMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Maximum number of characters buffered for a client that does not read. */
export const PIECE_LENGTH = 64 * 1024;

/** Splits a text into pieces that are written one by one. Never splits a character. */
export function* splitText(text: string): Generator<string, void> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + PIECE_LENGTH);
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/**
 * One response of server-sent events, with LF line ends. For a slow client, unsent events are kept as
 * references to the stored text, which is written piece by piece.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #closers: (() => void)[] = [];
  #cancelKeepAlive = (): void => {};
  #cancelStall: (() => void) | null = null;
  #open = true;
  readonly #waiting: Generator<string, void>[] = [];
  #isFull = false;
  /** Called once everything is written. */
  #finish: (() => void) | null = null;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    response.writeHead(200, {
      ...options.headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    // Idle streams are normal; keep-alives and the stall timeout replace the server's own timeout.
    response.socket?.setTimeout(0);
    response.on('drain', () => {
      this.#calm();
      this.#isFull = false;
      this.#flush();
    });
    response.once('close', () => {
      this.#calm();
      this.#release();
    });
    // A failed socket also emits close.
    response.on('error', () => {});
    this.#keepAlive();
  }

  /** True until we or the client end the stream. */
  get isOpen(): boolean {
    return this.#open;
  }

  send(event: StoredEvent, run: StoredRun): void {
    this.#write(splitFrame(event, run));
  }

  /** Ends the stream after pending events are written. */
  end(): void {
    this.#finishWith(() => {
      this.#release();
      this.#response.end();
    });
  }

  /** Breaks the connection in the middle of a frame, like a failing network. */
  cut(event: StoredEvent, run: StoredRun): void {
    const frame = [...splitFrame(event, run)].join('');
    this.#write(splitText(frame.slice(0, Math.floor(frame.length / 2))));
    this.#finishWith(() => {
      this.#release();
      this.#response.write('', () => this.#response.destroy());
    });
  }

  /** Calls `callback` once when the stream has ended. */
  onClose(callback: () => void): void {
    if (this.#open) this.#closers.push(callback);
    else callback();
  }

  #keepAlive(): void {
    this.#cancelKeepAlive = this.#options.clock.schedule(() => {
      // No keep-alive is needed while data is pending.
      if (!this.#isFull) this.#write(splitText(': keep-alive\n\n'));
      this.#keepAlive();
    }, this.#options.keepAliveMs);
  }

  #write(pieces: Generator<string, void>): void {
    if (!this.#open || this.#finish !== null) return;
    this.#waiting.push(pieces);
    this.#flush();
  }

  #finishWith(finish: () => void): void {
    if (!this.#open || this.#finish !== null) return;
    this.#finish = finish;
    this.#flush();
  }

  #flush(): void {
    while (this.#open && !this.#isFull) {
      const step = this.#waiting[0]?.next();
      if (step === undefined) {
        this.#finish?.();
        return;
      }
      if (step.done === true) this.#waiting.shift();
      else if (!this.#response.write(step.value)) {
        this.#isFull = true;
        this.#cancelStall ??= this.#options.clock.schedule(() => this.#response.destroy(), STALL_MS);
      }
    }
  }

  #calm(): void {
    this.#cancelStall?.();
    this.#cancelStall = null;
  }

  #release(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelKeepAlive();
    for (const close of this.#closers) close();
  }
}

/** Formats one event as a server-sent-events frame. */
function* splitFrame(event: StoredEvent, run: StoredRun): Generator<string, void> {
  const head = `id: ${event.id}\nevent: ${event.event}\ndata: `;
  const data = formatEventData(event, run);
  if (data.length <= PIECE_LENGTH) return yield `${head}${data}\n\n`;
  yield head;
  yield* splitText(data);
  yield '\n\n';
}

const MAX_STORED = 10_000;

interface StreamSources {
  readonly engine: RunEngine;
  readonly store: RunStore;
}

/**
 * Streams past events of a run, then new ones until it ends. A client that disconnects does not affect the
 * run. `cutAfter`: break the connection inside the frame after this many events, for a rehearsal.
 */
export function streamLive(
  stream: EventStream,
  run: StoredRun,
  sources: StreamSources,
  cutAfter: number | null,
): void {
  const send = createSender(stream, cutAfter);
  for (const event of sources.store.listEvents(run.id, 0, MAX_STORED)) send(event, run);
  const stopListening = sources.engine.listen(run.id, (event, changed) => {
    send(event, changed);
    if (isTerminal(changed.status)) stream.end();
  });
  stream.onClose(stopListening);
  if (!sources.engine.isActive(run.id)) stream.end();
}

/** Sends the stored events of a run after the last one that the client has seen, then ends. */
export function streamStored(
  stream: EventStream,
  run: StoredRun,
  after: number,
  sources: StreamSources,
  cutAfter: number | null,
): void {
  const send = createSender(stream, cutAfter);
  for (const event of sources.store.listEvents(run.id, after, MAX_STORED)) send(event, run);
  stream.end();
}

function createSender(stream: EventStream, cutAfter: number | null) {
  let sent = 0;
  return (event: StoredEvent, run: StoredRun): void => {
    if (sent === cutAfter) stream.cut(event, run);
    else stream.send(event, run);
    sent += 1;
  };
}
