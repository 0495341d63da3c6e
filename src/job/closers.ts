export interface Closable {
  close(): void | Promise<void>;
}

/** Closes what a job has opened, the last first; every one of them, also where one fails to close. */
export class Closers {
  private readonly opened: Closable[] = [];

  add<T extends Closable>(thing: T): T {
    this.opened.push(thing);
    return thing;
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const thing of this.opened.splice(0).reverse()) {
      try {
        await thing.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Closes after a failure, which says more than what cannot be closed because of it. */
  async closeAfter(error: unknown): Promise<never> {
    await this.close().catch(() => undefined);
    throw error;
  }
}
