/** The fields that are on their way for each row key, so that a twin waits for its answer and is not asked again. */
export class InFlight {
  private readonly parent: InFlight | null;
  private readonly fieldsByKey = new Map<string, Set<string>>();

  /** What is in flight for `parent` is so here too; what is added here is not told to it. */
  constructor(parent: InFlight | null = null) {
    this.parent = parent;
  }

  add(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    if (known === undefined) this.fieldsByKey.set(key, new Set(fields));
    else for (const field of fields) known.add(field);
  }

  remove(key: string, fields: readonly string[]): void {
    const known = this.fieldsByKey.get(key);
    if (known === undefined) return;
    for (const field of fields) known.delete(field);
    if (known.size === 0) this.fieldsByKey.delete(key);
  }

  has(key: string, field: string): boolean {
    return this.fieldsByKey.get(key)?.has(field) === true || this.parent?.has(key, field) === true;
  }
}
