import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { findFieldMentions } from './field-words.js';
import { foldText } from './fold-text.js';
import { findWord } from './judge-words.js';
import type { Hit, PageIndex } from './page-index.js';
import { mentions } from './row-subject.js';
import type { Sentence } from './sentences.js';
import { isMeasure, isOtherUnit, readUnit } from './units.js';
import type { FieldInfo } from './value-kind.js';

/** "Yearly fee adults: 96 €, children: 48 €": after another number, a field of several words needs one of its own. */
export function isOfOtherItem(
  index: PageIndex,
  hit: Hit,
  { start, before, after }: Sentence,
  field: FieldInfo,
): boolean {
  const earlier = index.numbers(hit.segment).findLast((token) => token.end <= hit.start);
  const isOpen =
    field.families.size === 0 ||
    field.groups.has('measure') ||
    [...field.families].every((family) => family === 'price');
  if (!isOpen || field.own.length === 0 || earlier === undefined || earlier.end <= start) return false;
  if (!/[,;·|]/.test(before.slice(earlier.end - start))) return false;
  const heading = hit.segment.block === null ? '' : (listHeadings(index, hit.segment.block)[0] ?? '');
  const near = `${before.slice(earlier.end - start)} | ${/^[^,;.\d]{0,60}/.exec(after)?.[0] ?? ''} | ${heading}`;
  const words = foldText(near, 'plain').text;
  return field.own.every((word) => findWord(words, word).length === 0);
}

/** True for the wanted end of a range, or a number that is called a minimum or maximum. */
export function isBound(index: PageIndex, hit: Hit, bound: 'min' | 'max', texts: readonly string[]): boolean {
  const range = index.numbers(hit.segment).find(({ start }) => start === hit.start)?.range ?? null;
  if (range !== null) return range === (bound === 'min' ? 'start' : 'end');
  const words =
    bound === 'min'
      ? /(?<!\p{L})(?:min|from|lowest|starting|ab|mindest|à partir|desde|da(?=\s)|vanaf|från|fra|od)/iu
      : /(?<!\p{L})(?:max|up to|highest|bis|höchst|jusqu|hasta|fino|tot|upp? till|op til|opptil|do(?=\s))/iu;
  return texts.some((text) => words.test(text));
}

/** "14 September to 12 January": whether a date begins or ends a period. */
export function findRangeSide(index: PageIndex, { segment, start, end }: Hit): 'start' | 'end' | null {
  for (const other of index.dates(segment)) {
    const gap = other.start >= end ? other.start - end : start - other.end;
    if (gap < 0 || gap > 16) continue;
    if (other.start >= end && PERIOD.test(segment.text.slice(end, other.start))) return 'start';
    if (other.end <= start && PERIOD.test(segment.text.slice(other.end, start))) return 'end';
  }
  return null;
}

