import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRun, createRowChecker } from '../../src/answer/check-run.js';
import type { CheckedRun } from '../../src/model/answer.js';
import { createBatch } from '../../src/model/batch.js';
import { createSchema, parseField } from '../../src/model/field.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { createTestAsk, createTestBatch, createTestRun } from '../helpers/check-parts.js';

const ASK = createTestAsk(createSchema([parseField('ceo'), parseField('staff:integer')]));
const CHECKER = createRowChecker(ASK);

const A = { ceo: 'Ann', staff: 1 };
const B = { ceo: 'Bob', staff: 2 };
const C = { ceo: 'Cid', staff: 3 };

describe('rows are matched by row_id only', () => {
  test('re-ordered', () => {
    const checked = check(3, { rows: [entry('r3', C), entry('r1', A), entry('r2', B)] });
    expect(readValues(checked)).toEqual({ k1: A, k2: B, k3: C });
    expect(checked.rows.map((row) => row.index)).toEqual([1, 2, 0]);
    expect(checked).toMatchObject({ rejected: [], unknownIds: 0, doubled: 0 });
  });

  test('missing rows are retried', () => {
    const checked = check(3, { rows: [entry('r3', C), entry('r1', A)] });
    expect(readValues(checked)).toEqual({ k1: A, k3: C });
    expect(checked.rejected).toEqual([{ rowId: 'r2', key: 'k2', reason: 'no entry came back for it' }]);
  });

  test('unknown ids are dropped and counted, and never assigned to another row', () => {
    const checked = check(2, {
      rows: [entry('r9', C), entry('x1', A), entry('r2', B), entry('', C), 'r1', null],
    });
    expect(readValues(checked)).toEqual({ k2: B });
    expect(checked.unknownIds).toBe(5);
    expect(checked.rejected.map((row) => row.rowId)).toEqual(['r1']);
  });

  test('duplicate entries: each field takes the only valid value, from either entry', () => {
    const rows = [
      entry('r1', { ceo: ['a', 'b'], staff: 1 }),
      entry('r1', { ceo: 'Ann', staff: 'x' }),
      entry('r1', { ceo: null, staff: '1' }),
      entry('r1', { ceo: ' Ann ', staff: null }),
    ];
    const checked = check(1, { rows });
    expect(readValues(checked)).toEqual({ k1: A });
    expect(checked).toMatchObject({ doubled: 3, unknownIds: 0, rejected: [] });
    const places = new Map([
      ['ceo', [1, 3]],
      ['staff', [0, 2]],
    ]);
    expect(checked.rows[0]?.twice).toEqual({ places, disputed: [] });
  });

  test('different values make a field null, and both are reported', () => {
    const checked = check(1, { rows: [entry('r1', A), entry('r1', { ...B, ceo: 'Ann' }), entry('r1', A)] });
    expect(readValues(checked)).toEqual({ k1: { ceo: 'Ann', staff: null } });
    expect(checked.rows[0]?.twice?.disputed).toEqual(['staff']);
    expect(checked.rows[0]?.fields.get('staff')?.issue).toBe('two answers in one run: 1 and 2');
  });

  test.each(['N/A', 'unknown', '-', ' None '])('%j next to a value does not dispute it', (word) => {
    const rows = [entry('r1', { ceo: word, staff: 1 }), entry('r1', { ceo: 'Ann', staff: word })];
    const checked = check(1, { rows });
    expect(readValues(checked)).toEqual({ k1: A });
    expect(checked.rows[0]?.twice?.disputed).toEqual([]);
  });

  test('a usable duplicate wins over an empty one', () => {
    const rows = [entry('r1', { ceo: null, staff: 'x' }), entry('r1', { ceo: ['a', 'b'], staff: 'x' })];
    expect(readValues(check(1, { rows }))).toEqual({ k1: { ceo: null, staff: null } });
  });

  test.each<[string, JsonValue[]]>([
    ['another case', ['R1', 'R2', 'r3']],
    ['blanks and other punctuation', ['r 1', '"r2"', 'r-3.']],
    ['full-width letters', ['ｒ１', 'r2', 'r3']],
    ['a list of one', [['r1'], ['r2'], 'r3']],
    ['numbers for all rows', [1, 2, 3]],
    ['numbers for the other rows', ['r1', 2, '3']],
    ['positions', ['row 1', '#2', 'Record 3']],
  ])('ids are read in another spelling: %s', (_, ids) => {
    const fields = [A, B, C];
    const rows = ids.map((row_id, index) => ({ row_id, fields: fields[index] ?? A }));
    const checked = check(3, { rows: [...rows].reverse() });
    expect(readValues(checked)).toEqual({ k1: A, k2: B, k3: C });
    expect(checked).toMatchObject({ rejected: [], unknownIds: 0, doubled: 0 });
  });

  test.each<[string, JsonValue[]]>([
    ['numbers that may count from 0', [0, 1, 2]],
    ['numbers for a part of the rows', [1, 2]],
    ['a number twice', [1, 1, 2]],
    ['a list of two', [['r1', 'r2']]],
    ['a beginning of an id', ['r']],
  ])('unclear ids match no row: %s', (_, ids) => {
    const rows = ids.map((row_id) => ({ row_id, fields: A }));
    expect(check(3, { rows })).toMatchObject({ rows: [], unknownIds: ids.length });
  });

  test('numbers are those at the end of the ids that were sent, not those of the agent’s own list', () => {
    const sent = createBatch(createTestBatch(ASK, 3), 1);
    const ends = sent.rows.map(({ rowId }) => Number(rowId.split('-')[1]));
    const answer = (ids: JsonValue[]) =>
      checkRun(
        sent,
        createTestRun({ rows: ids.map((row_id, at) => ({ row_id, fields: [C, B, A][at] ?? A })) }),
        CHECKER,
      );
    expect(readValues(answer(ends.toReversed()))).toEqual({ k1: A, k2: B, k3: C });
    for (const own of [
      [1, 2, 3],
      [0, 1, 2],
      ['#1', '#2', '#3'],
      [3, 2, 1],
    ]) {
      expect(answer(own)).toMatchObject({ rows: [], unknownIds: 3 });
    }
    const byNumber = { rows: { '1': A, '2': B, '3': C } };
    expect(checkRun(sent, createTestRun(byNumber), CHECKER).rows).toEqual([]);
  });

  test('one row and one entry belong together, even with a number of the agent’s own', () => {
    const sent = createBatch(createTestBatch(ASK, 1), 1);
    for (const own of [1, '1', 0, 'row 1', null]) {
      const run = createTestRun({ rows: [{ row_id: own, fields: A }] });
      expect(readValues(checkRun(sent, run, CHECKER))).toEqual({ k1: A });
    }
    const other = createTestRun({ rows: [{ row_id: 'r2-100', fields: A }] });
    expect(checkRun(sent, other, CHECKER).rows).toEqual([]);
  });

  test('an id with extra spaces or as a number still matches', () => {
    const batch = createTestBatch(ASK, 2);
    const rows = batch.rows.map((row, index) => ({ ...row, rowId: String(index + 1) }));
    const run = createTestRun({
      rows: [
        { row_id: 2, fields: B },
        { row_id: ' 1\n', fields: A },
      ],
    });
    expect(readValues(checkRun({ ...batch, rows }, run, CHECKER))).toEqual({ k1: A, k2: B });
  });
});

