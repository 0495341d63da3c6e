import type { KeyPlan, MatchRule } from './exclusion-keys.js';
import { type ExclusionStore, hashKeys, type KeyIndex, type Keys } from './exclusion-store.js';

/** An index of some records by some slots, and which of its records a row has matched. */
interface Lookup {
  readonly index: KeyIndex;
  readonly matched: Uint8Array;
}

/** Finds the records that agree with a row by a rule. */
export class RecordMatcher {
  readonly #store: ExclusionStore;
  readonly #patterns: readonly Pattern[];
  /** Per rules, and slots in which a row has a key: what to look up. */
  readonly #lookups = new Map<readonly MatchRule[], Map<string, readonly Lookup[]>>();

  constructor(store: ExclusionStore, plan: KeyPlan) {
    this.#store = store;
    this.#patterns = groupByPattern(store, plan.slots.length);
  }

  /** Returns the first record that agrees by one of the rules. `isCounted`: it counts as matched. */
  find(keys: Keys, rules: readonly MatchRule[], isCounted = true): number | null {
    const lookups = this.#openLookups(keys, rules, isCounted);
    if (lookups.length === 0) return null;
    const words = hashKeys(keys);
    let first: number | null = null;
    for (const { index, matched } of lookups) {
      const match = index.find(words);
      if (match === null) continue;
      if (isCounted) matched[match] = 1;
      if (first === null || match < first) first = match;
    }
    return first;
  }

  /** 1 for each record that has the keys of a matched row, not only for the first such record. */
  listMatched(): Uint8Array {
    const all = new Uint8Array(this.#store.size);
    for (const pattern of this.#patterns) {
      const lookups = [...pattern.lookups.values()].filter(({ matched }) => matched.includes(1));
      if (lookups.length === 0) continue;
      for (const record of pattern.listMembers()) {
        if (lookups.some(({ index, matched }) => matched[index.findSame(record)] === 1))
          all[this.#store.findOwner(record)] = 1;
      }
    }
    return all;
  }

  #openLookups(keys: Keys, rules: readonly MatchRule[], isCounted: boolean): readonly Lookup[] {
    const byFilled = this.#lookups.get(rules) ?? new Map<string, readonly Lookup[]>();
    this.#lookups.set(rules, byFilled);
    let name = '';
    for (const key of keys) name += key === null ? '0' : '1';
    const known = byFilled.get(name);
    if (known !== undefined) return known;
    const found = new Set<Lookup>();
    for (const pattern of this.#patterns) {
      for (const rule of rules) {
        const shared = rule.slots.map(
          (isUsed, slot) => isUsed && keys[slot] !== null && pattern.filled[slot] === true,
        );
        const isEnough = shared.some((isShared, slot) => isShared && rule.needs[slot] === true);
        if (isEnough) found.add(pattern.openLookup(shared, isCounted));
      }
    }
    const lookups = [...found];
    byFilled.set(name, lookups);
    return lookups;
  }
}

/** Records that are filled in the same slots, with an index for each set of slots that a row can share with them. */
class Pattern {
  readonly lookups = new Map<string, Lookup>();

  readonly filled: readonly boolean[];
  private readonly store: ExclusionStore;

  constructor(store: ExclusionStore, filled: readonly boolean[]) {
    this.store = store;
    this.filled = filled;
  }

  openLookup(slots: readonly boolean[], isCounted: boolean): Lookup {
    const name = `${slots.join()} ${isCounted}`;
    const known = this.lookups.get(name);
    if (known !== undefined) return known;
    const matched = new Uint8Array(isCounted ? this.store.size : 0);
    const lookup = { index: this.store.createIndex(this.listMembers(), slots), matched };
    this.lookups.set(name, lookup);
    return lookup;
  }

  *listMembers(): Generator<number> {
    for (let record = 0; record < this.store.size; record += 1)
      if (this.filled.every((isFilled, slot) => this.store.isFilled(record, slot) === isFilled)) yield record;
  }
}

function groupByPattern(store: ExclusionStore, slots: number): readonly Pattern[] {
  const patterns = new Map<string, Pattern>();
  for (let record = 0; record < store.size; record += 1) {
    let name = '';
    for (let slot = 0; slot < slots; slot += 1) name += store.isFilled(record, slot) ? '1' : '0';
    if (!patterns.has(name))
      patterns.set(
        name,
        new Pattern(
          store,
          [...name].map((digit) => digit === '1'),
        ),
      );
  }
  return [...patterns.values()];
}
