import type { JsonObject } from '../model/json.js';
import type { Cell } from './answer-record.js';

/** What happened to one input record. */
export interface RecordReport {
  readonly record: JsonObject;
  readonly cells: readonly Cell[];
  readonly reasons: readonly string[];
}

const MAX_LINES = 100;
const MAX_NAME_CHARACTERS = 80;

/** The words of an answer: how much was found, and for each record with holes why. */
export function writeReport(source: string, reports: readonly RecordReport[], left: number): string {
  const filled = reports.filter(({ cells }) => listFound(cells).length > 0).length;
  const lines = [`${filled} of ${reports.length} records were found in ${source}.`];
  if (left > 0) lines.push(`${left} more did not fit into the list that the schema allows.`);
  for (const report of reports) lines.push(...describeHoles(report));
  const more = lines.length - MAX_LINES;
  return [...lines.slice(0, MAX_LINES), ...(more > 0 ? [`… and ${more} lines more.`] : [])].join('\n');
}

/** A record for a person: the first thing that it says of itself. */
export function nameRecord(record: JsonObject): string {
  const entry = Object.entries(record).find(
    ([key, value]) => key !== 'row_id' && typeof value === 'string' && value !== '',
  );
  const name = entry?.[1] ?? record.row_id ?? 'a record';
  return String(name)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, MAX_NAME_CHARACTERS);
}

/** A reason begins with the id of its row, so that whoever sent the row can put the two together. */
function describeHoles({ record, cells, reasons }: RecordReport): string[] {
  const holes = cells.filter((cell) => cell.origin === 'tables' && cell.value === null);
  if (holes.length === 0) return [];
  const id = typeof record.row_id === 'string' ? record.row_id : nameRecord(record);
  const ofRow = reasons.length === 0 ? [] : [`${id}: ${reasons.join('; ')}`];
  const ofFields = holes.flatMap(({ path, issue }) =>
    issue === null ? [] : [`${id}.${path.at(-1)}: ${issue}`],
  );
  const said = [...ofRow, ...ofFields];
  const isUnknown = said.length === 0 && listFound(cells).length === 0;
  return isUnknown ? [`${nameRecord(record)}: in none of the tables.`] : said;
}

function listFound(cells: readonly Cell[]): readonly Cell[] {
  return cells.filter((cell) => cell.origin === 'tables' && cell.value !== null);
}
