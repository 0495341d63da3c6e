import { splitColumnName } from '../model/column-kind.js';
import { FAMILIES, type FieldGroup } from './field-families.js';
import { foldWords } from './fold-text.js';

/** A word of a field found in a text. */
export interface FieldMention {
  readonly family: string;
  readonly start: number;
  readonly end: number;
}

/** What is known about the words of a field. */
export interface FieldWords {
  /** Families of common fields that the field belongs to. */
  readonly families: ReadonlySet<string>;
  readonly groups: ReadonlySet<FieldGroup>;
  /** Folded words of the field's own name, without units and words such as "name" and "number". */
  readonly own: readonly string[];
  /** Those of the own words that do not belong to the families, such as "studio" of `studio_day_rate`. */
  readonly qualifiers: readonly string[];
  /** Words with a small number, such as "scope 1" of `scope_1_emissions`. */
  readonly numbered: readonly string[];
  /** Folded words of a short description, for fields of no known family. */
  readonly hints: readonly string[];
}

/** The words by which a page may name a field. The description counts only if the name is of no known family. */
export function resolveFieldWords(name: string, description: string): FieldWords {
  const words = splitColumnName(name).map((word) => foldWords(word.replace(EASTERN_FILLER, '')));
  const text = ` ${words.join(' ')} `;
  const telling = words.filter((word) => word.length >= 2 && !FILLERS.has(word) && !/^\d+$/.test(word));
  // "amount" says little, but more than nothing.
  const own = telling.length > 0 ? telling : words.filter((word) => word.length >= 4 && !/^\d+$/.test(word));
  // File names and programs spell "für" as "fuer".
  const even = text.replace(/([aou])e/g, '$1');
  let families = findClaimFamilies(text);
  if (families.length === 0 && even !== text) families = findClaimFamilies(even);
  const known =
    families.length === 0
      ? ''
      : ` ${findFieldMentions(text)
          .map(({ start, end }) => text.slice(start, end))
          .join(' ')} ${CLAIM_WORDS.find(([pattern]) => pattern.test(text))?.[0].exec(text)?.[0] ?? ''} `;
  if (families.length === 0) families = findClaimFamilies(` ${foldWords(description.slice(0, 300))} `);
  const described = foldWords(description.slice(0, 200)).split(' ');
  const isHint = (word: string): boolean => word.length >= 5 && !FILLERS.has(word) && !own.includes(word);
  const hints = families.length > 0 || described.length > 12 ? [] : described.filter(isHint);
  // Any other role is not this one: only its own words name it.
  const all = new Set(
    families
      .filter((family) => family !== 'otherRole')
      .flatMap((family) => [family, ...(RELATED[family] ?? [])]),
  );
  return {
    families: all,
    groups: new Set(families.flatMap((family) => FAMILIES[family]?.groups ?? [])),
    own,
    qualifiers:
      families.length === 0 || (even !== text && known.trim() === '')
        ? []
        : telling.filter((word) => !known.includes(` ${word} `)),
    numbered: [...text.matchAll(/ (\p{L}{3,} \d{1,2})(?= )/gu)].map((match) => match[1] ?? ''),
    hints,
  };
}

/** Families that a field's own name implies although pages use other words for them. */
function findClaimFamilies(text: string): string[] {
  for (const [pattern, families] of CLAIM_WORDS) if (pattern.test(text)) return [...families];
  const found = findFieldMentions(text).map(({ family }) => family);
  return [...new Set(found)].filter((family) => family !== 'otherRole' || found.length === 1);
}