const PERIOD =
  /^\s?(?:[-–—~〜～]|to|until|till|through|bis|au|jusqu['’]au|al|hasta el|fino al|a|até|tot|t\/m|till|til|do|до|по|से|から|至)\s?(?:the\s|le\s|el\s|il\s|den\s)?$/iu;

/** "41,870 km" for `mileage_km`: the only number of the page with a unit of measure names its field by that. */
export function isOnlyMeasure({ index, field }: EvidenceContext, hit: Hit): boolean {
  const isWanted = (after: string): boolean => {
    const unit = readUnit(after, after);
    return unit !== null && field.unit !== null && isMeasure(unit) && !isOtherUnit(unit, field.unit);
  };
  if (!isWanted(hit.after ?? '')) return false;
  const all = index.segments
    .filter(({ block }) => block !== null)
    .flatMap((segment) => index.numbers(segment).filter(({ after }) => isWanted(after)));
  return all.length === 1;
}

/** "46 rooms and a dining room for 80 guests": another number is followed by the words of the field. */
export function isOfOtherNumber(
  { index, field, kind }: EvidenceContext,
  hit: Hit,
  sentence: Sentence,
): boolean {
  if (kind !== 'number' || !field.groups.has('count')) return false;
  const isFollowed = (after: string): boolean => isNamedBehind(after, field, 4);
  if (isFollowed(hit.after ?? '') || !/^\p{L}/u.test(hit.after ?? '')) return false;
  return index
    .numbers(hit.segment)
    .some(
      ({ start, end, after }) =>
        start >= sentence.start && end <= sentence.end && start !== hit.start && isFollowed(after),
    );
}

/** "1,320 employees": the first words after a number name the field. */
export function isNamedBehind(after: string, field: FieldInfo, most = 1): boolean {
  const words = foldText(after.split(/\s+/).slice(0, most).join(' '), 'plain').text;
  return findFieldMentions(words).some(({ family }) => field.families.has(family));
}

/** "9,000 barrels" for `annual_barrels`: what is counted is a word of the field itself. */
export function isCounted({ own, unit, groups }: FieldInfo, { after = '' }: Hit): boolean {
  const counted = foldText(after.split(/\s+/, 1)[0] ?? '', 'plain').text;
  return (
    counted.length >= 6 &&
    !groups.has('money') &&
    own.some((word) => word !== unit && findWord(counted, word).length > 0)
  );
}

/** "240 volunteers" as a line of its own: what is counted is named, and it is not the field. */
export function isCountOfOther({ groups }: FieldInfo, { segment, start, end }: Hit): boolean {
  return (
    groups.has('count') &&
    start <= 2 &&
    /^\+?\s(?!(?:world|global|total|people|in|at|as|on|weltweit|insgesamt|dans|en|au)\p{L}*(?!\p{L}))\p{Ll}{4,}(?:\s\p{Ll}+){0,5}$/u.test(
      segment.text.slice(end, end + 60),
    )
  );
}

/** A number or date in an item of a list whose first one is another: the heading names none of them. */
export function isLaterItem({ index, kind }: EvidenceContext, { segment }: Hit): boolean {
  const { block } = segment;
  if (block?.role === 'detail')
    return index.page.blocks
      .slice(block.heading + 1, segment.index)
      .some((each) => each.role === 'detail' && each.heading === block.heading);
  if (block === null || block.role !== 'item' || (kind !== 'number' && kind !== 'date')) return false;
  const before = index.page.blocks[segment.index - 1];
  return before?.role === 'item' && before.heading === block.heading && /\d/.test(before.text);
}

/** An amount alone in a line right below the name of a thing is its price; "Adults £9.50" that for adults. */
export function isPriceLine(
  { index, field, subject, relation }: EvidenceContext,
  hit: Hit,
  { text, before }: Sentence,
): boolean {
  const { block } = hit.segment;
  if (block === null || relation === null || block.region !== 'main' || text.length > 60) return false;
  if (index.numbers(hit.segment).find(({ start }) => start === hit.start)?.currency == null) return false;
  if (
    /(?:payments? of|instal\w+ of|\dx|raten (?:à|zu|von)|fois|cuotas de|rate da|termijnen van|save|off|spare|rabatt|from|ab|économisez|ahorra|risparmi)\W*$/iu.test(
      before,
    )
  )
    return false;
  const wanted = field.qualifiers.filter((word) => !PRICE_WORDS.has(word));
  if (wanted.length > 0) {
    const folded = foldText(text, 'plain').text;
    return wanted.every((word) => findWord(folded, word).length > 0);
  }
  const heading = index.page.blocks[block.heading];
  return heading?.level === 1 && mentions(heading.text, subject) && !namesOther(before, field);
}

/** "Delivery: £5": words before an amount, after the last number, that do not name the field. */
export function namesOther(before: string, { families }: FieldInfo): boolean {
  const words = foldText(before.replace(/^.*\d/s, ''), 'plain').text;
  const named = findFieldMentions(words).some(({ family }) => families.has(family));
  return (
    !named &&
    words
      .trim()
      .split(' ')
      .some((word) => word.length > 3 && !ONLY.has(word))
  );
}

const ONLY = new Set(
  'only just now total sale offer each your jetzt aktuell statt seulement maintenant ahora sólo solo ahora adesso euro euros nuestro'.split(
    ' ',
  ),
);

const PRICE_WORDS = new Set('price cost fee list retail sale ticket entry admission preis prix'.split(' '));
