import fc, { type Arbitrary } from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { DRAFT_URIS, type SchemaDraft } from '../../src/model/schema-index.js';

/** Plain names, and names that must be escaped in a pointer or fragment. */
const NAMES = ['a', 'b', 'c', 'a/b', 'a~b', 'a%25b', 'q"t', 'ü', '$ref', '$id', 'properties'];
const ODD = 'odd/na~me %';
const BASE = 'https://example.com/schemas/row.json';

/** Building blocks of a random schema. */
interface Palette {
  readonly draft: SchemaDraft;
  readonly references: readonly string[];
}

/** Random schemas of one draft whose root is an object with properties, with references and names of every kind. */
export function createSchemaArbitrary(draft: SchemaDraft): Arbitrary<JsonObject> {
  return fc.constantFrom(null, BASE, `${BASE}#`).chain((id) => createNamedArbitrary(draft, id));
}

function createNamedArbitrary(draft: SchemaDraft, id: string | null): Arbitrary<JsonObject> {
  const defs = draft === 'draft-07' ? 'definitions' : '$defs';
  const far =
    id === null ? [] : [BASE, 'row.json#named', `row.json#/${defs}/one`, `/schemas/row.json#/${defs}/one`];
  const inner: Palette = { draft, references: ['#', `#/${defs}/one`, 'item.json', ...far] };
  const odd = `#/${defs}/${encodeURIComponent(ODD.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
  const own = ['#', `#/${defs}/one`, '#/properties/a', odd, '#named', 'item.json', `item.json#/${defs}/one`];
  const outer: Palette = { draft, references: [...own, ...far] };
  return fc
    .record({
      says: fc.boolean(),
      root: createObjectArbitrary(outer, 3),
      one: createPartArbitrary(outer, 2),
      two: createPartArbitrary(outer, 2),
      three: createObjectArbitrary(outer, 2),
      item: createObjectArbitrary(inner, 1),
      a: createPartArbitrary(outer, 1),
    })
    .map(({ says, root, one, two, three, item, a }) => ({
      ...(says || draft !== '2020-12' ? { $schema: DRAFT_URIS[draft] } : {}),
      ...(id === null ? {} : { $id: id }),
      ...root,
      properties: { a, ...(root.properties as JsonObject) },
      [defs]: {
        // A separate schema resource; pointers in it are relative to it.
        item: { $id: 'item.json', ...item, [defs]: { one: { type: 'boolean' } } },
        one,
        two: draft === 'draft-07' ? { allOf: [two], $id: '#named' } : { allOf: [two], $anchor: 'named' },
        [ODD]: three,
      },
    }));
}

/** Random values with the names and texts used in the random schemas. */
export const valueArbitrary: Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<JsonValue[]>(null, true, false, 0, 1, 2, 7, 1.5, '', 'a', 'x', 'long text', '2024-02-30'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

function createObjectArbitrary(palette: Palette, depth: number): Arbitrary<JsonObject> {
  return fc
    .record({
      properties: fc.dictionary(fc.constantFrom(...NAMES), createPartArbitrary(palette, depth), {
        minKeys: 1,
        maxKeys: 4,
        noNullPrototype: true,
      }),
      required: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
      closed: fc.constantFrom<JsonObject[]>(
        {},
        {},
        { additionalProperties: false },
        { additionalProperties: { type: 'integer' } },
        ...(palette.draft === 'draft-07' ? [] : [{ unevaluatedProperties: false }]),
      ),
    })
    .map(({ properties, required, closed }) => ({ type: 'object', properties, required, ...closed }));
}

/** A schema below a property. Its references only go deeper into the value, so that none can form a cycle. */
function createPartArbitrary(palette: Palette, depth: number): Arbitrary<JsonObject> {
  const leaf = fc.oneof(createLeafArbitrary(), createReferenceArbitrary(palette));
  if (depth <= 0) return leaf;
  const part = createPartArbitrary(palette, depth - 1);
  const simple = createLeafArbitrary();
  return fc.oneof(
    leaf,
    createObjectArbitrary(palette, depth - 1),
    part.map((items) => ({ type: 'array', items })),
    fc.tuple(part, part).map((items) => (palette.draft === '2020-12' ? { prefixItems: items } : { items })),
    fc.tuple(simple, simple).map((anyOf) => ({ anyOf })),
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    fc.tuple(simple, simple, simple).map(([test, yes, no]) => ({ if: test, then: yes, else: no })),
    simple.map((not) => ({ not })),
    fc
      .tuple(simple, createReferenceArbitrary(palette))
      .map(([enumLike, reference]) => ({ ...enumLike, ...reference })),
  );
}

function createLeafArbitrary(): Arbitrary<JsonObject> {
  return fc.constantFrom<JsonObject[]>(
    {},
    { type: 'string' },
    { type: 'string', minLength: 2 },
    { type: ['integer', 'null'] },
    { type: 'number', maximum: 2 },
    { type: 'boolean' },
    { enum: ['a', 1, null] },
    { const: { $ref: '#/definitions/one' } },
    { enum: [{ $id: 'item.json' }, 'x'] },
    { default: { $ref: '#/nowhere' }, type: 'array' },
    { format: 'date', pattern: '^2' },
  );
}

function createReferenceArbitrary({ references }: Palette): Arbitrary<JsonObject> {
  return fc.constantFrom(...references).map(($ref) => ({ $ref }));
}
