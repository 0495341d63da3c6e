import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { DataItem, DataSource } from './page-text.js';

const MAX_ITEMS = 20_000;
const MAX_DEPTH = 40;
const MAX_VALUE = 5_000;
const MAX_BESIDE = 300;
const MAX_SCRIPT = 3_000_000;

/** Lists the texts and numbers of a JSON text with their keys. Empty if it is not JSON, too long or too deep. */
export function flattenJson(text: string, source: DataSource, room = MAX_ITEMS): DataItem[] {
  const value = parseJson(text);
  return value === undefined ? [] : flattenValue(value, source, Math.min(room, MAX_ITEMS));
}

/** The JSON that a script assigns to a variable, as in `window.__STATE__ = {…};`. Null if it does not. */
export function findAssignedJson(script: string): string | null {
  const head = /^\s*(?:(?:var|let|const)\s+)?[\w$.[\]"']{1,80}\s*=\s*(?=[{[])/.exec(script.slice(0, 300));
  if (head === null || script.length > MAX_SCRIPT) return null;
  const end = Math.max(script.lastIndexOf('}'), script.lastIndexOf(']'));
  return end > head[0].length ? script.slice(head[0].length, end + 1) : null;
}

function parseJson(text: string): JsonValue | undefined {
  if (text.length > MAX_SCRIPT) return undefined;
  try {
    // Some pages wrap JSON-LD into a comment or CDATA.
    return JSON.parse(
      text.replace(/^\s*(?:<!--|\/\/\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|\/\/\s*\]\]>|\]\]>)\s*$/g, ''),
    );
  } catch {
    return undefined;
  }
}

interface Frame {
  readonly value: JsonValue;
  readonly path: readonly string[];
  readonly owner: string;
  readonly beside: string;
}

function flattenValue(root: JsonValue, source: DataSource, room: number): DataItem[] {
  const items: DataItem[] = [];
  // A stack instead of recursion: a hostile text nests deeper than the call stack.
  const frames: Frame[] = [{ value: root, path: [], owner: '', beside: '' }];
  while (frames.length > 0 && items.length < room) {
    const { value, path, owner, beside } = frames.pop() as Frame;
    if (path.length > MAX_DEPTH) continue;
    if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index -= 1)
        frames.push({ value: value[index] as JsonValue, path, owner, beside });
    } else if (isJsonObject(value)) {
      // A place or an offer of a company is a part of it, not somebody else.
      const named = PARTS.test(path.at(-1) ?? '') && owner !== '' ? owner : (findName(value) ?? owner);
      const texts = describeObject(value);
      for (const key of Object.keys(value).reverse())
        frames.push({ value: value[key] as JsonValue, path: [...path, key], owner: named, beside: texts });
    } else if (value !== '' && value !== null) {
      items.push({ source, path, value: String(value).slice(0, MAX_VALUE), owner, beside, block: -1 });
    }
  }
  return items;
}

const PARTS =
  /^(?:location|address|headquarters?|hq|place|geo|contactPoint|offers|aggregateRating|department|offices?|jobLocation|foundingLocation|areaServed|stats|facts|details|profile|mainEntity)$/i;
const NAME_KEYS = ['name', 'legalName', 'companyName', 'company_name', 'displayName'];

function findName(object: JsonObject): string | null {
  // The name of a property is not the name of an owner.
  if (Object.hasOwn(object, 'value')) return null;
  for (const key of NAME_KEYS) {
    const name = Object.hasOwn(object, key) ? object[key] : undefined;
    if (typeof name === 'string' && name !== '') return name.slice(0, 200);
  }
  return null;
}

function describeObject(object: JsonObject): string {
  let text = '';
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== 'string' || value.length > 80 || /^https?:/.test(value)) continue;
    if (text.length > MAX_BESIDE) break;
    text += `${text === '' ? '' : '; '}${key}: ${value}`;
  }
  return text;
}
