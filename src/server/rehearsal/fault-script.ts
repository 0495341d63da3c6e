import type { Tally } from '../tally.js';
import { draw } from './draw.js';
import type { Fault, FaultScope, Operation } from './fault.js';

/** Decides which faults are played, and counts them. */
export class FaultScript {
  readonly #seed: string;
  readonly #faults: readonly Fault[];
  readonly #tally: Tally;
  readonly #occasions = new Map<number, number>();
  readonly #plays = new Map<number, number>();
  readonly #repeats = new Map<string, number>();
  readonly #subjects = new Map<string, string>();

  constructor(seed: string, faults: readonly Fault[], tally: Tally) {
    this.#seed = seed;
    this.#faults = faults;
    this.#tally = tally;
  }

  /** Notes what a run is about, for the requests that name it by its id alone. */
  remember(runId: string, subject: string): void {
    this.#subjects.set(runId, subject);
  }

  /** What a run is about; its id where it was made before this server started. */
  readSubject(runId: string): string {
    return this.#subjects.get(runId) ?? runId;
  }

  /** The faults that happen to a request; `subject` says what it is about, so that chance falls alike each time. */
  meetRequest(operation: Operation, subject: string): readonly Fault[] {
    return this.#meet('request', subject, (fault) => fault.on.includes(operation), operation);
  }

  /** The faults that happen to a run as a whole. */
  meetRun(subject: string): readonly Fault[] {
    return this.#meet('run', subject, () => true, '');
  }

  /** The faults that happen to one row of an answer. */
  meetRow(subject: string): readonly Fault[] {
    return this.#meet('rows', subject, () => true, '');
  }

  /** True where the script has faults of that scope at all. */
  has(scope: FaultScope): boolean {
    return this.#faults.some((fault) => fault.scope === scope);
  }

  #meet(
    scope: FaultScope,
    subject: string,
    concerns: (fault: Fault) => boolean,
    word: string,
  ): readonly Fault[] {
    const candidates = this.#faults.filter((fault) => fault.scope === scope && concerns(fault));
    if (candidates.length === 0) return [];
    const repeat = countUp(this.#repeats, `${scope} ${word} ${subject}`);
    return candidates.filter((fault) => {
      if (!this.#strikes(fault, subject, word, repeat)) return false;
      this.#tally.countFault(fault.name);
      return true;
    });
  }

  #strikes(fault: Fault, subject: string, word: string, repeat: number): boolean {
    const { share, nth, every, first, max } = fault.trigger;
    const occasion = countUp(this.#occasions, fault.index);
    if (nth !== undefined && !nth.includes(occasion)) return false;
    if (every !== undefined && occasion % every !== 0) return false;
    if (first !== undefined && occasion > first) return false;
    if (share !== undefined && draw(this.#seed, fault.index, word, subject, repeat) >= share) return false;
    if (max !== undefined && (this.#plays.get(fault.index) ?? 0) >= max) return false;
    countUp(this.#plays, fault.index);
    return true;
  }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}
