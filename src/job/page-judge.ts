import type { CitationVerdict, Claim } from '../model/verdict.js';
import { BoundedWorker, WorkerFailure } from '../pages/bounded-worker.js';
import type { PageBytes, PageKind } from '../pages/page-text.js';
import type { PdfText } from '../pages/pdf-worker.js';

/** A page to look at, as it was fetched. */
export type JudgedPage =
  | { readonly bytes: PageBytes; readonly isCut: boolean }
  | { readonly pdf: PdfText; readonly url: string };

/** A page, and the claims that cite it. */
export interface JudgeRequest {
  readonly page: JudgedPage;
  readonly claims: readonly Claim[];
}

/** What was seen on the page: its kind, and a verdict for each claim. */
interface JudgedText {
  readonly kind: PageKind;
  readonly verdicts: readonly CitationVerdict[];
}

/** The answer of the worker, or why there is none. */
export type JudgeReply = JudgedText | { readonly error: string };

/** Ordinary pages take some milliseconds for each claim; a busy machine may need many times that. */
const TIMEOUT_MS = 10_000;
const TIMEOUT_PER_CLAIM_MS = 100;
const HEAP_MB = 384;
/** Small, so that garbage is collected instead of gathered: pages become garbage at once. */
const YOUNG_HEAP_MB = 8;
/** No further page is fetched while pages of this many bytes wait for their turn in memory. */
const MAX_BYTES_TO_FETCH = 1_000_000;
/** Pages that were under way then wait on disk, above this many bytes. */
const MAX_WAITING_BYTES = 4_000_000;

/**
 * Makes text of pages and judges what they say, in a worker, one page at a time. So a page that takes too long or too
 * much memory, by chance or by design, holds up nothing but its own claims.
 */
export class PageJudge {
  readonly #worker = new BoundedWorker<JudgeRequest, JudgeReply>({
    program: new URL('./page-judge-worker.js', import.meta.url),
    heapMb: HEAP_MB,
    youngMb: YOUNG_HEAP_MB,
  });
  #last: Promise<unknown> = Promise.resolve();
  #waitingBytes = 0;
  /** Those that wait to fetch a page. */
  readonly #fetching: (() => void)[] = [];
  #isLoading = false;
  #isClosed = false;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.close();

  readonly #timeoutMs: number;

  /**
   * Aborting the signal closes it, whatever page is under way. `timeoutMs` is for a page without claims; each claim adds
   * to it.
   */
  constructor(signal?: AbortSignal, timeoutMs: number = TIMEOUT_MS) {
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** True if a page of this size may wait for its turn in memory. */
  hasRoom(bytes: number): boolean {
    return this.#waitingBytes === 0 || this.#waitingBytes + bytes <= MAX_WAITING_BYTES;
  }

  /** Resolves when another page may be fetched. */
  async waitForRoom(): Promise<void> {
    while (this.#waitingBytes > MAX_BYTES_TO_FETCH && !this.#isLoading && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#fetching.push(resolve);
      });
    }
  }

  /**
   * Judges the page that `load` returns, which is called when it is its turn. Its bytes are handed to the worker, so they
   * are empty afterwards. `heldBytes` is what it keeps in memory until then. For a page that cannot be judged the reply says why, such as "it takes too long to read".
   */
  judge(load: () => Promise<JudgedPage>, claims: readonly Claim[], heldBytes: number): Promise<JudgeReply> {
    this.#waitingBytes += heldBytes;
    const result = this.#last.then(async () => {
      try {
        const page = this.#isClosed ? null : await this.#load(load, heldBytes);
        if (this.#isClosed || page === null) throw new Error('the reader of pages is closed');
        return await this.#judge(page, claims);
      } finally {
        this.#waitingBytes -= heldBytes;
        // One page for each that is done; all if none is left to wait for.
        if (this.#waitingBytes > 0) this.#fetching.shift()?.();
        else this.#wakeAll();
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Loads a page for its turn. If it has to be fetched for that, it must not wait for pages that wait for it. */
  async #load(load: () => Promise<JudgedPage>, heldBytes: number): Promise<JudgedPage> {
    if (heldBytes > 0) return await load();
    this.#isLoading = true;
    this.#wakeAll();
    try {
      return await load();
    } finally {
      this.#isLoading = false;
    }
  }

  #wakeAll(): void {
    for (const wake of this.#fetching.splice(0)) wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wakeAll();
    this.#signal?.removeEventListener('abort', this.#abort);
    await this.#worker.end();
  }

  async #judge(page: JudgedPage, claims: readonly Claim[]): Promise<JudgeReply> {
    const timeoutMs = this.#timeoutMs + TIMEOUT_PER_CLAIM_MS * claims.length;
    try {
      if ('pdf' in page) return await this.#worker.ask({ page, claims }, timeoutMs);
      const { body } = page.bytes;
      // Bytes that are part of a larger buffer are copied.
      const isWhole = body.buffer instanceof ArrayBuffer && body.byteLength === body.buffer.byteLength;
      const own = isWhole ? body : new Uint8Array(body);
      const request = { page: { ...page, bytes: { ...page.bytes, body: own } }, claims };
      return await this.#worker.ask(request, timeoutMs, [own.buffer as ArrayBuffer]);
    } catch (error) {
      if (error instanceof WorkerFailure && !this.#isClosed) return { error: error.message };
      throw error;
    }
  }
}
