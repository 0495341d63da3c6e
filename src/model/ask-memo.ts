import type { Ask } from './ask.js';

/** What an ask is asked from again and again: its schema and its fields never change. */
type AskParts = Pick<Ask, 'schema' | 'fields'>;

/** Makes something of an ask and of some of its fields once, and hands the same out for every batch after that. */
export function memoByAsk<Value>(
  make: (ask: AskParts, fieldNames: readonly string[]) => Value,
): (ask: AskParts, fieldNames: readonly string[]) => Value {
  const made = new WeakMap<AskParts, Map<string, Value>>();
  return (ask, fieldNames) => {
    const byFields = made.get(ask) ?? new Map<string, Value>();
    made.set(ask, byFields);
    const key = JSON.stringify(fieldNames);
    const known = byFields.get(key);
    if (known !== undefined) return known;
    const value = make(ask, fieldNames);
    byFields.set(key, value);
    return value;
  };
}
