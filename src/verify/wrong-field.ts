import type { DataItem, TextBlock } from '../pages/page-text.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { findFieldMentions, isDeputyAt, listGroups } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import { COMMON_COUNTRIES, findCountryCode } from './known-names.js';
import type { Hit, PageIndex } from './page-index.js';
import { isAlone, isBranch, isInAddress, isPlaceLike, isPlaceLine } from './place-evidence.js';
import { mentions, type RowSubject } from './row-subject.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';

const NO_FIELD = 'the words of the field are not beside it';

/** Says why a value may be that of another field. */
export function findWrongField(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, kind, index, relation, subject } = context;
  if (kind === 'url' || kind === 'email' || kind === 'phone') return findWrongContact(context, hit, sentence);
  const { block, data } = hit.segment;
  if (data !== null) return findWrongKey(context, data, hit, sentence);
  if (block === null) return NO_FIELD;
  if (
    field.groups.has('location') &&
    isPlaceLike(kind) &&
    (isInAddress(hit.segment.text, hit) || isNameFrom(sentence.before, subject)) &&
    !isBranch(context, block)
  )
    return null;
  if (field.families.has('published') && isAtTop(hit)) return null;
  if (field.groups.has('role') && BYLINE.test(sentence.before))
    return field.families.has('author') ? null : 'it is the author of the text';
  if (field.groups.has('location') && isBranch(context, block)) return 'it may be a branch';
  if (field.families.has('price') && isPriceLine(context, hit, sentence)) return null;
  if (
    field.families.has('rating') &&
    /^\s?(?:\/|out of|von|sur|de|su)\s?(?:5|10|100)(?![\d.,])/u.test(sentence.after)
  )
    return null;
  const hasTitle = field.groups.has('role') && hasOtherTitle(sentence, field);
  const label = block.cell === null ? OWN_LABEL.exec(sentence.before)?.[1] : undefined;
  if (label !== undefined && judgeLabel(label, field) === 'own') return null;
  if (
    label !== undefined &&
    !/\d/.test(label) &&
    !WHOLE_LABEL.test(label) &&
    judgeLabel(label, field) !== 'own'
  )
    return 'its label names another field';
  const inSentence = isOfOtherNumber(context, hit, sentence) ? 'other' : judgeWords(sentence, field, hit);
  if (inSentence === 'other') return 'the words beside it name another field';
  if (inSentence === 'own') return null;
  if (isCountOfOther(field, hit)) return 'it counts something else';
  for (const label of listLabels(index, block, hit)) {
    const found = judgeLabel(label, field);
    if (found === 'own' && !hasTitle) return null;
    if (found === 'other') return 'its label names another field';
  }
  if (hasTitle) return 'another title is beside the name';
  if (kind === 'country' && isPlaceLine(hit)) return null;
  if (kind === 'country' && COMMON_COUNTRIES.has(findCountryCode(context.value) ?? '')) return NO_FIELD;
  if (kind === 'person' && !field.groups.has('role') && relation !== null) return null;
  if (hit.namesField === true) return null;
  if (field.groups.has('location') && isPlaceLike(kind) && isAlone(hit)) return null;
  if (isEmployer(field, subject) && isBelowName(context, hit)) return null;
  if (isJobTitle(field) && isBesideName(context, hit, sentence)) return null;
  if (isSelfNaming(context, hit)) return null;
  const [heading = ''] = listHeadings(index, block);
  return judgeLabel(heading, field) === 'own' && sentence.text.length < 160 ? null : NO_FIELD;
}

/** "46 rooms and a dining room for 80 guests": another number is followed by the words of the field. */
function isOfOtherNumber({ index, field, kind }: EvidenceContext, hit: Hit, sentence: Sentence): boolean {
  if (kind !== 'number' || !field.groups.has('count')) return false;
  const isFollowed = (after: string): boolean =>
    findFieldMentions(foldText(after.split(/\s+/).slice(0, 4).join(' '), 'plain').text).some(({ family }) =>
      field.families.has(family),
    );
  if (isFollowed(hit.after ?? '') || !/^\p{L}/u.test(hit.after ?? '')) return false;
  return index
    .numbers(hit.segment)
    .some(
      ({ start, end, after }) =>
        start >= sentence.start && end <= sentence.end && start !== hit.start && isFollowed(after),
    );
}

