import type { ServerResponse } from 'node:http';
import type { Timers } from '../model/clock.js';
import { readEventData } from './run-events.js';
import type { StoredEvent, StoredRun } from './store-contract.js';

/** A reader that takes nothing for so long is let go; it can replay the events later. */
const STALL_MS = 30_000;

export interface EventStreamOptions {
  readonly clock: Timers;
  readonly keepAliveMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** One response of server-sent events: lines end in LF, each frame is written at once. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #closers: (() => void)[] = [];
  #cancelKeepAlive = (): void => {};
  #cancelStall: (() => void) | null = null;
  #open = true;

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
    // Silence is normal here; signs of life and the stall below take the place of the server's own limit.
    response.socket?.setTimeout(0);
    response.on('drain', () => this.#calm());
    response.once('close', () => {
      this.#calm();
      this.#release();
    });
    // A socket that fails closes right after.
    response.on('error', () => {});
    this.#keepAlive();
  }

  /** True until the stream was ended, by us or by the reader. */
  get isOpen(): boolean {
    return this.#open;
  }

  send(event: StoredEvent, run: StoredRun): void {
    this.#write(formatFrame(event, run));
  }

  end(): void {
    if (!this.#open) return;
    this.#release();
    this.#response.end();
  }

  /** Breaks off in the middle of a frame, as a failing network does. */
  cut(event: StoredEvent, run: StoredRun): void {
    if (!this.#open) return;
    const frame = formatFrame(event, run);
    this.#response.write(frame.slice(0, Math.floor(frame.length / 2)), () => this.#response.destroy());
    this.#release();
  }

  /** Calls back once when the stream is over, whoever ended it. */
  onClose(callback: () => void): void {
    if (this.#open) this.#closers.push(callback);
    else callback();
  }

  #keepAlive(): void {
    this.#cancelKeepAlive = this.#options.clock.schedule(() => {
      this.#write(': keep-alive\n\n');
      this.#keepAlive();
    }, this.#options.keepAliveMs);
  }

  #write(text: string): void {
    if (!this.#open || this.#response.write(text)) return;
    this.#cancelStall ??= this.#options.clock.schedule(() => this.#response.destroy(), STALL_MS);
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

/** One event as a frame of server-sent events. */
export function formatFrame(event: StoredEvent, run: StoredRun): string {
  return `id: ${event.id}\nevent: ${event.event}\ndata: ${readEventData(event, run)}\n\n`;
}
