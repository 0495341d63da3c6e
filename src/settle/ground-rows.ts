import type { CheckedRow } from '../model/checked.js';
import {
  cleanLine,
  cleanText,
  isPlainLink,
  MAX_SOURCE_LENGTH,
  MAX_TITLE_LENGTH,
} from '../model/foreign-text.js';
import { isJsonObject, type JsonValue } from '../model/json.js';
import type { Citation, Confidence, Grounding } from '../model/run.js';
import { createPathReader } from './grounding-path.js';

/** Where a field's value came from, and how sure the agent is of it. */
export interface FieldGrounding {
  readonly citations: readonly Citation[];
  readonly confidence: Confidence | null;
}

/** No reader of a cell looks at more. */
const MAX_CITATIONS = 100;

/**
 * Joins citations and confidence to the fields of rows, by the index in the agent's own list. What is said of a field
 * (or of anything inside its value) goes before what is said of its whole row; of several confidences the lowest
 * counts; what is said of the root says nothing about a row. A field without a value has no grounding.
 */
export function joinGrounding(
  rows: readonly CheckedRow[],
  grounding: readonly Grounding[],
  structured: JsonValue,
): ReadonlyMap<CheckedRow, ReadonlyMap<string, FieldGrounding>> {
  const names = [...new Set(rows.flatMap((row) => [...row.fields.keys()]))];
  const readPath = createPathReader(structured, names);
  const byRow = new Map<number, RowGroundings>();
  for (const entry of Array.isArray(grounding) ? grounding : []) {
    const place = isJsonObject(entry) && typeof entry.field === 'string' ? readPath(entry.field) : null;
    if (place === null) continue;
    const found = byRow.get(place.index) ?? { whole: [], fields: new Map<string, Grounding[]>() };
    byRow.set(place.index, found);
    if (place.field === null) found.whole.push(entry);
    else append(found.fields, place.field, entry);
  }
  return new Map(rows.map((row) => [row, joinRow(row, byRow)]));
}

interface RowGroundings {
  readonly whole: Grounding[];
  readonly fields: Map<string, Grounding[]>;
}

function append(lists: Map<string, Grounding[]>, name: string, entry: Grounding): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [entry]);
  else list.push(entry);
}

const NO_GROUNDING: FieldGrounding = { citations: [], confidence: null };

function joinRow(
  row: CheckedRow,
  byRow: ReadonlyMap<number, RowGroundings>,
): ReadonlyMap<string, FieldGrounding> {
  return new Map(
    [...row.fields].map(([name, field]): [string, FieldGrounding] => {
      const found = field.value === null ? undefined : findGroundings(row, name, byRow);
      if (found === undefined) return [name, NO_GROUNDING];
      const own = found.fields.get(name) ?? [];
      const citations = readCitations(own);
      return [
        name,
        {
          citations: citations.length > 0 ? citations : readCitations(found.whole),
          confidence: readConfidence(own) ?? readConfidence(found.whole),
        },
      ];
    }),
  );
}

/** What is said of a field's row: by its one entry, or by those of several that the value came from. */
function findGroundings(
  row: CheckedRow,
  name: string,
  byRow: ReadonlyMap<number, RowGroundings>,
): RowGroundings | undefined {
  const places = row.twice?.places.get(name);
  if (places === undefined) return byRow.get(row.index);
  const found = places.flatMap((index) => byRow.get(index) ?? []);
  return {
    whole: found.flatMap(({ whole }) => whole),
    fields: new Map([[name, found.flatMap(({ fields }) => fields.get(name) ?? [])]]),
  };
}

/** The pages, each once and in order. */
function readCitations(groundings: readonly Grounding[]): readonly Citation[] {
  const byUrl = new Map<string, Citation>();
  for (const { citations } of groundings) {
    for (const citation of Array.isArray(citations) ? citations : []) {
      const url = isJsonObject(citation) ? readUrl(citation.url) : null;
      if (url === null || (!byUrl.has(url) && byUrl.size >= MAX_CITATIONS)) continue;
      const title =
        typeof citation.title === 'string' ? cleanLine(citation.title, MAX_TITLE_LENGTH) || null : null;
      byUrl.set(url, { url, title: byUrl.get(url)?.title ?? title });
    }
  }
  return [...byUrl.values()];
}

/**
 * The address of a source, without the white space that would cut it in two in a cell. Whether it is a link is decided when it
 * is written; a name without a scheme is not an address, and a user name is not kept.
 */
function readUrl(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = cleanText(value).trim();
  if (!URL.canParse(text)) return null;
  if (isPlainLink(text)) return text;
  const { protocol, username, password, href } = new URL(text);
  const isAddress = /^(?:https?|file):$/.test(protocol);
  if (!isAddress) return cleanLine(text, MAX_TITLE_LENGTH);
  if (!/^(?:https?|file):\/\//i.test(text) || text.length > MAX_SOURCE_LENGTH) return null;
  if (username !== '' || password !== '') return href.replace(/^([a-z]+:\/\/)[^/?#]*@/, '$1***@');
  return /\s/.test(text) ? href : text;
}

const CONFIDENCES: readonly Confidence[] = ['low', 'medium', 'high'];

function readConfidence(groundings: readonly Grounding[]): Confidence | null {
  const said = groundings.map(({ confidence }) =>
    typeof confidence === 'string' ? confidence.toLowerCase() : null,
  );
  return CONFIDENCES.find((confidence) => said.includes(confidence)) ?? null;
}
