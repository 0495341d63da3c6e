/** Bytes that are read once, in order, and can be given up on the way. */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Gives the rest up, and the connection with it. */
  destroy(): void;
}

/** What a body needs of the request that it belongs to. */
export interface BodyOwner {
  abort(reason: Error): void;
  /** Lets the bytes flow again after `push` said that it is enough. */
  resume(): void;
  /** Called once, when the last byte is there or none will come any more. */
  onEnd(): void;
}

const HIGH_WATER_BYTES = 64 * 1024;

/** The body of an answer: a queue between the connection, which is told to pause, and one reader. */
export class AnswerBody implements ByteSource {
  readonly #owner: BodyOwner;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #end: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** Takes a piece in; false asks for a pause. */
  push(chunk: Buffer): boolean {
    if (this.#end !== null) return true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    return this.#bytes < HIGH_WATER_BYTES;
  }

  end(): void {
    this.#finish(null);
  }

  fail(error: unknown): void {
    this.#finish(error);
  }

  destroy(): void {
    if (this.#end !== null) return;
    const reason = new Error('The rest of the answer was not wanted');
    this.#finish(reason);
    this.#owner.abort(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          const wasFull = this.#bytes >= HIGH_WATER_BYTES;
          this.#bytes -= chunk.length;
          if (wasFull && this.#bytes < HIGH_WATER_BYTES) this.#owner.resume();
          yield chunk;
        } else if (this.#end === null) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#end.error === null) {
          return;
        } else {
          throw this.#end.error;
        }
      }
    } finally {
      this.destroy();
    }
  }

  #finish(error: unknown): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#owner.onEnd();
    this.#wake();
  }
}
