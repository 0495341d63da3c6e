import type { Question } from '../model/question.js';

/** The part of what is in flight that `selectRows` needs. */
export interface InFlightView {
  /** True while any field of the key is in flight. */
  holds(key: string): boolean;
  has(key: string, field: string): boolean;
  add(key: string, fields: readonly string[]): void;
  /** True once per inherited key, for the first row with it. */
  claimInherited(key: string): boolean;
  /** Returns the retry that an inherited run left for a key before a row had claimed it, once. */
  takeRetry(key: string): Question | undefined;
}

/** A view that is open while keys are looked up in the ledger. */
export interface InFlightLook extends InFlightView {
  close(): void;
}

/** The fields in flight per row key, so that a duplicate row waits for the answer and is not sent again. */
export class InFlight {
  readonly #flying = new FieldsByKey();
  /** Keys that an earlier process sent. The first row with such a key is that row, not its duplicate. */
  readonly #inherited = new Set<string>();
  /** Retries of inherited keys that no row had claimed when their run ended. */
  readonly #retries = new Map<string, Question>();
  /** For each open look, what has left since it was opened. */
  readonly #left = new Set<FieldsByKey>();

  add(key: string, fields: readonly string[]): void {
    this.#flying.add(key, fields);
  }

  /** Adds a key that an earlier process sent. */
  inherit(key: string, fields: readonly string[]): void {
    this.add(key, fields);
    this.#inherited.add(key);
  }

  /** True for an inherited key until a row has claimed it. */
  isUnclaimed(key: string): boolean {
    return this.#inherited.has(key);
  }

  /** Keeps the retry of an unclaimed key for the row that claims it. */
  keepRetry(question: Question): void {
    this.#retries.set(question.key, question);
  }

  remove(key: string, fields: readonly string[]): void {
    if (this.#left.size > 0) {
      const gone = fields.filter((field) => this.#flying.has(key, field));
      if (gone.length > 0) for (const left of this.#left) left.add(key, gone);
    }
    this.#flying.remove(key, fields);
  }

  /** True while any field of the key is in flight. */
  holds(key: string): boolean {
    return this.#flying.holds(key);
  }

  /** A read-only view for estimates: sees what is in flight but adds nothing. */
  createView(): InFlightLook {
    return {
      holds: (key) => this.#flying.holds(key),
      has: (key, field) => this.#flying.has(key, field),
      add: () => undefined,
      claimInherited: () => false,
      takeRetry: () => undefined,
      close: () => undefined,
    };
  }

  /**
   * Opens the view of rows whose keys are about to be looked up in the ledger. Until it is closed, fields that leave
   * still count as in flight, because the ledger may have been read before their answers were stored. Inherited keys are
   * claimed at once, so that repairs of their runs are kept.
   */
  openLook(keys: readonly string[]): InFlightLook {
    const all = {
      flying: this.#flying,
      inherited: this.#inherited,
      retries: this.#retries,
      left: this.#left,
    };
    return new OpenLook(all, keys);
  }
}

/** What all looks share. */
interface SharedState {
  readonly flying: FieldsByKey;
  readonly inherited: Set<string>;
  readonly retries: Map<string, Question>;
  readonly left: Set<FieldsByKey>;
}

/** A class, because the code of functions that are made for each chunk would be compiled again and again. */
class OpenLook implements InFlightLook {
  readonly #all: SharedState;
  readonly #left = new FieldsByKey();
  readonly #claimed = new Set<string>();

  constructor(all: SharedState, keys: readonly string[]) {
    this.#all = all;
    all.left.add(this.#left);
    if (all.inherited.size === 0) return;
    for (const key of keys) if (all.inherited.delete(key)) this.#claimed.add(key);
  }

  holds(key: string): boolean {
    return this.#all.flying.holds(key) || this.#left.holds(key);
  }

  has(key: string, field: string): boolean {
    return this.#all.flying.has(key, field) || this.#left.has(key, field);
  }

  add(key: string, fields: readonly string[]): void {
    this.#all.flying.add(key, fields);
  }

  claimInherited(key: string): boolean {
    return this.#claimed.delete(key);
  }

  takeRetry(key: string): Question | undefined {
    const retry = this.#all.retries.get(key);
    this.#all.retries.delete(key);
    return retry;
  }

  close(): void {
    this.#all.left.delete(this.#left);
    // Of a row with two possible keys, the other one still belongs to no row.
    for (const key of this.#claimed) this.#all.inherited.add(key);
  }
}

class FieldsByKey {
  /** Usually the question's own list, shared by rows with the same fields. */
  readonly #fields = new Map<string, readonly string[]>();

  add(key: string, fields: readonly string[]): void {
    const known = this.#fields.get(key);
    this.#fields.set(key, known === undefined ? fields : [...new Set([...known, ...fields])]);
  }

  remove(key: string, fields: readonly string[]): void {
    const known = this.#fields.get(key);
    if (known === undefined) return;
    const left = known === fields ? [] : known.filter((field) => !fields.includes(field));
    if (left.length === 0) this.#fields.delete(key);
    else this.#fields.set(key, left);
  }

  holds(key: string): boolean {
    return this.#fields.has(key);
  }

  has(key: string, field: string): boolean {
    return this.#fields.get(key)?.includes(field) === true;
  }
}
