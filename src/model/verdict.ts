import type { JsonObject, JsonValue } from './json.js';

/** Verdicts of a citation, best first. `docs/verify.md` says what each means. */
export const VERDICTS = [
  'on_page',
  'not_on_page',
  'paywalled',
  'blocked',
  'unreadable',
  'gone',
  'unreachable',
  'not_checkable',
  'uncited',
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** `strong`: row and field are named beside the value, and no word turns it around. */
export type Evidence = 'strong' | 'weak';

/** A value that a page is said to support. */
export interface Claim {
  readonly field: { readonly name: string; readonly schema: JsonObject | boolean };
  readonly value: JsonValue;
  /** What the row is about: its sent columns, and links of their cells. */
  readonly row: readonly { readonly name: string; readonly value: string }[];
}

/** The result of looking for one value on one cited page. */
export interface CitationVerdict {
  readonly verdict: Verdict;
  /** Null unless the value is on the page. */
  readonly evidence: Evidence | null;
  /** The text around the value, at most 300 characters. */
  readonly passage: string | null;
  /** Address of the passage: the page with a text fragment or a page number. Null if there is none. */
  readonly passageUrl: string | null;
  /** Part of the page, such as `main`, `table`, `footer`, `data`, `link` or `pdf p. 3`. */
  readonly where: string | null;
  /** How the value is written there, such as `exact`, `rounded` or `alias`. */
  readonly how: string | null;
  /** One line that explains the verdict. */
  readonly reason: string | null;
  /** Of a list or object: for each part that can be looked up, true if it is on the page. Null for other values. */
  readonly parts: readonly boolean[] | null;
}

/** A verdict as stored: of one citation of one cell. */
export interface CheckedCitation extends CitationVerdict {
  /** The cited address. */
  readonly url: string;
  /** SHA-256 of the page's bytes in hex; null if there were none. */
  readonly pageHash: string | null;
  readonly checkedAtMs: number;
  /** For a page that is gone: the address of its archived copy, which was looked at instead. Null if there is none. */
  readonly archivedUrl?: string | null;
}

/** Creates a verdict without a passage. */
export function createVerdict(verdict: Verdict, reason: string | null): CitationVerdict {
  return {
    verdict,
    evidence: null,
    passage: null,
    passageUrl: null,
    where: null,
    how: null,
    reason,
    parts: null,
  };
}

/** The verdict of a cell: that of its best citation. Null if none of them was checked. */
export function pickBest(citations: readonly CheckedCitation[]): CheckedCitation | null {
  let best: CheckedCitation | null = null;
  for (const each of citations) if (best === null || rank(each) < rank(best)) best = each;
  if (best === null || best.verdict === 'on_page') return best;
  return coversAll(citations) ? { ...best, verdict: 'on_page', evidence: 'weak' } : best;
}

function rank({ verdict, evidence }: CitationVerdict): number {
  return VERDICTS.indexOf(verdict) + (verdict === 'on_page' && evidence === 'weak' ? 0.5 : 0);
}

/** True if the parts of a list are on the pages together, though on none of them alone. */
function coversAll(citations: readonly CitationVerdict[]): boolean {
  const lists = citations.flatMap(({ parts }) => (parts === null || parts.length === 0 ? [] : [parts]));
  const [first] = lists;
  return first?.every((_part, index) => lists.some((parts) => parts[index] === true)) === true;
}

/** The verdict as one word for a cell: a question mark stands for weak evidence. */
export function formatVerdict({ verdict, evidence }: Pick<CitationVerdict, 'verdict' | 'evidence'>): string {
  return verdict === 'on_page' && evidence === 'weak' ? 'on_page?' : verdict;
}
