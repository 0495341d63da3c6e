import type { TextBlock } from '../pages/page-text.js';
import { findFieldMentions } from './field-words.js';
import { foldText } from './fold-text.js';
import { competes, findWord } from './judge-words.js';
import type { Hit, PageIndex } from './page-index.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo, ValueKind } from './value-kind.js';

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
  // A name as a heading has its label below, not above.
  if (block.role === 'heading' && hit.end - hit.start >= block.text.length - 12) {
    const below = blocks.slice(at + 1, at + 3).filter((each) => each.heading === at);
    // Only the first sentence: later ones tell of other posts. "2009–2020" is over.
    const titles = below.map(({ text }) => text.split(/[.!?]\s+(?=\p{Lu})/u, 1)[0] ?? '');
    yield* titles.filter((title) => title.length <= 100 && !OVER.test(title));
    return;
  }
  // A name as a line of its own has its label in the next line.
  const line = block.text.slice(block.text.lastIndexOf('\n', hit.start) + 1);
  const [name = '', below] = line.split('\n', 2);
  // "VAT:" in the line above.
  const above = block.text.slice(0, hit.start - (hit.start - block.text.lastIndexOf('\n', hit.start)));
  const lineAbove = above.slice(above.lastIndexOf('\n') + 1);
  if (block.text.lastIndexOf('\n', hit.start) > 0 && /^[^:：]{2,40}[:：]$/u.test(lineAbove)) {
    yield lineAbove;
    return;
  }
  if (block.text.includes('\n') && name.length <= hit.end - hit.start + 12) {
    // "Founded\n1962": a line of its own has its label in the line above, or below if it is a name.
    if (lineAbove !== '' && lineAbove.length <= 40 && !/\d/.test(lineAbove)) yield lineAbove;
    if (/\d/.test(name)) return;
    if (below !== undefined && !OVER.test(below)) yield below;
    return;
  }
  const group = findSmallGroup(index, block);
  const others =
    group === null
      ? []
      : blocks
          .slice(group.first, group.last + 1)
          .filter((each) => each !== block && each.text.length <= 80 && !each.text.includes('\n'));
  if (others.length === 1 || (others.length > 1 && others.length <= 3))
    yield others.map(({ text }) => text).join(' | ');
  // "Order book: 3.2bn" has its label itself, and a neighbour of that kind is the label of nothing else.
  if (SELF_LABELLED.test(block.text.slice(0, hit.start))) return;
  // A short block before a sentence is no label of what is in it.
  const before = block.text.length > 80 ? undefined : blocks[at - 1];
  if (
    before !== undefined &&
    before.text.length <= 50 &&
    !before.text.includes('\n') &&
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

/** "MIT. The bundled hash function is BSD": a heading is of the first sentence, or the first number. */
export function isLaterSentence(
  { segment: { text }, start }: Hit,
  sentence: Sentence,
  kind: ValueKind,
  { own }: FieldInfo,
): boolean {
  if (sentence.start === 0 || start === sentence.start) return false;
  const words = foldText(sentence.text, 'plain').text;
  if (own.some((word) => findWord(words, word).length > 0)) return false;
  if (kind === 'number' || kind === 'date') return /\d/.test(text.slice(0, sentence.start));
  return sentence.previous.length < 160 && !text.includes('\n');
}

/** "Managing Partner 2009–2020". */
const OVER = /\d{4}\s?(?:[–-]|to|and|bis|und|à|et|y|a|al|e|tot|en|till|til|og|och|do)\s?\d{4}/;

const SELF_LABELLED = /^[^:：\n]{2,50}[:：]\s/u;

/** "Press contact: Ann Lee": the label right before a value. */
export const OWN_LABEL =
  /(?:^|[:：;]\s|\.\s)([^:：.,;]{2,40})\.?\s?[:：]\s?(?:[$€£¥]|[A-Z]{3}\s|(?:about|ca\.?|rund|env\.)\s)?$/u;
export const WHOLE_LABEL =
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

/** Whether a label names the field, another field of its group, or neither. */
export function judgeLabel(label: string, field: FieldInfo): 'own' | 'other' | null {
  if (label === '') return null;
  const folded = foldText(label, 'plain').text;
  const found = findFieldMentions(folded);
  const named = found.filter(({ family }) => field.families.has(family));
  const isVague = named.every(({ start, end }) => VAGUE.has(folded.slice(start, end)));
  if (
    named.length > 0 &&
    !(isVague && found.some(({ family }) => competes(family, field) && !field.families.has(family)))
  )
    return 'own';
  if (hasWords(folded, field)) return 'own';
  // "P/E ratio" for `pe_ratio`, and "Capital" for `share_capital`.
  const words = folded.trim().split(' ');
  if (field.own.length > 0 && field.own.join('').length >= 5 && words.join('') === field.own.join(''))
    return 'own';
  if (
    !field.groups.has('role') &&
    words.length <= 2 &&
    words.every((word) => word.length >= 4 && field.own.includes(word))
  )
    return 'own';
  // "Ref." for `reference`, and "ИНН" for `inn`.
  const [word = ''] = words;
  const [only = ''] = field.own;
  if (words.length === 1 && field.own.length === 1 && word.length >= 3 && only.startsWith(word)) return 'own';
  if (/[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(label) && hasWords(foldText(label, 'latin').text, field))
    return 'own';
  if (field.hints.some((word) => findWord(folded, word).length > 0)) return 'own';
  return found.some(({ family }) => competes(family, field)) ? 'other' : null;
}

/** Words that many fields share: "date posted" is not the date of the event. */
const VAGUE = new Set('date datum fecha data number name firma'.split(' '));

/** True if a text has all of the field's own words. */
export function hasOwnWords(text: string, field: FieldInfo): boolean {
  return hasWords(foldText(text, 'plain').text, field);
}

function hasWords(folded: string, { own }: FieldInfo): boolean {
  // "Jahresbeitrag Erwachsene": of several words, one may be the end of a compound.
  const isEnd = (word: string): boolean => own.length > 1 && word.length >= 5 && folded.includes(`${word} `);
  return own.length > 0 && own.every((word) => findWord(folded, word).length > 0 || isEnd(word));
}
