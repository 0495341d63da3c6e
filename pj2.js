import { BoundedWorker, WorkerFailure } from '../pages/bounded-worker.js';
/** Ordinary pages take some milliseconds for each claim; a busy machine may need many times that. */
const TIMEOUT_MS = 10_000;
const TIMEOUT_PER_CLAIM_MS = 100;
const HEAP_MB = 384;
/** Small, so that garbage is collected instead of gathered: pages become garbage at once. */
const YOUNG_HEAP_MB = 8;
/** Bytes of pages that wait for their turn in memory. Further ones wait on disk. */
const MAX_WAITING_BYTES = 4_000_000;
/**
 * Makes text of pages and judges what they say, in a worker, one page at a time. So a page that takes too long or too
 * much memory, by chance or by design, holds up nothing but its own claims.
 */
export class PageJudge {
    #worker = new BoundedWorker({
        program: new URL('./page-judge-worker.js', import.meta.url),
        heapMb: HEAP_MB,
        youngMb: YOUNG_HEAP_MB,
    });
    #last = Promise.resolve();
    #waitingBytes = 0;
    #isClosed = false;
    #signal;
    #abort = () => void this.close();
    #timeoutMs;
    /**
     * Aborting the signal closes it, whatever page is under way. `timeoutMs` is for a page without claims; each claim adds
     * to it.
     */
    constructor(signal, timeoutMs = TIMEOUT_MS) {
        this.#signal = signal;
        this.#timeoutMs = timeoutMs;
        signal?.addEventListener('abort', this.#abort, { once: true });
    }
    /** True if a page of this size may wait for its turn in memory. */
    hasRoom(bytes) {
        return this.#waitingBytes === 0 || this.#waitingBytes + bytes <= MAX_WAITING_BYTES;
    }
    /**
     * Judges the page that `load` returns, which is called when it is its turn. `heldBytes` is what it keeps in memory
     * until then. For a page that cannot be judged the reply says why, such as "it takes too long to read".
     */
    judge(load, claims, heldBytes) {
        this.#waitingBytes += heldBytes;
        const result = this.#last.then(async () => {
            try {
                const page = this.#isClosed ? null : await load();
                if (this.#isClosed || page === null)
                    throw new Error('the reader of pages is closed');
                return await this.#judge(page, claims);
            }
            finally {
                this.#waitingBytes -= heldBytes;
            }
        });
        this.#last = result.catch(() => undefined);
        return result;
    }
    async close() {
        this.#isClosed = true;
        this.#signal?.removeEventListener('abort', this.#abort);
        await this.#worker.end();
    }
    async #judge(page, claims) {
        const timeoutMs = this.#timeoutMs + TIMEOUT_PER_CLAIM_MS * claims.length;
        try {
            if ('pdf' in page)
                return await this.#worker.ask({ page, claims }, timeoutMs);
            // A copy, because the bytes may be part of a larger buffer.
            const body = new Uint8Array(page.bytes.body);
            const own = { ...page, bytes: { ...page.bytes, body } };
            return await this.#worker.ask({ page: own, claims }, timeoutMs, [body.buffer]);
        }
        catch (error) {
            if (error instanceof WorkerFailure && !this.#isClosed)
                return { error: error.message };
            throw error;
        }
    }
}