const CLAIM_WORDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/ (?:acquisition|deal|purchase|takeover) (?:price|value|amount|cost|sum) /, ['acquired']],
  [/ (?:ceo|chief executive|managing director|geschaftsfuhrer|chief exec) /, ['ceo']],
  [/ (?:co ?founders?|founders?|founder name|grunder|fondateur) /, ['founder']],
  // Who leads a museum, a school or a hotel.
  [
    /^ (?:director|directora|directeur|direttore|diretor|direktor|direktorin|leiter|leiterin|directrice|direttrice) $/,
    ['ceo'],
  ],
  [/ (?:fax) /, ['fax']],
  [/ (?:auditor|auditors) /, ['auditor']],
  [/ (?:origin|made in) /, ['origin']],
  [
    / (?:birth ?place|place of birth|birth city|geburtsort|lieu (?:de )?naissance|lugar (?:de )?nacimiento|luogo (?:di )?nascita|local (?:de )?nascimento|geboorteplaats|fodelseort|fodested|miejsce urodzenia|misto narozeni|место рождения) /,
    ['born'],
  ],
  [/ (?:email|mail) /, ['email']],
  [/ (?:phone|telephone|tel|telefon|mobile) /, ['phone']],
  [
    / (?:headcount|employees?|staff|fte|workforce|mitarbeiter|team size|company size|size band|size range|employee count) |^ size $/,
    ['employees'],
  ],
  [/ (?:(?:state|country|place) of (?:incorporation|registration)|jurisdiction) /, ['jurisdiction']],
  [/ (?:fiscal year|year end|financial year) /, []],
  [/ (?:published|publication|article|publish|statement|announcement|announced) /, ['published']],
  [/ (?:updated|modified) /, ['updated']],
  [
    / (?:founded|founding|established|incorporated|incorporation|inception|formation|year founded|grundung|gegrundet) /,
    ['founded'],
  ],
  [/ (?:funding|raised|round|investment|series) /, ['funding']],
  [/ (?:revenue|turnover|sales|umsatz|arr) (?!email|phone|contact|director|head)/, ['revenue']],
  [/ (?:eps|per share|dividend) /, ['perShare']],
  [/ (?:salary|pay|wage|remuneration|compensation|gehalt|salaire|sueldo|salario) /, ['salary']],
  [/ ebitda /, ['ebitda']],
  [
    / (?:ebit|operating (?:profit|income|result)|betriebsergebnis|driftsresultat|rorelseresultat) /,
    ['operatingProfit'],
  ],
  [/ (?:net income|profit|earnings|ebit|ebitda|net loss) /, ['profit']],
  [/ (?:share capital|capital social|stammkapital|capital) (?!city)/, ['capital']],
  [
    / (?:postcode|zip|postal code|plz|postleitzahl|postnummer|postnr|postinumero|code postal|codigo postal|cap|psc|irsz|kod pocztowy|posta kodu|郵 便 番 号|邮 编|우 편 번 호) /,
    ['location', 'postcode'],
  ],
  [
    / (?:hq|headquarters?|city|town|country|location|address|state|region|postcode|postal|zip|street|seat|office city|sted|paikkakunta|lugar|luogo|lieu|ulice|ulica|municipio|comune|commune|gemeinde|kommun|kommune|obec|gmina|strasse|rue|calle|indirizzo|adresse|anschrift|postleitzahl|plz|postnummer|postinumero|cap|kod pocztowy|posta kodu|郵 便 番 号|邮 编|우 편 번 호|postnr|code postal|codigo postal|psc|irsz|ort|stadt|land|sitz|based) /,
    ['location'],
  ],
  [/ (?:legal name|registered name|official name|company name|legal entity) /, ['legalName']],
  [/ (?:industry|sector|category|business area|branche) /, ['industry']],
  [/ (?:ownership|company type|legal form|rechtsform|status|type|listed) /, ['ownership']],
  [/ (?:website|homepage|domain|url|web) /, ['website']],
  [/ (?:capacity|volume) /, ['volume']],
  [/ (?:event|conference) /, ['event']],
  [/ (?:deadline|closing date|apply by) /, ['deadline']],
  [/ (?:acquirer|buyer) /, ['acquirer']],
  [/^ by $|^ 市 $| 城 市 /, ['location']],
  [/ (?:stadium|home ground) $/, ['stadium']],
  [/ (?:elevation|altitude) /, ['elevation']],
];

/** Families whose fields may also be named by the words of other families. */
const RELATED: Readonly<Record<string, readonly string[]>> = {
  legalName: ['registration'],
  president: ['chair'],
  users: ['followers'],
  volume: ['seats'],
  phone: ['mobile'],
  chair: ['president'],
  investors: ['investorNames'],
  investorNames: ['investors'],
};

/** "年" and the like at the end of a name in Chinese, Japanese or Korean. */
const EASTERN_FILLER =
  /(?<=[\p{Script=Han}\p{Script=Hangul}]{2})(?:年份|年度|年月日|日期|人数|年|日|数|额|額|名|연도|년도|일|수|액|명)$/u;

/** Words of names of fields that say nothing about what the field is. */
const FILLERS = new Set(
  `half quarter hour heure horas uhrzeit orario hora godzina ora ans an annees anos ano anni anno jahre jaren mois meses mesi monate maanden jours dias giorni tage size min max minimum maximum lowest highest lower upper share name names number num no count total amount value current latest annual yearly full the of in on at by for and or is has company companies organisation organization firm business latest date year month day time usd eur gbp chf jpy nok sek dkk pln inr cad aud kg g mg lb lbs oz l ml cl cm mm m km ft inch inches w kw mw kwh kmh mph rpm v percent pct k mn mio bn million millions thousand thousands billion billions id code url link list text info primary main first last since end start to per new official legal recent most person people per
  nr no num nummer numer brl cny rub czk inr krw mxn zar try huf ron aud nzd sgd hkd ils sar aed pence cents kwh gwh years months days hours minutes quarterly monthly lead headquarter
  yili yil sayisi adi tarihi 円 元 原 원 krw twd nombre numero anzahl aantal antal liczba pocet numer annee annees ano anno jahr jaar ar rok rik data datum fecha date dato nom nome name nombre naam navn nazwa nazev de del della du des la le les el der die das den van di do da dos das van het og och och and`.split(
    /\s+/,
  ),
);

