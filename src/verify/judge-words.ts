import { findFieldMentions, isDeputyAt, listGroups } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { Hit } from './page-index.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';

/** Whether the words of a sentence name the field, another field of its group, or neither. */
export function judgeWords(sentence: Sentence, field: FieldInfo, hit: Hit): 'own' | 'other' | null {
  const folded = foldText(sentence.text, 'plain');
  const [start, end] = [hit.start - sentence.start, hit.end - sentence.start];
  const toSource = (at: number): number => folded.map[at] ?? 0;
  const isRole = field.groups.has('role');
  const isHolder = isRole || field.families.has('parent');
  const all = findFieldMentions(folded.text)
    .map((mention) => ({ ...mention, start: toSource(mention.start), end: toSource(mention.end - 1) + 1 }))
    .filter((mention) => mention.end <= start || mention.start >= end)
    .filter(
      (mention) =>
        sentence.text.length <= 40 || !SINCE.has(foldWords(sentence.text.slice(mention.start, mention.end))),
    )
    .map((mention) => ({
      ...mention,
      gap: mention.start >= end ? mention.start - end : start - mention.end,
    }));
  const found = all.filter((mention) => !isRole || !isBracketOfOther(sentence.text, mention, start));
  if (
    field.families.has('founded') &&
    ACTIVE_SINCE.test(sentence.before) &&
    !NOT_ACTIVE.test(sentence.before)
  )
    return 'own';
  if (
    field.families.has('founder') &&
    BEGUN_BY.test(sentence.text.slice(0, 1).toLowerCase() + sentence.text.slice(1, start))
  )
    return 'own';
  const own = found
    .filter(({ family }) => field.families.has(family))
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
  const isTakenByOther = isRole && own === undefined && all.some(({ family }) => field.families.has(family));
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
  const isList = /^(?:,|\s(?:and|und|et|y|e|och|og|en|i|&))?\s\p{Lu}/u.test(between);
  return !isList && /\p{Ll}\s\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(between);
}

/** "Founded in 1987 and listed in 2006": what comes after "and" is of the next year. */
function isNextEvent({ groups }: FieldInfo, between: string): boolean {
  return groups.has('date') && /^,?\s(?:and|und|et|y|e|och|og|en|i)\s/u.test(between);
}

/** "Ann Lee, deputy Tom Fox": a role right before the next name is of that one. */
function isOfNextName(text: string, { end }: { end: number }): boolean {
  return /^\s\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(text.slice(end, end + 50));
}

/** "Started in 2020 by Ann Lee and Tom Fox": who began it is the founder. */
const BEGUN_BY =
  /(?:[Ss]tarted|[Ss]et up|[Ll]aunched|[Cc]reated|[Ee]stablished|[Oo]pened|[Ff]ormed|[Bb]egun|[Ff]ounded|gegründet|fondée?|fundad[oa]|fondat[oa]|opgericht|grundad|grundat|grundlagt|grunnlagt|stiftet|założon[aey]|initiiert|ins Leben gerufen|lancée?|créée?|iniciad[oa]|cread[oa]|avviat[oa]|cread[oa]|startades|startet|gestart|nació|nace|nasce|nacque|nasceu)\s[^.;:]{0,40}?(?:by|de la mano de|por obra de|per opera di|per mano di|pelas mãos de|von|par|por|da|av|af|door|przez)\s(?:\p{Lu}[\p{L}'’.-]*,?\s|(?:and|und|et|y|e|och|og|en|i|de|van|von)\s|&\s){0,10}$/u;

/** "Acme has been making valves since 1954" and "Acme bouwt sinds 1946 kassen". */
const ACTIVE_SINCE =
  /(?:(?:has|have) been \p{Ll}+ing\s[^.,]{0,80}since|^(?:["“]\s?)?(?:\p{Lu}\S*\s){1,4}\p{Ll}+\s(?:sinds|seit|sedan|siden|depuis|desde))\s$/u;
const NOT_ACTIVE =
  /(?<!\p{L})(?:being|belonging|leading|running|serving|working|trading as|gehört|ist|is|är|er|est|es|leitet|leidt)\s/u;

/** "Since 1948" may speak of anything, unless it is a label. */
const SINCE = new Set(
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
    !/\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(between)
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
  const found: number[] = [];
  const stem =
    word.length > 4
      ? word.replace(/(?:(?<=.{5})(?:acion|ation|azione|ung|or|er|ed|ing|ion)|ies|es|s|y|e|a|o)$/, '')
      : word;
  for (let at = folded.indexOf(` ${stem}`); at !== -1; at = folded.indexOf(` ${stem}`, at + 1)) {
    const rest = folded.slice(at + 1 + stem.length).split(' ')[0] ?? '';
    if (rest.length <= (word.length > 4 ? 3 : 0) && !isDeputyAt(folded, at + 1)) found.push(at + 1);
  }
  return found;
}
