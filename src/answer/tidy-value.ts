import type { Field } from '../model/ask.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { matchNames } from '../model/row-entries.js';
import { cleanMarks } from './clean-marks.js';
import { formatExcerpt } from './excerpt.js';

/** A value without what never belongs to it. */
export interface TidyValue {
  readonly value: JsonValue;
  /** What was removed or renamed. */
  readonly notes: readonly string[];
}

type Layout = Field['schema'] | JsonValue | undefined;

/**
 * Removes white space, citation marks and entities from texts, and words for "nothing found" from lists and
 * objects. Gives the parts of objects the names that the schema has: `ZIP code` for `zip_code`. Returns the
 * same value if there is nothing to do.
 */
export function tidyValue(value: JsonValue, layout: Layout, isAbsent: (text: string) => boolean): TidyValue {
  if (typeof value === 'string') return tidyText(value);
  if (typeof value !== 'object' || value === null) return { value, notes: NO_NOTES };
  const notes: string[] = [];
  const visit = (part: JsonValue, schema: Layout): JsonValue => {
    if (typeof part === 'string') {
      if (isAbsent(part)) {
        notes.push(describeReading(part, null));
        return null;
      }
      const cleaned = cleanMarks(part);
      if (cleaned !== part) notes.push(describeReading(part, cleaned));
      return cleaned;
    }
    if (Array.isArray(part)) return tidyList(part, (item) => visit(item, getItems(schema)));
    if (!isJsonObject(part)) return part;
    const names = matchNames(part, Object.keys(getProperties(schema)));
    for (const [name, key] of names) notes.push(describeReading(key, name));
    return tidyObject(part, names, (name, inner) => visit(inner, getProperties(schema)[name]));
  };
  const tidied = visit(value, layout);
  return { value: tidied, notes };
}

const NO_NOTES: readonly string[] = [];

function tidyText(text: string): TidyValue {
  const cleaned = cleanMarks(text).trim();
  if (cleaned === text) return { value: text, notes: NO_NOTES };
  return { value: cleaned, notes: [describeReading(text, cleaned)] };
}

function describeReading(from: string, to: string | null): string {
  return `read ${formatExcerpt(from)} as ${formatExcerpt(to)}`;
}

/** Items that say "nothing found" are dropped; a null that the agent gave stays. */
function tidyList(list: readonly JsonValue[], change: (item: JsonValue) => JsonValue): JsonValue {
  const tidied = list.map(change);
  if (tidied.every((item, index) => item === list[index])) return list;
  return tidied.filter((item, index) => item !== null || list[index] === null);
}

function tidyObject(
  object: JsonObject,
  names: ReadonlyMap<string, string>,
  change: (name: string, part: JsonValue) => JsonValue,
): JsonValue {
  const nameOf = new Map([...names].map(([name, key]) => [key, name]));
  const members = Object.entries(object).map(([key, part]): [string, JsonValue] => {
    const name = nameOf.get(key) ?? key;
    return [name, change(name, part)];
  });
  const isSame = names.size === 0 && members.every(([key, part]) => part === object[key]);
  return isSame ? object : Object.fromEntries(members);
}

const NO_PROPERTIES: JsonObject = {};

/** The properties of a layout, or of its only choice besides null. */
function getProperties(layout: Layout): JsonObject {
  if (!isJsonObject(layout)) return NO_PROPERTIES;
  const { properties, patternProperties } = layout;
  if (patternProperties !== undefined) return NO_PROPERTIES;
  return isJsonObject(properties) ? properties : getProperties(getOnlyChoice(layout));
}

function getItems(layout: Layout): Layout {
  if (!isJsonObject(layout)) return undefined;
  const { items } = layout;
  return isJsonObject(items) ? items : items === undefined ? getItems(getOnlyChoice(layout)) : undefined;
}

function getOnlyChoice({ anyOf, oneOf }: JsonObject): Layout {
  const choices = [anyOf, oneOf].filter(Array.isArray).flat();
  const others = choices.filter((choice) => !isJsonObject(choice) || choice.type !== 'null');
  return others.length === 1 ? others[0] : undefined;
}
