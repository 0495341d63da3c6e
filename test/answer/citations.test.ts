import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRun, createRowChecker } from '../../src/answer/check-run.js';
import { createAnswers } from '../../src/answer/citations.js';
import type { FieldAnswer } from '../../src/model/answer.js';
import { escapeToken, type JsonObject, type JsonValue } from '../../src/model/json.js';
import type { Grounding } from '../../src/model/run.js';
import { createTestAsk, createTestBatch, createTestRun } from '../helpers/check-parts.js';

const NAMES = ['ceo', 'a.b', 'list', 'odd["x"]', 'sl/ash~', 'row_id', 'fields', 'a', '0'];
const SCHEMA = {
  type: 'object',
  properties: Object.fromEntries(['ceo', 'list', 'address'].map((name) => [name, {}])),
};

describe('a grounding path is read in every notation', () => {
  const rows = [
    entry('r2', { ceo: 'Bob', list: ['x', 'y'], address: { city: 'Bern' } }),
    entry('r1', { ceo: 'Ann' }),
  ];
  test.each([
    ['a cell', 'structured.rows[0].fields.ceo'],
    ['dots alone', 'structured.rows.0.fields.ceo'],
    ['quoted keys', 'structured["rows"][0]["fields"]["ceo"]'],
    ['single quotes', "structured['rows'][0]['fields']['ceo']"],
    ['JSONPath', '$.rows[0].fields.ceo'],
    ['JSONPath from the output', '$.structured.rows[0].fields.ceo'],
    ['JSON Pointer', '/rows/0/fields/ceo'],
    ['JSON Pointer as a fragment', '#/rows/0/fields/ceo'],
    ['JSON Pointer from the output', '/output/structured/rows/0/fields/ceo'],
    ['with output', 'output.structured.rows[0].fields.ceo'],
    ['output alone', 'output.rows[0].fields.ceo'],
    ['without structured', 'rows[0].fields.ceo'],
    ['without fields', 'structured.rows[0].ceo'],
    ['a nested cell', 'structured.rows[0].fields.ceo.name'],
    ['with surrounding white space', ' structured.rows[0].fields.ceo '],
  ])('%s: %s', (_, path) => {
    expect(readUrls({ rows }, [path])).toEqual({ r2: { ceo: [path] } });
  });

  test.each([
    ['a list item', 'structured.rows[0].fields.list[1]', 'list'],
    ['a part of an object', 'structured.rows[0].fields.address.city', 'address'],
  ])('%s belongs to its field: %s', (_, path, field) => {
    expect(readUrls({ rows }, [path])).toEqual({ r2: { [field]: [path] } });
  });

  test.each(['structured.rows[0]', 'rows[0].fields', '/rows/0', '$.rows[0]', 'structured.rows.0.fields'])(
    'the whole row: %s',
    (path) => {
      expect(readUrls({ rows }, [path])).toEqual({ r2: { ceo: [path], list: [path], address: [path] } });
    },
  );

  test.each([
    'structured',
    'structured.rows',
    '$',
    '',
    '#',
    '/',
    'output',
    'text',
    'structured.rows[]',
    'structured.rows[*].fields.ceo',
    'structured.rows[7].fields.ceo',
    'structured.rows[-1].fields.ceo',
    'structured.rows[0].fields.other',
    'structured.rows[0].row_id',
    'structured.other[0].fields.ceo',
    'structured.rows[0]fields.ceo',
    'structured.rows[0].fields.ceox',
    'structured.rows[00000000000].fields.ceo',
    'fields.ceo',
    'ceo',
  ])('a path that refers to no row is ignored: %j', (path) => {
    expect(readUrls({ rows }, [path])).toEqual({});
  });

  test('the path is matched wherever the agent put the list', () => {
    expect(readUrls({ 'my.rows[0]': rows, note: [] }, ['structured.my.rows[0][1].fields.ceo'])).toEqual({
      r1: { ceo: ['structured.my.rows[0][1].fields.ceo'] },
    });
    expect(readUrls(rows, ['structured[1].fields.ceo', '/0/fields/ceo'])).toEqual({
      r1: { ceo: ['structured[1].fields.ceo'] },
      r2: { ceo: ['/0/fields/ceo'] },
    });
    expect(readUrls({ output: rows }, ['output[1].fields.ceo', 'structured.output[0].fields.ceo'])).toEqual({
      r1: { ceo: ['output[1].fields.ceo'] },
      r2: { ceo: ['structured.output[0].fields.ceo'] },
    });
    expect(readUrls({ rows: [{ row_id: 'r1', ceo: 'Ann' }] }, ['structured.rows[0].ceo'])).toEqual({
      r1: { ceo: ['structured.rows[0].ceo'] },
    });
  });

  test.each<[string, JsonValue, string]>([
    ['in a text', JSON.stringify({ rows }), 'structured.rows[1].fields.ceo'],
    ['in another object', { data: { rows } }, 'structured.data.rows[1].fields.ceo'],
    ['in another object that the path leaves out', { data: { rows } }, 'structured.rows[1].fields.ceo'],
    ['by row id', { rows: { r2: { ceo: 'Bob' }, r1: { ceo: 'Ann' } } }, 'structured.rows.r1.ceo'],
    ['by row id in quotes', { rows: { r2: { ceo: 'Bob' }, r1: { ceo: 'Ann' } } }, '$.rows["r1"].ceo'],
    [
      'with another name for the fields',
      { rows: [{ row_id: 'r1', values: { ceo: 'Ann' } }] },
      'rows[0].values.ceo',
    ],
    ['with a field in another case', { rows: [entry('r1', { CEO: 'Ann' })] }, 'rows[0].fields.CEO'],
    ['with a field in the case of the schema', { rows: [entry('r1', { CEO: 'Ann' })] }, 'rows[0].fields.ceo'],
  ])('the path is matched to rows %s', (_, structured, path) => {
    expect(readUrls(structured, [path])).toEqual({ r1: { ceo: [path] } });
  });

  test('for a single bare row, cell paths are read and the root is ignored', () => {
    const paths = ['structured', 'structured.fields', 'structured.fields.ceo', 'ceo'];
    expect(readUrls({ fields: { ceo: 'Ann' } }, paths, 1)).toEqual({
      r1: { ceo: ['structured.fields.ceo', 'ceo'] },
    });
    expect(readUrls({ ceo: 'Ann' }, ['structured', 'structured.ceo'], 1)).toEqual({
      r1: { ceo: ['structured.ceo'] },
    });
  });
});

