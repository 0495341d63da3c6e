import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { judgeLabel, listLabels } from './field-labels.js';
import { foldText } from './fold-text.js';
import { findWord } from './judge-words.js';
import type { Hit } from './page-index.js';
import type { FieldInfo } from './value-kind.js';

const MARK = String.raw`\s?[×xX*/|]\s?`;
/** One letter, or a few words: "B", "Breite", "largeur", "fly". */
const NAME = String.raw`\p{L}[\p{L}.]{0,18}(?:\s?\(\p{L}{1,3}\))?`;
const NAMES = new RegExp(String.raw`(?<![\p{L}\d])${NAME}(?:${MARK}${NAME}){1,4}(?![\p{L}\d])`, 'gu');
const NUMBER = String.raw`[Øø]?\s?\d{1,9}(?:[ .,]\d{1,9}){0,4}(?:\s?(?:mm|cm|m|in|ft|kg|g|"|″))?`;
const NUMBERS = new RegExp(String.raw`(?<!\d)${NUMBER}(?:${MARK}${NUMBER}){1,4}`, 'gu');

/** How far the labels of a number may be. */
const REACH = 120;

/**
 * Judges a number by labels in the same order: "L × W × H: 160 × 90 × 76 cm" or "Head (fly / floor) 4,000 / 6,000 mm".
 * Null if there are none.
 */
export function judgeByOrder({ index, field }: EvidenceContext, hit: Hit): 'own' | 'other' | null {
  const { block } = hit.segment;
  if (block === null) return null;
  const from = Math.max(0, hit.start - REACH);
  const text = hit.segment.text.slice(from, hit.end + REACH);
  const [start, end] = [hit.start - from, hit.end - from];
  const chain = [...text.matchAll(NUMBERS)].find(
    (match) => match.index <= start && match.index + match[0].length >= end,
  );
  if (chain === undefined) return null;
  const parts = chain[0].split(new RegExp(MARK, 'u'));
  const place = text.slice(chain.index, start).split(new RegExp(MARK, 'u')).length - 1;
  const line = text.slice(text.lastIndexOf('\n', chain.index) + 1, chain.index).slice(-80);
  const behind =
    /^\s?(?:mm|cm|m|in)?\s?\([^()]{3,60}\)/u.exec(text.slice(chain.index + chain[0].length))?.[0] ?? '';
  const around = [line, behind, ...listLabels(index, block, hit), ...listHeadings(index, block).slice(0, 1)];
  for (const label of around.map((each) => each.slice(0, REACH))) {
    const names = [...label.matchAll(NAMES)]
      .map((match) => match[0].split(new RegExp(MARK, 'u')))
      .find((each) => each.length === parts.length);
    if (names === undefined) continue;
    const own = names.findIndex((name, at) => isOwnName(name, at, names, label, field));
    return own === -1 ? null : own === place ? 'own' : 'other';
  }
  return null;
}

function isOwnName(
  name: string,
  at: number,
  names: readonly string[],
  label: string,
  field: FieldInfo,
): boolean {
  const letter = name.replace(/[^\p{L}]/gu, '');
  if (letter.length === 1) {
    // French: "L x l x H".
    if (letter === 'l' && names.includes('L')) return field.families.has('width');
    return isLetterOf(letter.toUpperCase(), names, field);
  }
  if (judgeLabel(name, field) === 'own') return true;
  // The word that only this label has, while the field's other words are around the labels.
  const words = field.own.filter((word) => findWord(foldText(name, 'plain').text, word).length > 0);
  const others = names.filter((_, place) => place !== at).join(' ');
  const folded = foldText(label, 'plain').text;
  return (
    words.length > 0 &&
    field.own.every((word) => findWord(folded, word).length > 0) &&
    words.some((word) => findWord(foldText(others, 'plain').text, word).length === 0)
  );
}

/** Letters for measures in most languages. In French and Italian, width begins like length. */
function isLetterOf(letter: string, names: readonly string[], { families }: FieldInfo): boolean {
  const hasWidth = names.some((name) => /^[WBl]/.test(name));
  if (families.has('width')) return /[WBŠ]/.test(letter) || (letter === 'L' && !hasWidth && names.length > 2);
  if (families.has('height')) return /[HAV]/.test(letter);
  if (families.has('depth')) return /[DTPG]/.test(letter);
  return families.has('length') && letter === 'L' && (hasWidth || names.length <= 2);
}
