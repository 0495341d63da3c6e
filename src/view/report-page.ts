import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { ROW_STATUSES, type RowStatus } from '../model/answer.js';
import { formatCount, formatDollars } from '../model/format.js';
import type { JsonValue } from '../model/json.js';
import { VERSION } from '../model/version.js';
import { formatInput } from '../write/cells.js';
import type { Level, ReportData, VerdictMark } from './api.js';
import { LEVELS, VERDICT_MARKS } from './cell-text.js';
import type { ReportNews } from './report-news.js';
import type { ReportTally } from './report-tally.js';

/** What the head of a report says. */
export interface ReportFacts {
  readonly file: string;
  readonly jobId: string;
  readonly query: string;
  readonly efforts: readonly string[];
  readonly sent: readonly string[];
  readonly columns: readonly string[];
  readonly rows: number;
  readonly listed: number;
  readonly madeAt: Date;
  readonly spentMicros: number;
  readonly tally: ReportTally;
  /** Null for the first run. */
  readonly news: ReportNews | null;
  /** False to call a row by its line alone. */
  readonly namesRows: boolean;
}

const PAGE = new URL('./page/', import.meta.url);
const MAX_HOSTS = 10;
const MAX_REASONS = 8;

const ORDER: readonly RowStatus[] = [
  'enriched',
  'partial',
  'not_found',
  'failed',
  'over_budget',
  'excluded',
  'unchanged',
  'skipped',
  'pending',
];

/**
 * Formats a report as pieces of one HTML file. Its figures are plain markup, readable without scripts and in print; the
 * rows are packed, and a script that the policy knows by its hash shows them. The policy allows nothing else.
 */
