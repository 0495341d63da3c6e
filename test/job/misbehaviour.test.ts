import { expect, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, openJobBench } from '../helpers/job.js';
import {
  type Bend,
  countStatuses,
  type Entry,
  expectOwnAnswers,
  listAsked,
  script,
} from '../helpers/truthful-agent.js';

const COMPANIES = Array.from({ length: 20 }, (_, index) => `Company ${index + 1}`);

function withAnswer(row: Entry | undefined, answer: Entry['fields'][string]): Entry {
  return { row_id: row?.row_id ?? '', fields: { answer } };
}

/** Misbehaves only on first attempts. */
function atFirst(bend: Bend): Bend {
  return (rows, task, run) =>
    task.request.metadata?.rowfill_attempt === '1' ? bend(rows, task, run) : { rows };
}

/** Lists that this agent's citations do not refer to. */
const UNCITED = new Set([
  'under another name',
  'without the wrapping of its fields',
  'with every row three times, each with more spaces',
]);

/** How an agent changes its list, the number of runs needed, and how its twenty rows end. */
const behaviours: readonly [name: string, bend: Bend, runs: number, statuses?: Record<string, number>][] = [
  ['as asked', (rows) => ({ rows }), 3],
  ['in another order', (rows) => ({ rows: rows.toReversed() }), 3],
  ['with every row twice', (rows) => ({ rows: [...rows, ...rows] }), 3],
  [
    'with a second, wrong answer for every row at first',
    atFirst((rows) => ({ rows: [...rows, ...rows.map((row) => withAnswer(row, 'wrong'))] })),
    6,
  ],
  [
    'with a wrong answer before every row, always',
    (rows) => ({ rows: [...rows.map((row) => withAnswer(row, 'wrong')), ...rows] }),
    6,
    { not_found: 20 },
  ],
  [
    'with a null before every row',
    (rows) => ({ rows: [...rows.map((row) => withAnswer(row, null)), ...rows] }),
    3,
  ],
  [
    'with a null after every row',
    (rows) => ({ rows: [...rows, ...rows.map((row) => withAnswer(row, null))] }),
    3,
  ],
  [
    'with every row three times, each with more spaces',
    (rows) => ({
      rows: ['', ' ', '\n'].flatMap((end) =>
        rows.map((row) => withAnswer(row, `${row.fields.answer}${end}`)),
      ),
    }),
    3,
  ],
  [
    'with an unusable entry before each good one',
    (rows) => ({ rows: [...rows.map((row) => withAnswer(row, [[]])), ...rows] }),
    3,
  ],
  [
    'with rows that were not sent',
    (rows) => ({ rows: [withAnswer({ row_id: 'r99', fields: {} }, 'made up'), ...rows] }),
    3,
  ],
  [
    'with entries that are not rows',
    (rows) => ({ rows: [null, 'text', 7, [], {}, ...rows, { row_id: {} }] }),
    3,
  ],
  [
    'with spaces around its ids',
    (rows) => ({ rows: rows.map((row) => ({ ...row, row_id: ` ${row.row_id} ` })) }),
    3,
  ],
  ['under another name', (rows) => ({ companies: rows }), 3],
  ['as a bare list', (rows) => [...rows], 3],
  [
    'without the wrapping of its fields',
    (rows) => ({ rows: rows.map(({ row_id, fields }) => ({ row_id, ...fields })) }),
    3,
  ],
  [
    'with an extra field',
    (rows) => ({ rows: rows.map((row) => ({ ...row, fields: { ...row.fields, extra: 1 } })) }),
    3,
  ],
  ['with only nulls', (rows) => ({ rows: rows.map((row) => withAnswer(row, null)) }), 3, { not_found: 20 }],
  [
    'with a null for every other row',
    (rows) => ({ rows: rows.map((row, index) => (index % 2 === 0 ? row : withAnswer(row, null))) }),
    3,
    { enriched: 10, not_found: 10 },
  ],
  // One row of each batch is retried, all three in one run.
  ['with one row missing at first', atFirst((rows) => ({ rows: rows.slice(1) })), 4],
  [
    'with one id changed at first',
    atFirst((rows) => ({ rows: [{ ...rows[0], row_id: 'x1' }, ...rows.slice(1)] })),
    4,
  ],
  ['with one id missing at first', atFirst((rows) => ({ rows: [{ fields: {} }, ...rows.slice(1)] })), 4],
  [
    'with one value of another type at first',
    atFirst((rows) => ({ rows: [withAnswer(rows[0], { from: 7, to: 8 }), ...rows.slice(1)] })),
    4,
  ],
  // Half a batch or more: each run is continued.
  ['with half its rows missing at first', atFirst((rows) => ({ rows: rows.slice(rows.length / 2) })), 6],
  [
    'with all ids changed at first',
    atFirst((rows) => ({ rows: rows.map((row) => ({ ...row, row_id: 'r0' })) })),
    6,
  ],
  ['as one bare object at first', atFirst((rows) => rows[0] ?? null), 6],
  ['without a list of rows at first', atFirst(() => ({ note: 'sorry' })), 6],
  ['with rows that are not a list at first', atFirst(() => ({ rows: 'none' })), 6],
  ['with nothing at all at first', atFirst(() => null), 6],
  // Follow-ups of 8, 8 and 4 rows, then 5 runs of 4, 10 of 2, and 20 of one row each.
  ['without a list of rows, always', () => ({ note: 'sorry' }), 3 + 3 + 5 + 10 + 20, { failed: 20 }],
  [
    'with values of another type, always',
    (rows) => ({ rows: rows.map((row) => withAnswer(row, { from: 7, to: 8 })) }),
    3 + 3 + 5 + 10 + 20,
    { failed: 20 },
  ],
  ['with no row, always', () => ({ rows: [] }), 3 + 3 + 5 + 10 + 20, { failed: 20 }],
];

