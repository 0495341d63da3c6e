import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRowChecker } from '../../src/answer/check-field.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/model/json.js';
import { type CompiledSchema, compileSchema } from '../../src/model/schema.js';
import { DRAFT_URIS, type SchemaDraft } from '../../src/model/schema-index.js';
import { createTestAsk } from '../helpers/check-parts.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

/**
 * The public JSON Schema Test Suite, for the drafts that rowfill accepts. Left out: schemas in other files, custom
 * vocabularies, formats that are only annotations, and formats of host names and references.
 */
interface Group {
  readonly drafts: readonly SchemaDraft[];
  readonly about: string;
  readonly schema: JsonObject;
  readonly valid: readonly JsonValue[];
  readonly invalid: readonly JsonValue[];
}

const suite = readFileSync(new URL('../files/json-schema-suite/suite.json', import.meta.url), 'utf8');
const groups = (JSON.parse(suite) as readonly Group[]).flatMap((group) =>
  group.drafts.map((draft) => ({ ...group, draft, schema: { $schema: DRAFT_URIS[draft], ...group.schema } })),
);
const STRIDE = chooseCount(1, 15);
const chosen = groups.filter((_, index) => index % STRIDE === 0);

/** Groups that the validator reads in another way: known limits of ajv. */
const LIMITS = [
  'dynamicRef: $dynamicRef avoids the root of each schema, but scopes are still registered',
  'dynamicRef: $dynamicRef skips over intermediate resources - direct reference',
  'dynamicRef: A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated',
  "dynamicRef: A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution",
  'dynamicRef: multiple dynamic paths to the $dynamicRef keyword',
  'optional/content: validation of binary string-encoding',
  'optional/content: validation of binary-encoded media type documents',
  'optional/content: validation of string-encoded content based on media type',
  'optional/dynamicRef: $dynamicRef skips over intermediate resources - pointer reference across resource boundary',
  'optional/format/date-time: validation of date-time strings',
  'optional/format/duration: validation of duration strings',
  'optional/format/ecmascript-regex: \\a is not an ECMA 262 control escape',
  'optional/format/email: validation of e-mail addresses',
  'optional/format/uri: validation of URIs',
  'optional/format/uuid: uuid format',
  'properties: properties whose names are Javascript object property names',
  'unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship',
  'unevaluatedItems: unevaluatedItems can see annotations from if without then and else',
  'unevaluatedItems: unevaluatedItems depends on adjacent contains',
  'unevaluatedItems: unevaluatedItems depends on multiple nested contains',
  'unevaluatedItems: unevaluatedItems with $dynamicRef',
  'unevaluatedItems: unevaluatedItems with minContains = 0',
  'unevaluatedItems: unevaluatedItems with nested items',
  'unevaluatedProperties: unevaluatedProperties can see annotations from if without then and else',
  'unevaluatedProperties: unevaluatedProperties with $dynamicRef',
  'unevaluatedProperties: unevaluatedProperties with if/then/else, then not defined',
];

test('the JSON Schema suite agrees on what is valid, but for known limits', SLOW, () => {
  const limits = new Set<string>();
  for (const { about, schema, valid, invalid } of chosen) {
    const compiled = compileOrNull(schema);
    if (compiled === null) continue;
    const isValid = (value: JsonValue): boolean => compiled.validate(value).length === 0;
    if (!valid.every(isValid) || invalid.some(isValid)) limits.add(about);
  }
  expect(LIMITS).toEqual(expect.arrayContaining([...limits]));
  if (STRIDE === 1) expect([...limits].sort()).toEqual(LIMITS);
});

test('valid values of the JSON Schema suite are taken as they are', SLOW, () => {
  let values = 0;
  const changed = chosen
    .filter(({ about }) => !LIMITS.includes(about))
    .flatMap(({ about, draft, schema: { $schema, ...f }, valid }) => {
      const root = { $schema: $schema ?? DRAFT_URIS[draft], type: 'object', properties: { f } };
      // A reference to the root would mean the row.
      if (/ef":"#/.test(JSON.stringify(f)) || compileOrNull(root) === null) return [];
      const checker = createRowChecker(createTestAsk(root));
      const kept = valid.filter((value) => !isBlank(value) && !isOtherKind(f, value));
      values += kept.length;
      return kept.flatMap((value) => {
        const { state, value: taken, issue } = checker.checkField('f', value);
        const isSame = JSON.stringify(taken) === JSON.stringify(value);
        return state === 'valid' && isSame && issue === null ? [] : [`${about}: ${JSON.stringify(value)}`];
      });
    });
  expect(changed.filter((each) => !EXPECTED.some((part) => each.includes(part)))).toEqual([]);
  expect(values).toBeGreaterThan(1_500 / STRIDE);
});

/** Control characters and space around a text are removed. */
const EXPECTED = ['nul characters in strings', '"/ "', '"/foo\\u0000bar'];

/** Null if rowfill refuses the schema. */
function compileOrNull(schema: JsonObject): CompiledSchema | null {
  try {
    return compileSchema(schema);
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_OUTPUT_SCHEMA' });
    return null;
  }
}

/** Nothing found: null, text without letters, digits or signs, or only those. */
function isBlank(value: JsonValue): boolean {
  if (typeof value === 'string') return /^[\s\p{C}\p{Pd}]*$/u.test(value);
  if (typeof value !== 'object' || value === null) return value === null;
  const parts: readonly JsonValue[] = Object.values(value);
  return parts.length > 0 && parts.every(isBlank);
}

/** A field with properties has a column for each of them, so that its value must be an object. */
function isOtherKind({ properties }: JsonObject, value: JsonValue): boolean {
  return isJsonObject(properties) && !isJsonObject(value);
}
