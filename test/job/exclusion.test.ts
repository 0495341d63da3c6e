import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EnrichHooks } from '../../src/enrich.js';
import { createList, openJobBench } from '../helpers/job.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';

test('never sends excluded, filled or empty rows', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('customers.csv', 'company\nCOMPANY 2 Inc.\n');
  bench.write('in.csv', 'company,answer\nCompany 1,\nCompany 2,\nCompany 3,known\n,\nCompany 4,\n');
  const { rows } = await bench.run({ exclude: `${bench.folder}/customers.csv`, excludeOn: ['company'] });
  expect(rows.map((row) => row.enrichment_status)).toEqual([
    'enriched',
    'excluded',
    'unchanged',
    'failed',
    'enriched',
  ]);
  expect(rows[1]?.enrichment_error).toMatch(/line 2/);
  expect(rows[2]?.answer).toBe('known');
  const asked = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
  expect(asked.map((record) => record.company)).toEqual(['Company 1', 'Company 4']);
});

test.each([['company'], ['company', 'name'], null])(
  'a company that names nobody excludes no stranger, compared by %j',
  async (excludeOn) => {
    const bench = await openJobBench(script((rows) => ({ rows })));
    bench.write('customers.csv', 'company,name\nFreelancer,Ana Lee\nSelf-employed,Bo Ek\nFreelancer Ltd,\n');
    bench.write(
      'in.csv',
      'company,name\nfreelancer,Cy Oz\nSelf employed,Di Um\nFreelancer Limited,Ed Py\nFreelancer,Ana Lee\n',
    );
    const { rows } = await bench.run({
      exclude: `${bench.folder}/customers.csv`,
      ...(excludeOn === null ? {} : { excludeOn }),
    });
    const isKnown = excludeOn === null || excludeOn.includes('name');
    expect(rows.map((row) => row.enrichment_status)).toEqual([
      'enriched',
      'enriched',
      'excluded',
      isKnown ? 'excluded' : 'enriched',
    ]);
  },
);

test('an unreadable line of the list is an error before anything is sent and names the line', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.jsonl', '{"company":"Company 1"},\n{"company":"Company 2"}\n');
  bench.write('in.csv', createList(4));
  const running = bench.run({ exclude: `${bench.folder}/known.jsonl`, excludeOn: ['company'] });
  await expect(running).rejects.toMatchObject({
    code: 'EXCLUSION_UNREADABLE',
    message: expect.stringMatching(/known\.jsonl, line 1: there is a comma after/),
  });
  expect(bench.server.report().runs.created).toBe(0);
});

test('refuses to compare answers by a column that is not sent', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.csv', 'company,answer\nCompany 1,about Company 2\n');
  bench.write('in.csv', 'company,domain\nCompany 1,one.example\nCompany 2,two.example\n');
  const exclude = `${bench.folder}/known.csv`;
  const running = bench.run({ exclude, excludeOn: ['company', 'answer'], send: ['domain'] });
  await expect(running).rejects.toMatchObject({
    code: 'EXCLUSION_COLUMN_NOT_SENT',
    hint: expect.stringContaining('Add company to --send'),
  });
});

test('an excluded answer is retried once with the reason, then nulled', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.csv', 'company,answer\nCompany 2,about Company 2\nCompany 3,somebody else\n');
  bench.write('in.csv', createList(4));
  const { rows } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
  });
  expect(rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'not_found', 'enriched', 'enriched']);
  expect(rows[1]?.enrichment_error).toContain('line 2 of the exclusion file');
  const [first, second, ...rest] = bench.agent.tasks.map((task) => task.request);
  expect(rest).toEqual([]);
  expect(first?.input?.exclusion).toEqual([
    { company: 'Company 2', answer: 'about Company 2' },
    { company: 'Company 3', answer: 'somebody else' },
  ]);
  expect(second?.input?.data?.map((record) => record.company)).toEqual(['Company 2']);
  expect(second?.query).toContain('the answer is on the exclusion list');
});

test('an answer that the ledger has already is withheld too, at no cost', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.csv', 'answer\nabout Company 2\n');
  bench.write('in.csv', createList(3));
  const fields = ['answer', 'other'];
  const first = await bench.run({ fields });
  const created = bench.server.report().runs.created;
  const options = { fields, exclude: `${bench.folder}/known.csv`, excludeOn: ['answer'] };
  const { rows } = await bench.run(options);
  expect(rows.map((row) => row.answer)).toEqual(['about Company 1', '', 'about Company 3']);
  expect(rows[1]).toMatchObject({
    enrichment_status: 'partial',
    other: 'other of Company 2',
    answer_citations: '',
  });
  expect(rows[1]?.enrichment_error).toBe('answer: excluded by line 2 of the exclusion file');
  // The blank cell is not one that a person cleared: without the list the answer comes back.
  const returned = { ...options, input: `${bench.folder}/out.csv` };
  expect((await bench.run(returned)).rows[1]).toMatchObject({ answer: '', other: 'other of Company 2' });
  const again = await bench.run({ ...returned, exclude: undefined, excludeOn: undefined });
  expect(again.rows[1]).toMatchObject({ answer: 'about Company 2' });
  expect(again.rows[1]?.enrichment_error).toBe('');
  expect(bench.server.report().runs.created).toBe(created);
  expect(first.rows).toHaveLength(3);
});

