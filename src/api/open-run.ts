import type { AgentRun } from '../model/run.js';
import type { EventStream } from './event-stream.js';

/** A run that was started and whose id is known; it holds the stream on which its end will be announced. */
export interface StartedRun {
  readonly id: string;
  /** Lets go of the stream without waiting. The run goes on, and can be waited for by its id. */
  close(): void;
}

/** What `start` hands out and `wait` takes back. */
export class OpenRun implements StartedRun {
  readonly id: string;
  readonly effort: string | null;
  /** The run as the agent gave it, where it answered with JSON in place of a stream. */
  readonly run: AgentRun | null;
  #stream: EventStream | null;

  constructor(id: string, effort: string | null, held: { stream?: EventStream; run?: AgentRun }) {
    this.id = id;
    this.effort = effort;
    this.run = held.run ?? null;
    this.#stream = held.stream ?? null;
  }

  /** Hands the stream over, once: whoever takes it closes it. */
  takeStream(): EventStream | null {
    const stream = this.#stream;
    this.#stream = null;
    return stream;
  }

  close(): void {
    this.takeStream()?.close();
  }
}
