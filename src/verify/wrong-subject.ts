import { resolveSiteKind } from '../model/shared-sites.js';
import type { DataItem, TextBlock } from '../pages/page-text.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { saysField } from './field-labels.js';
import { foldText, foldWords } from './fold-text.js';
import { findWord } from './judge-words.js';
import { findOtherSubject, findTopic, isPartOfRow } from './other-subject.js';
import type { Hit, PageIndex, Segment } from './page-index.js';
import { findMentions, headsRow, mentions, type RowSubject, segmentMentions } from './row-subject.js';
import { isSelfReference } from './sentence-names.js';
import type { Sentence } from './sentences.js';
import { listYears } from './wrong-year.js';

const NOT_NAMED = 'the page is not about the row, and the row is not named beside it';

/** Says why a value may belong to somebody else. */
export function findWrongSubject(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { subject, relation, kind } = context;
  if (subject.names.length === 0 && subject.hosts.length === 0) return 'the row has no name to look for';
  const { block, data } = hit.segment;
  if (data !== null) return findWrongOwner(context, data);
  if (block === null) return NOT_NAMED;
  if (kind === 'url' && isNamedAddress(context)) return null;
  if (kind === 'url' && relation !== 'own' && isProfile(context.value))
    return 'the address does not have the name of the row';
  if (kind === 'email' && isNamedAddress(context)) return null;
  if (kind === 'phone' && isOutsideOwnSection(context.index, subject, block))
    return 'it is in another record';
  if (kind === 'phone' && relation !== 'own' && namesSite(context.index, sentence.text, subject))
    return 'it is of the site, not of the row';
  if (relation === 'own' && (kind === 'url' || kind === 'email' || kind === 'phone'))
    return block.region === 'aside' ? 'it is in a side box' : null;
  if (block.region === 'aside' && segmentMentions(hit.segment, subject)) return null;
  // A box of labelled facts is about what the page is about.
  if (block.region === 'aside' && (relation === null || !isInFactBox(context.index, block)))
    return 'it is in a side box';
  if (block.region === 'nav') return 'it is in a menu';
  if (block.region === 'footer' && relation !== 'own' && !segmentMentions(hit.segment, subject))
    return 'it is in the footer of another site';
  if (block.cell !== null) {
    const inTable = findWrongRow(context, block);
    if (inTable !== undefined) return inTable;
  }
  const other = findOtherSubject(context, hit, sentence);
  if (other !== null) return other;
  if (context.field.families.has('founded') && isPartOfRow(sentence.text, subject))
    return 'the sentence is about a part of it';
  if (relation === null) return isNamedNear(context, hit.segment, block, sentence) ? null : NOT_NAMED;
  return findOtherRecord(context, block);
}

/** True for a value with a label, in a box that has at least three of them. */
function isInFactBox(index: PageIndex, block: TextBlock): boolean {
  const isLabelled = (each: TextBlock): boolean =>
    each.role === 'detail' || index.headers(each).row !== '' || /^[^:：\n]{2,40}[:：]\s/u.test(each.text);
  if (!isLabelled(block)) return false;
  const at = index.page.blocks.indexOf(block);
  const near = index.page.blocks.slice(Math.max(0, at - FACT_REACH), at + FACT_REACH);
  const box = near.filter((each) => each.region === 'aside' && each.heading === block.heading);
  return box.filter(isLabelled).length >= 3;
}

/** Blocks on both sides that are looked through for other facts. */
const FACT_REACH = 30;

/** True if a text has the name that is in the host of the page, and the row's name does not. */
function namesSite({ page }: PageIndex, text: string, { names }: RowSubject): boolean {
  const name = URL.canParse(page.url) ? (new URL(page.url).hostname.split('.').at(-2) ?? '') : '';
  const has = (words: string): boolean => words.replace(/ /g, '').includes(name);
  return name.length >= 5 && has(foldWords(text)) && !names.some(has);
}

function isProfile(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const host = new URL(value).hostname.replace(/^www\./, '');
  return resolveSiteKind(host, host.split('.').slice(-2).join('.')) === 'by-path';
}

