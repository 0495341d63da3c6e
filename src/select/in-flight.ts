/** The fields that are on their way for each row key, so that a twin waits for its answer and is not asked again. */
export class InFlight {
  private readonly parent: InFlight | null;
  private readonly fieldsByKey = new Map<string, Set<string>>();
  /** Keys that an earlier process asked: the first row of this reading that has one is the asked row, not its twin. */
  private readonly inherited = new Set<string>();

  /** What is in flight for `parent` is so here too; what is added here is not told to it. */
  constructor(parent: InFlight | null = null) {
    this.parent = parent;
  }

  add(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    if (known === undefined) this.fieldsByKey.set(key, new Set(fields));
    else for (const field of fields) known.add(field);
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
    for (const field of fields) known.delete(field);
    if (known.size === 0) this.fieldsByKey.delete(key);
  }

  /** True while anything of the key is on its way. */
  holds(key: string): boolean {
    return this.fieldsByKey.has(key);
  }

  has(key: string, field: string): boolean {
    return this.fieldsByKey.get(key)?.has(field) === true || this.parent?.has(key, field) === true;
  }
}
