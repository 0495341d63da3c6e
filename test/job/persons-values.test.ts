import { expect, test } from 'vitest';
import { openFilled } from '../helpers/filled-file.js';

const SEND = ['company'];

test.each(['csv', 'jsonl', 'xlsx'])(
  'a field that is left out once keeps the agent’s answers in %s',
  async (ending) => {
    const { again, agent, bench, options, path } = await openFilled(4, undefined, ['hq'], {
      ending,
      send: SEND,
    });
    const given = { output: path };
    expect((await again({ ...given, fields: ['hq', 'ceo'] })).cells).toHaveLength(4);
    // Only the new field is reworded or added from here on, so that every cell of hq is the agent’s.
    expect((await again({ ...given, fields: ['ceo'] })).cells).toEqual([]);
    const { cells, notes } = await again({ ...given, fields: ['hq=Head office', 'ceo'] });
    expect(cells.sort()).toEqual([1, 2, 3, 4].map((number) => `Company ${number} hq`));
    expect(notes.join()).not.toContain('a person gave');
    const start = agent.cells.length;
    const fresh = await bench.run({
      ...options,
      input: `${bench.folder}/list.csv`,
      output: `${bench.folder}/fresh.csv`,
      fields: ['hq=Head office'],
    });
    expect(agent.cells.slice(start)).toEqual([]);
    expect(fresh.rows[0]).toMatchObject({ hq: 'hq of Company 1', hq_confidence: 'high' });
  },
);

test.each(['csv', 'jsonl', 'xlsx'])(
  'a cell that was in the input stays in its file alone, in %s',
  async (ending) => {
    const list = 'company,country\nA,Mars\nB,Mars\nC,\n';
    const { again, agent, bench, options, path } = await openFilled(list, undefined, ['country', 'ceo'], {
      ending,
      send: SEND,
    });
    const { cells, notes } = await again({ output: path, fields: ['country', 'ceo', 'hq'] });
    expect(cells.sort()).toEqual(['A hq', 'B hq', 'C hq']);
    expect(notes.join()).not.toContain('a person gave');
    const out = await again({ output: `${bench.folder}/out.csv`, format: 'csv', fields: ['country', 'ceo'] });
    expect(out.table.map(({ country, country_confidence }) => [country, country_confidence])).toEqual([
      ['Mars', ''],
      ['Mars', ''],
      ['country of C', 'high'],
    ]);
    bench.write('ben.csv', 'company,country\nA,\nB,\n');
    const start = agent.cells.length;
    const ben = await bench.run({
      ...options,
      input: `${bench.folder}/ben.csv`,
      output: `${bench.folder}/b.csv`,
    });
    expect(agent.cells.slice(start).sort()).toEqual(['A country', 'B country']);
    expect(ben.rows[0]).toMatchObject({ country: 'country of A', country_confidence: 'high' });
    // Mars stays Anna’s, although the ledger now has an answer.
    expect((await again({ output: path, fields: ['country', 'ceo', 'hq'] })).notes.join()).not.toContain(
      'gave',
    );
    const last = await again({
      output: `${bench.folder}/out.csv`,
      format: 'csv',
      fields: ['country', 'ceo'],
    });
    expect(last.table[0]).toMatchObject({ country: 'Mars', country_confidence: '' });
  },
);
