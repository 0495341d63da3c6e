import { formatCanonicalJson, isJsonObject, type JsonValue } from '../model/json.js';
import { normaliseText } from '../model/plain-text.js';
import { isEmpty } from '../model/row.js';
import type { Citation, Confidence } from '../model/run.js';
import { coerceValue } from './coerce-value.js';
import { findColumns } from './find-columns.js';
import { listSources } from './list-sources.js';
import type { SchemaNode, SchemaReader } from './schema-reader.js';
import { createCitation, describeRecord } from './table.js';
import type { TableIndex } from './table-index.js';

/** The record of one table that an input record was matched with. */
export interface MatchedRecord {
  readonly index: TableIndex;
  readonly record: number;
  readonly confidence: Confidence;
}

/** What the tables say of one property; `issue` tells why there is no value although there was something. */
export interface Finding {
  readonly value: JsonValue;
  readonly confidence: Confidence | null;
  readonly citations: readonly Citation[];
  readonly issue: string | null;
}

interface Reading extends MatchedRecord {
  readonly value: JsonValue;
  readonly column: number;
}

/**
 * Looks one property up in every matched record. The surest match counts; records that are equally sure have to agree, and those
 * that agree are all cited.
 */
export function lookUpProperty(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  isLeafUnique: boolean,
  matches: readonly MatchedRecord[],
): Finding {
  const readings = matches.flatMap((match) => readColumns(reader, node, path, isLeafUnique, match));
  const usable = readings.filter((reading) => reading.value !== null);
  const [odd] = readings;
  if (usable.length === 0) {
    return createNothing(odd === undefined ? null : `${describeReading(odd)} does not fit the schema`);
  }
  const best = Math.max(...usable.map((reading) => RANKS[reading.confidence]));
  const [first, ...others] = usable.filter((reading) => RANKS[reading.confidence] === best);
  if (first === undefined) return createNothing(null);
  const other = others.find((reading) => !isSameValue(reading.value, first.value));
  if (other !== undefined) {
    return createNothing(`${describeReading(first)} and ${describeReading(other)} disagree`);
  }
  const agreeing = usable
    .filter((reading) => isSameValue(reading.value, first.value))
    .sort((a, b) => RANKS[b.confidence] - RANKS[a.confidence]);
  return {
    value: first.value,
    confidence: first.confidence,
    citations: listCitations(agreeing),
    issue: null,
  };
}

const RANKS: Readonly<Record<Confidence, number>> = { low: 1, medium: 2, high: 3 };

/** Nothing was found, or nothing that may be told. */
export function createNothing(issue: string | null): Finding {
  return { value: null, confidence: null, citations: [], issue };
}

function readColumns(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  isLeafUnique: boolean,
  match: MatchedRecord,
): Reading[] {
  const { table } = match.index;
  const values = table.records[match.record]?.values ?? [];
  return findColumns(table, path, isLeafUnique).flatMap((column) => {
    const raw = values[column] ?? null;
    if (isEmpty(raw)) return [];
    const value = coerceValue(reader, node, raw, match.index.readNumberStyle(column));
    return [{ ...match, column, value }];
  });
}

function isSameValue(a: JsonValue, b: JsonValue): boolean {
  return foldValue(a) === foldValue(b);
}

function foldValue(value: JsonValue): string {
  if (typeof value === 'string') return normaliseText(value);
  return isJsonObject(value) || Array.isArray(value) ? formatCanonicalJson(value) : JSON.stringify(value);
}

function describeReading(reading: Reading): string {
  const { table } = reading.index;
  const record = table.records[reading.record];
  const place = record === undefined ? table.name : describeRecord(table, record);
  return `${place} (${table.columns[reading.column]?.name ?? ''})`;
}

function listCitations(readings: readonly Reading[]): readonly Citation[] {
  const citations = readings.flatMap(({ index, record, column }) => {
    const found = index.table.records[record];
    if (found === undefined) return [];
    return [createCitation(index.table, found), ...listSources(index.table, found, column)];
  });
  return [...new Map(citations.map((citation) => [citation.url, citation])).values()];
}
