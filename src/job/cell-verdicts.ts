import type { CellVerdict } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import { hashText } from '../model/ask.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import { type CheckedCitation, createVerdict, pickBest } from '../model/verdict.js';

/** Hash of a value. A verdict applies only to the value that was looked for. */
export function hashValue(value: JsonValue): string {
  return hashText(formatCanonicalJson(value), 16);
}

/**
 * The verdict of each cell of a row: that of its best citation. A value without citations is `uncited`; a cell that was
 * not checked is missing.
 */
export function readCellVerdicts(
  fields: ReadonlyMap<string, FieldAnswer>,
  stored: readonly CellVerdict[],
): ReadonlyMap<string, CheckedCitation> {
  const verdicts = new Map<string, CheckedCitation>();
  for (const [name, { value, citations, who }] of fields) {
    if (value === null || who === 'human') continue;
    if (citations.length === 0) verdicts.set(name, UNCITED);
    const hash = hashValue(value);
    const cited = new Set(citations.map(({ url }) => url));
    const own = stored.filter(
      ({ field, value: of, citation }) => field === name && of === hash && cited.has(citation.url),
    );
    const best = pickBest(own.map(({ citation }) => citation));
    if (best !== null) verdicts.set(name, best);
  }
  return verdicts;
}

const UNCITED: CheckedCitation = {
  ...createVerdict('uncited', 'the agent named no source'),
  url: '',
  pageHash: null,
  checkedAtMs: 0,
};
