import { Worker } from 'node:worker_threads';
import type { PdfReply, PdfText } from './pdf-worker.js';

/** A PDF that takes longer is not read. */
const TIMEOUT_MS = 20_000;
/** Heap of the worker. A document that needs more ends the worker, and nothing else. */
const HEAP_MB = 384;

/** Reads PDFs one at a time, each in a worker of its own, so that no document can affect this process or another one. */
export class PdfReader {
  #worker: Worker | null = null;
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
    await this.#worker?.terminate();
  }

  async #read(bytes: Uint8Array): Promise<PdfText> {
    const worker = new Worker(new URL('./pdf-worker.js', import.meta.url), {
      // A copy: the bytes may be part of a larger buffer.
      workerData: new Uint8Array(bytes),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      // Warnings about fonts and the like are of no use here.
      stdout: true,
      stderr: true,
    });
    this.#worker = worker;
    worker.stdout.resume();
    worker.stderr.resume();
    let cancel = (): void => {};
    try {
      const reply = await new Promise<PdfReply>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('it takes too long to read')), TIMEOUT_MS);
        cancel = () => clearTimeout(timer);
        worker.once('message', resolve);
        worker.on('error', () => reject(new Error('it needs too much memory')));
        worker.once('exit', () => reject(new Error('its reader ended')));
      });
      if ('error' in reply) throw new Error(reply.error);
      return reply;
    } finally {
      cancel();
      this.#worker = null;
      await worker.terminate();
    }
  }
}