/** An address that has the row's name in it needs no page about the row. */
function isNamedAddress({ subject, value }: EvidenceContext): boolean {
  const words = foldWords(value.replace(/^https?:\/\/(?:www\.)?/i, '')).replace(/ /g, '');
  return (
    [...subject.names, ...subject.aliases].some(
      (name) => name.length >= 4 && words.includes(name.replace(/ /g, '')),
    ) ||
    (subject.isPerson &&
      subject.names.some((name) =>
        name.split(' ').some((word) => word.length >= 5 && words.includes(word)),
      )) ||
    subject.hosts.some((host) => value.toLowerCase().includes(host))
  );
}

function findWrongOwner({ subject, relation, value, kind }: EvidenceContext, data: DataItem): string | null {
  const keys = data.path.join(' ');
  if (
    /publisher|author|creator|advert|related|recommend|similar|competitor|parentOrganization|worksFor\b/i.test(
      keys,
    ) &&
    !mentions(data.owner, subject) &&
    !/author|creator/i.test(value)
  )
    return 'the data is about another company or person';
  const isReview =
    data.path.some((key) => /^(?:reviews?|comments?)$/i.test(key)) &&
    !/review|comment/i.test(keys.split(' ').at(-1) ?? '');
  if (isReview) return 'the data is about another company or person';
  if (data.source !== 'json-ld' && data.source !== 'json')
    return relation === null && !mentions(data.value, subject)
      ? NOT_NAMED
      : findOtherInText(data.value, subject);
  if (data.owner === '' || data.owner === value) return relation === null ? NOT_NAMED : null;
  if (mentions(data.owner, subject) || mentions(data.beside, subject)) return null;
  return kind === 'person' &&
    relation !== null &&
    data.path.length > 0 &&
    !/organization|company/i.test(data.beside)
    ? null
    : 'the data is about another company or person';
}

function findOtherInText(text: string, subject: RowSubject): string | null {
  return /^(?:chat with|photo of|image of|portrait of)/i.test(text) && !mentions(text, subject)
    ? 'it is the description of an image or a button'
    : null;
}

/** Undefined if the table does not decide. */
export function findWrongRow(
  { index, subject, relation, field }: EvidenceContext,
  block: TextBlock,
): string | null | undefined {
  const { cell } = block;
  if (cell === null) return undefined;
  const names = (each: TextBlock): boolean => each !== block && segmentMentions(each, subject);
  // A table that compares a maker's products leaves out what their names share.
  const namesColumn = (each: TextBlock): boolean => {
    const words = foldWords(each.text);
    return (
      (each !== block && headsRow(each.text, subject)) ||
      (words.includes(' ') && subject.names.some((name) => name.startsWith(`${words} `)))
    );
  };
  const rows = index.rows(cell.table);
  if (rows.length < 2) return undefined;
  if (index.row(cell.table, cell.row).some((each) => segmentMentions(each, subject))) return null;
  const heads = index.row(cell.table, rows[0] ?? 0).filter((each) => each.cell !== null && namesColumn(each));
  const isFirstHead = heads.filter((each) => each.cell !== null && each.cell.column > 0);
  if (isFirstHead.length > 0 && cell.row > 0) {
    const inColumn = isFirstHead.some(
      (each) =>
        each.cell !== null &&
        each.cell.column <= cell.column &&
        each.cell.column + each.cell.colSpan > cell.column,
    );
    return inColumn ? null : 'it is in the column of another record';
  }
  // A record has its name in the first column; a caption or "Name: Acme" is no record.
  const elsewhere = rows.some((row) => {
    const cells = row === cell.row ? [] : index.row(cell.table, row);
    return (
      cells.length >= 2 &&
      cells.some(
        (each) => names(each) && (each.cell?.column === 0 || (each.cell?.column === 1 && cells.length > 2)),
      )
    );
  });
  const { row, column, isHeadedColumn } = index.headers(block);
  const rowNamesField =
    saysField(row, field) ||
    field.own.some((word) => findWord(foldText(row, 'plain').text, word).length > 0) ||
    /^(?:total|group|gesamt|summe|konzern|all|overall|worldwide)/i.test(row.trim());
  const isAmount = field.groups.has('count') || field.groups.has('money');
  const isPart = isAmount && !rowNamesField && row !== '' && hasTotal(index, cell.table);
  if (isPart) return 'it is a part of the total';
  if (elsewhere && !rowNamesField) return 'it is in the row of another record';
  if (relation === null) return NOT_NAMED;
  // A table whose rows are companies, offices or people, none of which is the row.
  const isList =
    isHeadedColumn &&
    cell.column > 0 &&
    rows.length >= 3 &&
    column !== '' &&
    listYearsOnly(column) === false &&
    saysField(column, field) &&
    !rowNamesField &&
    row !== '' &&
    listYears(row).length === 0;
  return isList && !field.groups.has('role') ? 'it is in a row about something else' : undefined;
}

