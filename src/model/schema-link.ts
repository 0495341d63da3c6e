import { escapeToken, formatFragment, isJsonObject, type JsonObject, type JsonValue } from './json.js';
import {
  indexSchema,
  type SchemaDraft,
  SchemaError,
  type SchemaIndex,
  type SchemaPlace,
} from './schema-index.js';

/** A schema that can be embedded in another one. */
interface LinkedSchema {
  /** Without `$schema`, which belongs to the root of the outer schema. */
  readonly schema: JsonObject;
  /**
   * True if its references could not be rewritten as pointers. It must then be embedded as its own resource
   * with an `$id`.
   */
  readonly needsResource: boolean;
  /** Maximum number of schemas that check one part of a value, including references. */
  readonly weight: number;
}

/**
 * Rewrites every reference of a schema as a JSON pointer from the root of a document that has the schema at
 * `at`, and removes names (`$id`, anchors) that are no longer needed. Returns a schema without references or
 * names unchanged. Throws a SchemaError for a reference that leads outside the schema, nowhere, or in a
 * cycle.
 *
 * References whose target is only known during validation (several resources with the same dynamic anchor)
 * cannot be rewritten. Such a schema is returned unchanged, with `needsResource`.
 */
export function linkSchema(root: JsonObject, draft: SchemaDraft, at: string): LinkedSchema {
  const { $schema: _, ...schema } = root;
  const index = indexSchema(schema, draft);
  const targets = new Map<string, readonly string[]>();
  let needsResource = false;
  // The map grows while references are followed; its iterator includes what is added.
  for (const place of index.places.values()) {
    const references = listReferences(place, draft);
    targets.set(
      place.pointer,
      references.map(([keyword, reference]) => {
        if (isDynamic(index, place, keyword, reference)) needsResource = true;
        return resolveReference(index, place, keyword, reference);
      }),
    );
  }
  const weight = findWeight(index, targets);
  if (needsResource) return { schema, needsResource, weight };
  return { schema: isPlain(index) ? schema : rewriteReferences(schema, targets, at), needsResource, weight };
}

/** Reference keywords. */
const REFERENCES = ['$ref', '$recursiveRef', '$dynamicRef'];
const NAMES = new Set(['$schema', '$id', '$anchor', '$dynamicAnchor', '$recursiveAnchor']);

/** References of a place, by the keywords of its draft. */
function listReferences(place: SchemaPlace, draft: SchemaDraft): [string, string][] {
  const known =
    draft === 'draft-07'
      ? ['$ref']
      : draft === '2019-09'
        ? ['$ref', '$recursiveRef']
        : ['$ref', '$dynamicRef'];
  return known.flatMap((keyword): [string, string][] => {
    const reference = place.schema[keyword];
    return typeof reference === 'string' ? [[keyword, reference]] : [];
  });
}

function resolveReference(
  index: SchemaIndex,
  place: SchemaPlace,
  keyword: string,
  reference: string,
): string {
  const target = index.resolve(place, reference);
  if (target !== null) return target;
  throw new SchemaError(
    `${place.pointer}/${keyword}`,
    `the reference ${JSON.stringify(reference)} leads nowhere in this schema`,
    'References must stay inside the schema: nothing is fetched from the network.',
  );
}

/** True if the target depends on the path by which validation got here. */
function isDynamic(index: SchemaIndex, place: SchemaPlace, keyword: string, reference: string): boolean {
  if (keyword === '$recursiveRef') {
    const anchored = [...index.resources].filter(
      ([, pointer]) => index.places.get(pointer)?.schema.$recursiveAnchor === true,
    );
    const roots = new Set(anchored.map(([, pointer]) => pointer));
    return roots.size > 1 && anchored.some(([uri]) => uri === place.base);
  }
  if (keyword !== '$dynamicRef') return false;
  const name = reference.slice(reference.indexOf('#') + 1);
  const target = index.resolve(place, reference);
  const isAnchored = index.places.get(target ?? '')?.schema.$dynamicAnchor === name;
  return (
    isAnchored &&
    [...index.anchors].filter(([key, anchor]) => anchor.dynamic && key.endsWith(`#${name}`)).length > 1
  );
}

/** Limit because references that double at each step make even a small schema take forever. */
const MAX_WEIGHT = 10_000;

/**
 * Counts the schemas that check one part of a value. Throws a SchemaError for a schema that refers to itself
 * without descending into the value, which would never end, and for one with too many checks.
 */