/** "240 volunteers" as a line of its own: what is counted is named, and it is not the field. */
function isCountOfOther({ groups }: FieldInfo, { segment, start, end }: Hit): boolean {
  return (
    groups.has('count') &&
    start <= 2 &&
    /^\+?\s(?!(?:world|global|total|people|in|at|as|on|weltweit|insgesamt|dans|en|au)\p{L}*(?!\p{L}))\p{Ll}{4,}(?:\s\p{Ll}+){0,5}$/u.test(
      segment.text.slice(end, end + 60),
    )
  );
}

/** "Kranbau Ilmer aus Passau": the row's name and "from", in languages that say so. */
function isNameFrom(before: string, subject: RowSubject): boolean {
  return /\s(?:aus|uit|från|fra)\s$/u.test(before) && mentions(before.slice(-60), subject);
}

/** The date of an article is often above or at the start of its text, without a word. */
function isAtTop({ segment, start }: Hit): boolean {
  return (
    segment.index < 20 &&
    start <= 40 &&
    (start <= 3 || /^[\p{L}\s,.(–—-]{3,40}$/u.test(segment.text.slice(0, start)))
  );
}

function isJobTitle({ words }: FieldInfo): boolean {
  return words.some((word) => /^(?:title|role|position|job|jobtitle|rank|function)$/.test(word));
}

/** A job title stands beside the person's name, or right below it. */
function isBesideName(context: EvidenceContext, hit: Hit, sentence: Sentence): boolean {
  if (mentions(sentence.text, context.subject)) return sentence.text.length < 200;
  return isBelowName(context, hit);
}

function isEmployer({ words }: FieldInfo, { isPerson }: RowSubject): boolean {
  return words.some(
    (word) =>
      /^(?:employer|affiliation|workplace|arbeitgeber)$/.test(word) ||
      (isPerson && /^(?:organi[sz]ation|company|firma)$/.test(word)),
  );
}

function isBelowName({ index, subject }: EvidenceContext, { segment }: Hit): boolean {
  const before = index.page.blocks[segment.index - 1];
  return (
    segment.block !== null &&
    segment.text.length < 120 &&
    before !== undefined &&
    before.text.length < 80 &&
    mentions(before.text, subject)
  );
}

/** "Ann Lee, head of sales": a title that does not name the field stands right behind the name. */
function hasOtherTitle({ after }: Sentence, field: FieldInfo): boolean {
  const title =
    /^\s?[,–—|·(-]\s?((?!(?:who|which|the|and|der|die|qui|que|che|som|die)\s)\p{Ll}[\p{L}\s&'’-]{3,50})\)?\.?$/u.exec(
      after,
    )?.[1];
  return title !== undefined && judgeLabel(title, field) !== 'own';
}

/** An amount alone in a line right below the name of a thing is its price; "Adults £9.50" that for adults. */
function isPriceLine(
  { index, field, subject, relation }: EvidenceContext,
  hit: Hit,
  { text, before }: Sentence,
): boolean {
  const { block } = hit.segment;
  if (block === null || relation === null || block.region !== 'main' || text.length > 60) return false;
  const around = hit.segment.text.slice(Math.max(0, hit.start - 6), hit.end + 6);
  if (!/[$€£¥]|\b(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|kr|zł)\b/u.test(around)) return false;
  if (/(?:save|off|spare|rabatt|from|ab|économisez|ahorra|risparmi)\W*$/iu.test(before)) return false;
  const wanted = field.own.filter((word) => !PRICE_WORDS.has(word));
  if (wanted.length > 0) {
    const folded = foldText(text, 'plain').text;
    return wanted.every((word) => findWord(folded, word).length > 0);
  }
  const heading = index.page.blocks[block.heading];
  return heading?.level === 1 && mentions(heading.text, subject);
}

const PRICE_WORDS = new Set('price cost fee list retail sale ticket entry admission preis prix'.split(' '));

const BYLINE = /^(?:by|von|par|por|di|door|af|av|text|author|foto|photo):?\s$/i;

/** A name that contains the row's own name says by itself that it is the row's name. */
function isSelfNaming({ field, value, subject, relation }: EvidenceContext, { how }: Hit): boolean {
  const words = foldWords(value);
  if (how !== 'exact' || !(field.families.has('legalName') || field.groups.has('name'))) return false;
  return (
    relation !== null &&
    field.families.has('legalName') &&
    subject.names.some((name) => words.startsWith(name)) &&
    words.split(' ').length > 1
  );
}

/** Whether the words of a sentence name the field, another field of its group, or neither. */
export function judgeWords(sentence: Sentence, field: FieldInfo, hit: Hit): 'own' | 'other' | null {
  const folded = foldText(sentence.text, 'plain');
  const [start, end] = [hit.start - sentence.start, hit.end - sentence.start];
  const toSource = (at: number): number => folded.map[at] ?? 0;
  const isRole = field.groups.has('role');
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
    field.families.has('founder') &&
    BEGUN_BY.test(sentence.text.slice(0, 1).toLowerCase() + sentence.text.slice(1, start))
  )
    return 'own';
  const own = found.filter(({ family }) => field.families.has(family)).sort((a, b) => a.gap - b.gap)[0];
  const isOwnBefore = isRole && own !== undefined && own.end <= start;
  const rivals = found
    .filter(({ family }) => !field.families.has(family) && competes(family, field))
    .filter((mention) => !(isOwnBefore && mention.start >= end && isOfNextName(sentence.text, mention)))
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

/** "Ann Lee, deputy Tom Fox": a role right before the next name is of that one. */
function isOfNextName(text: string, { end }: { end: number }): boolean {
  return /^\s\p{Lu}\p{Ll}+\s\p{Lu}\p{Ll}+/u.test(text.slice(end, end + 50));
}

/** "Started in 2020 by Ann Lee and Tom Fox": who began it is the founder. */
const BEGUN_BY =
  /(?:[Ss]tarted|[Ss]et up|[Ll]aunched|[Cc]reated|[Ee]stablished|[Oo]pened|[Ff]ormed|[Bb]egun|[Ff]ounded|gegründet|fondée?|fundad[oa]|fondat[oa]|opgericht|grundad|grundat|grundlagt|grunnlagt|stiftet|założon[aey]|initiiert|ins Leben gerufen|lancée?|créée?|iniciad[oa]|cread[oa]|avviat[oa]|cread[oa]|startades|startet|gestart|nació|nace|nasce|nacque|nasceu)\s[^.;:]{0,40}?(?:by|de la mano de|por obra de|per opera di|per mano di|pelas mãos de|von|par|por|da|av|af|door|przez)\s(?:\p{Lu}[\p{L}'’.-]*,?\s|(?:and|und|et|y|e|och|og|en|i|de|van|von)\s|&\s){0,10}$/u;

/** "Since 1948" may speak of anything, unless it is a label. */
const SINCE = new Set(
  'since seit depuis desde dal sinds sedan siden od est start history vuodesta'.split(' '),
);

function competes(family: string, field: FieldInfo): boolean {
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

function findWord(folded: string, word: string): number[] {
  const found: number[] = [];
  const stem = word.length > 4 ? word.replace(/(?:ies|es|s|y|e)$/, '') : word;
  for (let at = folded.indexOf(` ${stem}`); at !== -1; at = folded.indexOf(` ${stem}`, at + 1)) {
    const rest = folded.slice(at + 1 + stem.length).split(' ')[0] ?? '';
    if (rest.length <= (word.length > 4 ? 3 : 0) && !isDeputyAt(folded, at + 1)) found.push(at + 1);
  }
  return found;
}

/** Labels of a block: table headers, the term before a detail, and short neighbours of the same group. */
export function* listLabels(index: PageIndex, block: TextBlock, hit: Hit): Generator<string> {
  const { blocks, groups } = index.page;
  if (block.cell !== null) {
    const { row, column } = index.headers(block);
    yield row;
    yield column;
  }
  const at = blocks.indexOf(block);
  if (block.role === 'detail') {
    const term = blocks.slice(Math.max(0, at - 12), at).findLast(({ role }) => role === 'term');
    if (term !== undefined) yield term.text;
  }
  if (block.text.length > 160) return;
  const group = findSmallGroup(index, block);
  const others =
    group === null
      ? []
      : blocks.slice(group.first, group.last + 1).filter((each) => each !== block && each.text.length <= 80);
  if (others.length === 1 || (others.length > 1 && others.length <= 3))
    yield others.map(({ text }) => text).join(' | ');
  // "Order book: 3.2bn" has its label itself, and a neighbour of that kind is the label of nothing else.
  if (SELF_LABELLED.test(block.text.slice(0, hit.start))) return;
  // A short block before a sentence is no label of what is in it.
  const before = block.text.length > 80 ? undefined : blocks[at - 1];
  if (
    before !== undefined &&
    before.text.length <= 50 &&
    !SELF_LABELLED.test(before.text.replace(/\S+$/u, '')) &&
    before.region === block.region &&
    (before.text.endsWith(':') ||
      (others.length === 0 && before.role !== 'heading') ||
      before.role === 'heading' ||
      isAlternating(index, at))
  )
    yield before.text;
  if (hit.start <= 3 && groups.length === 0) yield blocks[at + 1]?.text ?? '';
}

const SELF_LABELLED = /^[^:：\n]{2,50}[:：]\s/u;

/** "Press contact: Ann Lee": the label right before a value. */
const OWN_LABEL = /^([^:：.,;]{2,40})[:：]\s?(?:[$€£¥]|[A-Z]{3}\s|(?:about|ca\.?|rund|env\.)\s)?$/u;
const WHOLE_LABEL =
  /^(?:(?:in )?total|world(?:wide)?|global(?:ly)?|group|gesamt|weltweit|konzern|all|overall|monde|mundo|mondo|main|primary)$/i;

/** A flat list of labels and values: every second block is short and has no digits. */
function isAlternating(index: PageIndex, at: number): boolean {
  const near = index.page.blocks.slice(Math.max(0, at - 3), at + 4);
  return near.length >= 4 && near.every(({ text }) => text.length <= 60);
}

function findSmallGroup(index: PageIndex, block: TextBlock): { first: number; last: number } | null {
  let group = index.page.groups[block.group];
  for (let up = 0; up < 5 && group !== undefined; up += 1) {
    const size = group.last - group.first + 1;
    if (size > 5) return null;
    if (size >= 2) return group;
    group = index.page.groups[group.parent];
  }
  return null;
}

/** True if a label names the field. */
export function saysField(text: string, field: FieldInfo): boolean {
  return judgeLabel(text, field) === 'own';
}

function judgeLabel(label: string, field: FieldInfo): 'own' | 'other' | null {
  if (label === '') return null;
  const folded = foldText(label, 'plain').text;
  const found = findFieldMentions(folded);
  if (found.some(({ family }) => field.families.has(family))) return 'own';
  if (field.own.length > 0 && field.own.every((word) => findWord(folded, word).length > 0)) return 'own';
  if (field.hints.some((word) => findWord(folded, word).length > 0)) return 'own';
  return found.some(({ family }) => competes(family, field)) ? 'other' : null;
}

/** E-mail addresses, phone numbers and links name their field themselves, unless the field wants a special one. */
function findWrongContact(
  { field, index, kind, value, subject }: EvidenceContext,
  hit: Hit,
  sentence: Sentence,
): string | null {
  const wanted = field.words
    .map((word) => foldWords(word))
    .filter((word) => !CONTACT_WORDS.has(word) && word.length > 2);
  // Only what stands right before the value can name it: the next one may be of another department.
  const near = `${sentence.before.slice(-30).replace(/^.*[·|•]/s, '')} ${value} ${hit.link?.text ?? ''} ${/^\s?\([^)]{2,30}\)/.exec(sentence.after)?.[0] ?? ''}`;
  const text = foldText(`${near} ${hit.segment.data?.path.join(' ') ?? ''}`, 'plain').text;
  if (
    kind === 'email' &&
    subject.isPerson &&
    !isOwnMailbox(value, subject) &&
    !mentions(sentence.text, subject)
  )
    return 'the address may belong to someone else';
  if (kind === 'phone') {
    const label = foldText(sentence.before.slice(-25), 'plain').text;
    const families = findFieldMentions(label).filter(({ family }) => listGroups(family).includes('contact'));
    const last = families.at(-1)?.family;
    const wantsFax = field.families.has('fax');
    if (last === 'fax' && !wantsFax) return 'it is a fax number';
    if (wantsFax && last !== 'fax' && !text.includes('fax')) return 'it is not called a fax number';
  }
  if (wanted.length === 0 || wanted.some((word) => text.includes(word.slice(0, 6)))) return null;
  // "CEO: Ann Lee, ann@acme.example".
  if (field.groups.has('role') && judgeLabel(sentence.before, field) === 'own') return null;
  const own = OWN_LABEL.exec(sentence.before)?.[1];
  if (own !== undefined && !/mail|contact|kontakt|phone|tel/i.test(own)) return NO_FIELD;
  const labels =
    hit.segment.block === null
      ? []
      : [...listLabels(index, hit.segment.block, hit), ...listHeadings(index, hit.segment.block).slice(0, 1)];
  return labels.some(
    (label) =>
      judgeLabel(label, field) === 'own' ||
      wanted.some((word) => foldWords(label).includes(word.slice(0, 6))),
  )
    ? null
    : NO_FIELD;
}

/** True if the part before "@" has one of the person's names. */
function isOwnMailbox(value: string, subject: RowSubject): boolean {
  const box = foldWords(value.split('@')[0] ?? '').replace(/ /g, '');
  return subject.names.some((name) => name.split(' ').some((word) => word.length >= 3 && box.includes(word)));
}

const CONTACT_WORDS = new Set(
  'email mail address e phone telephone tel number mobile company website url web site homepage domain link page contact main general official profile the of hq corporate business primary com uri'.split(
    ' ',
  ),
);

/** Data names its field by its keys, or by a label in the same object. */
function findWrongKey(context: EvidenceContext, data: DataItem, hit: Hit, sentence: Sentence): string | null {
  const { field, kind } = context;
  if (data.source === 'json-ld' || data.source === 'json') {
    const keys = data.path
      .slice(-3)
      .map((key) => key.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/_/g, ' '));
    const last = judgeLabel(keys.at(-1) ?? '', field);
    if (last === 'own') return null;
    const all = judgeLabel(keys.join(' '), field);
    const beside = judgeLabel(data.beside, field);
    const isGeneric =
      /^(?:name|value|text|title|@value|label|content|description|data|address locality|address country|postal code|street address|url|display|amount|min value|price)$/i.test(
        keys.at(-1) ?? '',
      );
    if (all === 'own' && isGeneric) return null;
    if (isGeneric && beside === 'own' && kind !== 'place') return null;
    return hit.segment.text.length > 60 ? judgeText(sentence, field, hit) : NO_FIELD;
  }
  if (data.source === 'time' || data.source === 'attribute') {
    if (judgeLabel(data.path.join(' ').replace(/([a-z])([A-Z])/g, '$1 $2'), field) === 'own') return null;
    const block = context.index.page.blocks[data.block];
    if (block !== undefined && judgeLabel(block.text.slice(0, 160), field) === 'own') return null;
  }
  if (
    data.source === 'meta' &&
    judgeLabel((data.path[0] ?? '').replace(/[:_.-]/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2'), field) ===
      'own'
  )
    return null;
  return judgeText(sentence, field, hit);
}

function judgeText(sentence: Sentence, field: FieldInfo, hit: Hit): string | null {
  const found = judgeWords(sentence, field, hit);
  return found === 'own' ? null : found === 'other' ? 'the words beside it name another field' : NO_FIELD;
}
