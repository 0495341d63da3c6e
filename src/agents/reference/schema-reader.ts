import {
  escapeToken,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  resolvePointer,
} from '../../model/json.js';

const ROOT_URI = 'schema://root/';

/**
 * Creates a function that resolves references: it takes the JSON pointer of the reference's location, and
 * returns the pointer of its target or null. Supports `$id` and anchors inside the schema.
 */
function createRefResolver(schema: JsonObject): (pointer: string, ref: string) => string | null {
  const places = new Map<string, string>([[ROOT_URI, '']]);
  const bases = new Map<string, string>([['', ROOT_URI]]);
  collectPlaces(schema, '', ROOT_URI, places, bases);
  return (pointer, ref) => {
    const base = bases.get(findBasePointer(bases, pointer)) ?? ROOT_URI;
    const uri = resolveUri(ref, base);
    if (uri === null) return null;
    const anchor = places.get(uri);
    if (anchor !== undefined) return anchor;
    const [resource = '', fragment = ''] = splitFragment(uri);
    const start = places.get(resource);
    if (start === undefined || (fragment !== '' && !fragment.startsWith('/'))) return null;
    const target = start + fragment;
    return resolvePointer(schema, target) === undefined ? null : target;
  };
}

/** Every `$id` starts a new resource; every anchor names a place in its resource. */
function collectPlaces(
  value: JsonValue,
  pointer: string,
  outer: string,
  places: Map<string, string>,
  bases: Map<string, string>,
): void {
  if (typeof value !== 'object' || value === null) return;
  let base = outer;
  if (isJsonObject(value)) {
    const id = value.$id;
    const uri = typeof id === 'string' ? resolveUri(id, outer) : null;
    if (uri !== null) {
      places.set(uri.replace(/#$/, ''), pointer);
      if (!uri.includes('#') || uri.endsWith('#')) {
        base = uri.replace(/#$/, '');
        bases.set(pointer, base);
      }
    }
    for (const keyword of ['$anchor', '$dynamicAnchor']) {
      const anchor = value[keyword];
      if (typeof anchor === 'string') places.set(`${base}#${anchor}`, pointer);
    }
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key !== 'enum' && key !== 'const')
      collectPlaces(inner, `${pointer}/${escapeToken(key)}`, base, places, bases);
  }
}

/** Pointer of the innermost resource that contains a place. */
function findBasePointer(bases: ReadonlyMap<string, string>, pointer: string): string {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (bases.has(at)) return at;
  return '';
}

function resolveUri(ref: string, base: string): string | null {
  if (!URL.canParse(ref, base)) return null;
  const [resource = '', fragment] = splitFragment(new URL(ref, base).href);
  return fragment === undefined || fragment === '' ? resource : `${resource}#${fragment}`;
}

function splitFragment(uri: string): readonly string[] {
  const at = uri.indexOf('#');
  return at < 0 ? [uri] : [uri.slice(0, at), decodeFragment(uri.slice(at + 1))];
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** A node of a schema: its content and its JSON pointer from the root. */
export interface SchemaNode {
  readonly schema: JsonObject;
  readonly pointer: string;
}

/**
 * One way to satisfy a node: all nodes that then apply, with references and `allOf` included and one branch
 * of each `anyOf` and `oneOf` chosen.
 */
export type SchemaVariant = readonly SchemaNode[];

/** Walks the schema of a run. A reference that leads nowhere or in a circle requires nothing. */
export interface SchemaReader {
  readonly root: SchemaNode;
  listVariants(node: SchemaNode): readonly SchemaVariant[];
  /** Properties of a node by name, over all its variants. */
  listProperties(node: SchemaNode): ReadonlyMap<string, SchemaNode>;
  /** Schema of the items of a list; null if the node has none. */
  readItems(node: SchemaNode): SchemaNode | null;
  /** Whether null is a valid value of a node. */
  allowsNull(node: SchemaNode): boolean;
}

const MAX_VARIANTS = 40;

export function createSchemaReader(schema: JsonObject): SchemaReader {
  const expand = createExpansion(schema);
  const listVariants = (node: SchemaNode): readonly SchemaVariant[] => expand(node);
  return {
    root: { schema, pointer: '' },
    listVariants,
    listProperties: (node) => {
      const properties = new Map<string, SchemaNode>();
      for (const part of listVariants(node).flat()) {
        const named = part.schema.properties;
        for (const name of isJsonObject(named) ? Object.keys(named) : []) {
          const property = findNode(schema, `${part.pointer}/properties/${escapeToken(name)}`);
          if (property !== null && !properties.has(name)) properties.set(name, property);
        }
      }
      return properties;
    },
    readItems: (node) => {
      const parts = listVariants(node).flat();
      const [items] = parts.flatMap((part) => findNode(schema, `${part.pointer}/items`) ?? []);
      return items ?? null;
    },
    allowsNull: (node) =>
      listVariants(node).some((variant) => variant.every((part) => allowsValue(part.schema, null, 'null'))),
  };
}

/** Value of a keyword, from the first node of a variant that has it. */
export function getKeyword(variant: SchemaVariant, keyword: string): JsonValue | undefined {
  return variant.find((part) => Object.hasOwn(part.schema, keyword))?.schema[keyword];
}

/** Expands every node once. A node that is reached again from itself is not expanded further. */
function createExpansion(root: JsonObject): (node: SchemaNode) => readonly SchemaVariant[] {
  const resolveRef = createRefResolver(root);
  const known = new Map<string, readonly SchemaVariant[]>();
  const expandAt = (pointer: string): readonly SchemaVariant[] => {
    const inner = findNode(root, pointer);
    return inner === null ? [[]] : expand(inner);
  };
  const expand = (node: SchemaNode): readonly SchemaVariant[] => {
    const ready = known.get(node.pointer);
    if (ready !== undefined) return ready;
    let variants: readonly SchemaVariant[] = [[node]];
    known.set(node.pointer, variants);
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const ref = node.schema[keyword];
      const target = typeof ref === 'string' ? resolveRef(node.pointer, ref) : null;
      if (target !== null) variants = combine(variants, expandAt(target));
    }
    for (const [index] of listBranches(node, 'allOf').entries()) {
      variants = combine(variants, expandAt(`${node.pointer}/allOf/${index}`));
    }
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = listBranches(node, keyword);
      if (branches.length === 0) continue;
      const choices = branches
        .slice(0, MAX_VARIANTS)
        .flatMap((_branch, index) => expandAt(`${node.pointer}/${keyword}/${index}`));
      variants = combine(variants, choices);
    }
    known.set(node.pointer, variants);
    return variants;
  };
  return expand;
}

function findNode(root: JsonObject, pointer: string): SchemaNode | null {
  const schema = resolvePointer(root, pointer);
  if (schema === true) return { schema: {}, pointer };
  return isJsonObject(schema) ? { schema, pointer } : null;
}

function listBranches(node: SchemaNode, keyword: string): readonly JsonValue[] {
  const branches = node.schema[keyword];
  return Array.isArray(branches) ? branches : [];
}

function combine(left: readonly SchemaVariant[], right: readonly SchemaVariant[]): readonly SchemaVariant[] {
  const all: SchemaVariant[] = [];
  for (const a of left) {
    for (const b of right) {
      if (all.length >= MAX_VARIANTS) return all;
      all.push([...new Set([...a, ...b])]);
    }
  }
  return all;
}

function allowsValue(schema: JsonObject, value: JsonValue, type: string): boolean {
  const { type: types, enum: values } = schema;
  if (types !== undefined && types !== type && !(Array.isArray(types) && types.includes(type))) return false;
  if (Array.isArray(values) && !values.includes(value)) return false;
  return !Object.hasOwn(schema, 'const') || schema.const === value;
}
