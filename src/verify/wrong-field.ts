import type { DataItem } from '../pages/page-text.js';
import {
  findBetterCell,
  findBetterLabel,
  isPartLabel,
  isTermOfOther,
  listHeads,
  listWordsAround,
} from './better-label.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import {
  hasOwnWords,
  isLaterSentence,
  judgeLabel,
  listLabels,
  OWN_LABEL,
  WHOLE_LABEL,
} from './field-labels.js';
import { findFieldMentions } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import { findWord, judgeWords } from './judge-words.js';
import { COMMON_COUNTRIES, findCountryCode } from './known-names.js';
import {
  findRangeSide,
  isBound,
  isCounted,
  isCountOfOther,
  isLaterItem,
  isNamedBehind,
  isOfOtherItem,
  isOfOtherNumber,
  isOnlyMeasure,
  isPriceLine,
  namesOther,
} from './number-evidence.js';
import type { Hit } from './page-index.js';
import { judgeByOrder } from './parallel-labels.js';
import {
  isAddress,
  isAlone,
  isBranch,
  isFirstOfPlaceLine,
  isInAddress,
  isPlaceLike,
  isPlaceLine,
} from './place-evidence.js';
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
    findBetterLabel(context, hit, sentence) ??
    findBetterCell(context, hit)
  );
}

/** The words that tell `studio_day_rate` from other rates have to be beside the value, too, or above it. */
function findMissingQualifier(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, index, kind, subject } = context;
  const wanted = field.qualifiers.filter((word) => !subject.names.some((name) => name.includes(word)));
  if (kind === 'number' && judgeByOrder(context, hit) === 'own') return null;
  if (field.bound !== null && !isBound(index, hit, field.bound, listWordsAround(index, hit, sentence)))
    return `"${field.bound}" is not beside it`;
  if (field.words.includes('lead') && !listWordsAround(index, hit, sentence).some((text) => LEADS.test(text)))
    return '"lead" is not beside it';
  if (isOfOtherItem(index, hit, sentence, field)) return `"${field.own[0]}" is not beside it`;
  const numbered = field.numbered.find((words) =>
    listHeads(index, hit, sentence).every((text) => !foldText(text, 'plain').text.includes(` ${words} `)),
  );
  if (numbered !== undefined) return `"${numbered}" is not beside it`;
  if (wanted.length === 0 || kind === 'url' || kind === 'email' || kind === 'phone') return null;
  // In a text with several numbers, each has its own word.
  const before = kind === 'number' ? sentence.before.replace(/^.*\d(?=\D*[\s,(])/s, '') : sentence.before;
  const [, ...around] = listWordsAround(index, hit, sentence);
  const after =
    kind === 'number' ? (/^[^,;.\d]{0,60}/.exec(sentence.after)?.[0] ?? '') : sentence.after.slice(0, 60);
  const own = [before, after, ...around].join(' | ');
  const text = foldText(own, 'plain').text;
  // "Pre-tax" for `pretax`.
  const joined = text.replaceAll(' ', '');
  return wanted.some((word) => findWord(text, word).length > 0 || (word.length >= 6 && joined.includes(word)))
    ? null
    : `"${wanted[0]}" is not beside it`;
}

const LEADS =
  /(?<!\p{L})(?:led|lead|leads|leading|(?:an)?geführt|angeleitet|menée?|emmenée?|lidera\p{L}*|guidat[oa]|geleid|johti|wiod\p{L}*|prowadz\p{L}*|veden\p{L}*)(?!\p{L})/iu;

