import { RowfillError } from '../errors.js';
import { escapeToken, isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** A schema inside a schema: its location, and the resource that its references are relative to. */
export interface SchemaPlace {
  readonly schema: JsonObject;
  readonly pointer: string;
  /** URI of the resource (the nearest `$id`) that contains it, without a fragment. */
  readonly base: string;
}

/** All schemas inside a schema, with their references and names resolved. */
export interface SchemaIndex {
  readonly root: JsonObject;
  readonly draft: SchemaDraft;
  /** By pointer. Grows when a reference leads to a place that no keyword of the draft leads to. */
  readonly places: ReadonlyMap<string, SchemaPlace>;
  /** Pointer of each resource's root by its URI. */
  readonly resources: ReadonlyMap<string, string>;
  /** Pointer of each anchor by `uri#name`. `dynamic` anchors are targets of `$dynamicRef`. */
  readonly anchors: ReadonlyMap<string, { readonly pointer: string; readonly dynamic: boolean }>;
  /** Resolves a reference at `place` to a pointer. Null if it leads outside the schema or nowhere. */
  resolve(place: SchemaPlace, reference: string): string | null;
}

/** Compile time grows faster than the number of schemas; this many take less than a second. */
const MAX_PLACES = 2_000;

/** Base for relative names. Only compared, never fetched. */
const DEFAULT_BASE = 'https://rowfill.invalid/schema';

/**
 * Indexes a schema's places, names and references by the rules of its draft, so that data is never mistaken
 * for a schema.
 */
export function indexSchema(root: JsonObject, draft: SchemaDraft): SchemaIndex {
  const places = new Map<string, SchemaPlace>();
  const resources = new Map<string, string>();
  const anchors = new Map<string, { pointer: string; dynamic: boolean }>();

  const visit = (value: JsonValue | undefined, pointer: string, outer: string): void => {
    if (!isJsonObject(value) || places.has(pointer)) return;
    if (places.size >= MAX_PLACES)
      throw new SchemaError(
        pointer,
        `it contains more than ${MAX_PLACES.toLocaleString('en')} schemas`,
        'Write a long list of constants as one enum, and request fewer fields at once.',
      );
    const base = readBase(value, pointer, outer);
    places.set(pointer, { schema: value, pointer, base });
    for (const [key, dynamic] of listAnchors(value, draft)) {
      if (anchors.has(`${base}#${key}`))
        throw new SchemaError(pointer, `the anchor ${JSON.stringify(key)} is used twice`);
      anchors.set(`${base}#${key}`, { pointer, dynamic });
    }
    for (const [child, inner] of listChildren(value, pointer, draft)) visit(inner, child, base);
  };

  const readBase = (schema: JsonObject, pointer: string, outer: string): string => {
    const id = schema.$id;
    const isIgnored = pointer !== '' && draft === 'draft-07' && typeof schema.$ref === 'string';
    if (typeof id !== 'string' || id.startsWith('#') || isIgnored) return outer;
    const uri = resolveUri(id, outer);
    if (uri === null) throw new SchemaError(`${pointer}/$id`, `${JSON.stringify(id)} is not a URI`);
    if (pointer !== '' && resources.has(uri))
      throw new SchemaError(`${pointer}/$id`, `${JSON.stringify(id)} is used twice`);
    resources.set(uri, pointer);
    return uri;
  };

  const resolve = (place: SchemaPlace, reference: string): string | null => {
    const hash = reference.indexOf('#');
    const uri = resolveUri(hash < 0 ? reference : reference.slice(0, hash), place.base);
    const start = uri === null ? undefined : resources.get(uri);
    if (uri === null || start === undefined) return null;
    const fragment = decodeFragment(hash < 0 ? '' : reference.slice(hash + 1));
    if (fragment !== '' && !fragment.startsWith('/'))
      return anchors.get(`${uri}#${fragment}`)?.pointer ?? null;
    const pointer = start + fragment;
    const target = resolvePointer(root, pointer);
    if (typeof target === 'boolean') return pointer;
    if (!isJsonObject(target)) return null;
    const owner = findOwner(pointer);
    if (!places.has(pointer) && DATA.has(pointer.slice(owner.pointer.length + 1).split('/')[0] ?? ''))
      return null;
    visit(target, pointer, owner.base);
    return pointer;
  };

  /** The innermost known place that contains a pointer. */
  const findOwner = (pointer: string): SchemaPlace => {
    for (let end = pointer.length; end > 0; end = pointer.lastIndexOf('/', end - 1)) {
      const place = places.get(pointer.slice(0, end));
      if (place !== undefined) return place;
    }
    return places.get('') ?? { schema: root, pointer: '', base: DEFAULT_BASE };
  };

  resources.set(DEFAULT_BASE, '');
  visit(root, '', DEFAULT_BASE);
  return { root, draft, places, resources, anchors, resolve };
}

const ONE = [
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'additionalProperties',
  'additionalItems',
];
const ONE_SINCE_2019 = ['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'];
const LISTS = ['allOf', 'anyOf', 'oneOf'];
const MAPS = ['properties', 'patternProperties', 'definitions', '$defs', 'dependencies'];
const DATA = new Set(['const', 'enum']);

/** Direct subschemas of a schema, by the keywords of its draft. */
function listChildren(schema: JsonObject, pointer: string, draft: SchemaDraft): [string, JsonValue][] {
  const children: [string, JsonValue][] = [];
  const add = (key: string, value: JsonValue | undefined): void => {
    if (value !== undefined) children.push([`${pointer}/${key}`, value]);
  };
  const since2019 = draft !== 'draft-07';
  for (const [key, value] of Object.entries(schema)) {
    const isList =
      LISTS.includes(key) ||
      (key === 'prefixItems' && draft === '2020-12') ||
      (key === 'items' && draft !== '2020-12');
    if (isList && Array.isArray(value)) {
      for (const [index, item] of value.entries()) add(`${key}/${index}`, item);
    } else if (MAPS.includes(key) || (key === 'dependentSchemas' && since2019)) {
      if (isJsonObject(value))
        for (const [name, inner] of Object.entries(value)) add(`${key}/${escapeToken(name)}`, inner);
    } else if (key === 'items' || ONE.includes(key) || (since2019 && ONE_SINCE_2019.includes(key)))
      add(key, value);
  }
  return children;
}

function listAnchors(schema: JsonObject, draft: SchemaDraft): [string, boolean][] {
  const { $id, $anchor, $dynamicAnchor } = schema;
  if (draft === 'draft-07') {
    const isAnchor =
      typeof $id === 'string' && $id.length > 1 && $id.startsWith('#') && schema.$ref === undefined;
    return isAnchor ? [[$id.slice(1), false]] : [];
  }
  const found = new Map<string, boolean>();
  if (typeof $anchor === 'string') found.set($anchor, false);
  if (typeof $dynamicAnchor === 'string' && draft === '2020-12') found.set($dynamicAnchor, true);
  return [...found];
}

function resolveUri(reference: string, base: string): string | null {
  if (reference === '') return base;
  if (!URL.canParse(reference, base)) return null;
  const url = new URL(reference, base);
  url.hash = '';
  return url.href;
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** JSON Schema drafts that the Agent Runs API accepts. */
export type SchemaDraft = 'draft-07' | '2019-09' | '2020-12';

/** The draft of a schema without `$schema`. */
const DEFAULT_DRAFT: SchemaDraft = '2020-12';

/** The `$schema` URI of each draft. */
export const DRAFT_URIS: Readonly<Record<SchemaDraft, string>> = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

/** Thrown for an invalid or unsupported schema. `path` is the JSON pointer of the fault. */
export class SchemaError extends RowfillError {
  override readonly name: string = 'SchemaError';
  readonly path: string;

  constructor(path: string, what: string, hint = 'Correct the schema at this place.', cause?: unknown) {
    const message = `The schema is not valid at ${path === '' ? '/' : path}: ${what}`;
    super('usage', 'INVALID_OUTPUT_SCHEMA', message, { hint, cause });
    this.path = path;
  }
}

/** The draft named in `$schema`; 2020-12 if there is none. */
export function detectDraft(schema: JsonObject): SchemaDraft {
  const uri = schema.$schema;
  if (uri === undefined) return DEFAULT_DRAFT;
  const known = DRAFTS_BY_URI.get(typeof uri === 'string' ? stripUri(uri) : '');
  if (known !== undefined) return known;
  throw new SchemaError(
    '/$schema',
    `${JSON.stringify(uri)} is not a draft that the agent accepts`,
    `Use one of ${Object.values(DRAFT_URIS).join(', ')}.`,
  );
}

/** Removes the parts of a `$schema` URI that do not matter: scheme and empty fragment. */
function stripUri(uri: string): string {
  return uri.replace(/^https?:\/\//i, '').replace(/#$/, '');
}

const DRAFTS_BY_URI = new Map(
  (['draft-07', '2019-09', '2020-12'] as const).map((draft) => [stripUri(DRAFT_URIS[draft]), draft]),
);

/** Properties of a schema's root object, in order, each with the pointers of its schemas. */
export function findProperties(index: SchemaIndex): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const place of listRootPaths(index)) {
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

/** Names of the required properties of a schema's root. */
export function findRequired(index: SchemaIndex): ReadonlySet<string> {
  const lists = listRootPaths(index).map(({ schema }) =>
    Array.isArray(schema.required) ? schema.required : [],
  );
  return new Set(lists.flat().filter((name) => typeof name === 'string'));
}

/** Schemas that always apply to the root: itself, its reference targets and its `allOf` parts. */
function listRootPaths(index: SchemaIndex): SchemaPlace[] {
  const places: SchemaPlace[] = [];
  const seen = new Set<string>();
  const visit = (pointer: string | null): void => {
    const place = pointer === null ? undefined : index.places.get(pointer);
    if (place === undefined || seen.has(place.pointer)) return;
    seen.add(place.pointer);
    const { $ref, allOf } = place.schema;
    const isReference = typeof $ref === 'string';
    // Draft-07 ignores other keywords next to a reference.
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

/** A field's schema with its references resolved, except those that refer back to themselves. */
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