describe('citations and confidence', () => {
  const rows = [entry('r1', { ceo: 'Ann', list: [1], address: null })];
  const read = (grounding: readonly unknown[]) => settle({ rows }, grounding as Grounding[], 1).get('r1');

  test('a page is cited once, in order, with any title it has', () => {
    const answer = read([
      {
        field: 'rows[0].fields.ceo',
        citations: [{ url: 'https://b.co', title: null }, { url: 'https://a.co' }],
        score: 0.5,
        note: 'x',
      },
      {
        field: 'rows[0].fields.ceo.name',
        citations: [
          { url: ' https://b.co ', title: 'B' },
          { url: 'file:///t.csv#row=3', title: ' ' },
        ],
      },
    ]);
    expect(answer?.get('ceo')?.citations).toEqual([
      { url: 'https://b.co', title: 'B' },
      { url: 'https://a.co', title: null },
      { url: 'file:///t.csv#row=3', title: null },
    ]);
  });

  test('text without a scheme is not a citation, and white space never splits one', () => {
    const citations = [
      { url: 'javascript:alert(1)' },
      { url: 'a.co' },
      { url: 7 },
      null,
      'https://a.co',
      { title: 'x' },
      { url: 'https://a.co/x y\tz' },
    ];
    expect(read([{ field: 'rows[0].fields.ceo', citations }])?.get('ceo')?.citations).toEqual([
      { url: 'javascript:alert(1)', title: null },
      { url: 'https://a.co/x%20yz', title: null },
    ]);
  });

  test('a cell wins over its row, and the lowest confidence counts', () => {
    const answer = read([
      { field: 'rows[0]', citations: [{ url: 'https://row.co' }], confidence: 'low' },
      { field: 'rows[0].fields.ceo', citations: [{ url: 'https://cell.co' }], confidence: 'high' },
      { field: 'rows[0].fields.ceo', citations: [], confidence: 'medium' },
    ]);
    expect(answer?.get('ceo')).toMatchObject({
      citations: [{ url: 'https://cell.co' }],
      confidence: 'medium',
    });
    expect(answer?.get('list')).toMatchObject({ citations: [{ url: 'https://row.co' }], confidence: 'low' });
  });

  test('a cell with only citations or confidence takes the other from its row', () => {
    const answer = read([
      { field: 'rows[0]', citations: [{ url: 'https://row.co' }], confidence: 'low' },
      { field: 'rows[0].fields.ceo', citations: [{ url: 'https://cell.co' }], confidence: null },
      { field: 'rows[0].fields.list[0]', citations: [], confidence: 'high' },
    ]);
    expect(answer?.get('ceo')).toMatchObject({ citations: [{ url: 'https://cell.co' }], confidence: 'low' });
    expect(answer?.get('list')).toMatchObject({ citations: [{ url: 'https://row.co' }], confidence: 'high' });
  });

  test('a field without a value has no grounding', () => {
    const grounding = [
      { field: 'rows[0].fields.address', citations: [{ url: 'https://a.co' }], confidence: 'high' },
    ];
    expect(read(grounding)?.get('address')).toMatchObject({ value: null, citations: [], confidence: null });
  });

  test('invalid grounding is skipped', () => {
    const answer = read([
      null,
      7,
      {},
      { field: 5 },
      { field: 'rows[0].fields.ceo' },
      { field: 'rows[0].fields.ceo', citations: {}, confidence: 'certain' },
    ]);
    expect(answer?.get('ceo')).toMatchObject({ value: 'Ann', citations: [], confidence: null });
  });

  test('if a path leads behind the last row, no path is believed', () => {
    const two = { rows: [entry('r1', { ceo: 'Ann' }), entry('r2', { ceo: 'Bob' })] };
    expect(readUrls(two, ['rows[1].fields.ceo', 'rows[2].fields.ceo'])).toEqual({});
    expect(readUrls(two, ['/rows/2/fields/ceo', '$.rows[0]', '/rows/1/fields/ceo'])).toEqual({});
    expect(
      readUrls({ rows: [entry('r2', { ceo: 'Bob' })] }, ['rows[0].fields.ceo', 'rows[1].fields.ceo']),
    ).toEqual({});
  });

  test('an answer has its run id and effort', () => {
    expect(read([])?.get('ceo')).toEqual({
      value: 'Ann',
      confidence: null,
      citations: [],
      issue: null,
      runId: 'agent_run_test',
      effort: 'low',
      triedEffort: 'low',
    });
  });
});