describe('response shapes of different agents', () => {
  const two = [entry('r2', B), entry('r1', A)];
  test.each<[string, JsonValue]>([
    ['a list under another name', { companies: two }],
    ['a list under another name, next to other keys', { note: 'done', sources: ['x'], companies: two }],
    ['a list without a name', two],
    [
      'rows without a fields object',
      {
        rows: [
          { row_id: 'r2', ...B },
          { row_id: 'r1', ...A },
        ],
      },
    ],
    [
      'values next to an empty fields object',
      {
        rows: [
          { row_id: 'r2', ...B, fields: null },
          { row_id: 'r1', ...A, fields: {} },
        ],
      },
    ],
  ])('%s', (_, structured) => {
    expect(readValues(check(2, structured))).toEqual({ k1: A, k2: B });
  });

  const json = JSON.stringify({ rows: two });
  test.each<[string, JsonValue]>([
    ['JSON in a text', json],
    ['JSON in a text, twice', JSON.stringify(json).slice(1, -1).replaceAll('\\"', '"')],
    ['JSON in a code fence', `Here is the result:\n\`\`\`json\n${json}\n\`\`\`\nDone.`],
    ['JSON after a sentence', `Here is the result: ${json}`],
    ['rows as a text', { rows: JSON.stringify(two) }],
    ['rows in another case', { Rows: two }],
    ['rows by id', { rows: { r1: A, r2: { fields: B } } }],
    ['rows by id without a name', { R1: { fields: A }, R2: B }],
    ['rows by id in a text', { rows: JSON.stringify({ r1: A, r2: B }) }],
    ['rows by position', { rows: { '1': A, '2': B } }],
    ['rows in another object', { data: { rows: two } }],
    ['rows in another object as a text', { output: { structured: json } }],
    ['rows under another name in another object', { result: { companies: two, note: 'x' } }],
    ['rows by id in another object', { data: { r1: A, r2: B } }],
    ['each entry as a text', { rows: two.map((each) => JSON.stringify(each)) }],
    [
      'fields as a text',
      { rows: two.map(({ row_id, fields }) => ({ row_id: row_id ?? '', fields: JSON.stringify(fields) })) },
    ],
    [
      'fields under another name',
      { rows: two.map(({ row_id, fields }) => ({ row_id: row_id ?? '', values: fields ?? '' })) },
    ],
    [
      'the id under another name',
      {
        rows: [
          { rowId: 'r2', ...B },
          { rowId: 'r1', ...A },
        ],
      },
    ],
    ['the id as id', { rows: two.map(({ row_id, fields }) => ({ id: row_id ?? '', fields: fields ?? '' })) }],
    [
      'names of fields in another case',
      {
        rows: [
          { row_id: 'r1', fields: { CEO: 'Ann', Staff: 1 } },
          { row_id: 'r2', C_E_O: 'Bob', 'staff ': 2 },
        ],
      },
    ],
  ])('%s', (_, structured) => {
    expect(readValues(check(2, structured))).toEqual({ k1: A, k2: B });
  });

  test.each<[string, JsonValue]>([
    ['a bare object', { row_id: 'r1', fields: A }],
    ['a bare object without an id', { fields: A }],
    ['bare fields', A],
    ['rows as one object', { rows: { row_id: 'r1', fields: A } }],
    ['a list of one without an id', { rows: [{ fields: A }] }],
  ])('%s, for a batch of one row', (_, structured) => {
    expect(readValues(check(1, structured))).toEqual({ k1: A });
  });

  test.each<[string, JsonValue]>([
    ['null', null],
    ['text', 'Ann leads it'],
    ['an empty object', {}],
    ['an empty list', { rows: [] }],
    ['a bare object without an id', { fields: A }],
    ['bare fields', A],
    ['rows of text', { rows: ['Ann', 'Bob'] }],
    ['two code fences', `\`\`\`\n${json}\n\`\`\`\n\`\`\`\n${json}\n\`\`\``],
    ['two answers', { first: { rows: two }, second: { rows: two } }],
    ['text with broken JSON', json.slice(0, -2)],
    ['two lists', { people: [entry('r1', A)], companies: [entry('r2', B)] }],
  ])('%s is not an answer to a batch of two', (_, structured) => {
    const checked = check(2, structured);
    expect(checked.rows).toEqual([]);
    expect(checked.rejected.map((row) => row.rowId)).toEqual(['r1', 'r2']);
  });

  test('JSON in the text of a run counts if there is no other answer', () => {
    const run = createTestRun(null);
    const read = (text: string) =>
      checkRun(createTestBatch(ASK, 2), { ...run, output: { ...run.output, text } }, CHECKER);
    expect(readValues(read(`Done:\n\`\`\`json\n${json}\n\`\`\``))).toEqual({ k1: A, k2: B });
    expect(read('Ann leads it [1], Bob is not [found].')).toMatchObject({ rows: [], unknownIds: 0 });
  });

  test('a run that ended early is named in the reason', () => {
    const run = { ...createTestRun(null), status: 'failed' as const, stopReason: 'error' };
    expect(checkRun(createTestBatch(ASK, 1), run, CHECKER).rejected[0]?.reason).toBe(
      'the run ended as failed (error) without an entry for it',
    );
  });
});

