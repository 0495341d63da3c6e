/** The fields that are on their way for each row key, so that a twin waits for its answer and is not asked again. */
export class InFlight {
  /** Mostly the list that the question came with: rows that ask for the same fields share it. */
  private readonly fieldsByKey = new Map<string, readonly string[]>();
  /** Keys that an earlier process asked: the first row of this reading that has one is the asked row, not its twin. */
  private readonly inherited = new Set<string>();

  add(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    this.fieldsByKey.set(key, known === undefined ? fields : [...new Set([...known, ...fields])]);
  }

  /** Holds a key that an earlier process asked. */
  inherit(key: string, fields: readonly string[]): void {
    this.add(key, fields);
    this.inherited.add(key);
  }

  /** True once for each key that was inherited, for the first row that has it. */
  claimInherited(key: string): boolean {
    return this.inherited.delete(key);
  }

  /** True for a key that was inherited, until a row comes for it. */
  isUnclaimed(key: string): boolean {
    return this.inherited.has(key);
  }

  remove(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    if (known === undefined) return;
    const left = known === fields ? [] : known.filter((field) => !fields.includes(field));
    if (left.length === 0) this.fieldsByKey.delete(key);
    else this.fieldsByKey.set(key, left);
  }

  /** True while anything of the key is on its way. */
  holds(key: string): boolean {
    return this.fieldsByKey.has(key);
  }

  has(key: string, field: string): boolean {
    return this.fieldsByKey.get(key)?.includes(field) === true;
  }

  /** The same for a look at what would be asked: it finds what is on its way, and what it would add is left to its own count. */
  createView(): InFlightView {
    return {
      holds: (key) => this.holds(key),
      has: (key, field) => this.has(key, field),
      add: () => undefined,
      claimInherited: () => false,
    };
  }
}

/** What deciding about rows needs of it. */
export type InFlightView = Pick<InFlight, 'holds' | 'has' | 'add' | 'claimInherited'>;
