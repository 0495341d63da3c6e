import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MEASURES } from './measures.mjs';

const FIGURES = join(import.meta.dirname, '../../BENCHMARKS.md');
const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    rows: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const repetitions = values.quick ? 1 : Number(values.runs);
const rows = Number(values.rows ?? (values.quick ? 20_000 : 1_000_000));
const folder = mkdtempSync(join(tmpdir(), 'rowfill-bench-'));
const load = loadavg();
const lines = [];
try {
  for (const { title, contenders, measure } of MEASURES) {
    if (values.only !== undefined && !title.includes(values.only)) continue;
    const found = contenders.map(() => []);
    // All contenders take turns, so that other load on the machine affects all of them equally.
    for (let seed = 1; seed <= repetitions; seed += 1) {
      for (const [index, contender] of contenders.entries()) {
        found[index].push(await measure(contender, { seed, quick: values.quick, rows, folder }));
      }
    }
    for (const [index, contender] of contenders.entries()) {
      lines.push(`| ${title} | ${contender.name} | ${formatFigures(found[index])} |`);
      process.stdout.write(`${lines.at(-1)}\n`);
    }
    if (values.write) writeFigures();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Formats the median of each figure. */
function formatFigures(found) {
  const names = Object.keys(found[0]);
  return names.map((name) => `${name} ${readMedian(found.map((figures) => figures[name]))}`).join(' · ');
}

function readMedian(figures) {
  const sorted = [...figures].sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function writeFigures() {
  const text = readFileSync(FIGURES, 'utf8');
  const start = text.indexOf(BEGIN) + BEGIN.length;
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim();
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const head = `\`${command}\` · Node ${process.version} · ${process.platform} · ${machine} · load ${load[0].toFixed(1)} before · medians of ${repetitions} · ${rows.toLocaleString('en')} rows end to end`;
  const table = ['| workload | program | figures |', '|---|---|---|', ...lines].join('\n');
  writeFileSync(
    FIGURES,
    `${text.slice(0, start)}\n\n${head}\n\n${table}\n\n${text.slice(text.indexOf(END))}`,
  );
}
