/** The sentence around a value. */
export interface Sentence {
  readonly text: string;
  /** Position in the segment. */
  readonly start: number;
  readonly end: number;
  /** The parts of the sentence before and after the value. */
  readonly before: string;
  readonly after: string;
  /** The sentence before it in the same segment; empty if there is none. */
  readonly previous: string;
}

const MAX_LENGTH = 600;

/** Finds the sentence of a text in which a value stands. */
export function splitSentence(text: string, start: number, end: number): Sentence {
  const from = Math.max(0, start - MAX_LENGTH);
  const to = Math.min(text.length, end + MAX_LENGTH);
  const ends = [from, ...listEnds(text, from, to), to];
  const first = Math.max(...ends.filter((at) => at <= start));
  const last = Math.min(...ends.filter((at) => at >= end));
  const earlier = ends.filter((at) => at < first);
  const previous = earlier.length === 0 ? '' : text.slice(Math.max(...earlier), first);
  return {
    text: text.slice(first, last),
    start: first,
    end: last,
    before: text.slice(first, start),
    after: text.slice(end, last),
    previous: previous.trim(),
  };
}

/** Positions at which a sentence begins: after a full stop, a line break, or a bullet. */
function listEnds(text: string, from: number, to: number): number[] {
  const found: number[] = [];
  for (const match of text
    .slice(from, to)
    .matchAll(/[.!?…]["”’»)]?\s+(?=["“„«(¿¡]?[\p{Lu}\d\p{Lo}])|[。！？]|\n|\s[•|·■▪]\s|;\s/gu)) {
    const at = from + match.index;
    const isStop = match[0].startsWith('.');
    if (isStop && ABBREVIATION.test(text.slice(Math.max(0, at - 14), at))) continue;
    // "3. Mai" and "1. FC": an ordinal of German, Danish, Czech and others.
    if (
      isStop &&
      /(?:^|[^\d.,:])\d{1,2}$/.test(text.slice(Math.max(0, at - 4), at)) &&
      /^\p{L}/u.test(text.slice(at + match[0].length))
    )
      continue;
    found.push(at + match[0].length);
  }
  return found;
}

const ABBREVIATION =
  /(?:^|[\s("“.\-–/])(?:\p{Lu}|\p{L}\.\p{L}|IdNr|Reg|USt|Org|Mr|Mrs|Ms|[Dd]r|[Pp]rof|[Dd]oc|[Ii]ng|[Mm]ag|[Dd]ott|[Dd]ott\.ssa|ssa|[Aa]vv|[Mm]gr|[Pp]h|St|Sr|Jr|Inc|Ltd|Corp|Co|No|no|Nr|nr|vs|approx|ca|bzw|ggf|inkl|Mio|Mrd|Tsd|Bd|Mme|Mlle|Sra|Dott|Ing|Dipl|Phys|Kfm|Wirt|Math|Chem|Ök|Hr|Fr|Geb|geb|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Okt|Dez|Tel|Fax|Str|Cad|Mah|Sok|Sk|tel|ul|al|av|Av|adm|dir|inż|mgr|hab|spol|s\.r\.o|р|г|ул|им|тыс|руб)$/u;
