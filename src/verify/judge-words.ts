import { findFieldMentions, isDeputyAt, listGroups } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { Hit } from './page-index.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';

/** Whether the words of a sentence name the field, another field of its group, or neither. */
export function judgeWords(sentence: Sentence, field: FieldInfo, hit: Hit): 'own' | 'other' | null {
  const folded = foldText(sentence.text, 'plain');
  const [start, end] = [hit.start - sentence.start, hit.end - sentence.start];
  const value = sentence.text.slice(start, end);
  const toSource = (at: number): number => folded.map[at] ?? 0;
  const isRole = field.groups.has('role');
  const isHolder = isRole || field.families.has('parent');
  const mentions = findFieldMentions(folded.text);
  const hasRole = mentions.some(({ family }) => listGroups(family).includes('role') && family !== 'founder');
  const all = mentions
    .map((mention) => ({ ...mention, start: toSource(mention.start), end: toSource(mention.end - 1) + 1 }))
    .filter((mention) => mention.end <= start || mention.start >= end)
    .filter(
      (mention) =>
        (!hasRole && (sentence.text.length <= 40 || isTagline(sentence))) ||
        !SINCE.has(foldWords(sentence.text.slice(mention.start, mention.end))),
    )
    .map((mention) => ({
      ...mention,
      gap: mention.start >= end ? mention.start - end : start - mention.end,
    }));
  const found = all.filter((mention) => !isRole || !isBracketOfOther(sentence.text, mention, start));
  if (field.families.has('founded') && isFirmSince(sentence)) return 'own';
  if (
    field.families.has('founded') &&
    ACTIVE_SINCE.test(sentence.before) &&
    !NOT_ACTIVE.test(sentence.before)
  )
    return 'own';
  if (
    field.families.has('founder') &&
    (BEGUN_BY.test(sentence.text.slice(0, 1).toLowerCase() + sentence.text.slice(1, start)) ||
      WHO_BEGAN.test(sentence.after) ||
      BEGUN_WITH.test(sentence.before))
  )
    return 'own';
  const own = found
    .filter(({ family }) => field.families.has(family))
    .filter((mention) => mention.start < end || !isNextEvent(field, sentence.text.slice(end, mention.start)))
    .filter(
      (mention) =>
        mention.end > start || !isTakenByYear(field, value, sentence.text.slice(mention.end, start)),
    )
    .filter(
      (mention) =>
        mention.start < end ||
        !isTakenByYear(field, value, sentence.text.slice(mention.end, mention.end + 12)),
    )
    .filter(
      (mention) =>
        !isHolder || mention.start < end || !isOfLaterName(sentence.text.slice(end, mention.start)),
    )
    .filter((mention) => !isHolder || mention.start < end + 15 || !isOfNextName(sentence.text, mention))
    .sort((a, b) => a.gap - b.gap)[0];
  const isOwnBefore = isRole && own !== undefined && own.end <= start;
  const rivals = found
    .filter(({ family }) => !field.families.has(family) && competes(family, field))
    .filter((mention) => !(isOwnBefore && mention.start >= end && isOfNextName(sentence.text, mention)))
    .filter(
      (mention) =>
        own === undefined || own.end > start || !isNextEvent(field, sentence.text.slice(end, mention.start)),
    )
    .sort((a, b) => a.gap - b.gap);
  // A word that names the field belongs to another person or year.
  const isTakenByOther =
    (isHolder || (field.groups.has('date') && /\d{4}/.test(value))) &&
    own === undefined &&
    all.some(({ family }) => field.families.has(family));
  if (isShortened(sentence.before, field)) return 'own';
  const words = isTakenByOther ? null : findOwnWords(folded.text, field, toSource, start, end);
  if (own === undefined && words === null)
    return rivals[0] !== undefined && rivals[0].gap <= 25 ? 'other' : null;
  const gap = Math.min(own?.gap ?? 999, words ?? 999);
  if (gap > 130) return null;
  const rival = rivals.find(
    (each) => each.gap < gap && !areSameMention(sentence.text, each, own, field.groups.has('role'), end),
  );
  if (rival === undefined) return 'own';
  const isBehind = (each: { start: number }): boolean => each.start >= end;
  // A number is named by what follows it: "17 countries" after the word "employees".
  if (isBehind(rival) && rival.gap <= 12 && field.groups.has('count')) return 'other';
  return rival.gap + 3 < gap ? 'other' : 'own';
}