export async function formatReport(facts: ReportFacts, data: ReportData, page = PAGE): Promise<string[]> {
  const [script, style] = await Promise.all(
    ['report.js', 'report.css'].map((file) => readFile(new URL(file, page), 'utf8')),
  );
  if (script === undefined || style === undefined) throw new TypeError('the report has a script and a style');
  const packed = await promisify(deflateRaw)(Buffer.from(JSON.stringify(data)), { level: 9 });
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return [
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(facts.file)} · rowfill report</title>
<style>${style}</style>
</head>
<body>
<main class="page">
${formatHead(facts)}
${formatStatuses(facts)}
${formatNews(facts)}
<div class="two">
${formatFields(facts)}
${formatHosts(facts)}
${formatLevels(facts)}
${formatCosts(facts)}
${formatVerdicts(facts)}
${formatReasons(facts)}
${formatQuestion(facts)}
</div>
${formatRows(facts)}
<footer class="quiet report-foot">Made by rowfill ${escapeHtml(VERSION)} from job ${escapeHtml(facts.jobId)}. This file loads nothing from the network; links open only when you click them.</footer>
</main>
<script type="text/plain" id="data">`,
    packed.toString('base64'),
    `</script>
<script>${script}</script>
</body>
</html>
`,
  ];
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function formatHead({ file, madeAt, rows, spentMicros, tally }: ReportFacts): string {
  const { filled, all } = tally.countCells();
  const day = madeAt.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  return `<header>
<p class="quiet">rowfill report · ${day}</p>
<h1>${escapeHtml(file)}</h1>
<p class="lead"><b>${formatCount(filled)}</b> of ${formatCount(all)} cells filled in <b>${formatCount(rows)}</b> rows, for <b>${formatDollars(spentMicros)}</b>.</p>
</header>`;
}

function formatStatuses({ tally, rows }: ReportFacts): string {
  const counts = ORDER.map((status) => ({
    status,
    count: tally.statuses[ROW_STATUSES.indexOf(status)] ?? 0,
  }));
  const shown = counts.filter(({ count }) => count > 0);
  const words = shown
    .map(({ status, count }) => `${status.replace('_', ' ')} ${formatCount(count)}`)
    .join(', ');
  const parts = shown.map(({ status, count }) => ({ kind: `f-${status}`, share: count / Math.max(1, rows) }));
  const legend = shown.map(
    ({ status, count }) =>
      `<li><span class="dot s-${status}"></span>${sentence(status)} <b>${formatCount(count)}</b> <span class="quiet">${formatShare(count, rows)}</span></li>`,
  );
  return section(
    'What became of the rows',
    `${drawBar(parts, `Rows by status: ${words}`, 14)}<ul class="legend">${legend.join('')}</ul>`,
  );
}

function formatNews({ news, namesRows }: ReportFacts): string {
  if (news === null) return '';
  const { sinceMs, changedRows, added, changed, removed, examples } = news;
  const time = new Date(sinceMs).toISOString().slice(0, 16).replace('T', ' ');
  if (changedRows === 0)
    return section(NEWS, `<p class="quiet">The run of ${time} UTC changed no value.</p>`);
  const counts = [
    ...(added > 0 ? [`${formatCount(added)} new`] : []),
    ...(changed > 0 ? [`${formatCount(changed)} changed`] : []),
    ...(removed > 0 ? [`${formatCount(removed)} removed`] : []),
  ];
  const rows = examples.map(({ line, row, field, before, after }) => {
    const name = namesRows && row !== null ? cut(formatInput(row)) : `line ${formatCount(line)}`;
    return `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(field)}</td><td class="news-values"><del>${formatValue(before)}</del> <ins>${formatValue(after)}</ins></td></tr>`;
  });
  const rest = added + changed + removed - examples.length;
  const more = rest > 0 ? `<p class="quiet">And ${formatCount(rest)} more.</p>` : '';
  return section(
    NEWS,
    `<p>Values of ${formatCount(changedRows)} ${changedRows === 1 ? 'row' : 'rows'} since ${time} UTC: ${counts.join(', ')}.</p><table class="news-table">${rows.join('')}</table>${more}`,
  );
}

const NEWS = 'New since the last run';
const MAX_NEWS_TEXT = 120;

function cut(text: string): string {
  return text.length <= MAX_NEWS_TEXT ? text : `${text.slice(0, MAX_NEWS_TEXT)}…`;
}

function formatValue(value: JsonValue): string {
  return value === null ? '—' : escapeHtml(cut(formatInput(value)));
}

function formatFields({ tally }: ReportFacts): string {
  const rows = tally.levels.map(({ field, counts }) => {
    const all = counts.reduce((sum, count) => sum + count, 0);
    const find = (...levels: Level[]): number =>
      levels.reduce((sum, level) => sum + (counts[LEVELS.indexOf(level)] ?? 0), 0);
    const filled = all - find('none');
    const parts = [
      { kind: 'c-high', share: find('high', 'human', 'own') / Math.max(1, all) },
      { kind: 'c-medium', share: find('medium', 'unrated') / Math.max(1, all) },
      { kind: 'c-low', share: find('low') / Math.max(1, all) },
    ];
    const label = `${field}: ${formatShare(filled, all)} filled, ${formatShare(find('low'), all)} with low confidence`;
    return `<tr><th scope="row">${escapeHtml(field)}</th><td class="bar-cell">${drawBar(parts, label, 10)}</td><td class="figure">${formatShare(filled, all)}</td></tr>`;
  });
  const legend = [
    ['high', 'high, or by hand'],
    ['medium', 'medium, or not rated'],
    ['low', 'low'],
  ].map(([kind, text]) => `<li><span class="swatch c-${kind}"></span>${text}</li>`);
  return section(
    'Filled, by column',
    `<table class="bars-table">${rows.join('')}</table><ul class="legend is-small">${legend.join('')}</ul>`,
  );
}

function formatHosts({ tally }: ReportFacts): string {
  const hosts = [...tally.hosts].sort((a, b) => b[1] - a[1]);
  if (hosts.length === 0) return '';
  const most = hosts[0]?.[1] ?? 1;
  const rows = hosts.slice(0, MAX_HOSTS).map(([host, count]) => {
    const bar = drawBar([{ kind: 'f-ink', share: count / most }], `${host}: ${formatCount(count)}`, 10);
    return `<tr><th scope="row">${escapeHtml(host)}</th><td class="bar-cell">${bar}</td><td class="figure">${formatCount(count)}</td></tr>`;
  });
  return section(
    'Where it came from',
    `<table class="bars-table">${rows.join('')}</table><p class="quiet">${formatCount(tally.citations)} citations of ${formatCount(hosts.length)} ${hosts.length === 1 ? 'site or table' : 'sites and tables'}.</p>`,
  );
}

function formatLevels({ tally }: ReportFacts): string {
  const { filled } = tally.countCells();
  const shown = (['high', 'medium', 'low', 'unrated', 'human', 'own'] as const).flatMap((level) => {
    const count = tally.countLevel(level);
    const word = { human: 'by hand', own: 'yours before', unrated: 'not rated' }[level as string] ?? level;
    return count === 0
      ? []
      : [
          `<li><span class="bars b-${level}"><i></i><i></i><i></i></span><b>${formatShare(count, filled)}</b> ${word}</li>`,
        ];
  });
  return shown.length === 0
    ? ''
    : section('Confidence of what was found', `<ul class="levels">${shown.join('')}</ul>`);
}

function formatCosts({ tally, spentMicros, rows }: ReportFacts): string {
  const spread = tally.spreadCosts();
  if (spread === null) return '';
  const most = Math.max(...spread.counts);
  const bars = spread.counts.map((count, index) => {
    const height = (count / most) * 60;
    return `<rect class="f-ink" x="${index * 20 + 1}" y="${(60 - height).toFixed(1)}" width="18" height="${height.toFixed(1)}"/>`;
  });
  const average = formatDollars(spentMicros / Math.max(1, rows));
  return section(
    'Cost of a row',
    `<svg class="histogram" viewBox="0 0 480 60" preserveAspectRatio="none" role="img" aria-label="Rows by cost, from $0 to ${formatDollars(spread.mostMicros)}, on average ${average}">${bars.join('')}</svg>