test('an answer first excluded in a retry also gets one retry with the reason', async () => {
  const bench = await openJobBench(
    script((rows, _task, run) => ({ rows: run === 1 ? rows.slice(1) : rows })),
  );
  bench.write('known.csv', 'company,answer\nCompany 1,about Company 1\n');
  bench.write('in.csv', createList(4));
  const { rows } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
  });
  expect(rows.map((row) => row.enrichment_status)).toEqual(['not_found', 'enriched', 'enriched', 'enriched']);
  const complaints = bench.agent.tasks.map((task) => task.request.query.split('\n\n')[2] ?? '');
  expect(complaints).toEqual([
    '',
    expect.stringContaining('no entry came back for it'),
    expect.stringContaining('the answer is on the exclusion list'),
  ]);
});

test('excluded answers do not count as agent failures', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const companies = Array.from({ length: 12 }, (_, index) => `Company ${index + 1}`);
  bench.write(
    'known.csv',
    ['company,answer', ...companies.map((name) => `${name},about ${name}`), ''].join('\n'),
  );
  bench.write('in.csv', createList(16));
  const { rows, summary } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
    batchSize: 1,
    concurrency: 1,
  });
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ not_found: 12, enriched: 4 });
  expect(bench.server.report().runs.created).toBe(16 + 12);
});

/** A hook that stores the messages of notes by code. */
function collectNotes(): { readonly notes: Map<string, string>; readonly hooks: EnrichHooks } {
  const notes = new Map<string, string>();
  return {
    notes,
    hooks: { onEvent: (event) => void (event.type === 'note' && notes.set(event.code, event.message)) },
  };
}

test.each([
  ['records 3, 4, 5', JSON.stringify],
  ['records 3, 4, 5', (records: readonly object[]) => JSON.stringify({ data: records })],
  ['records 3, 4, 5', (records: readonly object[]) => JSON.stringify(records, null, 2)],
  ['lines 3, 4, 5', (records: readonly object[]) => records.map((each) => JSON.stringify(each)).join('\n')],
])('names %s of a JSON list that matched no row', async (places, format) => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const names = ['Company 1', 'Company 2', 'Nobody', 'None', 'No one'];
  const exclude = bench.write(
    `known.${places.startsWith('lines') ? 'jsonl' : 'json'}`,
    format(names.map((company) => ({ company }))),
  );
  bench.write('in.csv', createList(4));
  const { notes, hooks } = collectNotes();
  const { rows } = await bench.run({ exclude, excludeOn: ['company'] }, hooks);
  expect(notes.get('EXCLUSION_MATCHED')).toBe(`3 of 5 records of ${exclude} matched no row: ${places}.`);
  expect(rows[1]?.enrichment_error).toContain(`${places.slice(0, places.indexOf(' ') - 1)} 2`);
});

test('reports the number of records, the compared columns, and the records that matched no row', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const exclude = bench.write(
    'known.csv',
    'company,note\nCompany 1,a,surplus\nCompany 1,the same again\nNobody\n,nothing to compare\nNobody else,b\n',
  );
  bench.write('in.csv', createList(4));
  const { notes, hooks } = collectNotes();
  const { rows } = await bench.run({ exclude, excludeOn: ['company'] }, hooks);
  expect(countStatuses(rows)).toEqual({ excluded: 1, enriched: 3 });
  expect(notes.get('EXCLUSION_READ')).toBe(
    `${exclude}: 5 records read, compared by company. 1 record (line 5) has no value there and excludes nothing.`,
  );
  expect(notes.get('EXCLUSION_MATCHED')).toBe(`3 of 5 records of ${exclude} matched no row: lines 4, 5, 6.`);
  expect(notes.get('ROW_TOO_LONG')).toBe(`${exclude}: 1 row has more cells than the header (line 2).`);
  expect(notes.get('ROW_TOO_SHORT')).toBe(`${exclude}: 1 row has fewer cells than the header (line 4).`);
});

test('reports the encoding used for a list with an invalid UTF-8 byte', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const exclude = `${bench.folder}/known.csv`;
  writeFileSync(exclude, Buffer.from('company\nCompany 1\nCaf\xe9\n', 'latin1'));
  bench.write('in.csv', createList(4));
  const { notes, hooks } = collectNotes();
  await bench.run({ exclude }, hooks);
  expect(notes.get('ENCODING_GUESSED')).toBe(
    `${exclude}: The text is not valid UTF-8, so it is read as windows-1252. If letters look wrong, save it as UTF-8.`,
  );
  expect([...notes.keys()]).not.toContain('OUTPUT_IS_UTF8');
});

test('reports a list that matches no row before any cost', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const exclude = bench.write('known.csv', 'company\nKompany 1\nKompany 2\n');
  bench.write('in.csv', createList(4));
  const { notes, hooks } = collectNotes();
  const confirm = async () => false;
  await expect(bench.run({ exclude }, { ...hooks, confirm })).rejects.toMatchObject({
    code: 'COST_DECLINED',
  });
  expect(notes.get('EXCLUSION_MATCHED')).toBe(`No record of ${exclude} matched a row.`);
});

test.each([
  ['excludeOn', []],
  ['excludeOn', [' ']],
  ['send', []],
  ['send', ['', ' ']],
])('the library refuses %s set to %j', async (name, value) => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const exclude = bench.write('known.csv', 'company\nCompany 1\n');
  bench.write('in.csv', createList(4));
  await expect(bench.run({ exclude, [name]: value })).rejects.toMatchObject({ code: 'EMPTY_LIST' });
  expect(bench.server.report().runs.created).toBe(0);
});
