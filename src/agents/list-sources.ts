import type { JsonValue } from '../model/json.js';
import type { Citation } from '../model/run.js';
import type { Table, TableRecord } from './table.js';
import { isSourceColumn } from './table-roles.js';

const MAX_SOURCES = 5;

/** The web addresses that a record names as its sources: those of the column itself (`ceo_source`, `ceo_citations`), then those of the whole record. */
export function listSources(table: Table, record: TableRecord, column: number): readonly Citation[] {
  const key = table.columns[column]?.key ?? '';
  const own = new Set(
    ['source', 'sources', 'source_url', 'citation', 'citations'].map((word) => `${key}_${word}`),
  );
  const isOwn = table.columns.map((other) => own.has(other.key));
  const urls = [
    ...record.values.flatMap((value, at) => (isOwn[at] === true ? listUrls(value) : [])),
    ...record.values.flatMap((value, at) => {
      const other = table.columns[at];
      return other !== undefined && isSourceColumn(other) ? listUrls(value) : [];
    }),
  ];
  return [...new Set(urls)].slice(0, MAX_SOURCES).map((url) => ({ url }));
}

function listUrls(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(listUrls);
  if (typeof value !== 'string') return [];
  return value.split(/[\s;]+/).filter((part) => /^https?:\/\//i.test(part) && URL.canParse(part));
}