<p class="axis quiet"><span>$0</span><span>on average ${average}</span><span>${formatDollars(spread.mostMicros)}</span></p>`,
  );
}

const VERDICT_WORDS: Readonly<Record<VerdictMark, string>> = {
  on_page: 'found on a cited page',
  'on_page?': 'perhaps on a cited page',
  not_on_page: 'not on the cited pages',
  unchecked: 'pages that could not be read',
};

function formatVerdicts({ tally }: ReportFacts): string {
  const all = [...tally.verdicts.values()].reduce((sum, count) => sum + count, 0);
  if (all === 0) return '';
  const rows = VERDICT_MARKS.map((mark) => {
    const count = tally.verdicts.get(mark) ?? 0;
    const word = VERDICT_WORDS[mark];
    const bar = drawBar([{ kind: 'f-ink', share: count / all }], `${word}: ${formatCount(count)}`, 10);
    return `<tr><th scope="row">${word}</th><td class="bar-cell">${bar}</td><td class="figure">${formatCount(count)}</td></tr>`;
  });
  return section('Verified', `<table class="bars-table">${rows.join('')}</table>`);
}

function formatReasons({ tally }: ReportFacts): string {
  const reasons = [...tally.reasons].sort((a, b) => b[1] - a[1]).slice(0, MAX_REASONS);
  if (reasons.length === 0) return '';
  const rows = reasons.map(
    ([reason, count]) =>
      `<tr><th scope="row" class="is-long">${escapeHtml(reason)}</th><td class="figure">${formatCount(count)}</td></tr>`,
  );
  return section('Why rows failed', `<table class="bars-table">${rows.join('')}</table>`);
}

function formatQuestion({ query, sent, efforts }: ReportFacts): string {
  return section(
    'What was asked',
    `<p>${escapeHtml(query)}</p><p class="quiet">Sent: ${escapeHtml(sent.join(', '))}. Effort: ${escapeHtml(efforts.join(', then '))}.</p>`,
  );
}

function formatRows({ rows, listed, columns }: ReportFacts): string {
  const note =
    listed < rows
      ? `<p class="quiet">${formatCount(listed)} of ${formatCount(rows)} rows: those that need a look. All of them are in the output.</p>`
      : '';
  const options = ORDER.map((status) => `<option value="${status}">${sentence(status)}</option>`).join('');
  return `<section class="rows">
<div class="rows-bar"><h2>Rows</h2><span id="count" class="quiet" role="status"></span><span class="grow"></span>
<select id="status" aria-label="Status"><option value="">Every status</option>${options}</select>
<input id="search" type="search" placeholder="Search rows" aria-label="Search rows"></div>
${note}
<noscript><p class="quiet">The table of rows needs scripts. The figures above do not.</p></noscript>
<div class="table"><div id="grid"></div><aside id="panel" class="report-panel" aria-label="Details" hidden></aside></div>
<p class="quiet">Columns of your file in this report: ${escapeHtml(columns.join(', ') || 'none')}.</p>
<div id="print"></div>
</section>`;
}

function section(title: string, content: string): string {
  return `<section class="part"><h2>${title}</h2>${content}</section>`;
}

/** A bar of shares, drawn with attributes: the policy allows no styles in markup. */
function drawBar(
  parts: readonly { readonly kind: string; readonly share: number }[],
  label: string,
  height: number,
): string {
  let x = 0;
  const drawn = parts.map(({ kind, share }) => {
    const width = share * 1_000;
    const part = `<rect class="${kind}" x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="${height}"/>`;
    x += width;
    return part;
  });
  return `<svg class="share-bar" viewBox="0 0 1000 ${height}" height="${height}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(label)}"><rect class="f-empty" x="0" y="0" width="1000" height="${height}"/>${drawn.join('')}</svg>`;
}

function formatShare(count: number, all: number): string {
  if (all === 0) return '0%';
  const percent = (count / all) * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`;
}

function sentence(status: string): string {
  return status.charAt(0).toUpperCase() + status.slice(1).replace('_', ' ');
}
