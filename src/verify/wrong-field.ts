import type { DataItem, TextBlock } from '../pages/page-text.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { hasOwnWords, judgeLabel, listLabels, OWN_LABEL, WHOLE_LABEL } from './field-labels.js';
import { findFieldMentions } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import { findWord, judgeWords } from './judge-words.js';
import { COMMON_COUNTRIES, findCountryCode } from './known-names.js';
import type { Hit, PageIndex } from './page-index.js';
import { isAddress, isAlone, isBranch, isInAddress, isPlaceLike, isPlaceLine } from './place-evidence.js';
import { findMentions, mentions, type RowSubject } from './row-subject.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';
import { findWrongContact } from './wrong-contact.js';

const NO_FIELD = 'the words of the field are not beside it';

/** Says why a value may be that of another field. */
export function findWrongField(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  return (
    findWrongFamily(context, hit, sentence) ??
    findMissingQualifier(context, hit, sentence) ??
    findBetterLabel(context, hit, sentence)
  );
}

/** The words that tell `studio_day_rate` from other rates have to be beside the value, too, or above it. */
function findMissingQualifier(
  { field, index, kind, subject }: EvidenceContext,
  hit: Hit,
  sentence: Sentence,
): string | null {
  const wanted = field.qualifiers.filter((word) => !subject.names.some((name) => name.includes(word)));
  if (wanted.length === 0 || kind === 'url' || kind === 'email' || kind === 'phone') return null;
  // In a text with several numbers, each has its own word.
  const before = kind === 'number' ? sentence.before.replace(/^.*\d(?=\D*[\s,(])/s, '') : sentence.before;
  const [, ...around] = listWordsAround(index, hit, sentence);
  const after =
    kind === 'number' ? (/^[^,;.\d]{0,60}/.exec(sentence.after)?.[0] ?? '') : sentence.after.slice(0, 60);
  const own = [before, after, ...around].join(' | ');
  const text = foldText(own, 'plain').text;
  return wanted.some((word) => findWord(text, word).length > 0) ? null : `"${wanted[0]}" is not beside it`;
}

/** The texts that say what a value is: its sentence, labels, headings and keys. */
function listWordsAround(index: PageIndex, hit: Hit, sentence: Sentence): string[] {
  const { block, data } = hit.segment;
  const keys = data === null ? [] : [data.path.join(' ').replace(/([a-z\d])([A-Z])/g, '$1 $2'), data.beside];
  const labels =
    block === null ? [] : [...listLabels(index, block, hit), ...listHeadings(index, block).slice(0, 2)];
  return [sentence.text, ...keys, ...labels];
}

/** "Shipping weight" is not the weight if the page also has a "Weight". */
function findBetterLabel({ field, index }: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { block } = hit.segment;
  if (block === null) return null;
  const label = findOwnLabel(index, block, hit, sentence);
  if (label === null || judgeLabel(label, field) !== 'own') return null;
  const words = foldWords(label).split(' ');
  const wanted = new Set(field.own);
  const isBetter = (other: string): boolean => {
    const rest = foldWords(other).split(' ');
    return (
      rest.length < words.length &&
      rest.every((word) => words.includes(word)) &&
      !words.some((word) => !rest.includes(word) && wanted.has(word)) &&
      judgeLabel(other, field) === 'own'
    );
  };
  return index.labels(block.cell?.table ?? null).some(isBetter)
    ? 'another label names the field better'
    : null;
}

/** The label that a value has in its table, list or line. Null if it stands in a text. */
function findOwnLabel(index: PageIndex, block: TextBlock, hit: Hit, { before }: Sentence): string | null {
  const label =
    block.cell === null
      ? (OWN_LABEL.exec(before)?.[1] ??
        (block.role === 'detail' ? index.page.blocks[hit.segment.index - 1]?.text : undefined))
      : index.headers(block).row;
  return label === undefined || label === '' || label.length > 50 || /\d/.test(label) ? null : label;
}

/** Says why a value may be that of another kind of field. */
function findWrongFamily(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, kind, index, relation, subject } = context;
  if (kind === 'url' || kind === 'email' || kind === 'phone') return findWrongContact(context, hit, sentence);
  const { block, data } = hit.segment;
  if (data !== null) return findWrongKey(context, data, hit, sentence);
  if (block === null) return NO_FIELD;
  // "Trustees: Ann Lee (Chair), Tom Fox".
  const bracket = /^\s?\(([^()]{2,40})\)/.exec(sentence.after)?.[1] ?? '';
  if (field.groups.has('role') && judgeLabel(bracket, field) === 'own') return null;
  // A street and number, or a full address, say what they are.
  if (field.families.has('location') && isAddress(context.value) && hit.how !== 'partial')
    return isBranch(context, block, sentence.before) ? 'it may be a branch' : null;
  // "HRB 10457" names its register itself.
  if (kind === 'text' && /\d/.test(context.value) && judgeLabel(context.value, field) === 'own') return null;
  const line = /^([^:：]{2,40})[:：]/u.exec(sentence.before)?.[1] ?? '';
  if (field.groups.has('location') && isPlaceLike(kind) && judgeLabel(line, field) === 'other')
    return 'its label names another field';
  if (
    field.groups.has('location') &&
    isPlaceLike(kind) &&
    (isInAddress(hit.segment.text, hit) ||
      (relation !== null && isEpithet(sentence)) ||
      isNameFrom(sentence.before, subject)) &&
    !isBranch(context, block, sentence.before)
  )
    return null;
  if (field.families.has('published') && block.role !== 'detail' && block.cell === null && isAtTop(hit))
    return null;
  if (field.groups.has('role') && BYLINE.test(sentence.before))
    return field.families.has('author') ? null : 'it is the author of the text';
  if (field.groups.has('location') && isPlaceLike(kind) && isBranch(context, block, sentence.before))
    return 'it may be a branch';
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
  if (sentence.text.length >= 160) return NO_FIELD;
  const [heading = ''] = listHeadings(index, block);
  // A headline is a sentence of its own.
  if (heading.length <= 40 && judgeLabel(heading, field) === 'own') return null;
  // Several people and roles may share a sentence.
  const around = listWordsAround(index, hit, sentence).slice(field.groups.has('role') ? 1 : 0);
  return hasOwnWords(around.join(' | '), field) ? null : NO_FIELD;
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

/** "The Gloucester miller, which …": a place that stands for the row. */
function isEpithet({ before, after }: Sentence): boolean {
  return (
    /^(?:["“]\s?)?(?:The|Die|Das|Der)\s$/u.test(before) &&
    /^(?:-based)?\s\p{Ll}[\p{L}-]+,?\s(?:\p{Ll}|\p{Lu})/u.test(after)
  );
}

/** "Kranbau Ilmer aus Passau": the row's name and "from", in languages that say so. */
function isNameFrom(before: string, subject: RowSubject): boolean {
  if (/\s(?:aus|uit|från|fra)\s$/u.test(before)) return mentions(before.slice(-60), subject);
  const [, name = ''] = /^(.{3,60})\sof\s$/u.exec(before) ?? [];
  return findMentions(name, subject).some(([, end]) => end >= name.length - 1);
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
    /^\s?[,–—|·(-]\s?((?!(?:who|which|the|and|der|die|qui|que|che|som|die|de|von|aus|from|of|in|à|di|da|van)\s)\p{Ll}[\p{L}\s&'’-]{3,50})\)?\.?$/u.exec(
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
  if (
    /(?:payments? of|instal\w+ of|\dx|raten (?:à|zu|von)|fois|cuotas de|rate da|termijnen van|save|off|spare|rabatt|from|ab|économisez|ahorra|risparmi)\W*$/iu.test(
      before,
    )
  )
    return false;
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
      /^(?:name|value|text|title|@value|label|content|description|data|address locality|address country|postal code|street address|url|display|amount|min value|max value|price)$/i.test(
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
