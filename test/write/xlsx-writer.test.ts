import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FilledRow } from '../../src/model/answer.js';
import type { FileShape } from '../../src/model/file-format.js';
import type { JsonValue } from '../../src/model/json.js';
import type { Row, StoredCell } from '../../src/model/row.js';
import { createFitCheck, type OutputOptions, openOutput } from '../../src/write/open-output.js';
import { openXlsxOutput } from '../../src/write/xlsx-writer.js';
import { createAnswer, createFilledRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { unpackParts } from '../helpers/workbook.js';

const CSV: FileShape = {
  format: 'csv',
  titles: ['name', 'id'],
  delimiter: ',',
  newline: '\n',
  bom: false,
  encoding: 'utf-8',
  gzip: false,
  quoting: 'needed',
  titlesQuoted: false,
  sepLine: false,
};
const SHEET: FileShape = {
  ...CSV,
  format: 'xlsx',
  sheet: { name: 'Data', firstLine: 1, above: [], date1904: false },
};
const COLUMNS = ['name', 'id'];
const FIELD = { name: 'answer', schema: {} };

function createCells(cells: readonly string[], stored?: readonly (StoredCell | null)[]): Row {
  const columns = new Map(COLUMNS.map((column, index) => [column, index]));
  return { kind: 'cells', ordinal: 0, line: 2, columns, cells, ...(stored === undefined ? {} : { stored }) };
}

function createOptions(options: Partial<OutputOptions>): OutputOptions {
  const base = { shape: SHEET, columns: COLUMNS, fields: [FIELD], overwrite: false, raw: false };
  return { path: 'out.xlsx', ...base, ...options };
}

/** The cells of an output's second row by reference; `A2` is the text between its tags. */
async function writeRow(row: Row, value: JsonValue, options: Partial<OutputOptions> = {}) {
  const path = join(await createTempFolder(), 'out.xlsx');
  const output = await openOutput(createOptions({ ...options, path }));
  await output.write([createFilledRow(row, { answer: createAnswer(value) })]);
  await output.commit();
  const parts = await unpackParts(await readFile(path));
  const sheet = parts['xl/worksheets/sheet1.xml'] ?? '';
  const cells = [...sheet.matchAll(/<c r="([A-Z]+2)"([^>]*)>(.*?)<\/c>/gs)];
  return {
    parts,
    sheet,
    cells: Object.fromEntries(
      cells.map(([, place = '', kind = '', inner = '']) => [
        place,
        kind.trim() + inner.replace(/<[^>]*>/g, ' ').trim(),
      ]),
    ),
  };
}

/** The parts of a workbook with these rows. */
async function writeParts(rows: readonly FilledRow[]) {
  const path = join(await createTempFolder(), 'out.xlsx');
  const output = await openOutput(createOptions({ path }));
  await output.write(rows);
  await output.commit();
  return unpackParts(await readFile(path));
}

test.each<[JsonValue, string]>([
  [5, '5'],
  [0.1, '0.1'],
  [-3.5e-7, '-3.5e-7'],
  [true, 't="b"1'],
  [false, 't="b"0'],
  ['5', 't="inlineStr"5'],
  ['007', 't="inlineStr"007'],
  [123_456_789_012_345, '123456789012345'],
  [1_234_567_890_123_456, 't="inlineStr"1234567890123456'],
  [['a', 1], 't="inlineStr"[&quot;a&quot;,1]'],
  ['=HYPERLINK("https://x.example")', 't="inlineStr"=HYPERLINK(&quot;https://x.example&quot;)'],
  ['+49 30 1234', 't="inlineStr"+49 30 1234'],
])('an answer %j becomes a cell of its type', async (value, cell) => {
  expect((await writeRow(createCells(['Acme', '1']), value)).cells.C2).toBe(cell);
});

test('no answer, citation or error text can become a formula', async () => {
  const row = createCells(['=1+1', '@x']);
  const { sheet } = await writeRow(row, '=cmd|x');
  expect(sheet).toContain('>=1+1<');
  expect(sheet).toContain('>=cmd|x<');
  expect(sheet).not.toMatch(/<f[ >]/);
});

test("input cells keep their type, and a replaced one has the answer's type", async () => {
  const number: StoredCell = { kind: 'number', raw: '45352', format: 'yyyy\\-mm\\-dd' };
  const kept = await writeRow(createCells(['Acme', '2024-03-01'], [null, number]), 'x');
  expect(kept.cells).toMatchObject({ A2: 't="inlineStr"Acme', B2: 's="2"45352' });
  expect(kept.parts['xl/styles.xml']).toContain('numFmtId="164" formatCode="yyyy\\-mm\\-dd"');
  const fields = [{ name: 'id', schema: {} }];
  const path = join(await createTempFolder(), 'out.xlsx');
  const output = await openOutput(createOptions({ path, fields, overwrite: true }));
  await output.write([
    createFilledRow(createCells(['Acme', '2024-03-01'], [null, number]), { id: createAnswer(7) }),
    createFilledRow(createCells(['Bolt', '0123']), { id: createAnswer('0123') }),
  ]);
  await output.commit();
  const sheet = (await unpackParts(await readFile(path)))['xl/worksheets/sheet1.xml'] ?? '';
  expect(sheet).toContain('<c r="B2"><v>7</v></c>');
  expect(sheet).toContain('<c r="B3" t="inlineStr"><is><t xml:space="preserve">0123</t>');
});

test('CSV cells become text, and JSON values keep their type', async () => {
  const csv = await writeRow(createCells(['Acme', '5']), null, { shape: CSV });
  expect(csv.cells).toMatchObject({ A2: 't="inlineStr"Acme', B2: 't="inlineStr"5' });
  const object = { name: true, id: 5 };
  const row: Row = { kind: 'object', ordinal: 0, line: 1, object, text: JSON.stringify(object) };
  const json = await writeRow(row, null, { shape: { ...CSV, format: 'jsonl', titles: [] } });
  expect(json.cells).toMatchObject({ A2: 't="b"1', B2: '5' });
});

test('the cost is a number that can be summed', async () => {
  expect((await writeRow(createCells(['Acme', '1']), 'x')).cells).toMatchObject({ I2: '0.003' });
});

test('unknown errors and invalid sheet names, which Excel rejects, are not written', async () => {
  const stored: StoredCell[] = [{ kind: 'error', raw: '#SPILL!', format: null }];
  const sheet = { name: "'[a]:b*c?/d\\e'".repeat(3), firstLine: 1, above: [], date1904: false };
  const { cells, parts } = await writeRow(createCells(['#SPILL!', '1'], stored), 'x', {
    shape: { ...SHEET, sheet },
  });
  expect(cells.A2).toBe('t="inlineStr"#SPILL!');
  expect(/<sheet name="([^"]*)"/.exec(parts['xl/workbook.xml'] ?? '')?.[1]).toBe(
    "__a__b_c__d_e''_a__b_c__d_e''_a",
  );
});

