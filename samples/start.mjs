// Run by `npm start`: fills the first sample with the built program, then prints the first rows of the result.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Papa from 'papaparse';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PROGRAM = 'dist/cli/main.js';
const OUTPUT = 'samples/companies.filled.csv';
const ROWS_SHOWN = 12;
// 100 columns with the spaces in between, to fit a terminal.
const MAX_WIDTHS = { company: 19, city: 13, country: 13, since: 5, ticker: 6, status: 9, 'cited from': 23 };

process.exitCode = main();

function main() {
  if (!existsSync(join(ROOT, PROGRAM))) {
    process.stderr.write(`${PROGRAM} is missing. Build it first: npm run build\n`);
    return 2;
  }
  const command = readCommand();
  process.stdout.write(`$ rowfill ${command.map(quote).join(' ')}\n\n`);
  const run = spawnSync(process.execPath, [PROGRAM, ...command], { cwd: ROOT, stdio: 'inherit' });
  if (run.status !== 0) return run.status ?? 1;
  showResult(
    Papa.parse(readFileSync(join(ROOT, OUTPUT), 'utf8'), { header: true, skipEmptyLines: true }).data,
  );
  return 0;
}

// The same command as in samples/README.md.
function readCommand() {
  return ['run', 'samples/companies.csv', '--recipe', 'samples/companies.recipe.yaml', '--output', OUTPUT];
}

function showResult(rows) {
  const shown = rows.slice(0, ROWS_SHOWN).map((row) => ({
    company: row.company,
    city: row.city,
    country: row.country,
    since: row.founded,
    ticker: row.ticker,
    status: row.enrichment_status,
    'cited from': formatCitation(row.country_citations),
  }));
  process.stdout.write(`\nThe first ${shown.length} of ${rows.length} rows, with some of the columns:\n\n`);
  process.stdout.write(formatTable(shown));
  process.stdout.write(`
The full table is in ${join(ROOT, OUTPUT)}
If you run "npm start" again, the answers come from the ledger: nothing is sent or paid for twice.
Try this next (samples/README.md has more commands):

  npx rowfill run samples/people.jsonl --recipe samples/people.recipe.yaml
`);
}

/** Table and row of the first citation, such as `headquarters.csv#row=19`. */
function formatCitation(urls = '') {
  const [first = ''] = urls.split(' ');
  return first.slice(first.lastIndexOf('/') + 1);
}

function formatTable(rows) {
  const titles = Object.keys(rows[0] ?? {});
  const cells = [titles, ...rows.map((row) => titles.map((title) => row[title] ?? ''))].map((line) =>
    line.map((cell, index) => clip(cell, MAX_WIDTHS[titles[index]])),
  );
  const widths = titles.map((_, index) => Math.max(...cells.map((line) => countColumns(line[index]))));
  const lines = cells.map((line) =>
    line.map((cell, index) => cell + ' '.repeat(widths[index] - countColumns(cell))).join('  '),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function clip(text, width) {
  const characters = [...text.normalize('NFC').replace(/\s+/g, ' ')];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}

function countColumns(text) {
  return [...text].length;
}

function quote(argument) {
  return /[^\w./,-]/.test(argument) ? `"${argument}"` : argument;
}
