import type { TextBlock } from '../pages/page-text.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { judgeLabel, listLabels, OWN_LABEL } from './field-labels.js';
import { foldText, foldWords } from './fold-text.js';
import { findWord, SINCE } from './judge-words.js';
import type { Hit, PageIndex } from './page-index.js';
import { mentions } from './row-subject.js';
import type { Sentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';

/** The sentence, headings, heads of a table and keys of a value, without its neighbours. */
export function listHeads(index: PageIndex, { segment: { block, data } }: Hit, { text }: Sentence): string[] {
  if (block === null) return [text, data?.path.join(' ') ?? '', data?.beside ?? ''];
  const { row, column } = index.headers(block);
  return [text, row, column, ...listHeadings(index, block).slice(0, 2)];
}

/** The texts that say what a value is: its sentence, labels, headings and keys. */
export function listWordsAround(index: PageIndex, hit: Hit, sentence: Sentence): string[] {
  const { block, data } = hit.segment;
  const keys = data === null ? [] : [data.path.join(' ').replace(/([a-z\d])([A-Z])/g, '$1 $2'), data.beside];
  const labels =
    block === null ? [] : [...listLabels(index, block, hit), ...listHeadings(index, block).slice(0, 2)];
  return [sentence.text, ...keys, ...labels];
}

/** "Shipping weight" is not the weight if the page also has a "Weight". */
export function findBetterLabel(
  { field, index }: EvidenceContext,
  hit: Hit,
  sentence: Sentence,
): string | null {
  const { block } = hit.segment;
  if (block === null) return null;
  if (isPartOfTotal(index, field, hit, sentence)) return 'another label names the field better';
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

/** "Total funding" is no single round if the page has a label for the total. */
function isPartOfTotal(index: PageIndex, field: FieldInfo, hit: Hit, sentence: Sentence): boolean {
  if (!field.words.some((word) => TOTAL.test(word))) return false;
  const isTotal = (text: string): boolean =>
    foldWords(text)
      .split(' ')
      .some((word) => TOTAL.test(word));
  if (listWordsAround(index, hit, sentence).some(isTotal)) return false;
  return index.page.blocks.some(
    ({ text }) => text.length <= 60 && isTotal(text) && judgeLabel(text, field) === 'own',
  );
}

const TOTAL = /^(?:total\p{L}{0,3}|gesamt\p{L}*|insgesamt|cumulative|overall|celkem|razem|osszes\p{L}*)$/u;

/** In a table with heads for rows and columns, the cell whose heads have most words of the field is the one. */
export function findBetterCell(
  { field, index }: EvidenceContext,
  { segment: { block } }: Hit,
): string | null {
  if (block?.cell == null) return null;
  const own = countOwnWords(index, block, field);
  if (own === 0 || own === field.own.length) return null;
  const { table, row, column } = block.cell;
  const others = [
    ...index.row(table, row),
    ...index
      .rows(table)
      .slice(0, 200)
      .flatMap((each) => index.row(table, each).filter(({ cell }) => cell?.column === column)),
  ];
  return others.some((each) => each !== block && countOwnWords(index, each, field) > own)
    ? 'another cell of the table names the field better'
    : null;
}

/** How many words of the field are in the heads of a cell. */
function countOwnWords(index: PageIndex, block: TextBlock, { own }: FieldInfo): number {
  const { row, column } = index.headers(block);
  const heads = foldText(`${row} | ${column}`, 'plain').text;
  return own.filter((word) => findWord(heads, word).length > 0).length;
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

/** "R&D employees" and "Shipping weight". */
export function isPartLabel(label: string, { families, words }: FieldInfo): boolean {
  if (families.has('employees')) return PART_LABEL.test(label);
  return families.has('weight') && PACKED.test(label) && !words.some((word) => PACKED.test(word));
}

const PACKED =
  /(?:shipping|packag|packed|gross|brutto|versand|verpack|verzend|expédition|envío|spedizione|frakt)/iu;

const PART_LABEL =
  /(?<!\p{L})(?:r\s?&\s?d|f\s?&\s?e|ar-?ge|i\s?\+\s?d|research|forschung\p{L}*|part[- ]time|teilzeit\p{L}*|seasonal|saison\p{L}*|temporary|women|female|frauen|femmes|mujeres|donne|apprentic\p{L}*|auszubildende\p{L}*|azubis?|trainees?|apprentis|aprendices|lärlingar|lærlinge\p{L}*|of which|davon|dont|di cui|varav|heraf|hvorav|研发|研究)(?!\p{L})/iu;

/** "Since" over the row of a person or office says nothing of the row that is looked for. */
export function isTermOfOther({ index, subject }: EvidenceContext, block: TextBlock, label: string): boolean {
  if (block.cell === null || !SINCE.has(foldWords(label)) || index.headers(block).column !== label)
    return false;
  return !index.row(block.cell.table, block.cell.row).some(({ text }) => mentions(text, subject));
}
