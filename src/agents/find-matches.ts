import type { InputRecord } from './input-record.js';
import { addDomain } from './input-record.js';
import type { MatchedRecord } from './look-up-property.js';
import { type Match, matchRecord } from './match-record.js';
import { listKeys, type TableIndex } from './table-index.js';

export interface RecordMatches {
  readonly matches: readonly MatchedRecord[];
  /** Why a table gave no record although it had some that could be meant. */
  readonly reasons: readonly string[];
}

/**
 * Looks an input record up in every table. Where it has no domain and a matched record has one, the tables that found nothing are
 * asked again by that domain; what they tell is no surer than the match that led there.
 */
export function findMatches(tables: readonly TableIndex[], input: InputRecord): RecordMatches {
  const results = tables.map((index) => ({ index, match: matchRecord(index, input) }));
  const found = results.flatMap(({ index, match }) => readMatch(index, match));
  const reasons = results.flatMap(({ match }) => (match.status === 'unsure' ? [match.reason] : []));
  if (input.domains.length > 0 || input.roles.subject === 'person') return { matches: found, reasons };
  const bridge = found.find((matched) => readDomain(matched) !== null);
  const domain = bridge === undefined ? null : readDomain(bridge);
  if (bridge === undefined || domain === null) return { matches: found, reasons };
  const further = results
    .filter(({ match }) => match.status === 'none')
    .flatMap(({ index }) => readMatch(index, matchRecord(index, addDomain(input, domain))))
    .map((matched) => ({ ...matched, confidence: bridge.confidence }));
  return { matches: [...found, ...further], reasons };
}

function readMatch(index: TableIndex, match: Match): MatchedRecord[] {
  return match.status === 'found' ? [{ index, record: match.record, confidence: match.confidence }] : [];
}

function readDomain({ index, record }: MatchedRecord): string | null {
  if (index.roles.subject === 'person') return null;
  const keys = index.roles.domains.flatMap((column) => listKeys(index.table, column, record));
  const [domain] = keys.filter((key) => key.startsWith('domain:'));
  return domain?.replace('domain:', '') ?? null;
}