describe('fields', () => {
  test('null and missing fields count as not found if the entry has any field', () => {
    expect(
      readValues(check(2, { rows: [entry('r1', { ceo: null, staff: null }), entry('r2', { ceo: 'Bob' })] })),
    ).toEqual({
      k1: { ceo: null, staff: null },
      k2: { ceo: 'Bob', staff: null },
    });
  });

  test('an invalid field becomes null with the reason; the others are kept', () => {
    const checked = check(1, { rows: [entry('r1', { ceo: 'Ann', staff: 'about forty' })] });
    expect(Object.fromEntries(checked.rows[0]?.fields ?? [])).toMatchObject({
      ceo: { value: 'Ann', issue: null },
      staff: { value: null, issue: 'must be integer, got "about forty"' },
    });
  });

  test('a repaired field has a note', () => {
    const checked = check(1, { rows: [entry('r1', { ceo: 'Ann', staff: '1,234' })] });
    expect(checked.rows[0]?.fields.get('staff')).toMatchObject({
      value: 1234,
      issue: 'read "1,234" as 1234',
    });
  });

  test('a row without any valid field is retried, and the reason contains no text from the answer', () => {
    const checked = check(2, {
      rows: [entry('r1', { ceo: ['SECRET', 'x'], staff: 'SECRET' }), entry('r2', { other: 'SECRET' })],
    });
    expect(checked.rows).toEqual([]);
    expect(checked.rejected.map((row) => row.reason)).toEqual([
      'no field of its entry is valid: ceo must be string; staff must be integer',
      'its entry has none of the fields',
    ]);
  });

  test('only requested fields are read', () => {
    const batch = createTestBatch(ASK, 1, ['staff']);
    const checked = checkRun(batch, createTestRun({ rows: [entry('r1', A)] }), CHECKER);
    expect(readValues(checked)).toEqual({ k1: { staff: 1 } });
  });

  test('two spellings of a field are not read', () => {
    const rows = [entry('r1', { CEO: 'Ann', Ceo: 'Bob', staff: 1 })];
    expect(readValues(check(1, { rows }))).toEqual({ k1: { ceo: null, staff: 1 } });
  });

  test('a field in its own spelling wins', () => {
    const rows = [entry('r1', { CEO: 'Bob', ceo: 'Ann', staff: 1 })];
    expect(readValues(check(1, { rows }))).toEqual({ k1: A });
  });

  test('names of Object.prototype work like any other', () => {
    const ask = createTestAsk(
      createSchema(['constructor', 'toString', 'fields', 'row_id'].map((name) => parseField(name))),
    );
    const checker = createRowChecker(ask);
    const values = { constructor: 'a', toString: 'b', fields: 'c', row_id: 'd' };
    const empty = checkRun(
      createTestBatch(ask, 1),
      createTestRun({ rows: [entry('r1', { other: 1 })] }),
      checker,
    );
    expect(empty.rows).toEqual([]);
    expect(
      readValues(checkRun(createTestBatch(ask, 1), createTestRun({ rows: [entry('r1', values)] }), checker)),
    ).toEqual({ k1: values });
    const polluted = JSON.parse('{"rows":[{"row_id":"r1","fields":{"__proto__":{"constructor":"x"}}}]}');
    expect(checkRun(createTestBatch(ask, 1), createTestRun(polluted), checker).rows).toEqual([]);
  });
});