/** True if a row of a table is called "Total". */
function hasTotal(index: PageIndex, table: number): boolean {
  return index
    .rows(table)
    .slice(0, 200)
    .some((row) =>
      TOTAL.test(
        index
          .row(table, row)
          .find(({ cell }) => cell?.column === 0)
          ?.text.trim() ?? '',
      ),
    );
}

const TOTAL =
  /^(?:(?:grand |group )?total|sum|all (?:segments|regions)|gesamt|summe|insgesamt|konzern|ensemble|totale|totaal|totalt|i alt|sammanlagt|razem|ogółem|celkem|итого|всего|合計|总计|합계)$/iu;

function listYearsOnly(text: string): boolean {
  return /^\s*(?:FY|CY)?\s?(?:19|20)\d{2}\s*$/.test(text);
}

/** True if the row is named in the sentence, just before it, in the same small group, or in a heading above. */
function isNamedNear(
  context: EvidenceContext,
  segment: Segment,
  block: TextBlock,
  sentence: Sentence,
): boolean {
  const { index, subject, value } = context;
  if (mentions(sentence.text, subject)) return true;
  const topic = findTopic(segment.text, sentence.start, { index, subject, value, isPerson: false });
  if (topic !== null) return topic === 'own';
  if (goesOn(context, segment)) return true;
  if (
    listHeadings(index, block)
      .slice(0, 1)
      .some((text) => mentions(text, subject))
  )
    return true;
  const isProse = block.role === 'text' && block.text.length > 120;
  let group = index.page.groups[block.group];
  for (let up = 0; up < 3 && group !== undefined; up += 1) {
    if (group.last - group.first > 8) break;
    // What is under another heading belongs to that one.
    const first = group.first;
    const texts = index.page.blocks
      .slice(first, group.last + 1)
      .filter((each, offset) => each.heading === block.heading || first + offset === block.heading);
    // A text may name others in passing; a title is what its record is about.
    const isTitle = ({ text }: TextBlock): boolean => !isProse || text.length <= 100;
    if (texts.some((each) => isTitle(each) && mentions(each.text, subject))) return true;
    group = index.page.groups[group.parent];
  }
  const before = index.page.blocks[segment.index - 1];
  return (
    before !== undefined &&
    before.role !== 'item' &&
    before.text.length < 200 &&
    isSelfReference(sentence.text) &&
    mentions(before.text, subject)
  );
}

/** True for a paragraph that begins with "It" or "The Penrith company" after one about the row. */
function goesOn({ index, subject, value }: EvidenceContext, { text, index: at, block }: Segment): boolean {
  if (block?.role !== 'text' || !(isSelfReference(text) || EPITHET.test(text))) return false;
  for (let back = 1; back <= 3; back += 1) {
    const before = index.page.blocks[at - back];
    if (before === undefined || before.role !== 'text' || before.heading !== block.heading) return false;
    const topic = findTopic(before.text, before.text.length, { index, subject, value, isPerson: false });
    if (topic !== null) return topic === 'own';
  }
  return false;
}