test('no citation is ever assigned to another row or field', () => {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(NAMES.filter((name) => name !== 'a').map((name) => [name, {}])),
  };
  const ask = createTestAsk(schema);
  const names = ask.fields.map((field) => field.name);
  const checker = createRowChecker(ask);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.nat(),
          fc.constantFrom(...SPELLINGS),
          fc.constantFrom('', '[0]', '.inner', '/x'),
        ),
        { maxLength: 20 },
      ),
      fc.constantFrom<(string | null)[]>('rows', 'my.list', 'x[0]', null),
      fc.boolean(),
      (size, order, picks, key, isFlat) => {
        const ids = Array.from({ length: size }, (_, index) => `r${index + 1}`).sort(
          (a, b) => (order[Number(a.slice(1)) - 1] ?? 0) - (order[Number(b.slice(1)) - 1] ?? 0),
        );
        // Flat entries cannot have fields with the names of their own keys.
        const used = isFlat ? names.filter((name) => name !== 'row_id' && name !== 'fields') : names;
        const list = ids.map((id) => {
          const fields = Object.fromEntries(used.map((name) => [name, `${id} ${name}`]));
          return isFlat ? { row_id: id, ...fields } : { row_id: id, fields };
        });
        const grounding = picks.map(([row, field, spell, tail]): Grounding => {
          const index = row % size;
          const name = used[field % used.length] ?? '';
          const keys = [...(key === null ? [] : [key]), String(index), ...(isFlat ? [] : ['fields']), name];
          return {
            field: `${spell(keys)}${tail}`,
            citations: [{ url: `https://x.co/?is=${encodeURIComponent(`${ids[index]} ${name}`)}` }],
          };
        });
        const structured = key === null ? list : { [key]: list };
        const batch = createTestBatch(ask, size, used);
        const run = createTestRun(structured, grounding);
        const checked = checkRun(batch, run, checker);
        expect(checked.rows).toHaveLength(size);
        let found = 0;
        for (const [index, answer] of createAnswers(batch, checked, run).entries()) {
          for (const [name, { citations, value }] of answer.fields) {
            expect(value).toBe(`r${index + 1} ${name}`);
            for (const { url } of citations) expect(new URL(url ?? '').searchParams.get('is')).toBe(value);
            found += citations.length;
          }
        }
        expect(found).toBe(new Set(grounding.map(({ citations }) => citations[0]?.url)).size);
      },
    ),
    { numRuns: 500 },
  );
});