test('for any change to the list, every row gets its own values or is retried', () => {
  const fault = fc.constantFrom(
    'drop',
    'double',
    'rename',
    'null',
    'spoil',
    'flatten',
    'text',
    'keep',
    'keep',
    'keep',
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.infiniteStream(fault),
      fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
      fc.constantFrom('rows', 'results', null),
      (size, faults, order, key) => {
        const entries = Array.from({ length: size }, (_, index) => {
          const { value } = faults.next();
          return applyFault(value ?? 'keep', `r${index + 1}`, { ceo: `ceo ${index + 1}`, staff: index + 1 });
        }).flat();
        const list = entries
          .map((item, index) => ({ item, at: order[index] ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ item }) => item);
        const checked = check(size, key === null ? list : { [key]: list });
        const all = [...checked.rows, ...checked.rejected].map((row) => row.rowId).sort();
        expect(all).toEqual(Array.from({ length: size }, (_, index) => `r${index + 1}`).sort());
        for (const row of checked.rows) {
          const number = Number(row.rowId.slice(1));
          expect(row.key).toBe(`k${number}`);
          expect([`ceo ${number}`, null]).toContain(row.fields.get('ceo')?.value);
          expect([number, null]).toContain(row.fields.get('staff')?.value);
          expect(JSON.stringify(list[row.index])).toMatch(new RegExp(`" ?r${number}"`));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('no response shape breaks the check', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 3 }), (structured, size) => {
      const checked = check(size, structured as JsonValue);
      expect(checked.rows.length + checked.rejected.length).toBe(size);
    }),
  );
});