/** "Ann Lee (CEO) and": a role in brackets is of the name before them. */
function isBracketOfOther(text: string, { start, end }: { start: number; end: number }, at: number): boolean {
  return end <= at && /\([^()]*$/.test(text.slice(0, start)) && text.slice(end, at).includes(')');
}

/** "Ann Lee and is run by her son Tom Lee as CEO": a role after another name is of that one, unless the names are a list. */
function isOfLaterName(between: string): boolean {
  if (TAKES_OVER.test(between)) return false;
  const isList = /^(?:,|\s(?:and|und|et|y|e|och|og|en|i|&))?\s\p{Lu}/u.test(between);
  return !isList && /\p{Ll}\s\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(between);
}

/** "Ann Lee succeeds Tom Fox as": the role is of the first name, too. */
const TAKES_OVER =
  /^\s(?:has\s|will\s)?(?:succe(?:ed|ss)\p{L}*|replac\p{L}+|follows|takes over from|took over from|folgt\p{L}*|ersetzt|löste?|übernimmt|übernahm|succède|remplace|sucede|sustituye|sucedió|sustituyó|subentra|succede|sostituisce|substitui|volgt|efterträder|efterfølger|etterfølger|zastąpił\p{L}*|nahradil\p{L}*|сменил\p{L}*)\s/u;

/** "Founded in 1987 and listed in 2006": what comes after "and" is of the next year. */
function isNextEvent({ groups }: FieldInfo, between: string): boolean {
  return groups.has('date') && /^,?\s(?:and|und|et|y|e|och|og|en|i)\s/u.test(between);
}

/** "Founded in 2005, with roots in a school of 1890": the word is of the year next to it. */
function isTakenByYear({ groups }: FieldInfo, value: string, between: string): boolean {
  return (
    groups.has('date') && /\d{4}/.test(value) && /(?<![\d.,])(?:1[5-9]|20)\d{2}(?![\d.,]\d|\d)/.test(between)
  );
}

/** "Ann Lee, deputy Tom Fox": a role right before the next name is of that one. */
function isOfNextName(text: string, { end }: { end: number }): boolean {
  return /^\s\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(text.slice(end, end + 50));
}

/** "Started in 2020 by Ann Lee and Tom Fox": who began it is the founder. */
const BEGUN_BY =
  /(?:[Ss]tarted|[Ss]et up|[Ll]aunched|[Cc]reated|[Ee]stablished|[Oo]pened|[Ff]ormed|[Bb]egun|[Ff]ounded|gegründet|fondée?|fundad[oa]|fondat[oa]|opgericht|grundad|grundat|grundlagt|grunnlagt|stiftet|założon[aey]|initiiert|ins Leben gerufen|lancée?|créée?|iniciad[oa]|cread[oa]|avviat[oa]|cread[oa]|startades|startet|gestart|nació|nace|nasce|nacque|nasceu)\s[^.;:]{0,40}?(?:by|de la mano de|por obra de|per opera di|per mano di|pelas mãos de|von|par|por|da|av|af|door|przez)\s(?:\p{Ll}[\p{L}-]*\s){0,4}(?:\p{Lu}[\p{L}'’.-]*,?\s|(?:and|und|et|y|e|och|og|en|i|de|van|von)\s|&\s){0,10}$/u;

/** "Ann Lee, who founded the company", and "founded it with Tom Fox". */
const WHO_BEGAN =
  /^,?\s(?:who|qui|que|som|che|który|która|який|который)\s(?:co-?|a |ha |had |has )?(?:founded|started|set up|established|launched|created|opened|fondé|fondó|fundó|fundou|abrió|creó|criou|grundade|stiftede|stiftet|fondò|fondato|aprì|założył\p{L}*|заснував|основал)(?!\p{L})/u;
const BEGUN_WITH =
  /(?:founded|co-?founded|started|set up|launched)\s[^.,;]{0,40}?\swith\s(?:\p{Lu}[\p{L}'’.-]*\s|and\s){0,4}$/u;

/** "Acme has been making valves since 1954" and "Acme bouwt sinds 1946 kassen". */
const ACTIVE_SINCE =
  /(?:(?:has|have) been \p{Ll}+ing\s[^.,]{0,80}since|^(?:["“]\s?)?(?:\p{Lu}\S*\s){1,4}\p{Ll}+\s(?:sinds|seit|sedan|siden|depuis|desde))\s$/u;
const NOT_ACTIVE =
  /(?<!\p{L})(?:being|belonging|leading|running|serving|working|trading as|gehört|ist|is|är|er|est|es|leitet|leidt)\s/u;

/** "Tapas, wines and 38 seats, since 2011.": nothing follows, and it is no one's post. */
function isTagline({ text, before, after }: Sentence): boolean {
  return text.length <= 120 && /^\W*$/u.test(after) && !NOT_FIRM.test(before) && !NOT_ACTIVE.test(before);
}

/** "A family business since 1951" and "since 1951 active in": no one's post, no place and no certificate. */
function isFirmSince({ before, after }: Sentence): boolean {
  const clause = before.slice(before.search(/[^.;:(]*$/u)).slice(-120);
  if (!SINCE_WORD.test(clause)) return false;
  const [behind = ''] =
    /^.*?(?=\s(?:and|und|et|y|e|en|och|og|i|a)\s|[;.]|$)/su.exec(after.slice(0, 90)) ?? [];
  if (NOT_FIRM.test(clause) || NOT_FIRM.test(behind)) return false;
  // "Since 1997, Acme has cared for".
  if (
    clause.trim() === before.trim() &&
    /^\S+\s$/u.test(before) &&
    /^,\s(?:\p{L}+\s){0,2}\p{Lu}/u.test(after)
  )
    return true;
  return FIRM_NOUN.test(clause) || ACTIVE.test(clause) || ACTIVE.test(after.slice(0, 30));
}

const SINCE_WORD = /(?<!\p{L})(?:since|seit|depuis|desde|dal|sinds|sedan|siden|od(?: roku)?)\s$/iu;
const FIRM_NOUN =
  /(?<!\p{L})(?:(?:family|independent)\s(?:business|company|firm|brewer|baker|maker|manufacturer)s?|(?:business|company|firm|makers?|manufacturers?|brewers?|builders?|specialists?)\ssince|\p{L}*(?:familiebedrijf|familienunternehmen|familienbetrieb|traditionsunternehmen|familjeföretag|familieejet|familievirksomhed|familiebedrift)|entreprise familiale|maison familiale|empresa familiar|azienda (?:di famiglia|familiare)|firma rodzinna|rodinná firma)(?!\p{L})/iu;
const ACTIVE =
  /(?<!\p{L})(?:active|in business|trading|operating|aktiv|tätig|am markt|en activité|activa|en activo|attiv[ao]|em atividade|actief|verksam|aktivní|działa)(?!\p{L})/iu;
const NOT_FIRM =
  /(?<!\p{L})(?:led|leads?|run|runs|head(?:s|ed)?|ceo|chief|director|chair\p{L}*|owned|owns|belongs?|part of|member|listed|certified|based|headquartered|partner\p{L}*|supplier|customer|subsidiary|employ\p{L}*|geleitet|leitet|führt|geschäftsführ\p{L}*|gehört|mitglied|börsennotiert|zertifiziert|dirig\p{L}*|appartient|membre|cotée?|pertenece|miembro|cotiza|certific\p{L}*|guid\p{L}*|appartiene|leidt|directeur|aan het roer|eigendom|lid|beursgenoteerd|leder|leds|ägs|ejes|eies|medlem)(?!\p{L})/iu;

/** "Since 1948" may speak of anything, unless it is a label. */
export const SINCE = new Set(
  'since seit depuis desde dal sinds sedan siden od est start history vuodesta'.split(' '),
);

/** True if fields of a family are in a group of the field, so that their words tell it from them. */
export function competes(family: string, field: FieldInfo): boolean {
  // A year or date of birth does not compete with places.
  const isTime = field.words.some((word) => /^(?:year|date|day)$/.test(word));
  return listGroups(family).some((group) => field.groups.has(group) && !(isTime && group === 'location'));
}

/** "CEO and co-founder": two roles side by side are of one person. */
function areSameMention(
  text: string,
  rival: { start: number; end: number },
  own: { start: number; end: number } | undefined,
  isRole: boolean,
  end: number,
): boolean {
  if (own === undefined) return false;
  const isSameSide = rival.start >= end === own.start >= end;
  const between =
    rival.start < own.start ? text.slice(rival.end, own.start) : text.slice(own.end, rival.start);
  const overlaps = rival.start < own.end && own.start < rival.end;
  if (overlaps || !isRole) return overlaps;
  return (
    isSameSide &&
    between.length <= 24 &&
    !between.includes(')') &&
    !/[，、,]\s?\p{Script=Han}|\p{Script=Han}{2,}[，、]/u.test(between) &&
    !/\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(between)
  );
}

/** "Dir. Ann Lee": the word right before a value is short for a word of the field. */
function isShortened(before: string, { own }: FieldInfo): boolean {
  const short = foldWords(/(?:^|[\s(·|])(\p{L}{2,5})\.[:：]?\s$/u.exec(before)?.[1] ?? '');
  return (
    short.length >= 2 &&
    own.length === 1 &&
    (own[0] ?? '').length > short.length &&
    (own[0] ?? '').startsWith(short)
  );
}

/** Distance of the field's own words from the value, if all of them are in the sentence. */
function findOwnWords(
  folded: string,
  { own, hints }: FieldInfo,
  toSource: (at: number) => number,
  start: number,
  end: number,
): number | null {
  const near = hints
    .flatMap((word) => findWord(folded, word))
    .map((at) => (toSource(at) >= end ? toSource(at) - end : Math.max(0, start - toSource(at))));
  const hinted = near.length > 0 && Math.min(...near) <= 40 ? Math.min(...near) : null;
  if (own.length === 0) return hinted;
  let gap = 0;
  for (const word of own) {
    const at = findWord(folded, word);
    if (at.length === 0) return hinted;
    const gaps = at.map((position) =>
      toSource(position) >= end
        ? toSource(position) - end
        : Math.max(0, start - toSource(position + word.length - 1) - 1),
    );
    gap = Math.max(gap, Math.min(...gaps));
  }
  return gap;
}

/** Positions of a word in a folded text, also with another ending. */
export function findWord(folded: string, word: string): number[] {
  const found = findSpelling(folded, word);
  // File names and programs spell "für" as "fuer".
  const even = word.replace(/([aou])e/g, '$1');
  return found.length > 0 || even === word ? found : findSpelling(folded, even);
}

function findSpelling(folded: string, word: string): number[] {
  const found: number[] = [];
  const stem =
    word.length > 4
      ? word.replace(/(?:(?<=.{5})(?:acion|acao|ation|azione|ung|or|er|ed|ing|ion)|ies|es|s|y|e|a|o)$/, '')
      : word;
  for (let at = folded.indexOf(` ${stem}`); at !== -1; at = folded.indexOf(` ${stem}`, at + 1)) {
    const rest = folded.slice(at + 1 + stem.length).split(' ')[0] ?? '';
    const isSame =
      word.length > 4 ? rest.length <= Math.max(3, word.length - stem.length) : /^(?:e?s)?$/.test(rest);
    if (isSame && !isDeputyAt(folded, at + 1)) found.push(at + 1);
  }
  return found.length > 0 || word.length < 6 ? found : findInflected(folded, word);
}

/** Positions of other forms of a word: both have the same stem and a short ending that begins with a vowel. */
function findInflected(folded: string, word: string): number[] {
  const found: number[] = [];
  const stem = word.slice(0, Math.max(4, word.length - 3));
  for (let at = folded.indexOf(` ${stem}`); at !== -1; at = folded.indexOf(` ${stem}`, at + 1)) {
    const other = folded.slice(at + 1).split(' ', 1)[0] ?? '';
    let shared = stem.length;
    while (shared < word.length && word[shared] === other[shared]) shared += 1;
    const isSame =
      shared >= Math.max(word.length, other.length) - (word.length < 7 ? 2 : 3) &&
      [word, other].every((each) => ENDING.test(each.slice(shared)));
    if (isSame && !isDeputyAt(folded, at + 1)) found.push(at + 1);
  }
  return found;
}

const ENDING = /^(?:[aeiouyαεηιουωаеиоуыюяіїй]\p{L}{0,2})?$/u;
