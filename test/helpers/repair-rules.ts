import { posix } from 'node:path';
import { findNodes, localName, parseXml, type XmlNode } from './patched-workbook.js';

type Parts = ReadonlyMap<string, Buffer>;

/** Children of a sheet in the order of the schema; all but the last three appear once. */
const SHEET_ORDER =
  'sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture oleObjects controls webPublishItems tableParts extLst'.split(
    ' ',
  );
const STYLES_ORDER =
  'numFmts fonts fills borders cellStyleXfs cellXfs cellStyles dxfs tableStyles colors extLst'.split(' ');
const WORKBOOK_ORDER =
  'fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups externalReferences definedNames calcPr oleSize customWorkbookViews pivotCaches smartTagPr smartTagTypes webPublishing fileRecoveryPr webPublishObjects extLst'.split(
    ' ',
  );
const REPEATED = new Set(['conditionalFormatting', 'fileRecoveryPr', 'extLst', 'AlternateContent']);

/**
 * Lists what makes Excel repair a workbook when it is opened: elements out of order, counts that are wrong, ids that are
 * not unique, links to parts that are missing, tables that do not match their cells, and so on.
 */
export function listRepairs(parts: Parts): string[] {
  const faults: string[] = [];
  const names = new Map([...parts.keys()].map((name) => [name.toLowerCase(), name]));
  const read = (path: string): XmlNode | null => {
    const part = parts.get(names.get(path.toLowerCase()) ?? '');
    return part === undefined ? null : parseXml(part);
  };
  faults.push(...checkTypes(parts, read('[Content_Types].xml')));
  for (const name of parts.keys()) if (name.endsWith('.rels')) faults.push(...checkLinks(name, parts, names));
  const workbookPath = findTarget(read('_rels/.rels'), '', 'officeDocument') ?? 'xl/workbook.xml';
  const links = read(linksOf(workbookPath));
  const workbook = read(workbookPath);
  if (workbook === null) return [...faults, 'no workbook'];
  faults.push(...checkOrder(workbook, WORKBOOK_ORDER, workbookPath));
  const styles = read(findTarget(links, workbookPath, 'styles') ?? '');
  if (styles !== null) faults.push(...checkStyles(styles));
  const styleCount = styles === null ? 1 : listIn(styles, 'cellXfs').length;
  const texts = read(findTarget(links, workbookPath, 'sharedStrings') ?? '');
  const textCount = texts === null ? 0 : texts.children.length;
  const sheets = listIn(workbook, 'sheets');
  faults.push(
    ...findDoubles(
      sheets.map(({ attributes }) => attributes.name?.toLowerCase()),
      'sheet name',
    ),
  );
  faults.push(
    ...findDoubles(
      sheets.map(({ attributes }) => attributes.sheetId),
      'sheet id',
    ),
  );
  const names2 = listIn(workbook, 'definedNames');
  const tables: string[] = [];
  sheets.forEach(({ attributes }, at) => {
    const path = findById(links, workbookPath, idOf(attributes));
    const sheet = path === null ? null : read(path);
    if (sheet === null) faults.push(`sheet ${attributes.name} has no part`);
    if (sheet === null || path === null || localName(sheet) !== 'worksheet') return;
    faults.push(...checkSheet(sheet, path, { styleCount, textCount }));
    const sheetLinks = read(linksOf(path));
    for (const { attributes: part } of findNodes(sheet, 'tablePart')) {
      const table = read(findById(sheetLinks, path, idOf(part)) ?? '');
      if (table === null) faults.push(`${path}: a table is missing`);
      else {
        faults.push(...checkTable(table, sheet, texts));
        tables.push(`${table.attributes.displayName}`.toLowerCase(), `#${table.attributes.id}`);
      }
    }
    for (const { attributes: link } of findNodes(sheet, 'hyperlink'))
      if (idOf(link) !== '' && !linkIds(sheetLinks).includes(idOf(link)))
        faults.push(`${path}: the link of ${link.ref} has no address`);
    const comments = read(findTarget(sheetLinks, path, 'comments') ?? '');
    if (comments !== null) faults.push(...checkComments(comments, sheet));
    const filter = child(sheet, 'autoFilter')?.attributes.ref;
    const named = names2.find(
      ({ attributes: name }) => name.name === '_xlnm._FilterDatabase' && name.localSheetId === String(at),
    );
    const range = String(named?.children[0] ?? '').replace(/^.*!|\$/g, '');
    if (filter !== undefined && named !== undefined && range !== filter)
      faults.push(`filter ${filter} is named ${range}`);
  });
  faults.push(...findDoubles(tables, 'table'));
  const chain = read(findTarget(links, workbookPath, 'calcChain') ?? '');
  if (chain !== null) {
    let sheetId = '1';
    for (const { attributes } of findNodes(chain, 'c')) {
      sheetId = attributes.i ?? sheetId;
      const entry = sheets.find(({ attributes: sheet }) => sheet.sheetId === sheetId);
      const sheet = read(findById(links, workbookPath, idOf(entry?.attributes ?? {})) ?? '');
      const cell = sheet === null ? undefined : findCell(sheet, attributes.r ?? '');
      if (cell === undefined || child(cell, 'f') === undefined)
        faults.push(`${attributes.r} has no formula to calculate`);
    }
  }
  return faults;
}

