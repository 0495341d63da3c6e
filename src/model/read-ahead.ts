/**
 * Yields what a source yields, and asks it for the next item while the last one is in use, so that waiting for a server
 * and other work overlap.
 */
export async function* readAhead<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  const readNext = (): Promise<IteratorResult<Item>> => {
    const next = items.next();
    // Thrown when it is its turn.
    next.catch(() => undefined);
    return next;
  };
  let next = readNext();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = readNext();
      yield value;
    }
  } finally {
    await items.return?.();
  }
}
