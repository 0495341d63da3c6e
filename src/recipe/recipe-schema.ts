import { readFileSync } from 'node:fs';
import { isJsonObject, type JsonObject, type JsonValue, readOwn } from '../model/json.js';
import { unescapeToken } from '../model/pointer.js';
import { type CompiledSchema, compileChecked } from '../model/schema.js';

let compiled: CompiledSchema | null = null;
let schema: JsonObject | null = null;

/** The published schema of recipes, ready to check with; it is read when the first recipe is. */
export function openRecipeSchema(): CompiledSchema {
  compiled ??= compileChecked(readRecipeSchema());
  return compiled;
}

/** What the schema says of the value at a JSON pointer into a recipe; empty where it says nothing. */
export function readRule(pointer: string): JsonObject {
  let rule: JsonValue = readRecipeSchema();
  for (const token of pointer.split('/').slice(1).map(unescapeToken)) {
    if (!isJsonObject(rule)) break;
    const named: JsonValue | undefined = isJsonObject(rule.properties)
      ? readOwn(rule.properties, token)
      : undefined;
    const inner: JsonValue | undefined = /^\d+$/.test(token) ? rule.items : rule.additionalProperties;
    rule = named ?? inner ?? {};
  }
  return isJsonObject(rule) ? rule : {};
}

function readRecipeSchema(): JsonObject {
  schema ??= JSON.parse(readFileSync(new URL('./recipe.schema.json', import.meta.url), 'utf8')) as JsonObject;
  return schema;
}
