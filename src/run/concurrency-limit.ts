/** Initial estimate of the agent's limit. */
const FIRST_KNOWN = 4;
/** Accepted creates needed per probe above the limit, so that less than one create in 20 is rejected. */
const CREATES_PER_PROBE = 20;
/** Cap on the penalty, so that a burst of rejections cannot stop probing for hours. */
const MAX_DEBT = 10;
/** With long runs, creates are too rare to earn probes. Probe anyway after this long without a rejection. */
const PROBE_AGAIN_MS = 60_000;

/**
 * Adaptive limit of concurrent runs, up to `concurrency`. The account's cap is unknown, shared with other
 * programs and may change, so the estimate rises when creates are accepted and falls when they are rejected.
 */
export class ConcurrencyLimit {
  private concurrency: number;
  /** Our active runs, including pending creates. */
  private active = 0;
  /** Creates without a response yet. */
  private pending = 0;
  /** Estimated limit of concurrent runs. */
  private known: number;
  /** The estimate when it last started to grow; null while it is not growing. */
  private growsFrom: number | null = 0;
  /** Credits for probing above the estimate. Negative after rejections. */
  private probes = 0;
  /** Consecutive rejections below the estimate: the cap has fallen by an unknown amount. */
  private rejections = 0;
  private refusedAtMs = 0;
  /** `Retry-After` of the last rejection, in ms. */
  private retryAfterMs = 0;
  /** Time after the last rejection until a probe is allowed without credit, in ms. */
  private probeGapMs = 0;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
    this.known = Math.min(concurrency, FIRST_KNOWN);
  }

  /** Changes the cap. Active runs above a lower one go on. */
  setConcurrency(concurrency: number): void {
    this.concurrency = concurrency;
    this.known = Math.min(concurrency, this.known);
  }

  /** True while at least one of our runs is known to be active. */
  get isUsed(): boolean {
    return this.active > this.pending;
  }

  /** Delay until a create may be sent, in ms: 0 for now, Infinity if something else must happen first. */
  delayMs(nowMs: number): number {
    const { active, pending, known, concurrency } = this;
    if (active >= concurrency) return Number.POSITIVE_INFINITY;
    // After a rejection below the estimate, allow one create at a time until one succeeds.
    if (this.rejections > 0 && pending > 0) return Number.POSITIVE_INFINITY;
    if (active < known + this.reach) return 0;
    // One probe at a time. While the estimate is growing, only accepted creates raise it.
    if (this.growsFrom !== null || active > known) return Number.POSITIVE_INFINITY;
    const waitMs = this.probes >= 1 ? this.retryAfterMs : this.probeGapMs;
    return Math.max(0, this.refusedAtMs + waitMs - nowMs);
  }

  /** Counts a create that is being sent. */
  acquire(): void {
    this.active += 1;
    this.pending += 1;
  }

  /** Records that the create started a run. */
  onStarted(): void {
    this.pending -= 1;
    this.probes = Math.min(1, this.probes + 1 / CREATES_PER_PROBE);
    // After several rejections the estimate is a low guess, so let it grow again.
    if (this.rejections > 1) this.growsFrom = this.known;
    this.rejections = 0;
    this.learn();
  }

  /** Records that the create was rejected because too many runs are active. */
  onRejected(nowMs: number, retryAfterMs: number | null): void {
    this.active -= 1;
    this.pending -= 1;
    this.growsFrom = null;
    this.refusedAtMs = nowMs;
    // Rejections while the estimate is falling are not probes, so they cost no credit.
    if (this.rejections === 0) this.probes = Math.max(-MAX_DEBT, this.probes - 1);
    this.retryAfterMs = retryAfterMs ?? 0;
    // If the agent sends Retry-After, probe then, and after that less and less often.
    this.probeGapMs =
      this.retryAfterMs === 0
        ? PROBE_AGAIN_MS
        : Math.max(this.retryAfterMs, Math.min(PROBE_AGAIN_MS, 2 * this.probeGapMs));
    // A rejected probe above the estimate says nothing about the estimate.
    if (this.active < this.known) this.lower();
  }

  /** Records a create that failed for another reason. It counts as active until `release`. */
  onError(): void {
    this.pending -= 1;
  }

  /** Counts a run that was started before this job. */
  adopt(): void {
    this.active += 1;
    this.learn();
  }

  /** Records that a run has ended or is no longer waited for. */
  release(): void {
    this.active -= 1;
  }

  /**
   * How many creates above the estimate are allowed: half of its growth so far, so each round tries 50% more.
   */
  private get reach(): number {
    return this.growsFrom === null ? 0 : Math.max(1, Math.floor((this.known - this.growsFrom) / 2));
  }

  /** Raises the estimate if more runs are active than estimated; the cap may be higher still. */
  private learn(): void {
    const held = Math.min(this.concurrency, this.active - this.pending);
    if (held <= this.known) return;
    this.growsFrom ??= this.known;
    this.known = held;
    this.probeGapMs = 0;
  }

  /** Backs off exponentially, because other clients may hold the remaining slots. */
  private lower(): void {
    this.known = this.active;
    // Concurrent rejections count as one.
    if (this.pending === 0) {
      this.rejections += 1;
      if (this.rejections > 1) this.known -= Math.min(2 ** (this.rejections - 2), Math.floor(this.known / 2));
    }
    this.known = Math.max(1, this.known);
  }
}
