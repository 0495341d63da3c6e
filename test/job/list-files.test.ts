import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { EnrichHooks } from '../../src/enrich.js';
import type { EnrichOptions } from '../../src/options.js';
import { openJobBench } from '../helpers/job.js';
import { script } from '../helpers/truthful-agent.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

interface Files {
  readonly input: string;
  readonly inputName?: string;
  readonly list: string | Buffer;
  readonly listName: string;
}

/** Fills an input with a list. Returns the 1-based rows that were excluded, and the notes about the list. */
async function exclude(
  { input, inputName = 'in.csv', list, listName }: Files,
  options: Partial<EnrichOptions> = {},
) {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write(inputName, input);
  const path = bench.write(listName, '');
  await writeFile(path, list);
  const notes: string[] = [];
  const hooks: EnrichHooks = {
    onEvent: (event) => void (event.type === 'note' && notes.push(event.message.replaceAll(path, listName))),
  };
  const { rows } = await bench.run(
    { exclude: path, input: `${bench.folder}/${inputName}`, ...options },
    hooks,
  );
  const excluded = rows.flatMap((row, index) => (row.enrichment_status === 'excluded' ? [index + 1] : []));
  return { excluded, notes };
}

const INPUT = 'cust_id,note\n00417,a\n00912,b\n03300,c\n';

test.each([
  ['case', 'Cust_ID'],
  ['a blank', 'cust id'],
  ['a no-break space', '"Cust\u00a0ID"'],
  ['a byte order mark in front', '\ufeffcust_id'],
  ['an invisible mark', 'cust\u200b_id'],
])('columns whose names differ by %s are compared, and named', async (_what, name) => {
  const list = `${name}\n00417\n00912\n`;
  const shown = name.replace(/["\u200b\ufeff]/g, '').replace('\u00a0', ' ');
  const pair = shown === 'cust_id' ? 'cust_id' : `cust_id=${shown}`;
  const { excluded, notes } = await exclude({ input: INPUT, list, listName: 'list.csv' });
  expect(excluded).toEqual([1, 2]);
  expect(notes).toContain(`list.csv: 2 records read, compared by ${pair}.`);
  const named = await exclude({ input: INPUT, list, listName: 'list.csv' }, { excludeOn: ['cust_id'] });
  expect(named.excluded).toEqual([1, 2]);
  expect(named.notes).toContain(`list.csv: 2 records read, compared by ${pair}.`);
});

test('keys of JSON files that differ by a no-break space are compared, and shown', async () => {
  const { excluded, notes } = await exclude({
    input: '{"tax no":"7","x":1}\n{"tax no":"8","x":1}\n',
    inputName: 'in.jsonl',
    list: '{"data":[{"tax\u00a0no":"8"}]}',
    listName: 'list.json',
  });
  expect(excluded).toEqual([2]);
  expect(notes).toContain('list.json: 1 record read, compared by tax no="tax\\u00a0no".');
  expect(notes.some((note) => note.startsWith('list.json: Using the list data (1 item) as the rows'))).toBe(
    true,
  );
});

test('an equal name is compared before one that differs by case', async () => {
  const { notes } = await exclude({
    input: 'ID,id\n1,2\n',
    list: 'id,Id\n9,9\n',
    listName: 'list.csv',
  });
  expect(notes).toContain('list.csv: 1 record read, compared by id.');
});

/** A workbook with ids that a format shows with zeros. */
async function createIds(rows: string, others: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  return createWorkbook(
    { ...others, Customers: createRow(1, ['cust_id', 'orders']) + rows },
    {
      'xl/styles.xml':
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="00000;-00000"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>',
      'xl/_rels/workbook.xml.rels': [
        '<Relationships>',
        ...Object.keys({ ...others, Customers: '' }).map(
          (_, index) => `<Relationship Id="r${index}" Type="x/worksheet" Target="worksheets/s${index}.xml"/>`,
        ),
        '<Relationship Id="st" Type="x/styles" Target="styles.xml"/></Relationships>',
      ].join(''),
    },
  );
}

const ID_ROWS = [
  '<row r="2"><c s="1"><v>417</v></c><c><v>1</v></c></row>',
  '<row r="3" hidden="1"><c s="1"><v>912</v></c><c><v>2</v></c></row>',
  '<row r="4"><c t="inlineStr"><is><t>Total</t></is></c><c><v>3</v></c></row>',
].join('');

test('a workbook with shown zeros excludes, hidden rows included and totals left out', async () => {
  const { excluded, notes } = await exclude(
    { input: INPUT, list: await createIds(ID_ROWS), listName: 'list.xlsx' },
    { hiddenRows: 'skip' },
  );
  expect(excluded).toEqual([1, 2]);
  expect(notes).toContain('list.xlsx: 2 records read, compared by cust_id.');
  expect(notes.some((note) => note.startsWith('list.xlsx: 1 hidden row (row 3)'))).toBe(true);
});

test('--sheet names the sheet of a list if the input is no workbook', async () => {
  const list = await createIds(ID_ROWS, { Old: createRow(1, ['cust_id']) + createRow(2, ['03300']) });
  const read = async (sheet?: string) =>
    (await exclude({ input: INPUT, list, listName: 'list.xlsx' }, { sheet })).excluded;
  expect(await read()).toEqual([3]);
  expect(await read('Customers')).toEqual([1, 2]);
  await expect(read('Other')).rejects.toMatchObject({ code: 'UNKNOWN_SHEET' });
  const { notes } = await exclude({ input: INPUT, list, listName: 'list.xlsx' }, { sheet: 'Customers' });
  expect(notes.filter((note) => note.includes('Ignored'))).toEqual([]);
});

test('a field that is almost a column is said before anything is sent', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'company,Answer\nCompany 1,\n');
  const notes: string[] = [];
  await bench.run({}, { onEvent: (event) => void (event.type === 'note' && notes.push(event.message)) });
  expect(notes).toContain(
    'The field answer is not the column Answer: its values go to a new column. To fill that column, name the field Answer.',
  );
});
