import { expect, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import { openJobBench } from '../helpers/job.js';
import { createResult } from '../helpers/scripted-agent.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';

function collectNotes(): { readonly notes: string[]; readonly onEvent: (event: EnrichEvent) => void } {
  const notes: string[] = [];
  return {
    notes,
    onEvent(event) {
      if (event.type === 'note') notes.push(`${event.code} ${event.message}`);
    },
  };
}

test('counts cut and cleaned cells per sent column, before any cost', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const long = 'x'.repeat(9_000);
  bench.write(
    'in.csv',
    [
      'company,about,note',
      `A,${long},${long}`,
      `B\u0007,${long}\u202e,fine`,
      'C, spaces are no change ,fine',
      `A,${long},`,
      '',
    ].join('\n'),
  );
  const { notes, onEvent } = collectNotes();
  let known = 0;
  const { rows } = await bench.run(
    { send: ['company', 'about'] },
    {
      onEvent,
      async confirm() {
        known = notes.length;
        return true;
      },
    },
  );
  const expected = [
    'CELLS_CUT 2 cells of about have more than 8,000 characters: only the first 8,000 are sent',
    'CELLS_CLEANED 1 cell of company has control characters or invisible marks, which are not sent',
    'CELLS_CLEANED 1 cell of about has control characters or invisible marks, which are not sent',
  ];
  expect(notes.filter((note) => note.startsWith('CELLS'))).toEqual(expected);
  expect(known).toBeGreaterThanOrEqual(expected.length);
  expect(countStatuses(rows)).toEqual({ enriched: 4 });
  const sent = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
  expect(sent.map(({ company, about }) => [company, String(about).length])).toEqual([
    ['A', 8_000],
    ['B', 8_000],
    ['C', 20],
  ]);
  expect(JSON.stringify(sent)).not.toContain('note');
});

test('reports nothing about cells that are not sent again', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'company\nA\u0007\n');
  await bench.run();
  const { notes, onEvent } = collectNotes();
  await bench.run({}, { onEvent });
  expect(notes.filter((note) => note.startsWith('CELLS'))).toEqual([]);
});

test('a row that is too large fails with its size, and the other rows are sent', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const cells = Array.from({ length: 20 }, () => 'ä'.repeat(6_000));
  const header = cells.map((_cell, index) => `c${index}`);
  bench.write(
    'in.csv',
    [
      ['company', ...header].join(','),
      `small,${','.repeat(19)}`,
      ['large', ...cells].join(','),
      ...Array.from(
        { length: 4 },
        (_, index) => `medium ${index},${cells.slice(0, 8).join(',')},${','.repeat(11)}`,
      ),
      '',
    ].join('\n'),
  );
  const { rows } = await bench.run();
  expect(rows.map((row) => row.enrichment_status)).toEqual([
    'enriched',
    'failed',
    ...Array(4).fill('enriched'),
  ]);
  expect(rows[1]?.enrichment_error).toMatch(/^too large to send: 24\d{4} bytes, at most 200000$/);
  const sizes = bench.agent.tasks.map((task) => Buffer.byteLength(JSON.stringify(task.request.input?.data)));
  expect(sizes).toHaveLength(2);
  expect(Math.max(...sizes)).toBeLessThan(201_000);
});

test('a column called row_id is sent and distinguishes rows', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'row_id,company\n1,A\n2,A\n');
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 2 });
  const sent = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
  expect(sent.map((record) => record.own_row_id)).toEqual(['1', '2']);
});

test('refuses an input with only columns to fill, before any cost', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'answer\nx\n');
  await expect(bench.run()).rejects.toMatchObject({ code: 'NOTHING_TO_SEND', kind: 'usage' });
});

test.each(['enrichment', 'enrichment_status'])(
  'refuses the key %s before anything is sent, even if only a late row has it',
  async (key) => {
    const bench = await openJobBench(script((rows) => ({ rows })));
    const rows = Array.from({ length: 1_100 }, (_, index) => ({ company: `Company ${index}` }));
    const lines = [...rows, { company: 'Acme', [key]: 'mine' }].map((row) => JSON.stringify(row));
    bench.write('in.jsonl', `${lines.join('\n')}\n`);
    const running = bench.run({ input: `${bench.folder}/in.jsonl` });
    await expect(running).rejects.toMatchObject({
      code: 'COLUMN_RESERVED',
      message: expect.stringContaining(key),
    });
    expect(bench.server.report().runs.created).toBe(0);
  },
);

test('refuses a text in a late row that is too long for a workbook, before anything is sent', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const rows = Array.from({ length: 1_100 }, (_, index) => ({ company: `Company ${index}` }));
  const lines = [...rows, { company: 'Acme', bio: 'x'.repeat(40_000) }].map((row) => JSON.stringify(row));
  bench.write('in.jsonl', `${lines.join('\n')}\n`);
  const running = bench.run({ input: `${bench.folder}/in.jsonl`, output: `${bench.folder}/out.xlsx` });
  await expect(running).rejects.toMatchObject({ code: 'OUTPUT_DOES_NOT_FIT' });
  expect(bench.server.report().runs.created).toBe(0);
});

test('an object behind a reference has a column per part, and is sent while one is blank', async () => {
  const found = { city: 'Ulm', geo: { lat: 48.4, lon: 10 } };
  const bench = await openJobBench((task) => {
    const records = task.request.input?.data ?? [];
    return createResult({
      rows: records.map(({ row_id }) => ({ row_id: row_id ?? '', fields: { hq: found } })),
    });
  });
  bench.write('in.csv', 'company,hq.city,hq.geo.lat,hq.geo.lon\nAcme,Ulm,,\nBolt,Bonn,50.7,7.1\n');
  const geo = { type: 'object', properties: { lat: { type: 'number' }, lon: { type: 'number' } } };
  const place = { type: 'object', properties: { city: { type: 'string' }, geo: { $ref: '#/$defs/geo' } } };
  const schemaObject = {
    type: 'object',
    properties: { hq: { $ref: '#/$defs/place' } },
    $defs: { place, geo },
  };
  const { rows } = await bench.run({ fields: [], schemaObject });
  expect(rows).toMatchObject([
    { 'hq.city': 'Ulm', 'hq.geo.lat': '48.4', 'hq.geo.lon': '10', enrichment_status: 'enriched' },
    { 'hq.city': 'Bonn', 'hq.geo.lat': '50.7', 'hq.geo.lon': '7.1', enrichment_status: 'unchanged' },
  ]);
  expect(Object.keys(rows[0] ?? {})).not.toContain('hq.geo');
});
