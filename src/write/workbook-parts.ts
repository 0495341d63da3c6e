import { type CellRange, formatRange, parseRange } from '../model/workbook-file.js';
import {
  appendTo,
  applyEdits,
  type Edit,
  escapeAttribute,
  listElements,
  readAttributes,
  setAttributes,
  type XmlElement,
} from './xml-text.js';

/** A part of a workbook that is new, with its content type. */
export interface PartType {
  /** Path without a slash at its start. */
  readonly path: string;
  readonly type: string;
}

const WORKBOOK_TYPE =
  /^application\/vnd\.(?:openxmlformats-officedocument\.spreadsheetml|ms-excel)\.(?:sheet|template)\.(?:macroEnabled\.)?main\+xml$/i;
const PLAIN_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml';
const MACRO_TYPE = 'application/vnd.ms-excel.sheet.macroEnabled.main+xml';

/** Changes the list of content types: parts that were removed, parts that are new, and with or without macros. */
export function patchContentTypes(
  xml: string,
  changes: {
    readonly isRemoved: (path: string) => boolean;
    readonly added: readonly PartType[];
    readonly withMacros: boolean;
  },
): string {
  const [root] = listElements(xml, 0);
  if (root === undefined) return xml;
  const edits: Edit[] = [];
  const named = new Set<string>();
  for (const { tag, start, end } of listElements(xml, 1)) {
    const { PartName = '', ContentType = '', Extension } = readAttributes(tag.text);
    if (Extension !== undefined) named.add(Extension.toLowerCase());
    const path = PartName.replace(/^\//, '').toLowerCase();
    named.add(path);
    if (path !== '' && changes.isRemoved(path)) edits.push({ start, end, text: '' });
    const main = changes.withMacros ? MACRO_TYPE : PLAIN_TYPE;
    if (WORKBOOK_TYPE.test(ContentType) && ContentType !== main)
      edits.push({ start, end: tag.end, text: setAttributes(tag.text, { ContentType: main }) });
  }
  const p = root.tag.prefix;
  const added = changes.added
    .filter(({ path }) => !named.has(path.toLowerCase()))
    .map(({ path, type }) =>
      path.includes('/')
        ? `<${p}Override PartName="/${escapeAttribute(path)}" ContentType="${type}"/>`
        : `<${p}Default Extension="${path}" ContentType="${type}"/>`,
    );
  if (added.length > 0) edits.push(appendTo(xml, root, added.join('')));
  return applyEdits(xml, edits);
}

/** A relationship to be added to a part. */
export interface NewLink {
  readonly id: string;
  /** The last part of its type, such as `hyperlink`. */
  readonly kind: string;
  readonly target: string;
  readonly isExternal?: boolean;
}

const PACKAGE_LINKS = 'http://schemas.openxmlformats.org/package/2006/relationships';

/** Namespace of relationships: that of strict workbooks differs. */
export function resolveLinkSpace(isStrict: boolean): string {
  return isStrict
    ? 'http://purl.oclc.org/ooxml/officeDocument/relationships'
    : 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
}

/** Namespace of the elements of sheets. */
export function resolveMainSpace(isStrict: boolean): string {
  return isStrict
    ? 'http://purl.oclc.org/ooxml/spreadsheetml/main'
    : 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
}

/** A name for a new sheet that no other sheet has. */
export function chooseSheetName(workbook: string, wish: string): string {
  const names = listElements(workbook, 2).map(({ tag }) => readAttributes(tag.text).name?.toLowerCase());
  let name = wish;
  for (let number = 2; names.includes(name.toLowerCase()); number += 1) name = `${wish} ${number}`;
  return name;
}

/** Adds relationships to a part of them, or makes that part if there is none. */
export function patchLinks(
  xml: string | null,
  added: readonly NewLink[],
  space: string,
  isRemoved: (kind: string) => boolean = () => false,
): string {
  const text =
    xml ??
    `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="${PACKAGE_LINKS}"></Relationships>`;
  const [root] = listElements(text, 0);
  if (root === undefined) return text;
  const edits: Edit[] = listElements(text, 1).flatMap(({ tag, start, end }) => {
    const { Type = '' } = readAttributes(tag.text);
    return isRemoved(Type.slice(Type.lastIndexOf('/') + 1)) ? [{ start, end, text: '' }] : [];
  });
  const lines = added.map(({ id, kind, target, isExternal }) => {
    const mode = isExternal === true ? ' TargetMode="External"' : '';
    return `<${root.tag.prefix}Relationship Id="${id}" Type="${space}/${kind}" Target="${escapeAttribute(target)}"${mode}/>`;
  });
  if (lines.length > 0) edits.push(appendTo(text, root, lines.join('')));
  return applyEdits(text, edits);
}

/** Ids of a part's relationships, by their kind. */
export function listLinkIds(xml: string | null): ReadonlySet<string> {
  if (xml === null) return new Set();
  return new Set(listElements(xml, 1).map(({ tag }) => readAttributes(tag.text).Id ?? ''));
}

/** Columns that are added behind a table. */
export interface Widening {
  /** Number of columns of the list. */
  readonly width: number;
  /** Line of the header. */
  readonly headerLine: number;
  /** Index of the first new column. */
  readonly start: number;
  /** Index of the last column with the new ones. */
  readonly last: number;
}

/** The range with the new columns, if it ends before them and includes the header of the list; else null. */
export function widen(
  range: CellRange | null,
  { headerLine, width, start, last }: Widening,
): CellRange | null {
  if (range === null || range.firstColumn >= width || range.lastColumn !== start - 1 || last < start)
    return null;
  return range.firstLine <= headerLine && range.lastLine > headerLine ? { ...range, lastColumn: last } : null;
}

/**
 * Changes the part that lists the sheets: formulas are calculated when it is opened, and names of filters and print areas
 * include the new columns.
 */
export function patchWorkbook(
  xml: string,
  changes: {
    readonly recalculates: boolean;
    readonly sheetAt: number;
    readonly widening: Widening | null;
    /** A sheet to add: its name, and the id of its relationship. */
    readonly sheet: { readonly name: string; readonly linkId: string } | null;
    /** Position of a sheet that is written anew, with a filter; null without one. */
    readonly replacedAt: number | null;
    readonly linkSpace: string;
  },
): string {
  const edits: Edit[] = [];
  const [root] = listElements(xml, 0);
  const tops = listElements(xml, 1);
  if (root === undefined) return xml;
  const p = root.tag.prefix;
  if (changes.recalculates) edits.push(recalculate(tops, p, root));
  const names = tops.find(({ tag }) => tag.name === 'definedNames');
  if (names !== undefined && changes.widening !== null)
    edits.push(...widenNames(xml, names, changes.sheetAt, changes.widening));
  if (names !== undefined && changes.replacedAt !== null)
    edits.push(...dropFilterName(xml, names, changes.replacedAt));
  const sheets = tops.find(({ tag }) => tag.name === 'sheets');
  if (changes.sheet !== null && sheets !== undefined) {
    const ids = listElements(xml.slice(sheets.start, sheets.end), 1).map(({ tag }) =>
      Number(readAttributes(tag.text).sheetId ?? 0),
    );
    const id = Math.max(0, ...ids) + 1;
    const { name, linkId } = changes.sheet;
    const link = `xmlns:r="${changes.linkSpace}" r:id="${linkId}"`;
    edits.push(appendTo(xml, sheets, `<${p}sheet name="${escapeAttribute(name)}" sheetId="${id}" ${link}/>`));
  }
  return applyEdits(xml, edits);
}

/** Elements of a workbook part that come after `calcPr`. */
const AFTER_CALC =
  /^(?:oleSize|customWorkbookViews|pivotCaches|smartTagPr|smartTagTypes|webPublishing|fileRecoveryPr|webPublishObjects|extLst)$/;

function recalculate(tops: readonly XmlElement[], prefix: string, root: XmlElement): Edit {
  const calc = tops.find(({ tag }) => tag.name === 'calcPr');
  if (calc !== undefined) {
    const text = setAttributes(calc.tag.text, { fullCalcOnLoad: '1' });
    return { start: calc.start, end: calc.tag.end, text };
  }
  const next = tops.find(({ tag }) => AFTER_CALC.test(tag.name))?.start ?? root.innerEnd;
  return { start: next, end: next, text: `<${prefix}calcPr fullCalcOnLoad="1"/>` };
}

function widenNames(xml: string, names: XmlElement, sheetAt: number, widening: Widening): Edit[] {
  return listElements(xml, 2, 0)
    .filter(({ start, end }) => start > names.start && end < names.end)
    .flatMap(({ tag, innerEnd }) => {
      const { name = '', localSheetId } = readAttributes(tag.text);
      const isOwn = localSheetId === String(sheetAt);
      if (!isOwn || !/^_xlnm\.(?:Print_Area|_FilterDatabase)$/i.test(name)) return [];
      const text = xml.slice(tag.end, innerEnd);
      const wide = widenReference(text, widening);
      return wide === text ? [] : [{ start: tag.end, end: innerEnd, text: wide }];
    });
}

/** The name of a sheet's filter, which has the range of before. */
function dropFilterName(xml: string, names: XmlElement, at: number): Edit[] {
  const all = listElements(xml, 2, 0).filter(({ start, end }) => start > names.start && end < names.end);
  const gone = all.filter(({ tag }) => {
    const { name = '', localSheetId } = readAttributes(tag.text);
    return localSheetId === String(at) && /^_xlnm\._FilterDatabase$/i.test(name);
  });
  // The list may not be empty.
  if (gone.length === all.length) return [{ start: names.start, end: names.end, text: '' }];
  return gone.map(({ start, end }) => ({ start, end, text: '' }));
}

/** Widens the ranges of a reference such as `'My sheet'!$A$1:$E$10`. */
function widenReference(text: string, widening: Widening): string {
  return text.replace(/(!)(\$?[A-Z]{1,3}\$?\d+:\$?[A-Z]{1,3}\$?\d+)/g, (whole, mark, range) => {
    const wide = widen(parseRange(range), widening);
    return wide === null ? whole : mark + formatRange(wide).replace(/([A-Z]+)(\d+)/g, '$$$1$$$2');
  });
}

/** A table part with the new columns, or null if it is not a table that ends before them. */
export function patchTable(xml: string, titles: readonly string[], widening: Widening): string | null {
  const [root] = listElements(xml, 0);
  if (root === undefined || root.tag.name !== 'table') return null;
  const { ref, tableType, headerRowCount = '1' } = readAttributes(root.tag.text);
  const range = parseRange(ref);
  const wide = widen(range, widening);
  // The columns of a query are those of its source.
  const isOwn = tableType === undefined || tableType === 'worksheet';
  if (wide === null || !isOwn || headerRowCount !== '1' || range?.firstLine !== widening.headerLine)
    return null;
  const p = root.tag.prefix;
  const tops = listElements(xml, 1);
  const list = tops.find(({ tag }) => tag.name === 'tableColumns');
  if (list === undefined) return null;
  const columns = listElements(xml, 2).filter(({ start, end }) => start > list.start && end < list.end);
  const given = columns.map(({ tag }) => readAttributes(tag.text));
  const names = new Set(given.map(({ name = '' }) => name.toLowerCase()));
  if (titles.some((title) => names.has(title.toLowerCase()) || title === '')) return null;
  const firstId = given.reduce((most, { id }) => Math.max(most, Number(id)), 0) + 1;
  const added = titles.map((title, index) => {
    const name = escapeAttribute(title).replace(
      /&#(\d+);/g,
      (_, code) => `_x${Number(code).toString(16).padStart(4, '0')}_`,
    );
    return `<${p}tableColumn id="${firstId + index}" name="${name}"/>`;
  });
  const edits: Edit[] = [
    { start: root.start, end: root.tag.end, text: setAttributes(root.tag.text, { ref: formatRange(wide) }) },
    {
      start: list.start,
      end: list.tag.end,
      text: setAttributes(list.tag.text, { count: String(given.length + titles.length) }),
    },
    { start: list.innerEnd, end: list.innerEnd, text: added.join('') },
  ];
  const filter = tops.find(({ tag }) => tag.name === 'autoFilter');
  const filterRange = widen(parseRange(readAttributes(filter?.tag.text ?? '').ref), widening);
  if (filter !== undefined && filterRange !== null) {
    const text = setAttributes(filter.tag.text, { ref: formatRange(filterRange) });
    edits.push({ start: filter.start, end: filter.tag.end, text });
  }
  return applyEdits(xml, edits);
}
