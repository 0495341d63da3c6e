import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ZipWriter } from '@zip.js/zip.js';
import { PROGRAM, runNode } from './contenders.mjs';

const DIST = pathToFileURL(join(PROGRAM, '../..')).href;

/** Reads a workbook and writes it back with two filled columns, without a job. */
const PATCH = `
  import { openInput } from '${DIST}/read/open-input.js';
  import { openOutput } from '${DIST}/write/open-output.js';
  const input = await openInput({ path: 'wide.xlsx' });
  const fields = ['hq_city', 'founded'].map((name) => ({ name, schema: { type: 'string' } }));
  const answer = { value: 'Bern', confidence: 'high', citations: [{ url: 'https://site.example/about', title: 'About' }] };
  const outcome = {
    status: 'enriched', error: null, costMicros: 1_250, isCostEstimated: false, runId: 'run_1', foundAtMs: 0,
    fields: new Map(fields.map(({ name }) => [name, answer])),
  };
  const output = await openOutput({
    path: 'out.xlsx', shape: input.shape, columns: input.columns, fields, overwrite: false, raw: false,
  });
  for await (const rows of input.openRows()) await output.write(rows.map((row) => ({ row, outcome })));
  await output.commit();
  await input.close();
`;

/** The same through exceljs, which drops what it does not know. */
const EXCELJS = `
  import exceljs from '${import.meta.resolve('exceljs')}';
  const reader = new exceljs.stream.xlsx.WorkbookReader('wide.xlsx', { sharedStrings: 'cache', styles: 'cache' });
  const writer = new exceljs.stream.xlsx.WorkbookWriter({ filename: 'out.xlsx', useStyles: true });
  const sheet = writer.addWorksheet('List');
  for await (const page of reader) {
    for await (const row of page) {
      const copy = sheet.getRow(row.number);
      row.eachCell((cell, column) => {
        copy.getCell(column).value = cell.value;
        copy.getCell(column).style = cell.style;
      });
      for (const [at, text] of ['Bern', 'high', 'https://site.example/about', 'Bern', 'high', 'https://site.example/about'].entries())
        copy.getCell(31 + at).value = text;
      copy.commit();
    }
  }
  await writer.commit();
`;

export const PATCHING = { name: 'rowfill', code: PATCH };
export const THROUGH_EXCELJS = { name: 'exceljs, streaming', code: EXCELJS };

/** Reads and writes a workbook of 30 columns with formulas, numbers, dates, texts and styles. */
export async function measureWorkbook({ code }, folder, { rows }) {
  await writeWideWorkbook(join(folder, 'wide.xlsx'), rows);
  const run = await runNode(['--input-type=module', '-e', code], { folder });
  return {
    'rows per second': (rows / run.seconds).toFixed(0),
    'CPU µs per row': ((run.cpuSeconds * 1e6) / rows).toFixed(0),
    'peak MB': run.peakMb.toFixed(0),
    'exit code': run.code,
  };
}

const SPACE = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

async function writeWideWorkbook(path, rows) {
  const zip = new ZipWriter(Writable.toWeb(createWriteStream(path)), {
    useWebWorkers: false,
    zip64: false,
  });
  const add = (name, pieces) => zip.add(name, Readable.toWeb(Readable.from(pieces)));
  const addText = (name, text) => add(name, [Buffer.from(text)]);
  await addText(
    '[Content_Types].xml',
    `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPES}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="${TYPES}.sharedStrings+xml"/></Types>`,
  );
  await addText(
    '_rels/.rels',
    `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  );
  await addText(
    'xl/workbook.xml',
    `<workbook xmlns="${SPACE}" xmlns:r="${RELATIONS}"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  );
  await addText(
    'xl/_rels/workbook.xml.rels',
    `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${RELATIONS}/styles" Target="styles.xml"/><Relationship Id="rId3" Type="${RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
  );
  await addText(
    'xl/styles.xml',
    `<styleSheet xmlns="${SPACE}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="10" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`,
  );
  const words = Array.from({ length: 1_000 }, (_, at) => `<si><t>Word &amp; more ${at}</t></si>`);
  await addText(
    'xl/sharedStrings.xml',
    `<sst xmlns="${SPACE}" count="1000" uniqueCount="1000">${words.join('')}</sst>`,
  );
  await add('xl/worksheets/sheet1.xml', listSheet(rows));
  await zip.close();
}

/** Ten texts that are shared, five in place, five numbers, five dates, five formulas in each row. */
function* listSheet(rows) {
  const letters = Array.from(
    { length: 30 },
    (_, at) => (at < 26 ? '' : 'A') + String.fromCharCode(65 + (at % 26)),
  );
  const inline = (place, style, text) =>
    `<c r="${place}" s="${style}" t="inlineStr"><is><t>${text}</t></is></c>`;
  const header = letters.map((letter) => inline(`${letter}1`, 1, `Column ${letter}`)).join('');
  yield Buffer.from(
    `<worksheet xmlns="${SPACE}"><dimension ref="A1:AD${rows + 1}"/><sheetData><row r="1">${header}</row>`,
  );
  let text = '';
  for (let line = 2; line < rows + 2; line += 1) {
    const cells = letters.map((letter, at) => {
      const place = letter + line;
      if (at === 0) return inline(place, 0, `Company ${line}`);
      if (at < 10) return `<c r="${place}" t="s"><v>${(line * 7 + at * 131) % 1_000}</v></c>`;
      if (at < 15) return inline(place, 0, `Straße ${(line * at) % 997}, Bern`);
      if (at < 20) return `<c r="${place}" s="2"><v>${((line * at) % 100_000) / 8}</v></c>`;
      if (at < 25) return `<c r="${place}" s="3"><v>${40_000 + ((line * at) % 5_000)}</v></c>`;
      return `<c r="${place}" s="4"><f>P${line}*${at}/100</f><v>${(((line * 15) % 100_000) / 800) * at}</v></c>`;
    });
    text += `<row r="${line}" spans="1:30">${cells.join('')}</row>`;
    if (text.length < 256 * 1_024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(`${text}</sheetData></worksheet>`);
}
