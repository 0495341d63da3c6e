import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';
import { openInput } from '../../dist/read/open-input.js';

const USAGE = `Usage: node test/bench/pollock.mjs FOLDER [--all]

Reads the polluted CSV files of the Pollock benchmark, told nothing about them, and prints both scores (0 to 10).
FOLDER holds polluted_files/csv, polluted_files/clean and pollock_weights.json of the suite.
Stricter than the suite: texts are compared as they are, without normalizing numbers and dates.
`;

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
const [folder] = positionals;
if (folder === undefined) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const weights = JSON.parse(readFileSync(join(folder, 'pollock_weights.json'), 'utf8'));
const files = readdirSync(join(folder, 'polluted_files/csv')).filter((name) => name.endsWith('.csv'));
const scores = [];
for (const name of files.sort())
  scores.push({ name, weight: weights[name] ?? 0, ...(await scoreFile(name)) });
for (const { name, score, note } of scores) {
  if (values.all || score < 9.995 || note !== '')
    process.stdout.write(`${score.toFixed(3)} ${name} ${note}\n`);
}
const total = scores.reduce((sum, { weight }) => sum + weight, 0);
const simple = scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
const weighted = scores.reduce((sum, { score, weight }) => sum + score * weight, 0) / total;
process.stdout.write(
  `${scores.length} files: simple ${simple.toFixed(3)}, weighted ${weighted.toFixed(3)}\n`,
);

async function scoreFile(name) {
  const clean = Papa.parse(readFileSync(join(folder, 'polluted_files/clean', name), 'utf8')).data;
  const wanted = clean.filter((row) => row.length > 1 || row[0] !== '');
  const { rows: found, note } = await readTable(join(folder, 'polluted_files/csv', name));
  // The suite gives full marks for a table without rows.
  if (wanted.length === 0) return { score: 10, note };
  const records = (rows) => rows.slice(1).map((row) => row.join(''));
  const parts = [
    compare(wanted[0], found[0] ?? []),
    compare(records(wanted), records(found)),
    compare(wanted.flat(), found.flat()),
  ];
  return {
    score: (note.startsWith('refused') ? 0 : 1) + parts.flat().reduce((sum, each) => sum + each, 0),
    note,
  };
}

/** The header and the rows; the header alone for a table that is refused because it has no rows. */
async function readTable(path) {
  try {
    const input = await openInput({ path });
    const rows = [];
    for await (const chunk of input.openRows()) {
      for (const row of chunk) if (row.skip === undefined) rows.push(padRow(row.cells, input.columns.length));
    }
    const isJoined = input.notes.some(({ code }) => code === 'HEADER_JOINED');
    const named = isJoined ? input.columns : input.shape.titles;
    const note = input.notes.map(({ code }) => code).join(' ');
    return { rows: [named, ...rows], note: input.doubts.map(({ code }) => `doubt ${code} `).join('') + note };
  } catch (error) {
    return { rows: [], note: `refused: ${error.code} ${error.message}` };
  }
}

function padRow(cells, width) {
  return [...cells, ...Array.from({ length: Math.max(0, width - cells.length) }, () => '')];
}

/** Precision, recall and their harmonic mean for two collections of texts. */
function compare(wanted, found) {
  const left = new Map();
  for (const text of wanted) left.set(text, (left.get(text) ?? 0) + 1);
  let shared = 0;
  for (const text of found) {
    const count = left.get(text) ?? 0;
    if (count === 0) continue;
    left.set(text, count - 1);
    shared += 1;
  }
  if (wanted.length === 0) return [1, 1, 1];
  if (shared === 0) return [0, 0, 0];
  const recall = shared / wanted.length;
  const precision = shared / found.length;
  return [precision, recall, (2 * precision * recall) / (precision + recall)];
}
