import { formatRange, parseRange } from '../model/workbook-file.js';
import type { RawXml } from './sheet-stream.js';
import { toRaw } from './sheet-stream.js';
import { type Widening, widen } from './workbook-parts.js';
import {
  appendTo,
  applyEdits,
  type Edit,
  listElements,
  listTags,
  readAttributes,
  setAttributes,
  type XmlElement,
} from './xml-text.js';

/** A new column of a sheet. */
export interface NewColumn {
  /** In characters. */
  readonly width: number;
  /** True for a column that can be collapsed with its neighbours. */
  readonly isGrouped: boolean;
}

/** Changes what is before the rows of a sheet: its dimension, and the widths of the new columns. */
export function patchHead(
  head: RawXml,
  prefix: string,
  { start, last }: Pick<Widening, 'start' | 'last'>,
  columns: readonly NewColumn[],
): RawXml {
  if (columns.length === 0) return head;
  const edits: Edit[] = [];
  const tops = listElements(head, 1);
  const dimension = tops.find(({ tag }) => tag.name === 'dimension');
  const range = parseRange(readAttributes(dimension?.tag.text ?? '').ref);
  if (dimension !== undefined && range !== null && range.lastColumn < last) {
    const text = setAttributes(dimension.tag.text, { ref: formatRange({ ...range, lastColumn: last }) });
    edits.push({ start: dimension.start, end: dimension.tag.end, text });
  }
  const format = tops.find(({ tag }) => tag.name === 'sheetFormatPr');
  if (columns.some(({ isGrouped }) => isGrouped)) {
    const level = Number(readAttributes(format?.tag.text ?? '').outlineLevelCol ?? 0);
    if (format !== undefined && level < 1) {
      const text = setAttributes(format.tag.text, { outlineLevelCol: '1' });
      edits.push({ start: format.start, end: format.tag.end, text });
    } else if (format === undefined) {
      const at = tops.find(({ tag }) => tag.name === 'cols')?.start ?? head.lastIndexOf('<');
      const text = `<${prefix}sheetFormatPr defaultRowHeight="15" outlineLevelCol="1"/>`;
      edits.push({ start: at, end: at, text });
    }
  }
  const own = columns.map(({ width, isGrouped }, index) => {
    const at = start + index + 1;
    return `<${prefix}col min="${at}" max="${at}" width="${width}" customWidth="1"${isGrouped ? ' outlineLevel="1"' : ''}/>`;
  });
  const cols = tops.find(({ tag }) => tag.name === 'cols');
  if (cols === undefined || cols.tag.kind === 'empty') {
    const { start: from, end } = cols ?? { start: head.lastIndexOf('<'), end: head.lastIndexOf('<') };
    edits.push({ start: from, end, text: `<${prefix}cols>${own.join('')}</${prefix}cols>` });
    return applyEdits(head, edits);
  }
  const inner = head.slice(cols.tag.end, cols.innerEnd);
  edits.push({ start: cols.tag.end, end: cols.innerEnd, text: replaceColumns(inner, start, last, own) });
  return applyEdits(head, edits);
}

/** Puts columns into the list of them. Others in their place are cut: a column may be listed only once. */
function replaceColumns(list: RawXml, start: number, last: number, own: readonly string[]): RawXml {
  const [first, final] = [start + 1, last + 1];
  let before = '';
  let after = '';
  for (const { text, name } of listTags(list)) {
    if (name !== 'col') continue;
    const { min, max } = readAttributes(text);
    const [from, to] = [Number(min), Number(max)];
    if (from < first) before += to < first ? text : setAttributes(text, { max: String(first - 1) });
    if (to > final) after += from > final ? text : setAttributes(text, { min: String(final + 1) });
  }
  return before + own.join('') + after;
}

/** What is added after the rows. */
export interface TailChanges {
  readonly widening: Widening | null;
  /** Elements `hyperlink` to add; their ids have the prefix `r`. */
  readonly links: string;
  /** Whether the own link of a cell is replaced or no longer true. */
  isLinkDropped(place: string): boolean;
  /** Merged ranges that are no longer merged, such as `C2:C4`. */
  readonly parted: ReadonlySet<string>;
  /** Id of the relationship with the drawing of new comments; null without them, or if the sheet has that drawing. */
  readonly drawingId: string | null;
  readonly linkSpace: string;
}