for (const [name, bend, runs, statuses = { enriched: 20 }] of behaviours) {
  test(`if the agent answers ${name}, each row gets its own answer or none, in ${runs} runs`, async () => {
    const bench = await openJobBench(script(bend));
    bench.write('in.csv', createList(20));
    const { summary, rows } = await bench.run();
    expect(rows.map((row) => row.company)).toEqual(COMPANIES);
    expect(countStatuses(rows)).toEqual(statuses);
    expect(summary.rows).toMatchObject({ total: 20, ...statuses });
    expectOwnAnswers(rows, { areCited: !UNCITED.has(name) });
    expect(summary.stop).toBe('done');
    expect(bench.server.report().runs.created).toBe(runs);
    for (const row of rows) {
      expect(row.answer === '').toBe(row.enrichment_status !== 'enriched');
      const isTold = row.enrichment_status === 'failed' || name.includes('wrong answer before');
      expect(row.enrichment_error === '').toBe(!isTold);
    }
  });
}

test('accepts a single row as a bare object, with or without its id', async () => {
  const bench = await openJobBench(
    script((rows, _task, run) => (run % 2 === 0 ? (rows[0] ?? null) : { fields: rows[0]?.fields ?? {} })),
  );
  bench.write('in.csv', createList(4));
  const { rows } = await bench.run({ batchSize: 1 });
  expect(countStatuses(rows)).toEqual({ enriched: 4 });
  expectOwnAnswers(rows);
  expect(bench.server.report().runs.created).toBe(4);
});

test('a row that always breaks its batch fails alone', async () => {
  const bench = await openJobBench(
    script((rows, task) =>
      task.request.input?.data?.some((record) => record.company === 'Company 5')
        ? { broken: true }
        : { rows },
    ),
  );
  bench.write('in.csv', createList(16));
  const { summary, rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 15, failed: 1 });
  expect(rows[4]?.enrichment_error).toContain('its entry has none of the fields');
  expectOwnAnswers(rows);
  expect(summary.rows.failed).toBe(1);
  // 2 batches, the follow-up, then the halves of the bad one: 2 of 4, 2 of 2, 2 of one.
  expect(bench.server.report().runs.created).toBe(2 + 1 + 2 + 2 + 2);
});

