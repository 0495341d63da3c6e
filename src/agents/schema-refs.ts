import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { escapeToken, resolvePointer } from '../model/pointer.js';

const ROOT_URI = 'schema://root/';

/**
 * Makes the function that follows a reference: it takes the JSON pointer of the place where the reference stands, and gives the
 * pointer of its target, or null. `$id` and anchors inside the schema keep their meaning.
 */
export function createRefResolver(schema: JsonObject): (pointer: string, ref: string) => string | null {
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

/** Every `$id` opens a resource of its own, every anchor names a place in its resource. */
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

/** The pointer of the innermost resource around a place. */
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
