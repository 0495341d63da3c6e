import type { TextBlock } from '../pages/page-text.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { listLabels, saysField } from './field-labels.js';
import { findFieldMentions } from './field-words.js';
import { isPlan } from './find-cue.js';
import { foldText } from './fold-text.js';
import { judgeWords } from './judge-words.js';
import type { Hit, PageIndex } from './page-index.js';
import { type Sentence, splitSentence } from './sentences.js';
import type { FieldInfo } from './value-kind.js';

/** Says why a value may be for the wrong year: not the requested year, or not the latest. */
export function findWrongYear(
  { field, index, kind }: EvidenceContext,
  hit: Hit,
  sentence: Sentence,
): string | null {
  const { block } = hit.segment;
  const isCounted = field.groups.has('count') || field.groups.has('money') || field.groups.size === 0;
  // In a table by years, every number is of one.
  const isAmount = kind === 'number' && (isCounted || (block?.cell != null && !field.groups.has('date')));
  // In a table by seasons or years, a holder counts like an amount.
  if (!isAmount && !(field.groups.has('role') && !field.groups.has('date') && block?.cell != null))
    return null;
  const column = block === null ? '' : index.headers(block).column;
  const row = block === null ? '' : index.headers(block).row;
  const term = findTerm(index, hit);
  if (field.year === null && [term, column, row].some((head) => head.length <= 60 && isPlannedYear(head)))
    return 'it is a plan, a goal or a forecast';
  const inHead = [
    ...listYears(term),
    ...listYears(column),
    ...(listYears(column).length === 0 ? listYears(row) : []),
  ];
  if (inHead.length > 0) {
    const own = Math.max(...inHead);
    if (field.year !== null) return inHead.includes(field.year) ? null : 'it is the value of another year';
    if (block?.role === 'detail')
      return listTermYears(index, block, field).some((year) => year > own)
        ? 'the page has a later year'
        : null;
    if (block?.cell == null) return null;
    const others = listYears(column).length > 0 ? listHeaderYears(index, block) : listRowYears(index, block);
    return others.some((year) => year > own) ? 'the table has a later year' : null;
  }
  if (!isAmount) return null;
  const inLine = findLineYear(index, hit, field);
  if (inLine !== undefined) return inLine;
  const near = findNearestYear(sentence, hit);
  if (field.year !== null)
    return near === field.year || (listYears(sentence.text).includes(field.year) && near === null)
      ? null
      : near === null && listYears(sentence.text).length === 0 && mentionsYear(index, hit, field.year)
        ? null
        : 'the year is not named beside it';
  if (near === null) return null;
  return hasLaterStatement(index, field, near, hit) || hasUndatedLabel(index, field, near, hit)
    ? 'the page has the value of a later year'
    : null;
}

/** "Revenue 812.4 766.1" below "2023 2022": the year of each number is that above it. Undefined if there is none. */
function findLineYear(
  index: PageIndex,
  { segment, start }: Hit,
  field: FieldInfo,
): string | null | undefined {
  const years = index.lineHead(segment)?.years;
  const own = years?.get(start);
  if (years === undefined || own === undefined) return undefined;
  if (own === null) return 'it is a plan, a goal or a forecast';
  if (field.year !== null) return own === field.year ? null : 'it is the value of another year';
  return own === Math.max(...[...years.values()].map((year) => year ?? 0))
    ? null
    : 'the table has a later year';
}

/** The term of a definition list before a value; empty if there is none. */
function findTerm(index: PageIndex, { segment }: Hit): string {
  const before = segment.block?.role === 'detail' ? index.page.blocks[segment.index - 1] : undefined;
  return before?.role === 'term' ? before.text : '';
}

/** The years of all terms that name the field. */
function listTermYears(index: PageIndex, block: TextBlock, field: FieldInfo): number[] {
  return index.page.blocks
    .filter(({ role, text, region }) => role === 'term' && region === block.region && saysField(text, field))
    .flatMap(({ text }) => listYears(text));
}

function mentionsYear(index: PageIndex, { segment }: Hit, year: number): boolean {
  const heading = segment.block === null ? '' : listHeadings(index, segment.block).join(' ');
  return listYears(`${heading} ${index.page.title}`).includes(year);
}

