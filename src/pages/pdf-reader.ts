import { BoundedWorker } from './bounded-worker.js';
import type { PdfReply, PdfText } from './pdf-worker.js';

/** A PDF that takes longer is not read. */
const TIMEOUT_MS = 20_000;
const HEAP_MB = 384;

/** Reads PDFs one at a time, each in a worker of its own, so that no document can affect this process or another one. */
export class PdfReader {
  readonly #worker = new BoundedWorker<Uint8Array, PdfReply>({
    program: new URL('./pdf-worker.js', import.meta.url),
    heapMb: HEAP_MB,
  });
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Reads the document that `load` returns, which is called when it is its turn. Rejects if the document is damaged,
   * encrypted, or takes too much time or memory.
   */
  read(load: () => Promise<Uint8Array>): Promise<PdfText> {
    const result = this.#last.then(async () => this.#read(await load()));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.#worker.end();
  }

  async #read(bytes: Uint8Array): Promise<PdfText> {
    try {
      // A copy: the bytes may be part of a larger buffer.
      const own = new Uint8Array(bytes);
      const reply = await this.#worker.ask(own, TIMEOUT_MS, [own.buffer]);
      if ('error' in reply) throw new Error(reply.error);
      return reply;
    } finally {
      await this.#worker.end();
    }
  }
}