/** "The Penrith company", "Das Siegener Unternehmen" and "L'affineur fribourgeois". */
const EPITHET =
  /^(?:["“„«]\s?)?(?:(?:The|Der|Die|Das|Le|La|El|Il|Lo|De|Het|Den|Det|O|A)\s|L['’])(?:\p{Lu}[\p{L}-]+\s(?:\p{Ll}|\p{Lu}\p{Ll}+\s\p{Ll})|\p{Ll}[\p{L}-]+\s\p{Ll})/u;

/** On a page about the row: says why the value is in a record or section about something else. Null if it is not. */
function findOtherRecord({ index, subject }: EvidenceContext, block: TextBlock): string | null {
  const { blocks, groups } = index.page;
  const heading = blocks[block.heading];
  if (isOutsideOwnSection(index, subject, block)) return 'it is in another record';
  if (heading !== undefined && heading.level >= 2 && !headsRow(heading.text, subject)) {
    const about =
      /^(?:[Aa]bout|[Üü]ber|[ÀàAa] propos d[eu'’]?|[Aa]cerca de|[Ss]obre|[Ii]nformazioni su|[Oo]ver|[Oo]m|[Oo] firmie|[Оо] компании)\s+(\p{Lu}.*)/u.exec(
        heading.text,
      )?.[1];
    if (about !== undefined && !/^(?:us|uns|nous|nosotros|noi|ons|oss|The (?:company|firm))/i.test(about))
      return 'the section is about another company or person';
    const same = blocks.filter((each) => each.level === heading.level && each !== heading);
    if (
      same.length >= 1 &&
      same.some(
        (each) =>
          each.level > 1 &&
          foldWords(each.text) !== '' &&
          subject.names.some(
            (name) => foldWords(each.text) === name || foldWords(each.text).startsWith(`${name} `),
          ),
      )
    )
      return 'the section is about another company or person';
  }
  if (block.cell !== null) return null;
  let [group, child] = [groups[block.group], block.group];
  for (let up = 0; up < 4 && group !== undefined; up += 1) {
    const parent = groups[group.parent];
    if (parent === undefined) break;
    const size = group.last - group.first;
    const siblings = groups.filter(
      (each, id) =>
        each.parent === groups[child]?.parent &&
        id !== child &&
        each.first >= 0 &&
        each.last - each.first === size,
    );
    const own = blocks.slice(group.first, group.last + 1);
    // Paragraphs side by side are one text; items and boxes of several blocks are records.
    const isRecord = size > 0 || block.role === 'item';
    if (isRecord && siblings.length >= 2 && !own.some((each) => mentions(each.text, subject))) {
      const named = siblings.filter((each) =>
        blocks
          .slice(each.first, each.last + 1)
          // The title of a record; further texts may name the row as the value of something.
          .filter((text, at) => at === 0 || text.role === 'heading')
          .some((text) => (text.role !== 'heading' || size > 0 ? startsWithName(text.text, subject) : false)),
      );
      if (named.length > 0 && named.length <= 2) return 'it is in another record';
    }
    child = group.parent;
    group = parent;
  }
  return null;
}

/** True on a page about many, of which one has a heading with the row's name: what is not below that is of others. */
function isOutsideOwnSection(index: PageIndex, subject: RowSubject, block: TextBlock): boolean {
  const { blocks } = index.page;
  const own = ownSections.get(subject) ?? findOwnSection(index, subject);
  ownSections.set(subject, own);
  if (own === -1) return false;
  let at = blocks.indexOf(block);
  for (let up = 0; up < 6 && at >= 0; up += 1) {
    if (at === own) return false;
    at = blocks[at]?.heading ?? -1;
  }
  return !mentions(block.text, subject);
}

const ownSections = new WeakMap<RowSubject, number>();

/** The heading of the row on a page whose title does not name it, if there are others of its level; otherwise -1. */
function findOwnSection({ page: { blocks, title } }: PageIndex, subject: RowSubject): number {
  if (mentions(title, subject)) return -1;
  const own = blocks.findIndex(({ level, text }) => level >= 2 && headsRow(text, subject));
  if (blocks.some(({ level, text }) => level === 1 && mentions(text, subject))) return -1;
  const isSibling = ({ level, heading }: TextBlock, at: number): boolean =>
    at !== own && level === blocks[own]?.level && heading === blocks[own]?.heading;
  return blocks.some(isSibling) ? own : -1;
}

function startsWithName(text: string, subject: RowSubject): boolean {
  const [first] = findMentions(text.slice(0, 120), subject);
  return first !== undefined && first[0] <= 3;
}
