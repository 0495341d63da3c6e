import type { FieldAnswer } from '../model/answer.js';
import type { JsonValue } from '../model/json.js';
import { compactJson, readMembers } from '../model/json-text.js';
import type { FilledRow } from '../model/outcome.js';
import { isBlank, type Row } from '../model/row.js';
import type { OutputOptions, RowFormatter } from './output.js';

/** Writes JSON Lines: the input's object as it stood, the fields, and what became of the row. */
export function createJsonlFormatter(options: OutputOptions): RowFormatter {
  const newline = options.shape.newline === '\r' ? '\n' : options.shape.newline;
  return {
    head: '',
    format: (rows) => rows.map((row) => flatten(formatObject(row, options)) + newline).join(''),
    tail: '',
  };
}

/** An object that stood on many lines goes on one; the others keep their spaces. */
function flatten(text: string): string {
  return /[\r\n]/.test(text) ? compactJson(text) : text;
}

/** Writes one list of objects, each on its own lines. */
export function createJsonFormatter(options: OutputOptions): RowFormatter {
  let separator = '\n';
  return {
    head: '[',
    format: (rows) => {
      const text = separator + rows.map((row) => formatObject(row, options)).join(',\n');
      separator = ',\n';
      return text;
    },
    tail: '\n]\n',
  };
}

/** One output object. Its text is the input's, with values put in: so nothing that JavaScript cannot hold is damaged. */
function formatObject({ row, outcome }: FilledRow, options: OutputOptions): string {
  const own = createMembers(row, options.columns);
  const replaced = new Map<string, JsonValue>();
  const added: [string, JsonValue][] = [];
  const sources: Record<string, JsonValue> = Object.create(null);
  for (const { name } of options.fields) {
    const answer = outcome.fields.get(name);
    const value = answer?.value ?? null;
    const isOurs = !own.has(name) || isBlank(own.get(name)) || (options.overwrite && value !== null);
    if (!own.has(name)) added.push([name, value]);
    else if (isOurs && value !== null) replaced.set(name, value);
    if (answer !== undefined && isOurs) sources[name] = describeSource(answer);
  }
  const enrichment: JsonValue = {
    status: outcome.status,
    error: outcome.error,
    cost_usd: outcome.costMicros / 1_000_000,
    run_id: outcome.runId,
    fields: sources,
    ...(row.kind === 'faulty' ? { line: row.text } : {}),
  };
  if (own.has('enrichment')) replaced.set('enrichment', enrichment);
  else added.push(['enrichment', enrichment]);
  const text = row.kind === 'object' ? row.text : formatMembers(own);
  return appendMembers(replaceMembers(text, replaced), added);
}

/** The members that a row brings along: those of its object, or its cells under the names of their columns. */
function createMembers(row: Row, columns: readonly string[]): ReadonlyMap<string, JsonValue> {
  if (row.kind === 'object') return new Map(Object.entries(row.object));
  if (row.kind === 'faulty') return new Map();
  const cells: [string, JsonValue][] = columns.map((column, index) => [column, row.cells[index] ?? '']);
  const surplus = row.cells.slice(columns.length);
  return new Map(surplus.length === 0 ? cells : [...cells, ['surplus_cells', surplus]]);
}

function formatMembers(members: ReadonlyMap<string, JsonValue>): string {
  return `{${[...members].map(formatMember).join(',')}}`;
}

function formatMember([key, value]: readonly [string, JsonValue]): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** Puts new values in the places of old ones; of a key that occurs twice the last one counts, as for every reader. */
function replaceMembers(text: string, values: ReadonlyMap<string, JsonValue>): string {
  if (values.size === 0) return text;
  const spans = new Map(readMembers(text).map((member) => [member.key, member]));
  const pieces: string[] = [];
  let at = 0;
  for (const { key, start, end } of [...spans.values()].sort((a, b) => a.start - b.start)) {
    const value = values.get(key);
    if (value === undefined) continue;
    pieces.push(text.slice(at, start), JSON.stringify(value));
    at = end;
  }
  return pieces.join('') + text.slice(at);
}

function appendMembers(text: string, members: readonly (readonly [string, JsonValue])[]): string {
  if (members.length === 0) return text;
  const head = text.slice(0, text.lastIndexOf('}')).trimEnd();
  return `${head}${head.endsWith('{') ? '' : ','}${members.map(formatMember).join(',')}}`;
}

function describeSource({ confidence, citations }: FieldAnswer): JsonValue {
  return { confidence, citations: citations.map(({ url, title }) => ({ url, title: title ?? null })) };
}
