import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { escapeToken, resolvePointer } from './pointer.js';
import type { SchemaIndex, SchemaPlace } from './schema-index.js';

/** The properties that a schema's root gives its object, in order, each with the pointers of its schemas. */
export function findProperties(index: SchemaIndex): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const place of listRootPlaces(index)) {
    const { properties } = place.schema;
    if (!isJsonObject(properties)) continue;
    for (const name of Object.keys(properties)) {
      const pointers = found.get(name) ?? [];
      pointers.push(`${place.pointer}/properties/${escapeToken(name)}`);
      found.set(name, pointers);
    }
  }
  return found;
}

/** The names that a schema's root requires. */
export function findRequired(index: SchemaIndex): ReadonlySet<string> {
  const lists = listRootPlaces(index).map(({ schema }) =>
    Array.isArray(schema.required) ? schema.required : [],
  );
  return new Set(lists.flat().filter((name) => typeof name === 'string'));
}

/** The schemas that hold for the root in any case: itself, what it refers to, and what `allOf` adds. */
function listRootPlaces(index: SchemaIndex): SchemaPlace[] {
  const places: SchemaPlace[] = [];
  const seen = new Set<string>();
  const visit = (pointer: string | null): void => {
    const place = pointer === null ? undefined : index.places.get(pointer);
    if (place === undefined || seen.has(place.pointer)) return;
    seen.add(place.pointer);
    const { $ref, allOf } = place.schema;
    const isReference = typeof $ref === 'string';
    // Draft-07 ignores whatever stands beside a reference.
    const isAlone = isReference && index.draft === 'draft-07';
    if (!isAlone) places.push(place);
    if (isReference) visit(index.resolve(place, $ref));
    if (!isAlone && Array.isArray(allOf)) {
      for (const item of allOf.keys()) visit(`${place.pointer}/allOf/${item}`);
    }
  };
  visit('');
  return places;
}

const MAX_LAYOUT_PARTS = 2_000;

/** A field's schema with its references filled in, as deep as they do not come round again. */
export function createFieldLayout(index: SchemaIndex, pointer: string): JsonObject | boolean {
  let parts = 0;
  const expand = (value: JsonValue, at: string, open: readonly string[]): JsonValue => {
    parts += 1;
    if (parts > MAX_LAYOUT_PARTS) return {};
    if (Array.isArray(value)) return value.map((item, key) => expand(item, `${at}/${key}`, open));
    if (!isJsonObject(value)) return value;
    const place = index.places.get(at);
    const reference = place?.schema.$ref;
    if (place === undefined || typeof reference !== 'string') {
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, expand(inner, `${at}/${escapeToken(key)}`, open)]),
      );
    }
    const target = index.resolve(place, reference);
    if (target === null || open.includes(target)) return {};
    const { $ref: _, ...beside } = value;
    const behind = expand(resolvePointer(index.root, target) ?? {}, target, [...open, target]);
    return isJsonObject(behind) ? { ...behind, ...beside } : beside;
  };
  const layout = expand(resolvePointer(index.root, pointer) ?? {}, pointer, [pointer]);
  return isJsonObject(layout) || typeof layout === 'boolean' ? layout : {};
}
