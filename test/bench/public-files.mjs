// Reads every JSON file and workbook below a folder, writes it back, and reports each file whose rows changed.
// For collections that are too large for this repository, such as unpacked npm packages with sample files:
//   npm pack vega-datasets world-countries csv-spectrum JSONStream xlsx-populate, unpack them, then
//   npm run build && node test/bench/public-files.mjs FOLDER
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openInput } from '../../dist/read/open-input.js';
import { openOutput } from '../../dist/write/open-output.js';

const ENDINGS = ['.json', '.geojson', '.jsonl', '.ndjson', '.xlsx', '.xlsm'];
const MAX_BYTES = 200 * 1024 * 1024;

const OUTCOME = {
  status: 'unchanged',
  error: null,
  costMicros: 0,
  isCostEstimated: false,
  runId: null,
  fields: new Map(),
};

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('usage: node test/bench/public-files.mjs FOLDER');
const work = mkdtempSync(join(tmpdir(), 'rowfill-public-'));
const counts = { same: 0, refused: 0, changed: 0 };
try {
  for (const path of listFiles(folder)) {
    const { verdict, detail } = await checkFile(path);
    counts[verdict] += 1;
    if (verdict !== 'same') process.stdout.write(`${verdict}: ${relative(folder, path)}: ${detail}\n`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${counts.same} files the same, ${counts.refused} refused, ${counts.changed} changed\n`);
process.exitCode = counts.changed === 0 ? 0 : 1;

function listFiles(path) {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return listFiles(inner);
    return ENDINGS.includes(extname(entry.name)) && statSync(inner).size < MAX_BYTES ? [inner] : [];
  });
}

async function checkFile(path) {
  const input = await openInput({ path, hiddenRows: 'fill' }).catch((error) => error);
  if (input instanceof Error) return { verdict: 'refused', detail: `${input.code} ${input.message}` };
  try {
    const format = input.shape.format;
    const out = join(work, `out.${format}`);
    const written = await writeBack(input, out, format);
    const changed = format === 'xlsx' ? await compareSheets(written, out) : compareJson(path, out, format);
    return { verdict: changed === null ? 'same' : 'changed', detail: changed };
  } finally {
    await input.close();
  }
}

async function writeBack(input, path, format) {
  await input.readColumns();
  const { shape, columns } = input;
  const output = await openOutput({ path, format, shape, columns, fields: [], overwrite: false, raw: true });
  const rows = [];
  for await (const chunk of input.openRows()) {
    rows.push(...chunk);
    await output.write(chunk.map((row) => ({ row, outcome: OUTCOME })));
  }
  await output.commit();
  return rows;
}

/** The document that was written, without what was added, is the one that was read. */
function compareJson(path, out, format) {
  const text = readFileSync(out, 'utf8');
  const values =
    format === 'json'
      ? JSON.parse(text)
      : text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
  const read = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
  const isList = Array.isArray(read) || format === 'json';
  return isDeepStrictEqual(dropAdded(values), isList ? read : [read]) ? null : 'the values differ';
}

function dropAdded(value) {
  if (Array.isArray(value)) return value.map(dropAdded);
  if (typeof value !== 'object' || value === null) return value;
  const { enrichment, ...rest } = value;
  const own = enrichment?.cost_usd === undefined ? value : rest;
  return Object.fromEntries(Object.entries(own).map(([key, inner]) => [key, dropAdded(inner)]));
}

/** The workbook that was written has the same cells as the one that was read. */
async function compareSheets(rows, out) {
  const again = await openInput({ path: out, hiddenRows: 'fill' });
  let index = 0;
  try {
    for await (const chunk of again.openRows()) {
      for (const row of chunk) {
        const before = rows[index]?.cells ?? [];
        if (before.some((cell, at) => cell !== '' && !row.cells.includes(cell) && at < before.length))
          return `row ${index + 1} differs`;
        index += 1;
      }
    }
  } finally {
    await again.close();
  }
  return index === rows.length ? null : `${rows.length} rows became ${index}`;
}