function idOf(attributes: Record<string, string>): string {
  return Object.entries(attributes).find(([name]) => /:id$/i.test(name))?.[1] ?? '';
}

function child(node: XmlNode, name: string): XmlNode | undefined {
  return node.children.find((each): each is XmlNode => typeof each !== 'string' && localName(each) === name);
}

function listIn(node: XmlNode, name: string): XmlNode[] {
  return (child(node, name)?.children ?? []).filter((each): each is XmlNode => typeof each !== 'string');
}

function linksOf(path: string): string {
  return posix.join(posix.dirname(path), '_rels', `${posix.basename(path)}.rels`);
}

function resolve(from: string, target: string): string {
  return target.startsWith('/') ? target.slice(1) : posix.join(posix.dirname(from), target);
}

function findTarget(links: XmlNode | null, from: string, kind: string): string | null {
  const link = (links === null ? [] : findNodes(links, 'Relationship')).find(({ attributes }) =>
    attributes.Type?.endsWith(`/${kind}`),
  );
  return link === undefined ? null : resolve(from, link.attributes.Target ?? '');
}

function findById(links: XmlNode | null, from: string, id: string): string | null {
  const link = (links === null ? [] : findNodes(links, 'Relationship')).find(
    ({ attributes }) => attributes.Id === id,
  );
  return link === undefined ? null : resolve(from, link.attributes.Target ?? '');
}

function linkIds(links: XmlNode | null): string[] {
  return (links === null ? [] : findNodes(links, 'Relationship')).map(
    ({ attributes }) => attributes.Id ?? '',
  );
}

function findDoubles(values: readonly (string | undefined)[], what: string): string[] {
  return values
    .filter((value, at) => values.indexOf(value) !== at)
    .map((value) => `${what} ${value} comes twice`);
}

function checkTypes(parts: Parts, types: XmlNode | null): string[] {
  if (types === null) return ['no content types'];
  const given = types.children.filter((each): each is XmlNode => typeof each !== 'string');
  const paths = given.map(({ attributes }) => attributes.PartName?.slice(1).toLowerCase());
  const endings = given.map(({ attributes }) => attributes.Extension?.toLowerCase());
  const names = [...parts.keys()].map((name) => name.toLowerCase());
  return [
    ...paths
      .filter((path) => path !== undefined && !names.includes(path))
      .map((path) => `type of missing ${path}`),
    ...findDoubles(
      paths.filter((path) => path !== undefined),
      'type of',
    ),
    ...findDoubles(
      endings.filter((ending) => ending !== undefined),
      'type of',
    ),
    ...names
      .filter((name) => name !== '[content_types].xml')
      .filter((name) => !paths.includes(name) && !endings.includes(name.slice(name.lastIndexOf('.') + 1)))
      .map((name) => `${name} has no type`),
  ];
}

