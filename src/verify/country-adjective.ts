import { type EvidenceContext, isHeadline } from './evidence-context.js';
import { foldText, foldWords } from './fold-text.js';
import { findCountryCode } from './known-names.js';
import type { Hit, PageIndex } from './page-index.js';
import { findMentions } from './row-subject.js';
import type { Sentence } from './sentences.js';

/** Countries and the language that is named like what is of them: "svenska" is Swedish in both senses. */
const LANGUAGE_OF: Readonly<Record<string, string>> = Object.fromEntries(
  'DE:de FR:fr IT:it ES:es PT:pt NL:nl DK:da SE:sv NO:no FI:fi IS:is PL:pl CZ:cs SK:sk SI:sl HR:hr RS:sr HU:hu RO:ro BG:bg GR:el TR:tr UA:uk RU:ru EE:et LV:lv LT:lt IE:ga JP:ja CN:zh KR:ko IL:he TH:th VN:vi ID:id'
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
);

/** Words for what is of a country that is not named like a language, by its code. */
const ADJECTIVES: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'DK:danish NL:dutch GR:greek AT:austrian,osterreichisch,autrichien,austriac,austriaco,oostenrijks,osterrikisk,ostrigsk,osterriksk,austriack,rakousk ' +
    'CH:swiss,schweizer,suisse,suizo,suiza,svizzer,suico,zwitsers,schweizisk,sveitsisk,szwajcarsk,svycarsk BE:belgian,belgisch,belge,belga,belgisk,belgijsk,belgick ' +
    'GB:british,britisch,britannique,britanic,britannic,brits,brittisk,britisk,brytyjsk,britsk,english,scottish,welsh ' +
    'US:american,amerikanisch,americain,estadounidense,american,statunitens,amerikaans,amerikansk,amerykansk,americk CA:canadian,kanadisch,canadien,canadiense,canadese,canadees,kanadensisk,canadisk,kanadyjsk ' +
    'MX:mexican,mexikanisch,mexicain,mexicano,messican BR:brazilian,brasilianisch,bresilien,brasileno,brasilian,brasileir AU:australian,australisch,australien,australiano ' +
    'IN:indian,indisch,indien ZA:south_african,sudafrikanisch,sudafricain,sudafricano AR:argentinian,argentine,argentinisch,argentin CL:chilean,chilenisch,chilen CO:colombian,colombiano NZ:new_zealand'
  )
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
);

/** Finds words such as "Norwegian" or "svenskt" for a country, in the language of the page and in English. */
export function findCountryAdjective(index: PageIndex, country: string): Hit[] {
  const stems = listStems(findCountryCode(country) ?? '', index.page.language);
  if (stems.length === 0) return [];
  return index.segments.flatMap((segment) => {
    if (segment.text.length > 20_000) return [];
    const folded = index.fold(segment, 'plain');
    return stems.flatMap((stem) =>
      [...folded.text.matchAll(new RegExp(` ${stem}[\\p{Ll}\\p{M}]{0,4}(?= )`, 'gu'))].map(
        (match): Hit => ({
          segment,
          start: folded.map[match.index + 1] ?? 0,
          end: (folded.map[match.index + match[0].length - 1] ?? 0) + 1,
          how: 'alias',
          doubt: null,
          isAdjective: true,
        }),
      ),
    );
  });
}

/** Folded beginnings of the adjectives of a country. */
function listStems(code: string, language: string): string[] {
  const named = LANGUAGE_OF[code];
  const fromLanguage =
    named === undefined
      ? []
      : [language, 'en'].flatMap((each) => {
          if (!/^[a-z]{2,3}$/.test(each)) return [];
          const name = new Intl.DisplayNames([each], { type: 'language', fallback: 'none' }).of(named);
          return name === undefined || name.includes(' ') ? [] : [createStem(foldWords(name), each)];
        });
  const listed = (ADJECTIVES[code] ?? '').split(',').map((each) => each.replace('_', ' '));
  return [...new Set([...fromLanguage, ...listed])].filter((stem) => stem.length >= 4);
}

/** "svenska" → "svensk" and "norština" → "nors": the part that all endings share. */
function createStem(name: string, language: string): string {
  if (language === 'cs' || language === 'sk') return name.replace(/c?(?:t|c)ina$/, '');
  return name.replace(/[aeiouyаяийы]$/, '').replace(/ск$/, 'ск');
}

/** Says why such a word may be of somebody else. Null if it describes the row. */
export function findWrongAdjective(
  { index, subject, relation, field }: EvidenceContext,
  hit: Hit,
  { text, start, before, after }: Sentence,
): string | null {
  const weakness = 'the page only has the adjective of the country';
  if (field.qualifiers.length > 0) return weakness;
  const at = hit.start - start;
  const end = hit.end - start;
  for (const [from, to] of findMentions(text, subject)) {
    // "Norwegian tidal power start-up Havbris Kraft", and "Havbris Kraft, the Norwegian developer".
    const isBehind = from >= end && isNounPhrase(text.slice(end, from), index.page.language);
    const isAhead = to <= at && DESCRIBES.test(text.slice(to, at).replace(/\s\([^()]*\)/u, ''));
    if (isBehind || isAhead) return null;
  }
  // "The Norwegian company said", and the same without an article in a headline.
  const isLead =
    relation !== null &&
    /^\s\p{L}/u.test(after) &&
    (ARTICLE.test(before) || (before === '' && isHeadline(index, hit.segment)));
  return isLead ? null : weakness;
}

/** Up to five words without a preposition; German writes nouns with a capital letter. */
function isNounPhrase(text: string, language: string): boolean {
  const words = foldText(text, 'plain').text.trim().split(' ');
  if (words.length > 6 || /[.,;:()]/.test(text) || words.some((word) => PREPOSITIONS.has(word))) return false;
  return language === 'de' || !/(?<![\p{L}-])\p{Lu}/u.test(text);
}

const PREPOSITIONS = new Set(
  'of in at to for from by with and or as than in of de du des von vom aus bei fur mit und oder av i pa och og fra til van uit en door met y del al por con e da di do su w z i na do ve'.split(
    ' ',
  ),
);
const DESCRIBES =
  /^(?:,\s|\s(?:is|are|ist|är|er|est|es|è|é|on|jest|je|是)\s)(?:(?!(?:in|of|to|from|with|at|by|on|auf|im|mit|von)\s)\p{Ll}[\p{L}-]*\s){0,4}$/u;
const ARTICLE = /^(?:["“„«]\s?)?(?:The|Der|Die|Das|Le|La|El|Il|Lo|O|A|De|Het|Den|Det|Das)\s$/u;