export function listYears(source: string): number[] {
  const text = source.replace(PLANNED_YEAR, ' ');
  // "FY23".
  const short = [...text.matchAll(/(?<!\p{L})FY\s?['’]?(\d{2})(?!\d)/gu)].map(
    (match) => 2_000 + Number(match[1]),
  );
  if (short.length > 0) return short;
  return [
    ...text.matchAll(
      /(?:(?<![\d.,$€£])(?:FY|CY)?\s?|(?<!\d)\d{1,2}\.\d{1,2}\.)((?:19|20)\d{2})(?![\d]|[.,]\d)/gu,
    ),
  ].map((match) => Number(match[1]));
}

const PLAN_WORD =
  '(?:target|goal|plan|planned|budget|forecast|outlook|guidance|estimate|est|ziel|prognose|plan|objectif|prévision|objetivo|previsión|obiettivo|previsione|prognos|予想|予測|预测|예상)';
/** "Target 2030", "2025 (forecast)" and "2025E". */
const PLANNED_YEAR = new RegExp(
  String.raw`(?<!\p{L})${PLAN_WORD}s?\.?\s(?:\p{L}+\s)?(?:FY\s?)?(?:19|20)\d{2}(?!\d)|(?<!\d)(?:19|20)\d{2}(?:\s?[(（]?${PLAN_WORD}s?(?!\p{L})|E(?!\p{L}))`,
  'giu',
);

function isPlannedYear(text: string): boolean {
  return new RegExp(PLANNED_YEAR.source, 'iu').test(text);
}

function isYearToken(text: string): boolean {
  return /^(?:19|20)\d{2}$/.test(text);
}

function listHeaderYears(index: PageIndex, { cell }: TextBlock): number[] {
  if (cell === null) return [];
  return index
    .rows(cell.table)
    .filter((row) => row < cell.row)
    .slice(0, 3)
    .flatMap((row) => index.row(cell.table, row).flatMap(({ text }) => listYears(text)));
}

function listRowYears(index: PageIndex, { cell }: TextBlock): number[] {
  if (cell === null) return [];
  return index.rows(cell.table).flatMap((row) =>
    index
      .row(cell.table, row)
      .filter((each) => each.cell?.column === 0)
      .flatMap(({ text }) => listYears(text)),
  );
}

/** The year closest to a value in its sentence, if it says when the value held. */
function findNearestYear(sentence: Sentence, hit: Hit): number | null {
  let [best, distance] = [null as number | null, 60];
  for (const match of sentence.text.matchAll(/(?<![\d.,$€£])((?:19|20)\d{2})(?![\d]|[.,]\d)/gu)) {
    const at = sentence.start + match.index;
    if (at < hit.end && at + 4 > hit.start) continue;
    const ahead = sentence.text.slice(Math.max(0, match.index - 30), match.index);
    const isOrigin =
      isFoundedIn(ahead) ||
      /\b(?:since|founded|established|seit|depuis|gegründet|fondée?|desde|dal|sedan|siden|sinds|с|od|in business since)\s(?:(?:in|im|nel|en|i|w|v|в|anno|året|roku|the year)\s)?$/iu.test(
        sentence.text.slice(Math.max(0, match.index - 16), match.index),
      );
    const between =
      at >= hit.end
        ? sentence.text.slice(hit.end - sentence.start, match.index)
        : sentence.text.slice(match.index + 4, hit.start - sentence.start);
    // A year belongs to the number next to it.
    if (/\d/.test(between)) continue;
    const gap = between.length;
    if (!isOrigin && gap < distance) [best, distance] = [Number(match[1]), gap];
  }
  return best;
}

/** "Fundada em 1958": a founding word, and only a preposition before the year. */
function isFoundedIn(ahead: string): boolean {
  const { text } = foldText(ahead, 'plain');
  return findFieldMentions(text).some(
    ({ family, end }) =>
      family === 'founded' && /^(?: (?!(?:and|und|et|og|och) )[^ ]{1,6}){0,2} ?$/.test(text.slice(end)),
  );
}

/** True if a table or list of the page gives another value without a year, while this one is of an early year. */
function hasUndatedLabel(index: PageIndex, field: FieldInfo, year: number, hit: Hit): boolean {
  const years = index.page.blocks.flatMap(({ text }) => (text.length > 3_000 ? [] : listYears(text)));
  if (!years.some((each) => each > year)) return false;
  return index.segments.some((segment) => {
    const { block } = segment;
    if (block === null || segment === hit.segment || segment.text.length > 40) return false;
    if (block.cell === null && block.role !== 'detail') return false;
    const label =
      block.cell === null ? (index.page.blocks[segment.index - 1]?.text ?? '') : index.headers(block).row;
    return (
      label.length <= 50 &&
      /\d/.test(segment.text) &&
      listYears(label).length === 0 &&
      saysField(label, field)
    );
  });
}

/** True if another sentence of the page gives the same field for a later year, and not as a plan. */
function hasLaterStatement(index: PageIndex, field: FieldInfo, year: number, hit: Hit): boolean {
  if (field.families.size === 0) return false;
  return index.segments.some((segment) => {
    if (segment.block === null || segment.text.length > 5_000) return false;
    if (!listYears(segment.text).some((each) => each > year)) return false;
    return index.numbers(segment).some((token) => {
      if (token.isPart || token.range !== null || isYearToken(segment.text.slice(token.start, token.end)))
        return false;
      if (segment === hit.segment && token.start < hit.end && token.end > hit.start) return false;
      const sentence = splitSentence(segment.text, token.start, token.end);
      const other = { ...hit, segment, start: token.start, end: token.end };
      const near = findNearestYear(sentence, other);
      if (near === null || near <= year || isPlan(sentence.text, index.page.language)) return false;
      if (judgeWords(sentence, field, other) === 'own') return true;
      return (
        segment.block !== null &&
        [...listLabels(index, segment.block, other)].some((label) => saysField(label, field))
      );
    });
  });
}
