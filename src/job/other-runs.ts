import type { JobContext } from './job-context.js';
import { isOverdue } from './look-again.js';

type Context = Pick<JobContext, 'clock' | 'job' | 'ledger' | 'settings' | 'stop' | 'throttle'>;

/** How often processes that have ended are looked for, in ms. */
const ADOPT_MS = 1_000;

/**
 * Counts the runs of a job that other processes still have, such as the workers of a coordinator that was killed. They
 * take slots of this process until they end, because the limit is that of the job. No further ones start.
 */
export class OtherRuns {
  readonly #context: Context;
  readonly #adopt: () => void;
  readonly #closing = new AbortController();
  #batchIds = new Set<string>();

  /** `adopt` continues with the runs of processes that have ended. */
  constructor(context: Context, adopt: () => void) {
    this.#context = context;
    this.#adopt = adopt;
  }

  /** Counts all open batches of the job except its own. */
  async open(own: readonly string[]): Promise<void> {
    this.#batchIds = new Set((await this.#listOpen()).filter((id) => !own.includes(id)));
    for (const _ of this.#batchIds) this.#context.throttle.adopt();
    // An error of the ledger is reported by those who need what they asked for.
    if (this.#batchIds.size > 0) void this.#follow().catch(() => undefined);
  }

  /** Frees the slots of batches that have ended, or that this process has taken over and counts itself. */
  leave(batchIds: readonly string[]): void {
    for (const id of batchIds) if (this.#batchIds.delete(id)) this.#context.throttle.release();
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(): Promise<void> {
    const { clock, ledger, stop } = this.#context;
    let adoptedAtMs = clock.now();
    try {
      while (this.#batchIds.size > 0 && stop.reason === null && !this.#closing.signal.aborted) {
        await ledger.whenChanged(this.#closing.signal);
        const open = new Set(await this.#listOpen());
        this.leave([...this.#batchIds].filter((id) => !open.has(id)));
        if (clock.now() - adoptedAtMs < ADOPT_MS || this.#closing.signal.aborted) continue;
        adoptedAtMs = clock.now();
        this.#adopt();
      }
    } finally {
      this.leave([...this.#batchIds]);
    }
  }

  async #listOpen(): Promise<readonly string[]> {
    const { clock, job, ledger, settings } = this.#context;
    const open = (await ledger.listOpenBatches(job.askId)).filter(({ batch }) => batch.jobId === job.id);
    return open
      .filter((each) => each.state !== 'unknown' && !isOverdue(each, clock.now(), settings.runTimeoutMs))
      .map(({ batch }) => batch.id);
  }
}