test('a cell that is too long for Excel is cut with …, and a warning says so', async () => {
  const notes: string[] = [];
  const { cells } = await writeRow(createCells(['Acme', '1']), `${'x'.repeat(32_765)}😀😀`, {
    onNote: ({ code, message }) => notes.push(`${code} ${message}`),
  });
  expect(cells.C2).toBe(`t="inlineStr"${'x'.repeat(32_765)}…`);
  expect(notes).toEqual([
    expect.stringContaining("CELLS_CLIPPED 1 row has cells longer than Excel's limit of 32767 characters"),
  ]);
  expect(notes[0]).toContain('(first in output row 2)');
});

test('equal rows give equal bytes', async () => {
  const write = async () => {
    const path = join(await createTempFolder(), 'out.xlsx');
    const output = await openOutput(createOptions({ path }));
    await output.write([createFilledRow(createCells(['Acme', '1']))]);
    await output.commit();
    return readFile(path);
  };
  expect((await write()).equals(await write())).toBe(true);
});

test("a sink's error is reported at any write, and partial output is removed", async () => {
  const full = new Error('the disk is full');
  for (let good = 0; good < 12; good += 1) {
    let writes = 0;
    let aborts = 0;
    const output = openXlsxOutput(createOptions({}), {
      write: async () => {
        writes += 1;
        if (writes > good) throw full;
      },
      commit: async () => null,
      abort: async () => {
        aborts += 1;
      },
    });
    const writing = (async () => {
      for (let chunk = 0; chunk < 3; chunk += 1) {
        await output.write(
          Array.from({ length: 500 }, (_, at) => createFilledRow(createCells([`${at * 7919}`, `${chunk}`]))),
        );
      }
      await output.commit();
    })();
    await expect(writing).rejects.toBe(full);
    await output.abort();
    expect(aborts).toBe(1);
  }
});

