import { isNumberKey } from './json.js';

const orders = new WeakMap<object, readonly string[]>();
/** False as long as no keys are numbers, as usual. Then nothing is searched for orders. */
let hasOrders = false;

/**
 * Returns a function that keeps the order of an object's keys for `formatInOrder`, because JavaScript puts keys that are
 * numbers first. It returns the object.
 */
export function createOrderKeeper(keys: readonly string[]): <Value extends object>(object: Value) => Value {
  if (!keys.some(isNumberKey)) return (object) => object;
  hasOrders = true;
  return (object) => {
    orders.set(object, keys);
    return object;
  };
}

/** Formats JSON like `JSON.stringify`, with keys in the orders that were kept. `indent` is a number of spaces. */
export function formatInOrder(value: unknown, indent = 0): string {
  return hasOrders && hasOrder(value) ? formatPart(value, indent, '\n') : JSON.stringify(value, null, indent);
}

function hasOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return orders.has(value) || Object.values(value).some(hasOrder);
}

/** `start` is the line break before the closing bracket. */
function formatPart(value: unknown, indent: number, start: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  const inner = `${start}${' '.repeat(indent)}`;
  const parts = isList
    ? value.map((item) => formatPart(item, indent, inner))
    : listMembers(value).map(
        ([key, item]) =>
          `${JSON.stringify(key)}:${indent === 0 ? '' : ' '}${formatPart(item, indent, inner)}`,
      );
  if (parts.length === 0 || indent === 0) return open + parts.join(',') + close;
  return open + inner + parts.join(`,${inner}`) + start + close;
}

function listMembers(object: object): [string, unknown][] {
  const members = new Map<string, unknown>(Object.entries(object).filter(([, value]) => value !== undefined));
  const first = (orders.get(object) ?? []).filter((key) => members.has(key));
  return [...new Set([...first, ...members.keys()])].map((key) => [key, members.get(key)]);
}