/** Groups that a family belongs to. */
export function listGroups(family: string): readonly FieldGroup[] {
  return FAMILIES[family]?.groups ?? [];
}

interface Lexicon {
  /** Phrases by their first word. */
  readonly phrases: ReadonlyMap<string, readonly (readonly [family: string, words: readonly string[]])[]>;
  /** Beginnings of words, by their first three letters. */
  readonly stems: ReadonlyMap<string, readonly (readonly [family: string, stem: string])[]>;
  /** Phrases of beginnings of words ("dyrektor* finansow*"), by their first three letters. */
  readonly stemmed: ReadonlyMap<string, readonly (readonly [family: string, words: readonly string[]])[]>;
  /** Ends of compounds. */
  readonly ends: readonly (readonly [family: string, end: string])[];
}

let lexicon: Lexicon | null = null;

function getLexicon(): Lexicon {
  if (lexicon !== null) return lexicon;
  const phrases = new Map<string, [string, string[]][]>();
  const stems = new Map<string, [string, string][]>();
  const stemmed = new Map<string, [string, string[]][]>();
  const ends: [string, string][] = [];
  for (const [family, { words }] of Object.entries(FAMILIES)) {
    for (const entry of words.split(/\s+/)) {
      const folded = foldWords(entry);
      if (folded === '') continue;
      if (entry.startsWith('*')) ends.push([family, folded]);
      // A stem in a script without spaces is only the word. In a phrase, each word may be one.
      else if (entry.endsWith('*') && !folded.includes(' '))
        push(stems, folded.slice(0, 3), [family, folded]);
      else if (/\*_/.test(entry))
        push(stemmed, folded.slice(0, 3), [
          family,
          entry.split('_').map((word) => (word.endsWith('*') ? `${foldWords(word)}*` : foldWords(word))),
        ]);
      else push(phrases, folded.split(' ')[0] ?? '', [family, folded.split(' ')]);
    }
  }
  lexicon = { phrases, stems, stemmed, ends };
  return lexicon;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** Finds the words of fields in a folded text with spaces around each word. Positions are those of the folded text. */
export function findFieldMentions(folded: string): FieldMention[] {
  const { phrases, stems, stemmed, ends } = getLexicon();
  const words = [...folded.matchAll(/[^ ]+/g)];
  const found: FieldMention[] = [];
  words.forEach((word, index) => {
    const text = word[0];
    for (const [family, phrase] of phrases.get(text) ?? []) {
      if (!phrase.every((each, at) => words[index + at]?.[0] === each)) continue;
      const last = words[index + phrase.length - 1] ?? word;
      found.push({ family, start: word.index, end: last.index + last[0].length });
    }
    for (const [family, phrase] of stemmed.get(text.slice(0, 3)) ?? []) {
      const last = words[index + phrase.length - 1];
      if (last !== undefined && phrase.every((each, at) => startsWith(words[index + at]?.[0] ?? '', each)))
        found.push({ family, start: word.index, end: last.index + last[0].length });
    }
    for (const [family, stem] of stems.get(text.slice(0, 3)) ?? [])
      if (text.startsWith(stem)) found.push({ family, start: word.index, end: word.index + text.length });
    for (const [family, end] of ends)
      if (text.length > end.length && text.endsWith(end))
        found.push({ family, start: word.index, end: word.index + text.length });
  });
  return found
    .filter(
      ({ start, end }, at) =>
        !found.slice(Math.max(0, at - NEAR), at + NEAR).some((each) => isLonger(each, start, end)),
    )
    .map((mention) => (isDeputy(folded, mention) ? { ...mention, family: 'otherRole' } : mention));
}

/** True for the word itself, or any that begins so if it ends in `*`. */
function startsWith(text: string, word: string): boolean {
  return word.endsWith('*') ? text.startsWith(word.slice(0, -1)) : text === word;
}

/** Mentions of one word and the next few stand together. */
const NEAR = 30;

/** "Finance director" is no "director". */
function isLonger(each: FieldMention, start: number, end: number): boolean {
  // "Started by Ann Lee in 1949" speaks of both.
  if (each.family === 'founder') return false;
  return each.start <= start && each.end >= end && each.end - each.start > end - start;
}

function isDeputy(folded: string, { family, start }: FieldMention): boolean {
  return listGroups(family).includes('role') && isDeputyAt(folded, start);
}

/** True if a word such as "vice" or "deputy" stands before a position of a folded text. */
export function isDeputyAt(folded: string, at: number): boolean {
  return DEPUTY.test(folded.slice(Math.max(0, at - 22), at));
}

const DEPUTY =
  /(?:^| )(?:vice|deputy|assistant|associate|acting deputy|stellvertretende[rnsm]?|stv|2|3|zweite[rnsm]?|dritte[rnsm]?|2nd|second|honorary|vize|adjointe?|sub|suplente|viceadministrerende|vicevd|zastepca|zastupce|заместител\p{L}*) $/u;
