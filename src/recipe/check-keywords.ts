import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { readNearest } from '../model/nearest.js';
import { escapeToken } from '../model/pointer.js';
import type { FaultList } from './fault-list.js';

/** Refuses misspelled keywords in a field's schema, which JSON Schema would pass over without a word. */
export function checkKeywords(schema: JsonObject, pointer: string, faults: FaultList): boolean {
  let isSound = true;
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${pointer}/${escapeToken(keyword)}`;
    if (!KEYWORDS.has(keyword) && !keyword.startsWith('x-')) {
      const [nearest] = readNearest(keyword, [...KEYWORDS]);
      const hint =
        nearest === undefined ? 'Delete it, or name a keyword of JSON Schema.' : `Did you mean ${nearest}?`;
      faults.add(at, `${keyword} is no keyword of JSON Schema`, hint, 'BAD_RECIPE', 'key');
      isSound = false;
    } else if (!checkInner(keyword, value, at, faults)) {
      isSound = false;
    }
  }
  return isSound;
}

function checkInner(keyword: string, value: JsonValue, pointer: string, faults: FaultList): boolean {
  if (!isJsonObject(value)) return true;
  if (keyword === 'items' || keyword === 'additionalProperties') return checkKeywords(value, pointer, faults);
  if (keyword !== 'properties') return true;
  return Object.entries(value)
    .map(
      ([name, inner]) =>
        !isJsonObject(inner) || checkKeywords(inner, `${pointer}/${escapeToken(name)}`, faults),
    )
    .every(Boolean);
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `$anchor $comment $defs $id $ref $schema additionalItems additionalProperties allOf anyOf const contains
  contentEncoding contentMediaType default definitions dependencies dependentRequired dependentSchemas deprecated
  description else enum examples exclusiveMaximum exclusiveMinimum format if items maxContains maxItems maxLength
  maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not oneOf pattern
  patternProperties prefixItems properties propertyNames readOnly required then title type unevaluatedItems
  unevaluatedProperties uniqueItems writeOnly`.split(/\s+/),
);