test('an output without rows is a workbook with only a header', async () => {
  const path = join(await createTempFolder(), 'out.xlsx');
  const output = await openOutput(createOptions({ path }));
  await output.commit();
  const sheet = (await unpackParts(await readFile(path)))['xl/worksheets/sheet1.xml'];
  expect(sheet).toContain('>enrichment_status<');
  expect(sheet?.match(/<row /g)).toHaveLength(1);
});

test('rows that do not fit into a sheet are rejected before writing', () => {
  const check = createFitCheck(createOptions({}));
  const refused = (words: string) =>
    expect.objectContaining({ code: 'OUTPUT_DOES_NOT_FIT', message: expect.stringContaining(words) });
  const run = (row: Row) => () => check?.([row]);
  expect(run({ ...createCells(['Acme', 'x'.repeat(32_767)]), ordinal: 1_048_574 })).not.toThrow();
  expect(run(createCells(['Acme', 'x'.repeat(32_768)]))).toThrow(
    refused('line 2 has a cell of 32768 characters'),
  );
  expect(run({ ...createCells(['Acme']), ordinal: 1_048_575 })).toThrow(
    refused('more rows than an Excel sheet can have (1048576)'),
  );
  expect(run(createCells(Array.from({ length: 16_384 }, () => 'x')))).toThrow(
    refused('line 2 would have 16392 columns'),
  );
  const wide = Array.from({ length: 16_379 }, (_, index) => `c${index}`);
  const shape = { ...SHEET, titles: wide };
  expect(() => createFitCheck(createOptions({ shape, columns: wide }))).toThrow(refused('16387 columns'));
  expect(createFitCheck(createOptions({ path: 'out.csv', shape, columns: wide }))).toBeNull();
});

test('columns are as wide as their cells, within limits', async () => {
  const row = createFilledRow(createCells(['A company with a long name', '1'.repeat(80)]));
  const parts = await writeParts([row]);
  const widths = [...(parts['xl/worksheets/sheet1.xml'] ?? '').matchAll(/<col [^>]*width="(\d+)"/g)];
  expect(widths.slice(0, 4).map(([, width]) => Number(width))).toEqual([28, 50, 9, 19]);
});

test('the first page of a citation cell is a link, and equal pages share one address', async () => {
  const cite = (...urls: string[]) => createAnswer('x', urls);
  const rows = [
    createFilledRow(createCells(['a', '1']), {
      answer: cite('https://a.example/?q=1&r=2', 'https://b.example'),
    }),
    createFilledRow(createCells(['b', '2']), { answer: cite('https://a.example/?q=1&r=2') }),
    createFilledRow(createCells(['https://input.example', '3'])),
  ];
  const parts = await writeParts(rows);
  const sheet = parts['xl/worksheets/sheet1.xml'] ?? '';
  expect(sheet).toContain(
    '</sheetData><hyperlinks><hyperlink ref="E2" r:id="rId1"/><hyperlink ref="E3" r:id="rId1"/></hyperlinks></worksheet>',
  );
  const addresses = parts['xl/worksheets/_rels/sheet1.xml.rels'] ?? '';
  expect(addresses).toContain('Target="https://a.example/?q=1&amp;r=2" TargetMode="External"');
  expect(addresses.match(/<Relationship /g)).toHaveLength(1);
});

test('line ends in cells are line feeds, which no program shows as a code', async () => {
  const parts = await writeParts([createFilledRow(createCells(['a\r\nb\rc', '1']))]);
  expect(parts['xl/worksheets/sheet1.xml']).toContain('>a\nb\nc<');
});