/** Says why a value may be that of another kind of field. */
function findWrongFamily(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, kind, index, relation, subject } = context;
  if (kind === 'url' || kind === 'email' || kind === 'phone') return findWrongContact(context, hit, sentence);
  const { block, data } = hit.segment;
  if (data !== null) return findWrongKey(context, data, hit, sentence);
  const side = kind === 'date' ? findRangeSide(index, hit) : null;
  if (side !== null && field.side !== null)
    return side === field.side ? null : 'it is the other end of a period';
  if (block !== null && isPartLabel(index.headers(block).row, field))
    return 'it is only a part or a change of the whole';
  if (kind === 'number') {
    const inOrder = judgeByOrder(context, hit);
    if (inOrder !== null) return inOrder === 'own' ? null : 'its label names another field';
  }
  if (block === null) return NO_FIELD;
  // "Trustees: Ann Lee (Chair), Tom Fox".
  const bracket = /^\s?\(([^()]{2,40})\)/.exec(sentence.after)?.[1] ?? '';
  if (judgeLabel(bracket, field) === 'own' && (field.groups.has('role') || !/\d/.test(bracket))) return null;
  // A street and number, or a full address, say what they are.
  if (field.families.has('location') && isAddress(context.value) && hit.how !== 'partial')
    return isBranch(context, block, sentence.before) ? 'it may be a branch' : null;
  // "HRB 10457" names its register itself.
  if (kind === 'text' && /\d/.test(context.value) && judgeLabel(context.value, field) === 'own') return null;
  const line = /^([^:：]{2,40})[:：]/u.exec(sentence.before)?.[1] ?? '';
  if (field.groups.has('location') && isPlaceLike(kind) && judgeLabel(line, field) === 'other')
    return 'its label names another field';
  if (
    field.families.has('location') &&
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
    (/[★☆⭐]\s?$/u.test(sentence.before) || /^\s?[★⭐]/u.test(sentence.after))
  )
    return null;
  if (
    field.families.has('rating') &&
    !namesOther(sentence.before, field) &&
    /^\s?(?:\/|out of|von|sur|de|su)\s?(?:5|10|100)(?![\d.,])/u.test(sentence.after)
  )
    return null;
  if (kind === 'number' && field.groups.has('count') && isNamedBehind(hit.after ?? '', field)) return null;
  if (kind === 'number' && isCounted(field, hit)) return null;
  const hasTitle = field.groups.has('role') && hasOtherTitle(hit, sentence, field);
  const label = block.cell === null ? OWN_LABEL.exec(sentence.before)?.[1] : undefined;
  if (label !== undefined && judgeLabel(label, field) === 'own') return null;
  if (
    label !== undefined &&
    !/\d/.test(label) &&
    !WHOLE_LABEL.test(label) &&
    judgeLabel(label, field) !== 'own'
  )
    return 'its label names another field';
  if (kind !== 'number' && (isInList(sentence, field) || isBuyer(context, sentence))) return null;
  const inSentence = isOfOtherNumber(context, hit, sentence) ? 'other' : judgeWords(sentence, field, hit);
  if (inSentence === 'other') return 'the words beside it name another field';
  if (inSentence === 'own') return null;
  if (isCountOfOther(field, hit)) return 'it counts something else';
  const [heading = ''] = listHeadings(index, block);
  const isLater = isLaterSentence(hit, sentence, kind, field);
  for (const label of listLabels(index, block, hit)) {
    if (isLater && label === heading) continue;
    const found = isTermOfOther(context, block, label) ? null : judgeLabel(label, field);
    if (found === 'own' && !hasTitle) return null;
    if (found === 'other') return 'its label names another field';
  }
  if (hasTitle) return 'another title is beside the name';
  if (kind === 'country' && (isPlaceLine(hit) || isAlone(hit))) return null;
  if (kind === 'country' && COMMON_COUNTRIES.has(findCountryCode(context.value) ?? '')) return NO_FIELD;
  if (kind === 'person' && !field.groups.has('role') && relation !== null) return null;
  if (hit.namesField === true) return null;
  if (field.groups.has('location') && isPlaceLike(kind) && (isAlone(hit) || isFirstOfPlaceLine(hit)))
    return null;
  if (isEmployer(field, subject) && isBelowName(context, hit)) return null;
  if (isJobTitle(field) && isBesideName(context, hit, sentence)) return null;
  if (isSelfNaming(context, hit)) return null;
  if (relation !== null && kind === 'number' && isOnlyMeasure(context, hit)) return null;
  // A headline is a sentence of its own.
  if (heading.length <= 40 && judgeLabel(heading, field) === 'own')
    return isLaterItem(context, hit) || isOfRow(context, hit) || isLater
      ? 'it is one of several below a heading'
      : null;
  // Several people and roles may share a sentence.
  const isHolder = field.groups.has('role') || field.families.has('parent');
  const around = listWordsAround(index, hit, sentence).slice(isHolder ? 1 : 0);
  return hasOwnWords(around.join(' | '), field) ? null : NO_FIELD;
}

