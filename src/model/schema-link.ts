import { escapeToken, formatFragment, isJsonObject, type JsonObject, type JsonValue } from './json.js';
import {
  indexSchema,
  type SchemaDraft,
  SchemaError,
  type SchemaIndex,
  type SchemaPlace,
} from './schema-index.js';

/** A schema ready to stand inside another one. */
export interface LinkedSchema {
  /** Without `$schema`, which belongs to the root of the whole. */
  readonly schema: JsonObject;
  /** True if its references could not be written as pointers: it must then stand as a resource of its own, with an `$id`. */
  readonly needsResource: boolean;
  /** The most schemas that check one part of a value, references followed. */
  readonly weight: number;
}

/**
 * Writes every reference of a schema as a JSON pointer from the root of a document in which the schema stands at
 * `at`, and takes the names (`$id`, anchors) that nothing needs any more out. A schema without references or names
 * comes back untouched. Throws a SchemaError for a reference that leads out of the schema, nowhere, or round in a ring.
 *
 * References whose target is only known while a value is checked (several resources that share a dynamic anchor)
 * cannot be written so; such a schema comes back as it was, with `needsResource`.
 */
export function linkSchema(root: JsonObject, draft: SchemaDraft, at: string): LinkedSchema {
  const { $schema: _, ...schema } = root;
  const index = indexSchema(schema, draft);
  const targets = new Map<string, readonly string[]>();
  let needsResource = false;
  // The map of places grows while references are followed; its iterator sees what is added.
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

/** The keywords that name a schema or lead to one: what linking is about. */
const REFERENCES = ['$ref', '$recursiveRef', '$dynamicRef'];
const NAMES = new Set(['$schema', '$id', '$anchor', '$dynamicAnchor', '$recursiveAnchor']);

/** The references that a place makes, in the words that its draft knows. */
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

/** True if more than one schema can be meant, depending on the way by which a value came here. */
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

/** References that double at each step make a small schema take for ever. */
const MAX_WEIGHT = 10_000;

/**
 * Counts the schemas that check one part of a value. Throws a SchemaError for a schema that comes back to itself
 * without going down into the value, which would be checked for ever, and for one of too many checks.
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
        `its references and branches make more than ${MAX_WEIGHT.toLocaleString('en')} checks of one value`,
        'Refer to each definition once, and use fewer branches.',
      );
    open.delete(pointer);
    weights.set(pointer, weight);
    return weight;
  };
  return [...index.places.keys()].reduce((most, pointer) => Math.max(most, visit(pointer)), 1);
}

/** The schemas that look at the same value as the one that holds them. */
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

/** A copy in which every reference is a pointer below `at` and no name is left. */
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
    // A schema may hold a plain and a dynamic reference at once; only one can be its `$ref`.
    const all = Array.isArray(copy.allOf) ? copy.allOf : [];
    return { ...first, ...copy, ...(more.length === 0 ? {} : { allOf: [...all, ...more] }) };
  };
  return rewriteObject(root, '');
}

function isLinkWord(key: string, value: JsonValue): boolean {
  return typeof value !== 'object' && (NAMES.has(key) || REFERENCES.includes(key));
}

/**
 * Takes out what the compiler heeds and the standard does not: words of its own, and in draft-07 a `type` beside a
 * reference, which is the one keyword there that it does not ignore.
 */
export function stripOwnKeywords(linked: JsonObject, draft: SchemaDraft): JsonObject {
  const schema = structuredClone(linked);
  const index = indexSchema(schema, draft);
  for (const place of index.places.values()) {
    const { $ref } = place.schema;
    const isReference = typeof $ref === 'string';
    // Following the reference brings the places to light that only references lead to.
    if (isReference) index.resolve(place, $ref);
    const own = isReference && draft === 'draft-07' ? [...OWN_WORDS, 'type'] : OWN_WORDS;
    for (const word of own) Reflect.deleteProperty(place.schema, word);
  }
  return schema;
}

const OWN_WORDS: readonly string[] = ['$async', 'nullable', 'id'];