const SPELLINGS: readonly ((keys: readonly string[]) => string)[] = [
  (keys) => `structured${keys.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join('')}`,
  (keys) => `$${keys.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `["${key}"]`)).join('')}`,
  (keys) => `output.structured${keys.map((key) => `[${JSON.stringify(key)}]`).join('')}`,
  (keys) => `/${keys.map(escapeToken).join('/')}`,
  (keys) => `#/structured/${keys.map((key) => encodeURIComponent(escapeToken(key))).join('/')}`,
  (keys) => `structured.${keys.join('.')}`,
];

function settle(
  structured: JsonValue,
  grounding: readonly Grounding[],
  size: number,
): Map<string, ReadonlyMap<string, FieldAnswer>> {
  const ask = createTestAsk(SCHEMA);
  const batch = createTestBatch(ask, size);
  const run = createTestRun(structured, grounding);
  const answers = createAnswers(batch, checkRun(batch, run, createRowChecker(ask)), run);
  return new Map(answers.map((answer) => [`r${answer.key.slice(1)}`, answer.fields]));
}

/** The paths whose citations reached a field, by row and field. Each path is cited as its own page. */
function readUrls(
  structured: JsonValue,
  paths: readonly string[],
  size = 2,
): Record<string, Record<string, string[]>> {
  const toUrl = (path: string) => `https://x.co/?path=${encodeURIComponent(path)}`;
  const grounding = paths.map((field) => ({ field, citations: [{ url: toUrl(field) }] }));
  const found: Record<string, Record<string, string[]>> = {};
  for (const [rowId, fields] of settle(structured, grounding, size)) {
    for (const [name, { citations }] of fields) {
      if (citations.length === 0) continue;
      found[rowId] = {
        ...found[rowId],
        [name]: citations.map(({ url }) => new URL(url ?? '').searchParams.get('path') ?? ''),
      };
    }
  }
  return found;
}

function entry(rowId: string, fields: JsonObject): JsonObject {
  return { row_id: rowId, fields };
}

describe('the agent’s text about a row', () => {
  const ask = createTestAsk({ type: 'object', properties: { ceo: {}, seat: {} } });
  const batch = createTestBatch(ask, 2);
  const readIssues = (text: string, first: JsonObject = { ceo: null, seat: null }) => {
    const rows = [entry('r1', first), entry('r2', { ceo: 'Bob', seat: null })];
    const run = createTestRun({ rows });
    const told = { ...run, output: { ...run.output, text } };
    const answers = createAnswers(batch, checkRun(batch, run, createRowChecker(ask)), told);
    return answers.map(({ fields }) => [...fields.values()].map(({ issue }) => issue));
  };

  test('is the reason for its fields without a value', () => {
    expect(readIssues('1 of 2 were found.\nr1: two of that name\nr2: a branch only\n')).toEqual([
      ['two of that name', 'two of that name'],
      [null, 'a branch only'],
    ]);
  });

  test('is the reason for one field if it names it', () => {
    expect(readIssues('r1.seat: two tables disagree')).toEqual([
      [null, 'two tables disagree'],
      [null, null],
    ]);
  });

  test.each([
    ['prose that only mentions it', 'As for r1: nothing. See r2: too.'],
    ['another row', 'r11: two of that name\nr3: none'],
    ['a field that was not requested', 'r1.ceo.name: unknown\nr1.phone: unknown'],
    ['lines without text', 'r1:   \nr2.seat:'],
    ['no text', ''],
  ])('is not read from %s', (_, text) => {
    expect(readIssues(text)).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  test('is one line of limited length and never replaces an issue found by the check', () => {
    const [[ceo] = []] = readIssues(`r1: a\u001b[31m\tb\u202e ${'x'.repeat(1_000)}`);
    expect(ceo).toMatch(/^a b x+…$/);
    expect(ceo?.length).toBeLessThanOrEqual(301);
    const strict = createTestAsk({ type: 'object', properties: { ceo: { type: 'integer' } } });
    const one = createTestBatch(strict, 1);
    const run = createTestRun({ rows: [{ row_id: 'r1', fields: { ceo: null } }] });
    const fields = new Map([['ceo', { value: null, issue: 'must be integer' }]]);
    const rows = [{ rowId: 'r1', key: 'k1', index: 0, fields }];
    const checked = { rows, rejected: [], unknownIds: 0, doubled: 0 };
    const told = { ...run, output: { ...run.output, text: 'r1: nobody knows' } };
    expect(createAnswers(one, checked, told)[0]?.fields.get('ceo')?.issue).toBe('must be integer');
  });
});