test('reports ignored and repaired answers with their number', async () => {
  const bench = await openJobBench(
    script((rows) => ({
      rows: [
        ...rows.map((row) => ({ ...row, fields: { count: '1,234' } })),
        { row_id: 'r99', fields: { count: 1 } },
        { ...rows[0], fields: { count: 9 } },
      ],
    })),
  );
  bench.write('in.csv', createList(16));
  const notes: string[] = [];
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'note') notes.push(`${event.code} ${event.message}`);
  };
  const { rows } = await bench.run({ fields: ['count:integer'] }, { onEvent });
  // The first row of each run has two values, and one of the two retries has two values again.
  expect(rows.map((row) => row.count).filter((count) => count === '1234')).toHaveLength(15);
  expect(rows.filter((row) => row.count === '').map((row) => row.enrichment_error)).toEqual([
    'count: two answers in one run: 1234 and 9',
  ]);
  expect(notes).toEqual([
    'ANSWERS_UNASKED 3 answers for rows that were not sent, ignored',
    'ANSWERS_DOUBLED 3 extra answers for rows that already had one; fields with different values are retried',
    'VALUES_REPAIRED 15 values of count converted from another form, such as a number as text',
  ]);
});

test('keeps undisputed fields of a row answered twice and retries only the others', async () => {
  const bench = await openJobBench(
    script((rows, task) => {
      if (task.request.metadata?.rowfill_attempt !== '1') return { rows };
      const [first, ...others] = rows;
      const other = { row_id: first?.row_id ?? '', fields: { ceo: 'Somebody else', seat: null } };
      return { rows: [other, ...(first === undefined ? [] : [first]), ...others] };
    }),
  );
  bench.write('in.csv', createList(8));
  const { rows } = await bench.run({ fields: ['ceo', 'seat'] });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  expectOwnAnswers(rows, { fields: ['ceo', 'seat'] });
  expect(listAsked(bench.agent.tasks.slice(1))).toEqual(['Company 1 ceo low']);
});

test('a field still disputed after the retry is blank, with both values in the error', async () => {
  for (const again of ['two', 'none'] as const) {
    const bench = await openJobBench(
      script((rows, task) => {
        const row = rows[0];
        if (again === 'none' && task.request.metadata?.rowfill_attempt !== '1') {
          return { rows: [withAnswer(row, null)] };
        }
        return { rows: [withAnswer(row, 'Ann'), withAnswer(row, 'Bob'), withAnswer(row, 'Cyd')] };
      }),
    );
    bench.write('in.csv', createList(1));
    const { rows } = await bench.run();
    expect(rows).toMatchObject([
      {
        answer: '',
        answer_citations: '',
        enrichment_status: 'not_found',
        enrichment_error: 'answer: two answers in one run: "Ann" and "Bob" and 1 more',
      },
    ]);
    expect(bench.agent.tasks).toHaveLength(2);
  }
});

test('a disputed field is retried at its own effort level before the next one', async () => {
  const bench = await openJobBench(
    script((rows, task) =>
      task.request.effort === 'low'
        ? { rows: [...rows, ...rows.map((row) => withAnswer(row, 'wrong'))] }
        : { rows },
    ),
  );
  bench.write('in.csv', createList(2));
  const { rows } = await bench.run({ effort: ['low', 'high'] });
  expect(bench.agent.tasks.map((task) => task.request.effort)).toEqual(['low', 'low', 'high']);
  expect(countStatuses(rows)).toEqual({ enriched: 2 });
  expectOwnAnswers(rows);
});
