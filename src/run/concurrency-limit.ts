/** So many runs at once are taken for granted until the agent has shown more. */
const FIRST_KNOWN = 4;
/** A look for more room is earned by so many creates that were accepted: refusals stay below one in twenty creates. */
const CREATES_PER_LOOK = 20;
/** Refusals beyond these are forgiven, or one bad minute would keep us from looking for hours. */
const MAX_DEBT = 10;
/** Long runs earn little: after so long without a refusal, one look is due anyhow. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Finds out how many runs the agent holds at once, up to `concurrency`: the cap of an account is told by refusals only,
 * is shared with other programs, and moves. It is a belief that what was accepted raises and what was refused lowers.
 */
export class ConcurrencyLimit {
  private readonly concurrency: number;
  /** Runs of ours, with the creates that are under way. */
  private active = 0;
  /** Creates whose answer is not known yet. */
  private pending = 0;
  /** So many at once the agent holds, as far as is known. */
  private known: number;
  /** What was known when it last began to grow; null while it does not. */
  private growsFrom: number | null = 0;
  /** Looks for more room that were earned; below zero while refusals are paid off. */
  private looks = 0;
  /** Refusals in a row of creates that should have found room: the cap has fallen, nobody knows how far. */
  private denials = 0;
  private refusedAtMs = 0;
  /** How long the agent asked to wait at the last refusal. */
  private askedMs = 0;
  /** How long after the last refusal a look is due anyhow. */
  private lookGapMs = 0;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
    this.known = Math.min(concurrency, FIRST_KNOWN);
  }

  /** True while the agent is known to work on a run of ours. */
  get isUsed(): boolean {
    return this.active > this.pending;
  }

  /** How long until a create may go out: 0 for now, Infinity for not before something else happens. */
  delayMs(nowMs: number): number {
    const { active, pending, known, concurrency } = this;
    if (active >= concurrency) return Number.POSITIVE_INFINITY;
    // Where even known room was refused, one create at a time feels how much there is.
    if (this.denials > 0 && pending > 0) return Number.POSITIVE_INFINITY;
    if (active < known + this.reach) return 0;
    // One look at a time; the first way up goes by what was accepted alone.
    if (this.growsFrom !== null || active > known) return Number.POSITIVE_INFINITY;
    const waitMs = this.looks >= 1 ? this.askedMs : this.lookGapMs;
    return Math.max(0, this.refusedAtMs + waitMs - nowMs);
  }

  /** A create goes out. */
  acquire(): void {
    this.active += 1;
    this.pending += 1;
  }

  /** The create has made a run. */
  onStarted(): void {
    this.pending -= 1;
    this.looks = Math.min(1, this.looks + 1 / CREATES_PER_LOOK);
    // After more than one denial what is known is a guess, and on the safe side.
    if (this.denials > 1) this.growsFrom = this.known;
    this.denials = 0;
    this.learn();
  }

  /** The create was refused because too many runs are active. */
  onRejected(nowMs: number, retryAfterMs: number | null): void {
    this.active -= 1;
    this.pending -= 1;
    this.growsFrom = null;
    this.refusedAtMs = nowMs;
    // Feeling the way down after a fall is not looking for more.
    if (this.denials === 0) this.looks = Math.max(-MAX_DEBT, this.looks - 1);
    this.askedMs = retryAfterMs ?? 0;
    // Where the agent says when to come back, the first look comes then, and the next ones less and less often.
    this.lookGapMs =
      this.askedMs === 0
        ? LOOK_AGAIN_MS
        : Math.max(this.askedMs, Math.min(LOOK_AGAIN_MS, 2 * this.lookGapMs));
    // A look beyond what is known says nothing about what is known.
    if (this.active < this.known) this.lower();
  }

  /** The create came to nothing that says anything about room; it counts until it is released. */
  onError(): void {
    this.pending -= 1;
  }

  /** A run that was started before this job. */
  adopt(): void {
    this.active += 1;
    this.learn();
  }

  /** A run has ended, or what may have been one is given up. */
  release(): void {
    this.active -= 1;
  }

  /** So many beyond what is known may be tried at once: half of what it grew by, so that each round tries half as many again. */
  private get reach(): number {
    return this.growsFrom === null ? 0 : Math.max(1, Math.floor((this.known - this.growsFrom) / 2));
  }

  /** What works now is what the agent holds; more than was known, and there may be more still. */
  private learn(): void {
    const held = Math.min(this.concurrency, this.active - this.pending);
    if (held <= this.known) return;
    this.growsFrom ??= this.known;
    this.known = held;
    this.lookGapMs = 0;
  }

  /** Each end of ours would be refused its successor while others hold the rest: the steps down double with each denial. */
  private lower(): void {
    this.known = this.active;
    // What was under way together is one denial.
    if (this.pending === 0) {
      this.denials += 1;
      if (this.denials > 1) this.known -= Math.min(2 ** (this.denials - 2), Math.floor(this.known / 2));
    }
    this.known = Math.max(1, this.known);
  }
}