/** Elements of a sheet in the order that Excel expects. */
const AFTER_LINKS = [
  'printOptions',
  'pageMargins',
  'pageSetup',
  'headerFooter',
  'rowBreaks',
  'colBreaks',
  'customProperties',
  'cellWatches',
  'ignoredErrors',
  'smartTags',
  'drawing',
];
const AFTER_DRAWING = [
  'legacyDrawingHF',
  'drawingHF',
  'picture',
  'oleObjects',
  'controls',
  'webPublishItems',
  'tableParts',
  'extLst',
  'AlternateContent',
];

/** Changes what is after the rows of a sheet: the range of its filter, its links, and the drawing of its comments. */
export function patchTail(tail: RawXml, prefix: string, changes: TailChanges): RawXml {
  // The tail starts with `</sheetData>`, inside the root.
  const opened = `<${prefix}worksheet><${prefix}sheetData>`;
  const xml = opened + tail;
  const edits: Edit[] = [];
  const tops = listElements(xml, 1);
  const [root] = listElements(xml, 0);
  const findPlace = (names: readonly string[]): number =>
    tops.find(({ tag }) => names.includes(tag.name))?.start ?? root?.innerEnd ?? xml.length;
  const filter = tops.find(({ tag }) => tag.name === 'autoFilter');
  if (filter !== undefined && changes.widening !== null) {
    const wide = widen(parseRange(readAttributes(filter.tag.text).ref), changes.widening);
    if (wide !== null) {
      const text = setAttributes(filter.tag.text, { ref: formatRange(wide) });
      edits.push({ start: filter.start, end: filter.tag.end, text });
    }
  }
  const list = tops.find(({ tag }) => tag.name === 'hyperlinks');
  if (list !== undefined) edits.push(...dropLinks(xml, list, changes));
  const merged = tops.find(({ tag }) => tag.name === 'mergeCells');
  if (merged !== undefined && changes.parted.size > 0) edits.push(...partRanges(xml, merged, changes.parted));
  if (changes.links !== '') {
    const links = toRaw(changes.links);
    if (list !== undefined) {
      const tag = setAttributes(list.tag.text.replace(/\s*\/>$/, '>'), { 'xmlns:r': changes.linkSpace });
      const isEmpty = list.tag.kind === 'empty';
      edits.push(
        isEmpty
          ? { start: list.start, end: list.end, text: `${tag}${links}</${list.tag.prefix}hyperlinks>` }
          : { start: list.start, end: list.tag.end, text: tag },
      );
      if (!isEmpty) edits.push(appendTo(xml, list, links));
    } else {
      const at = findPlace([...AFTER_LINKS, 'legacyDrawing', ...AFTER_DRAWING]);
      const text = `<${prefix}hyperlinks xmlns:r="${changes.linkSpace}">${links}</${prefix}hyperlinks>`;
      edits.push({ start: at, end: at, text });
    }
  }
  if (changes.drawingId !== null) {
    const at = findPlace(AFTER_DRAWING);
    const text = `<${prefix}legacyDrawing xmlns:r="${changes.linkSpace}" r:id="${changes.drawingId}"/>`;
    edits.push({ start: at, end: at, text });
  }
  return applyEdits(xml, edits).slice(opened.length);
}

function partRanges(xml: RawXml, list: XmlElement, parted: ReadonlySet<string>): Edit[] {
  const all = listElements(xml, 2).filter(({ start, end }) => start > list.start && end < list.end);
  const dropped = all.filter(({ tag }) => {
    const range = parseRange(readAttributes(tag.text).ref);
    return range !== null && parted.has(formatRange(range));
  });
  // The list may not be empty.
  if (dropped.length === all.length) return [{ start: list.start, end: list.end, text: '' }];
  const count = String(all.length - dropped.length);
  return [
    { start: list.start, end: list.tag.end, text: setAttributes(list.tag.text, { count }) },
    ...dropped.map(({ start, end }) => ({ start, end, text: '' })),
  ];
}

function dropLinks(xml: RawXml, list: XmlElement, { isLinkDropped, links }: TailChanges): Edit[] {
  const all = listElements(xml, 2).filter(({ start, end }) => start > list.start && end < list.end);
  const dropped = all.filter(({ tag }) => isLinkDropped(readAttributes(tag.text).ref ?? ''));
  // The list may not be empty.
  if (dropped.length > 0 && dropped.length === all.length && links === '')
    return [{ start: list.start, end: list.end, text: '' }];
  return dropped.map(({ start, end }) => ({ start, end, text: '' }));
}
