import { type Transferable, Worker } from 'node:worker_threads';
import { hasErrorCode } from '../errors.js';

export interface WorkerLimits {
  /** The worker's program. */
  readonly program: URL;
  /** Heap of the worker. Work that needs more ends the worker, and nothing else. */
  readonly heapMb: number;
  /** Heap for short-lived objects, which sets how much garbage gathers. @default the engine's */
  readonly youngMb?: number;
}

/** Why a worker gave no answer: it took too long, needed too much memory, or ended. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
}

/**
 * A worker thread that answers one request at a time, each within a deadline. It starts with the first request, and
 * anew after one that it did not answer. It must answer each message with one message.
 */
export class BoundedWorker<Request, Reply> {
  readonly #limits: WorkerLimits;
  #worker: Worker | null = null;

  constructor(limits: WorkerLimits) {
    this.#limits = limits;
  }

  /**
   * Rejects with a WorkerFailure if there is no answer in time, and with the error that the program throws. Call it again
   * only after it is settled. `transfer` lists buffers of the request that are handed over instead of copied.
   */
  async ask(request: Request, timeoutMs: number, transfer: readonly Transferable[] = []): Promise<Reply> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    let cancel = (): void => {};
    try {
      return await new Promise<Reply>((resolve, reject) => {
        const fail = (reason: string): void => reject(new WorkerFailure(reason));
        const timer = setTimeout(() => fail('it takes too long to read'), timeoutMs);
        const onError = (error: unknown): void =>
          hasErrorCode(error, 'ERR_WORKER_OUT_OF_MEMORY') ? fail('it needs too much memory') : reject(error);
        const onExit = (): void => fail('its reader ended');
        cancel = () => {
          clearTimeout(timer);
          worker.off('message', resolve).off('error', onError).off('exit', onExit);
        };
        worker.once('message', resolve).once('error', onError).once('exit', onExit);
        worker.postMessage(request, transfer);
      });
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      cancel();
    }
  }

  /** Ends the worker, whatever it is doing. */
  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #start(): Worker {
    const { program, heapMb, youngMb } = this.#limits;
    const worker = new Worker(program, {
      resourceLimits: {
        maxOldGenerationSizeMb: heapMb,
        ...(youngMb === undefined ? {} : { maxYoungGenerationSizeMb: youngMb }),
      },
      // Those of this process may not suit a worker.
      execArgv: [],
      // Warnings about fonts and the like are of no use here.
      stdout: true,
      stderr: true,
    });
    worker.stdout.resume();
    worker.stderr.resume();
    // Without a listener, an error would end this process. Each is followed by the exit.
    worker.on('error', () => {});
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = null;
    });
    return worker;
  }
}
