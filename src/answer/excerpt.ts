import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';

/** Formats a value for a message: short and without control characters. */
export function formatExcerpt(value: JsonValue): string {
  const text = JSON.stringify(clipValue(value, { left: MAX_EXCERPT })).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    ' ',
  );
  const characters = [...text];
  return characters.length <= MAX_EXCERPT ? text : `${characters.slice(0, MAX_EXCERPT).join('')}…`;
}

const MAX_EXCERPT = 40;

/** Cuts a value to what an excerpt can show; each part takes at least two characters. */
function clipValue(value: JsonValue, budget: { left: number }): JsonValue {
  budget.left -= 1;
  if (typeof value === 'string') return value.slice(0, MAX_EXCERPT * 2);
  if (typeof value !== 'object' || value === null) return value;
  if (isJsonObject(value)) return clipObject(value, budget);
  const items: JsonValue[] = [];
  for (const item of value) {
    if (budget.left < 0) break;
    items.push(clipValue(item, budget));
  }
  return items;
}

function clipObject(object: JsonObject, budget: { left: number }): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const key in object) {
    if (budget.left < 0) break;
    entries.push([key.slice(0, MAX_EXCERPT * 2), clipValue(object[key] ?? null, budget)]);
  }
  return Object.fromEntries(entries);
}
