/**
 * Yields what `look` finds for each item of a source, in order. Starts the look-ups of the next `ahead` items while one is
 * in use, so that waiting for a server and other work overlap. An error is thrown when it is its turn.
 */
export async function* lookAhead<Item, Found>(
  source: AsyncIterable<Item>,
  look: (item: Item) => Promise<Found>,
  ahead: number,
): AsyncGenerator<Found, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  const readNext = async (): Promise<IteratorResult<Found, void>> => {
    const next = await items.next();
    return next.done === true
      ? { done: true, value: undefined }
      : { done: false, value: await look(next.value) };
  };
  const started: Promise<IteratorResult<Found, void>>[] = [];
  const start = (): void => {
    const next = readNext();
    next.catch(() => undefined);
    started.push(next);
  };
  try {
    for (let count = 0; count < ahead; count += 1) start();
    for (let next = started.shift(); next !== undefined; next = started.shift()) {
      const { done, value } = await next;
      if (done === true) return;
      start();
      yield value;
    }
  } finally {
    await items.return?.();
    // No look-up outlasts the loop.
    await Promise.allSettled(started);
  }
}
