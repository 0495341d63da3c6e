import type { FieldAnswer, FilledRow } from '../model/answer.js';
import { DEFAULT_BLANKS } from '../model/blank.js';
import { compactJson, type JsonValue, parseMembers } from '../model/json.js';
import type { Row } from '../model/row.js';
import type { OutputOptions, RowFormatter } from './output.js';

/** Writes JSON Lines: the input's object as it stood, the fields, and what became of the row. */
export function createJsonlFormatter(options: OutputOptions): RowFormatter {
  const newline = options.shape.newline === '\r' ? '\n' : options.shape.newline;
  const formatObject = createObjectFormatter(options);
  // Only an item of a list can stand on many lines; it goes on one, and all others keep their spaces.
  const isList = options.shape.format === 'json';
  const formatLine = isList ? (row: FilledRow) => flatten(formatObject(row)) : formatObject;
  return {
    head: '',
    format: (rows) => rows.map((row) => formatLine(row) + newline).join(''),
    tail: '',
  };
}

/** Writes one list of objects, each on its own lines. */
export function createJsonFormatter(options: OutputOptions): RowFormatter {
  const formatObject = createObjectFormatter(options);
  let separator = '\n';
  return {
    head: '[',
    format: (rows) => {
      const text = separator + rows.map(formatObject).join(',\n');
      separator = ',\n';
      return text;
    },
    tail: '\n]\n',
  };
}

function flatten(text: string): string {
  return /[\r\n]/.test(text) ? compactJson(text) : text;
}

/** One output object. Its text is the input's, with values put in: so nothing that JavaScript cannot hold is damaged. */
function createObjectFormatter(options: OutputOptions): (row: FilledRow) => string {
  const { blanks = DEFAULT_BLANKS } = options;
  const keys = options.columns.map(formatKey);
  const fields = options.fields.map(({ name }) => ({ name, key: formatKey(name) }));
  return ({ row, outcome }) => {
    const replaced = new Map<string, string>();
    const sources: string[] = [];
    let added = '';
    for (const { name, key } of fields) {
      const answer = outcome.fields.get(name);
      const value = answer?.value ?? null;
      const own = getOwn(row, name);
      if (own === undefined) added += `,${key}${JSON.stringify(value)}`;
      else if (!blanks.isUnfilled(name, own) && (!options.overwrite || value === null)) continue;
      else if (value !== null) replaced.set(name, JSON.stringify(value));
      if (answer !== undefined) sources.push(key + formatSource(answer));
    }
    const enrichment = formatEnrichment({ row, outcome }, sources);
    if (getOwn(row, 'enrichment') === undefined) added += `,"enrichment":${enrichment}`;
    else replaced.set('enrichment', enrichment);
    return appendMembers(replaceMembers(formatOwn(row, keys), replaced), added);
  };
}

/** What a row brings along under a name, undefined if it has no such member. */
function getOwn(row: Row, name: string): JsonValue | undefined {
  switch (row.kind) {
    case 'cells': {
      const index = row.columns.get(name);
      return index === undefined ? undefined : (row.cells[index] ?? '');
    }
    case 'object':
      return Object.hasOwn(row.object, name) ? row.object[name] : undefined;
    case 'faulty':
      return undefined;
  }
}

/** The row as an object: its own text, or its cells under the names of their columns. */
function formatOwn(row: Row, keys: readonly string[]): string {
  if (row.kind === 'object') return row.text;
  if (row.kind === 'faulty') return '{}';
  const members = keys.map((key, index) => key + JSON.stringify(row.cells[index] ?? ''));
  const surplus = row.cells.slice(keys.length);
  if (surplus.length > 0) members.push(`"surplus_cells":${JSON.stringify(surplus)}`);
  return `{${members.join(',')}}`;
}

function formatEnrichment({ row, outcome }: FilledRow, sources: readonly string[]): string {
  const { status, error, costMicros, isCostEstimated, runId } = outcome;
  const line = row.kind === 'faulty' ? `,"line":${JSON.stringify(row.text)}` : '';
  const cost = `${costMicros / 1_000_000}${isCostEstimated ? ',"cost_estimated":true' : ''}`;
  return `{"status":"${status}","error":${JSON.stringify(error)},"cost_usd":${cost},"run_id":${JSON.stringify(runId)},"fields":{${sources.join(',')}}${line}}`;
}

function formatSource({ confidence, citations }: FieldAnswer): string {
  const sources = citations.map(({ url, title = null, text }) => ({
    url,
    title,
    ...(text === undefined ? {} : { text }),
  }));
  return JSON.stringify({ confidence, citations: sources });
}

function formatKey(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/** Puts new values in the places of old ones; of a key that occurs twice the last one counts, as for every reader. */
function replaceMembers(text: string, values: ReadonlyMap<string, string>): string {
  if (values.size === 0) return text;
  const spans = new Map(parseMembers(text).map((member) => [member.key, member]));
  const pieces: string[] = [];
  let at = 0;
  for (const { key, start, end } of [...spans.values()].sort((a, b) => a.start - b.start)) {
    const value = values.get(key);
    if (value === undefined) continue;
    pieces.push(text.slice(at, start), value);
    at = end;
  }
  return pieces.join('') + text.slice(at);
}

/** `members` start with a comma each. */
function appendMembers(text: string, members: string): string {
  const head = text.slice(0, text.lastIndexOf('}')).trimEnd();
  return `${head}${head.endsWith('{') ? members.slice(1) : members}}`;
}

/** Writes one JSON line for each citation: which row and field it is for, and what it says it is. */
export function createCitationsFormatter(): RowFormatter {
  return {
    head: '',
    format: (rows) => rows.flatMap(describeCitations).join(''),
    tail: '',
  };
}

function describeCitations({ row, outcome }: FilledRow): string[] {
  return [...outcome.fields].flatMap(([field, { value, confidence, citations, runId }]) =>
    citations.map(({ url, title, text }) => {
      const citation = {
        row: row.ordinal + 1,
        line: row.line,
        field,
        value,
        url,
        title: title ?? null,
        text,
      };
      return `${JSON.stringify({ ...citation, confidence, run_id: runId })}\n`;
    }),
  );
}