/** A cell whose row has a label of its own: the heading of the table is of all rows. */
function isOfRow({ index, kind }: EvidenceContext, { segment: { block } }: Hit): boolean {
  const row = block?.cell == null || kind !== 'number' ? '' : index.headers(block).row;
  return row !== '' && !WHOLE_LABEL.test(row.trim());
}

/** "Board: Ann Lee, Dr. Tom Fox": the label of a list is that of each item, up to the next label or role. */
function isInList({ before }: Sentence, field: FieldInfo): boolean {
  const [all = '', label = ''] = /^([^:：.;\n]{2,40})[:：]\s/u.exec(before) ?? [];
  const rest = before.slice(all.length);
  return (
    all !== '' &&
    !/[:：;()]|[.!?]\s(?=\p{Lu}\p{Ll}+\s\p{Ll})|(?<!\p{L})\p{Ll}{4}/u.test(rest) &&
    judgeLabel(label, field) === 'own' &&
    findFieldMentions(foldText(rest, 'plain').text).length === 0
  );
}

/** "Bellringer has bought Marlowe Tea": the value is who bought the row. */
function isBuyer({ field, subject }: EvidenceContext, { after }: Sentence): boolean {
  const [verb = ''] = BUYS.exec(after) ?? [];
  if (verb === '' || !(field.families.has('acquirer') || field.families.has('parent'))) return false;
  return findMentions(after.slice(verb.length, verb.length + 60), subject).some(([start]) => start <= 30);
}

const BUYS =
  /^\s(?:has\s|have\s|had\s|hat\s|a\s|ha\s|heeft\s|har\s)?(?:bought|buys|acquired|acquires|taken over|takes over|kauft|übernimmt|rachète|racheté|acquiert|compra|compró|comprado|adquiere|adquirió|adquire|adquiriu|acquista|acquistato|rileva|rilevato|koopt|gekocht|köper|köpt|køber|købt|kjøper|kjøpt|kupuje|kupił|przejmuje|przejął|kupila|koupila|kupuje|acquires control of)\s/u;

/** "The Gloucester miller, which …": a place that stands for the row. */
function isEpithet({ before, after }: Sentence): boolean {
  return (
    /^(?:["“]\s?)?(?:The|Die|Das|Der)\s$/u.test(before) &&
    /^(?:-based)?\s\p{Ll}[\p{L}-]+,?\s(?:\p{Ll}|\p{Lu})/u.test(after)
  );
}

/** "Kranbau Ilmer aus Passau" and "Fjordglas i Hobro": the row's name and "from" or "in". */
function isNameFrom(before: string, subject: RowSubject): boolean {
  const [, name = ''] =
    /^(.{3,80}?)(?:\s(?:aus|uit|från|fra|of|in|i|à|en|em|te)|,\s(?:from|de|di|da|do))\s$/su.exec(before) ??
    [];
  return findMentions(name, subject).some(
    ([start, end]) => end >= name.length - 1 && isSubjectAt(name, start),
  );
}

/** True at the beginning of a sentence, after an article and what the row is. */
function isSubjectAt(text: string, start: number): boolean {
  return /^(?:["“„«]\s?)?(?:\p{L}[\p{Ll}-]*\s){0,3}$/u.test(text.slice(0, start));
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
  return words.some((word) =>
    /^(?:title|role|position|job|jobtitle|rank|function|profession|occupation|beruf|métier|profesión|professione|profissão|beroep|yrke|zawód|povolání)$/.test(
      word,
    ),
  );
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
function hasOtherTitle({ segment, end }: Hit, { after }: Sentence, field: FieldInfo): boolean {
  // "Ann Lee (chief scientist)", or a title in the next line.
  const apart = /^(?:\s?\(([^()\d]{4,40})\)|\n([^\n\d@:]{4,50})(?:\n|$))/u.exec(segment.text.slice(end));
  if (apart !== null) return judgeLabel(apart[1] ?? apart[2] ?? '', field) !== 'own';
  const title =
    /^\s?[,–—|·(-]\s?((?!(?:who|which|the|and|der|die|qui|que|che|som|die|de|von|aus|from|of|in|à|di|da|van)\s)\p{Ll}[\p{L}\s&'’-]{3,50})\)?\.?$/u.exec(
      after,
    )?.[1];
  return title !== undefined && judgeLabel(title, field) !== 'own';
}

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
