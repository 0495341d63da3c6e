import { pathToFileURL } from 'node:url';
import { type Ask, isEmbedded, TABLE_STATE } from '../model/ask.js';
import type { JsonValue } from '../model/json.js';
import type { PageBytes } from '../pages/page-text.js';

/**
 * Reads the rows that the embedded agent cites, `file:///…/table.csv#row=N`, as pages. Only files of the job's own
 * folder of tables are read, and only once something cites them.
 */
export function createTableReader(ask: Pick<Ask, 'agent'>): (url: string) => Promise<PageBytes | null> {
  let loading: Promise<ReadonlyMap<string, TableRow>> | null = null;
  return async (url) => {
    if (!isEmbedded(ask)) return null;
    loading ??= loadRows(ask.agent.replace(TABLE_STATE, ''));
    const row = (await loading).get(url);
    return row === undefined ? null : createPage(url, row);
  };
}

interface TableRow {
  readonly title: string;
  readonly cells: readonly (readonly [name: string, value: JsonValue])[];
}

async function loadRows(folder: string): Promise<ReadonlyMap<string, TableRow>> {
  const rows = new Map<string, TableRow>();
  // Loaded only when needed.
  const { loadTables } = await import('../agents/reference/load-tables.js');
  // A folder that is gone or damaged has no rows to check.
  const { tables } = await loadTables(folder).catch(() => ({ tables: [] }));
  for (const { path, name, unit, columns, records } of tables) {
    const address = pathToFileURL(path).href;
    for (const { position, values } of records) {
      const cells = columns.map((column, at) => [column.name, values[at] ?? null] as const);
      rows.set(`${address}#${unit}=${position}`, { title: `${name}, ${unit} ${position}`, cells });
    }
  }
  return rows;
}

/** A page with one line for each cell, as sites show facts about a company. */
function createPage(url: string, { title, cells }: TableRow): PageBytes {
  const lines = cells
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(formatCell(value))}</td></tr>`);
  const html = `<!doctype html><title>${escapeHtml(title)}</title><main><table>${lines.join('')}</table></main>`;
  return {
    url,
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body: Buffer.from(html, 'utf8'),
  };
}

function formatCell(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
