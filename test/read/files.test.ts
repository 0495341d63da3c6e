import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import type { Row } from '../../src/model/row.js';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createAnswer, createFilledRow, readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { dropFile, unpackParts } from '../helpers/workbook.js';

const FOLDER = join(import.meta.dirname, '../files');
const NAMES = readdirSync(FOLDER).filter((name) => name.includes('.'));

const OPTIONS: Readonly<Record<string, Partial<InputOptions>>> = {
  'no-header.csv': { header: false },
  'not-utf8-in-told-encoding.csv': { encoding: 'utf-8' },
};

test('there are at least 40 nasty files', () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(40);
});

test.each(NAMES)('%s is read and written back as expected', async (name) => {
  const outcome = await describeFile(name).catch(describeRefusal);
  await expect(`${JSON.stringify(outcome, null, 1)}\n`).toMatchFileSnapshot(
    join(FOLDER, 'expected', `${name}.json`),
  );
});

test.each(NAMES)('%s is read the same byte by byte', async (name) => {
  const outcome = await describeFile(name).catch(describeRefusal);
  expect(await describeFile(name, { limits: { pieceBytes: 1 } }).catch(describeRefusal)).toEqual(outcome);
});

/** What to check about a file: its detected format, its values, and the output bytes. */
async function describeFile(name: string, options: Partial<InputOptions> = {}) {
  const input = await openInput({ path: join(FOLDER, name), ...OPTIONS[name], ...options });
  const rows = await readAllRows(input);
  const { titles, ...shape } = dropFile(input.shape);
  return {
    shape: JSON.stringify(shape),
    titles,
    columns: input.columns,
    rows: rows.map((row) => `${row.line}: ${JSON.stringify(showRow(row))}`),
    notes: input.notes.map((note) => `${note.code}: ${note.message}`),
    output: await fillFile(name, input, rows),
  };
}

function describeRefusal(error: unknown) {
  if (!(error instanceof RowfillError)) throw error;
  const message = error.message.replaceAll(FOLDER + sep, '');
  return { refused: error.code, message, hint: error.hint };
}

async function fillFile(name: string, input: Awaited<ReturnType<typeof openInput>>, rows: readonly Row[]) {
  // Workbooks with macros are read, and written without them.
  const path = join(await createTempFolder(), basename(name).replace(/\.xlsm$/, '.xlsx'));
  const { columns } = input;
  const shape = dropFile(input.shape);
  const fields = [{ name: 'ceo', schema: { type: 'string' } }];
  const output = await openOutput({ path, shape, columns, fields, overwrite: false, raw: false });
  await output.write(
    rows.map((row) =>
      row.kind === 'faulty'
        ? createFilledRow(row, {}, { status: 'failed', error: row.fault, costMicros: 0, runId: null })
        : createFilledRow(row, { ceo: createAnswer('Ada', ['https://x.example']) }, { runId: 'r' }),
    ),
  );
  await output.commit();
  const bytes = await readFile(path);
  if (bytes.toString('latin1', 0, 2) === 'PK') return showSheet(bytes);
  const unpacked = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  if (!shape.encoding.startsWith('utf-16')) return showLines(unpacked.toString('utf8'));
  return showLines((shape.encoding === 'utf-16be' ? unpacked.swap16() : unpacked).toString('utf16le'));
}

/** The content of a workbook: its sheet by row, with name and count. */
async function showSheet(bytes: Buffer): Promise<string[]> {
  const parts = await unpackParts(bytes);
  const rows = parts['xl/worksheets/sheet1.xml']?.split(/(?<=>)(?=<row |<\/sheetData>)/) ?? [];
  return [/<workbookPr.*<\/sheets>/.exec(parts['xl/workbook.xml'] ?? '')?.[0] ?? '', ...rows.slice(1, -1)];
}

/** Splits text into lines and escapes invisible characters that JSON does not. */
function showLines(text: string): string[] {
  return (text.match(/[^\r\n]*(?:\r\n|\r|\n|$)/g) ?? [])
    .filter((line) => line !== '')
    .map((line) => line.replace(/\p{Cf}/gu, (char) => `\\u${char.charCodeAt(0).toString(16)}`));
}

test.each([
  ['rows-too-short.csv', 'INPUT_NOT_STRICT', 'rows-too-short.csv, line 2: fewer cells than the header'],
  ['rows-too-long.csv', 'INPUT_NOT_STRICT', 'rows-too-long.csv, line 2: more cells than the header'],
  ['quotes-not-doubled.csv', 'INPUT_NOT_STRICT', 'quotes-not-doubled.csv, line 2: invalid quotes'],
  [
    'trailing-commas.jsonl',
    'INPUT_NOT_STRICT',
    'trailing-commas.jsonl, line 1: there is a comma after the object',
  ],
  ['list-with-trailing-comma.json', 'INPUT_NOT_JSON', 'line 3: there is a comma before the end of the list'],
])('%s is rejected in strict mode', async (name, code, words) => {
  const refusal = await describeFile(name, { strict: true }).catch(describeRefusal);
  expect(refusal).toMatchObject({ refused: code, message: expect.stringContaining(words) });
});