function applyFault(fault: string, rowId: string, fields: JsonObject): JsonValue[] {
  switch (fault) {
    case 'drop':
      return [];
    case 'double':
      return [entry(rowId, { ...fields, staff: 'many' }), entry(rowId, fields)];
    case 'rename':
      return [entry(`x${rowId}`, fields)];
    case 'null':
      return [entry(rowId, { ceo: null, staff: null })];
    case 'spoil':
      return [entry(rowId, { ...fields, staff: { much: 1 } })];
    case 'flatten':
      return [{ row_id: ` ${rowId}`, ...fields }];
    case 'text':
      return [`${rowId} is fine`, entry(rowId, fields)];
    default:
      return [entry(rowId, fields)];
  }
}

function check(size: number, structured: JsonValue): CheckedRun {
  return checkRun(createTestBatch(ASK, size), createTestRun(structured), CHECKER);
}

function entry(rowId: string, fields: JsonObject): JsonObject {
  return { row_id: rowId, fields };
}

function readValues(checked: CheckedRun): Record<string, JsonObject> {
  return Object.fromEntries(
    checked.rows.map((row) => [
      row.key,
      Object.fromEntries([...row.fields].map(([name, field]) => [name, field.value])),
    ]),
  );
}

describe('two values of the same object', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: {
      place: {
        type: ['object', 'null'],
        properties: { city: { type: ['string', 'null'] }, zip: { type: ['string', 'null'] } },
        maxProperties: 2,
      },
    },
  };
  const ask = createTestAsk(schema);
  const judge = (one: JsonValue, other: JsonValue) => {
    const rows = [one, other].map((place) => ({ row_id: 'r1', fields: { place } }));
    return checkRun(createTestBatch(ask, 1), createTestRun({ rows }), createRowChecker(ask)).rows[0];
  };

  test.each([
    [
      { city: 'Oslo', zip: null },
      { city: 'Oslo', zip: '0150' },
    ],
    [{ city: 'Oslo' }, { zip: '0150' }],
    [
      { zip: '0150', city: 'Oslo' },
      { city: 'Oslo', zip: '0150' },
    ],
    [null, { city: 'Oslo', zip: '0150' }],
  ])('%j and %j are merged', (one, other) => {
    expect(judge(one, other)?.fields.get('place')?.value).toEqual({ city: 'Oslo', zip: '0150' });
    expect(judge(other, one)?.fields.get('place')?.value).toEqual({ city: 'Oslo', zip: '0150' });
  });

  test.each([
    [{ city: 'Oslo' }, { city: 'Bergen' }],
    [
      { city: 'Oslo', zip: '0150' },
      { zip: '5003', city: null },
    ],
    // Merged, they would be invalid.
    [
      { city: 'Oslo', a: 1 },
      { zip: '0150', b: 2 },
    ],
  ])('%j and %j are disputed', (one, other) => {
    expect(judge(one, other)?.twice?.disputed).toEqual(['place']);
  });
});