function checkLinks(name: string, parts: Parts, names: ReadonlyMap<string, string>): string[] {
  const links = findNodes(parseXml(parts.get(name) ?? Buffer.alloc(0)), 'Relationship');
  const from = posix.join(posix.dirname(posix.dirname(name)), posix.basename(name, '.rels'));
  const missing = links
    .filter(({ attributes }) => attributes.TargetMode !== 'External')
    .map(({ attributes }) => resolve(from.replace(/^\.\//, ''), attributes.Target ?? ''))
    .filter((path) => !path.startsWith('#') && !names.has(path.toLowerCase()));
  return [
    ...missing.map((path) => `${name}: ${path} is missing`),
    ...findDoubles(
      links.map(({ attributes }) => attributes.Id),
      `${name}: id`,
    ),
  ];
}

function checkOrder(node: XmlNode, order: readonly string[], where: string): string[] {
  const names = node.children.flatMap((each) => (typeof each === 'string' ? [] : [localName(each)]));
  const known = names.filter((name) => order.includes(name));
  const faults = known.flatMap((name, at) => {
    const next = known[at + 1];
    return next !== undefined && order.indexOf(next) < order.indexOf(name)
      ? [`${where}: ${next} comes after ${name}`]
      : [];
  });
  return [
    ...faults,
    ...findDoubles(
      names.filter((name) => !REPEATED.has(name)),
      `${where}:`,
    ),
  ];
}

function checkStyles(styles: XmlNode): string[] {
  const faults = checkOrder(styles, STYLES_ORDER, 'styles');
  for (const name of [
    'numFmts',
    'fonts',
    'fills',
    'borders',
    'cellStyleXfs',
    'cellXfs',
    'cellStyles',
    'dxfs',
  ]) {
    const count = child(styles, name)?.attributes.count;
    if (count !== undefined && Number(count) !== listIn(styles, name).length) faults.push(`count of ${name}`);
  }
  const limits = { fontId: 'fonts', fillId: 'fills', borderId: 'borders', xfId: 'cellStyleXfs' };
  for (const xf of listIn(styles, 'cellXfs')) {
    for (const [attribute, list] of Object.entries(limits)) {
      const value = Number(xf.attributes[attribute] ?? 0);
      if (value > 0 && value >= listIn(styles, list).length) faults.push(`${attribute} ${value} of a style`);
    }
    const children = xf.children.flatMap((each) => (typeof each === 'string' ? [] : [localName(each)]));
    if (children.join() !== [...children].sort().join()) faults.push('order inside a style');
  }
  const ids = listIn(styles, 'numFmts').map(({ attributes }) => attributes.numFmtId);
  for (const xf of listIn(styles, 'cellXfs')) {
    const id = xf.attributes.numFmtId ?? '0';
    if (Number(id) >= 164 && !ids.includes(id)) faults.push(`number format ${id} is missing`);
  }
  return [...faults, ...findDoubles(ids, 'number format')];
}

function toColumn(place: string): number {
  return [...place.replace(/\d+$/, '')].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
}

function checkSheet(
  sheet: XmlNode,
  path: string,
  { styleCount, textCount }: { readonly styleCount: number; readonly textCount: number },
): string[] {
  const faults = checkOrder(sheet, SHEET_ORDER, path);
  let lastColumn = 0;
  for (const { attributes } of listIn(sheet, 'cols')) {
    if (Number(attributes.min) <= lastColumn || Number(attributes.max) < Number(attributes.min))
      faults.push(`${path}: column ${attributes.min} is listed twice`);
    lastColumn = Number(attributes.max);
    if (lastColumn > 16_384) faults.push(`${path}: column ${lastColumn}`);
  }
  let line = 0;
  for (const row of listIn(sheet, 'sheetData')) {
    const number = Number(row.attributes.r ?? line + 1);
    if (number <= line) faults.push(`${path}: row ${number} after ${line}`);
    line = number;
    let column = 0;
    for (const cell of row.children) {
      if (typeof cell === 'string' || localName(cell) !== 'c') continue;
      const { r, s = '0', t = 'n' } = cell.attributes;
      const at = r === undefined ? column + 1 : toColumn(r);
      if (at <= column) faults.push(`${path}: cell ${r} out of order`);
      if (r !== undefined && Number(/\d+$/.exec(r)?.[0]) !== line)
        faults.push(`${path}: cell ${r} in row ${line}`);
      column = at;
      if (Number(s) >= styleCount && Number(s) > 0) faults.push(`${path}: style ${s} of ${r}`);
      const value = String(child(cell, 'v')?.children[0] ?? '');
      if (t === 's' && Number(value) >= textCount) faults.push(`${path}: text ${value} of ${r}`);
      if (t === 'n' && value !== '' && !Number.isFinite(Number(value)))
        faults.push(`${path}: number ${value} of ${r}`);
    }
  }
  for (const [list, attribute] of [
    ['mergeCells', 'count'],
    ['dataValidations', 'count'],
    ['tableParts', 'count'],
  ] as const) {
    const count = child(sheet, list)?.attributes[attribute];
    if (count !== undefined && Number(count) !== listIn(sheet, list).length)
      faults.push(`${path}: count of ${list}`);
  }
  const links = child(sheet, 'hyperlinks');
  if (links !== undefined && links.children.length === 0) faults.push(`${path}: no hyperlinks`);
  faults.push(
    ...findDoubles(
      listIn(sheet, 'hyperlinks').map(({ attributes }) => attributes.ref),
      `${path}: link of`,
    ),
  );
  return faults;
}

function findCell(sheet: XmlNode, place: string): XmlNode | undefined {
  return listIn(sheet, 'sheetData')
    .flatMap((row) => row.children)
    .find((cell): cell is XmlNode => typeof cell !== 'string' && cell.attributes.r === place);
}

function checkTable(table: XmlNode, sheet: XmlNode, texts: XmlNode | null): string[] {
  const { ref = '', name = '' } = table.attributes;
  const [first = '', last = ''] = ref.split(':');
  const columns = listIn(table, 'tableColumns');
  const titles = columns.map(({ attributes }) => attributes.name ?? '');
  const faults = [
    ...findDoubles(
      columns.map(({ attributes }) => attributes.id),
      `table ${name}: column id`,
    ),
    ...findDoubles(
      titles.map((title) => title.toLowerCase()),
      `table ${name}: column`,
    ),
  ];
  if (columns.length !== toColumn(last) - toColumn(first) + 1) faults.push(`table ${name}: width of ${ref}`);
  if (child(table, 'tableColumns')?.attributes.count !== String(columns.length))
    faults.push(`table ${name}: count`);
  const filter = child(table, 'autoFilter')?.attributes.ref ?? ref;
  const isInside = filter.split(':')[0] === first && toColumn(filter.split(':')[1] ?? '') === toColumn(last);
  if (!isInside) faults.push(`table ${name}: filter ${filter} of ${ref}`);
  const line = /\d+$/.exec(first)?.[0] ?? '';
  const row = listIn(sheet, 'sheetData').find(({ attributes }) => attributes.r === line);
  if (table.attributes.headerRowCount === '0') return faults;
  titles.forEach((title, at) => {
    const cell = row?.children.find(
      (each): each is XmlNode =>
        typeof each !== 'string' && toColumn(each.attributes.r ?? '') === toColumn(first) + at,
    );
    const text = cell === undefined ? '' : readText(cell, texts);
    if (text !== title.replace(/_x000a_/gi, '\n'))
      faults.push(`table ${name}: column ${title} is ${text} in the sheet`);
  });
  return faults;
}

function readText(cell: XmlNode, texts: XmlNode | null): string {
  const value = String(child(cell, 'v')?.children[0] ?? '');
  const source = cell.attributes.t === 's' ? texts?.children[Number(value)] : cell;
  if (source === undefined || typeof source === 'string') return '';
  const runs = findNodes(source, 't').map(({ children }) => children.join(''));
  return runs.length === 0 ? value : runs.join('');
}

function checkComments(comments: XmlNode, sheet: XmlNode): string[] {
  const list = findNodes(comments, 'comment');
  const authors = findNodes(comments, 'author').length;
  return [
    ...findDoubles(
      list.map(({ attributes }) => attributes.ref),
      'comment of',
    ),
    ...list
      .filter(({ attributes }) => Number(attributes.authorId) >= authors)
      .map(({ attributes }) => `author of ${attributes.ref}`),
    ...(child(sheet, 'legacyDrawing') === undefined ? ['comments without a drawing'] : []),
  ];
}