function findWeight(index: SchemaIndex, targets: ReadonlyMap<string, readonly string[]>): number {
  const weights = new Map<string, number>();
  const open = new Set<string>();
  const visit = (pointer: string): number => {
    const place = index.places.get(pointer);
    const known = weights.get(pointer);
    if (place === undefined || known !== undefined) return known ?? 1;
    if (open.has(pointer)) throw new SchemaError(pointer, 'it refers to itself without end');
    open.add(pointer);
    const isReference = index.draft === 'draft-07' && typeof place.schema.$ref === 'string';
    const inner = [...(targets.get(pointer) ?? []), ...(isReference ? [] : listInPlace(place))];
    const patterns = isJsonObject(place.schema.patternProperties)
      ? Object.keys(place.schema.patternProperties).length
      : 0;
    const weight = inner.reduce((sum, child) => sum + visit(child), 1 + patterns);
    if (weight > MAX_WEIGHT)
      throw new SchemaError(
        pointer,
        `its references and branches need more than ${MAX_WEIGHT.toLocaleString('en')} checks of one value`,
        'Refer to each definition once, and use fewer branches.',
      );
    open.delete(pointer);
    weights.set(pointer, weight);
    return weight;
  };
  return [...index.places.keys()].reduce((most, pointer) => Math.max(most, visit(pointer)), 1);
}

/** Subschemas that apply to the same value as their parent. */
function listInPlace({ schema, pointer }: SchemaPlace): string[] {
  const single = ['not', 'if', 'then', 'else'].map((key) => `${pointer}/${key}`);
  const lists = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => {
    const list = schema[key];
    return Array.isArray(list) ? list.map((_, item) => `${pointer}/${key}/${item}`) : [];
  });
  const maps = ['dependentSchemas', 'dependencies'].flatMap((key) => {
    const map = schema[key];
    return isJsonObject(map) ? Object.keys(map).map((name) => `${pointer}/${key}/${escapeToken(name)}`) : [];
  });
  return [...single, ...lists, ...maps];
}

function isPlain(index: SchemaIndex): boolean {
  return [...index.places.values()].every(({ schema }) =>
    Object.keys(schema).every((key) => !NAMES.has(key) && !REFERENCES.includes(key)),
  );
}

/** Copies a schema with every reference as a pointer below `at` and without names. */
function rewriteReferences(
  root: JsonObject,
  targets: ReadonlyMap<string, readonly string[]>,
  at: string,
): JsonObject {
  const rewrite = (value: JsonValue, pointer: string): JsonValue => {
    if (Array.isArray(value)) return value.map((item, index) => rewrite(item, `${pointer}/${index}`));
    return isJsonObject(value) ? rewriteObject(value, pointer) : value;
  };
  const rewriteObject = (object: JsonObject, pointer: string): JsonObject => {
    const places = targets.get(pointer);
    const kept = Object.entries(object).filter(
      ([key, value]) => places === undefined || !isLinkWord(key, value),
    );
    const copy = Object.fromEntries(
      kept.map(([key, value]) => [key, rewrite(value, `${pointer}/${escapeToken(key)}`)]),
    );
    const [first, ...more] = (places ?? []).map((target) => ({ $ref: formatFragment(at + target) }));
    if (first === undefined) return copy;
    // A schema may have a plain and a dynamic reference, but only one can be its `$ref`.
    const all = Array.isArray(copy.allOf) ? copy.allOf : [];
    return { ...first, ...copy, ...(more.length === 0 ? {} : { allOf: [...all, ...more] }) };
  };
  return rewriteObject(root, '');
}

function isLinkWord(key: string, value: JsonValue): boolean {
  return typeof value !== 'object' && (NAMES.has(key) || REFERENCES.includes(key));
}

/**
 * Removes keywords that ajv uses but the standard ignores: ajv's own keywords, and in draft-07 a `type` next
 * to a reference, the one such keyword that ajv does not ignore.
 */
export function stripOwnKeywords(linked: JsonObject, draft: SchemaDraft): JsonObject {
  const schema = structuredClone(linked);
  const index = indexSchema(schema, draft);
  for (const place of index.places.values()) {
    const { $ref } = place.schema;
    const isReference = typeof $ref === 'string';
    // Resolving a reference adds places that are only reachable by reference.
    if (isReference) index.resolve(place, $ref);
    const own = isReference && draft === 'draft-07' ? [...OWN_WORDS, 'type'] : OWN_WORDS;
    for (const word of own) Reflect.deleteProperty(place.schema, word);
  }
  return schema;
}

const OWN_WORDS: readonly string[] = ['$async', 'nullable', 'id'];
