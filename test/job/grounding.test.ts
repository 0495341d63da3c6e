import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import type { Grounding } from '../../src/model/run.js';
import { createList, openJobBench } from '../helpers/job.js';
import { createResult, type Script } from '../helpers/scripted-agent.js';

const COUNT = 20;
const SCHEMA = {
  type: 'object',
  properties: {
    ceo: { type: 'string' },
    seat: { type: 'object', properties: { city: { type: 'string' } } },
    tags: { type: 'array', items: { type: 'string' } },
  },
};

/** The path that an agent cites for a row, by the row's index in its list. */
type Place = (index: number) => string;

/** Answers in another order, and cites a page with the company's name for each row. */
function citeAt(place: Place, shuffle: (rows: readonly JsonValue[]) => readonly JsonValue[]): Script {
  return (task) => {
    const records = new Map(
      (task.request.input?.data ?? []).map((record) => [record.row_id, String(record.company)]),
    );
    const rows = shuffle(
      [...records].map(([row_id, company]) => ({
        row_id: row_id ?? null,
        fields: {
          ceo: `ceo of ${company}`,
          seat: { city: `city of ${company}` },
          tags: [`tag of ${company}`],
        },
      })),
    );
    const grounding = rows.map((row, index): Grounding => {
      const id = typeof row === 'object' && row !== null && 'row_id' in row ? row.row_id : null;
      return {
        field: place(index),
        citations: [{ url: `https://example.com/${encodeURIComponent(records.get(id ?? null) ?? '')}` }],
        confidence: 'high',
      };
    });
    return createResult({ rows }, grounding);
  };
}

const ALL = ['ceo', 'seat', 'tags'];
const levels: readonly [name: string, place: Place, cited: readonly string[]][] = [
  ['a cell', (index) => `structured.rows[${index}].fields.ceo`, ['ceo']],
  ['a nested cell', (index) => `structured.rows[${index}].fields.seat.city`, ['seat']],
  ['an item of a list', (index) => `structured.rows[${index}].fields.tags[0]`, ['tags']],
  ['a JSON pointer', (index) => `/rows/${index}/fields/ceo`, ['ceo']],
  ['quoted keys', (index) => `$.rows[${index}]["fields"]["ceo"]`, ['ceo']],
  ['a whole row', (index) => `structured.rows[${index}]`, ALL],
  ['the root', () => 'structured', []],
  ['a missing row', (index) => `structured.rows[${index + 100}].fields.ceo`, []],
];
const orders: readonly [string, (rows: readonly JsonValue[]) => readonly JsonValue[]][] = [
  ['reversed', (rows) => rows.toReversed()],
  ['rotated', (rows) => [...rows.slice(3), ...rows.slice(0, 3)]],
];

for (const [order, shuffle] of orders) {
  for (const [level, place, cited] of levels) {
    test(`citations of ${level} stay with their rows if the list is ${order}`, async () => {
      const bench = await openJobBench(citeAt(place, shuffle));
      bench.write('in.csv', createList(COUNT));
      const schema = bench.write('schema.json', JSON.stringify(SCHEMA));
      const { rows } = await bench.run({ fields: undefined, schema });
      expect(rows).toHaveLength(COUNT);
      for (const row of rows) {
        const page = `https://example.com/${encodeURIComponent(row.company ?? '')}`;
        expect(row.ceo).toBe(`ceo of ${row.company}`);
        expect(row['seat.city']).toBe(`city of ${row.company}`);
        for (const field of ALL) {
          expect(row[`${field}_citations`]).toBe(cited.includes(field) ? page : '');
          expect(row[`${field}_confidence`]).toBe(cited.includes(field) ? 'high' : '');
        }
      }
      expect(bench.server.report().runs.created).toBe(3);
    });
  }
}
