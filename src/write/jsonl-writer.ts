import type { FieldAnswer, FilledRow, KeptCell } from '../model/answer.js';
import { DEFAULT_BLANKS } from '../model/blank.js';
import { compactJson, isJsonObject, type JsonValue, parseMembers } from '../model/json.js';
import type { SavedForm } from '../model/likeness.js';
import { listSourceColumns } from '../model/output-columns.js';
import type { Row } from '../model/row.js';
import { mayStay } from '../model/same-value.js';
import { type CheckedCitation, formatVerdict } from '../model/verdict.js';
import type { OutputOptions, RowFormatter } from './output.js';

/** Writes JSON Lines: the input object unchanged, plus the fields and the outcome. */
export function createJsonlFormatter(options: OutputOptions): RowFormatter {
  const newline = options.shape.newline === '\r' ? '\n' : options.shape.newline;
  const formatObject = createObjectFormatter(options);
  return {
    head: '',
    // An object can span several lines in the input.
    format: (rows) => rows.map((row) => flatten(formatObject(row)) + newline).join(''),
    tail: '',
  };
}

/** Writes one list of objects, one after another, inside the document that it came from. */
export function createJsonFormatter(options: OutputOptions): RowFormatter {
  const formatObject = createObjectFormatter(options);
  const { head = '[', tail = ']\n' } = options.shape.envelope ?? {};
  let separator = '\n';
  return {
    head,
    format: (rows) => {
      const text = separator + rows.map(formatObject).join(',\n');
      separator = ',\n';
      return text;
    },
    tail: `\n${tail}`,
  };
}

function flatten(text: string): string {
  return /[\r\n]/.test(text) ? compactJson(text) : text;
}

/**
 * Formats one output object by inserting values into the input's text, so that numbers JavaScript cannot
 * represent stay intact.
 */
function createObjectFormatter(options: OutputOptions): (row: FilledRow) => string {
  const { blanks = DEFAULT_BLANKS } = options;
  const keys = options.columns.map(formatKey);
  const fields = options.fields.map(({ name }) => ({ name, key: formatKey(name) }));
  const names = new Set(options.fields.map(({ name }) => name));
  return ({ row, outcome }) => {
    const replaced = new Map<string, string>();
    const sources: string[] = [];
    let added = '';
    for (const { name, key } of fields) {
      const answer = outcome.fields.get(name);
      const value = answer?.value ?? null;
      const own = getOwn(row, name);
      const isReturned = outcome.returned?.includes(name) === true;
      if (isReturned && own !== undefined) {
        // A placeholder stays where nothing was found, as in the first output.
        const isKept = value === null && blanks.isUnfilled(name, own);
        const isSavedAs = (form: SavedForm): boolean => options.isSavedAs?.(name, form) === true;
        const isWhole = value === null ? own === null : mayStay(own, value, undefined, isSavedAs);
        if (!isKept && !isWhole) replaced.set(name, JSON.stringify(value));
      } else if (own === undefined) added += `,${key}${JSON.stringify(value)}`;
      else if (!blanks.isUnfilled(name, own) && (!options.overwrite || value === null)) continue;
      else if (value !== null) replaced.set(name, JSON.stringify(value));
      // A table saved as JSON: `enrichment` has these from now on, and the old ones would be wrong for a new value.
      const isKnown = isReturned || (outcome.kept?.get(name) ?? 'own') !== 'own';
      if (isKnown && row.kind === 'object' && getOwn(row, 'enrichment') === undefined)
        for (const column of listSourceColumns(name))
          if (getOwn(row, column) !== undefined) replaced.set(column, 'null');
      const rejected = outcome.rejected?.get(name);
      const checked = outcome.verdicts?.get(name);
      if (answer !== undefined || rejected !== undefined)
        sources.push(key + formatSource(answer, rejected, checked));
    }
    sources.push(...listKeptSources({ row, outcome }, names));
    if (options.plain === true) return appendMembers(replaceMembers(formatOwn(row, keys), replaced), added);
    const enrichment = formatEnrichment({ row, outcome }, sources);
    if (getOwn(row, 'enrichment') === undefined) added += `,"enrichment":${enrichment}`;
    else replaced.set('enrichment', enrichment);
    return appendMembers(replaceMembers(formatOwn(row, keys), replaced), added);
  };
}

/** Returns the row's own value for a name, or undefined if it has none. */
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

/** Returns the row as an object: its own text, or its cells by column name. */
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

/** What a filled row that was returned says of cells that stay as they are. `asked` are the names of all fields. */
function listKeptSources({ row, outcome }: FilledRow, asked: ReadonlySet<string>): string[] {
  const { kept = NONE_KEPT } = outcome;
  const human = [...kept].filter(([, reason]) => reason === 'human');
  const earlier = row.kind === 'object' ? row.object.enrichment : undefined;
  const known = isJsonObject(earlier) && isJsonObject(earlier.fields) ? Object.entries(earlier.fields) : [];
  const others = known.filter(
    ([name]) => kept.get(name) === 'own' || (!asked.has(name) && getOwn(row, name) !== undefined),
  );
  return [
    ...human.map(([name]) => `${formatKey(name)}${HUMAN_SOURCE}`),
    ...others.map(([name, source]) => formatKey(name) + JSON.stringify(source)),
  ];
}

const NONE_KEPT: ReadonlyMap<string, KeptCell> = new Map();
const HUMAN_SOURCE = JSON.stringify({ confidence: null, citations: [], who: 'human' });

/** What is said of a field; without an answer, only the values that a person rejected. */
function formatSource(
  answer: FieldAnswer | undefined,
  rejected: readonly JsonValue[] | undefined,
  checked: CheckedCitation | undefined,
): string {
  if (answer === undefined) return JSON.stringify({ confidence: null, citations: [], rejected });
  const { value, confidence, citations, issue, who, runId, foundAtMs } = answer;
  const sources = citations.map(({ url, title = null, text }) => ({
    url,
    title,
    ...(text === undefined ? {} : { text }),
  }));
  // How a value was repaired. Why there is none is in `error`.
  const note = value === null ? null : issue;
  return JSON.stringify({
    confidence,
    citations: sources,
    ...(note === null ? {} : { note }),
    ...(who === undefined ? {} : { who }),
    ...(foundAtMs === undefined ? {} : { as_of: new Date(foundAtMs).toISOString() }),
    ...(runId === '' ? {} : { run_id: runId }),
    ...(rejected === undefined || rejected.length === 0 ? {} : { rejected }),
    ...(checked === undefined ? {} : describeVerdict(checked)),
  });
}

function describeVerdict({
  verdict,
  evidence,
  passage,
  passageUrl,
  where,
  how,
  reason,
  ...rest
}: CheckedCitation) {
  return {
    verdict: formatVerdict({ verdict, evidence }),
    evidence,
    passage,
    passage_url: passageUrl,
    where,
    how,
    reason,
    checked_url: rest.url,
    page_hash: rest.pageHash,
    checked_at: new Date(rest.checkedAtMs).toISOString(),
    ...(rest.archivedUrl === undefined ? {} : { archived_url: rest.archivedUrl }),
  };
}

function formatKey(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/** Replaces values in place. If a key occurs twice the last one is replaced, because parsers use that one. */
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

/** Each of `members` starts with a comma. */
function appendMembers(text: string, members: string): string {
  const head = text.slice(0, text.lastIndexOf('}')).trimEnd();
  return `${head}${head.endsWith('{') ? members.slice(1) : members}}`;
}

/** Writes one JSON line per citation, with its row and field. */
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
