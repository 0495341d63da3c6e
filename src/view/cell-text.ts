import { type CitedSource, type FieldAnswer, isDoubtful } from '../model/answer.js';
import type { Blanks } from '../model/blank.js';
import { isJsonObject, type JsonValue } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';
import type { Confidence } from '../model/run.js';
import type { CheckedCitation } from '../model/verdict.js';
import { formatInput } from '../write/cells.js';
import type { CellMark, CellSource, Level, VerdictMark, ViewField } from './api.js';

/** In the order of what the page and the survey store. */
export const LEVELS: readonly Level[] = ['none', 'low', 'medium', 'high', 'unrated', 'human', 'own'];

/** In the order of what the survey stores, which has 0 for a cell that nobody looked for. */
export const VERDICT_MARKS: readonly VerdictMark[] = ['on_page', 'on_page?', 'not_on_page', 'unchecked'];

/** What a verdict means for a reader of the table. Null if there was no page to look at. */
export function markVerdict(seen: CheckedCitation | undefined): VerdictMark | null {
  switch (seen?.verdict) {
    case undefined:
    case 'uncited':
    case 'not_checkable':
      return null;
    case 'on_page':
      return seen.evidence === 'weak' ? 'on_page?' : 'on_page';
    case 'not_on_page':
      return 'not_on_page';
    default:
      return 'unchecked';
  }
}

/** Longer texts are cut in a page of rows; the panel shows all of them. */
export const MAX_CELL_TEXT = 200;

/** What a cell of a field shows. */
export interface ShownCell {
  /** Null for an empty cell. */
  readonly text: string | null;
  readonly level: Level;
  readonly citations: readonly CitedSource[];
  readonly mark: CellMark | null;
}

/** Reads a cell: the answer, or the value that the row already had. */
export function showCell(
  row: Row,
  field: string,
  answer: FieldAnswer | undefined,
  blanks: Blanks,
  verdict?: CheckedCitation,
): ShownCell {
  if (answer !== undefined && answer.value !== null) {
    return {
      text: formatInput(answer.value),
      level: answer.who === 'human' ? 'human' : levelOf(answer.confidence),
      citations: answer.citations,
      mark: isDoubtful(answer) ? 'doubt' : markVerdict(verdict),
    };
  }
  const own = getValue(row, field);
  if (!blanks.isUnfilled(field, own)) {
    return { text: formatInput(own), level: 'own', citations: [], mark: null };
  }
  // A person may leave a cell blank on purpose.
  return { text: null, level: answer?.who === 'human' ? 'human' : 'none', citations: [], mark: null };
}

function levelOf(confidence: Confidence | null): Level {
  return confidence ?? 'unrated';
}

/** Lists the input cells of a row. */
export function showInput(row: Row, columns: readonly string[]): string[] {
  if (row.kind === 'faulty') return columns.map((_, index) => (index === 0 ? row.text : ''));
  return columns.map((column) => formatInput(getValue(row, column)));
}

export function cutText(text: string): string {
  return text.length <= MAX_CELL_TEXT ? text : `${text.slice(0, MAX_CELL_TEXT)}…`;
}

/** A source as the panel shows it. Only http and https addresses are links. */
export function showSource({ url, title, text }: CitedSource): CellSource {
  const link = url !== null && isWeb(url) ? url : null;
  return { link, title: title ?? null, text: link === null ? (text ?? url) : null };
}

/** The site of a source: its host without `www.`, or the name of a table; null if it has none. */
export function readHost({ url, text }: CitedSource): string | null {
  const address = url ?? text ?? '';
  if (!URL.canParse(address)) return null;
  const { protocol, hostname, pathname } = new URL(address);
  if (protocol === 'http:' || protocol === 'https:') return hostname.replace(/^www\./, '');
  if (protocol !== 'file:') return null;
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isWeb(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** How a field is shown: numbers are aligned to the right. */
export function createViewField(name: string, schema: JsonValue): ViewField {
  const types = isJsonObject(schema) ? [schema.type ?? []].flat().filter((type) => type !== 'null') : [];
  const isNumber = types.length > 0 && types.every((type) => type === 'integer' || type === 'number');
  const isLink = isJsonObject(schema) && schema.format === 'uri';
  return { name, kind: isNumber ? 'number' : isLink ? 'link' : 'text' };
}
