import { TextDecoder } from 'node:util';
import { resolveLinksPath, resolvePart, type WorkbookFile } from '../model/workbook-file.js';
import type { SourcesPlace } from './output.js';
import { isOwnSources } from './own-sources.js';
import { SheetComments } from './sheet-comments.js';
import type { SourcesSheet } from './sources-sheet.js';
import {
  chooseSheetName,
  listLinkIds,
  type NewLink,
  type PartType,
  patchContentTypes,
  patchLinks,
  patchTable,
  patchWorkbook,
  resolveLinkSpace,
  resolveMainSpace,
  type Widening,
} from './workbook-parts.js';
import { DEFAULT_STYLES, WorkbookStyles } from './workbook-styles.js';
import { listElements, readAttributes } from './xml-text.js';
import type { ZipSink } from './zip-sink.js';

/** What the output changes around the sheet. */
export interface PackageChanges {
  /** The columns behind the table; null without new ones. */
  readonly widening: Widening | null;
  /** Path of the Excel table that is the list; null if it is none. */
  readonly tablePath: string | null;
  /** Titles of the new columns; empty for a sheet without a header. */
  readonly titles: readonly string[];
  /** True if formulas may depend on filled cells. */
  readonly recalculates: boolean;
  /** True if cells with formulas may be replaced: then the order of calculation is left to the program. */
  readonly replacesFormulas: boolean;
  /** Whether macros are kept; undefined for as they are. */
  readonly withMacros: boolean | undefined;
  /** Where the sources of values go. */
  readonly sources: SourcesPlace;
  /** True for a filled file that was given back: its sources of before are replaced. */
  readonly isReturned: boolean;
  /** Id of the sheet's relationship with the boxes of its comments; null without one. */
  readonly drawingId: string | null;
}

/** A workbook to be written again with changes: the parts around its sheet. */
export interface WorkbookPackage {
  readonly styles: WorkbookStyles;
  /** Namespaces of sheets and of relationships. */
  readonly spaces: { readonly main: string; readonly links: string };
  /** Start of the ids of new relationships of the sheet. */
  readonly idPrefix: string;
  /** Writes every part that is known before the sheet. */
  begin(zip: ZipSink, changes: PackageChanges): Promise<BegunPackage>;
}

export interface BegunPackage {
  /** Name of the sheet's part. */
  readonly sheetName: string;
  /** True if macros were left out. */
  readonly hasLostMacros: boolean;
  /** True if signatures were left out. */
  readonly hasLostSignatures: boolean;
  /** True if a table of the sheet now has the new columns. */
  readonly hasWiderTable: boolean;
  /** The comments of the sheet; null if none are added or removed. */
  readonly comments: SheetComments | null;
  /** Id of the relationship with their boxes, if it is new; else null. */
  readonly newDrawingId: string | null;
  /** Writes the parts that depend on the sheet. */
  finish(links: readonly NewLink[], sources: SourcesSheet | null): Promise<void>;
}

const CONTENT_TYPES = '[content_types].xml';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const STYLES_TYPE = `${TYPES}.styles+xml`;
const SHEET_TYPE = `${TYPES}.worksheet+xml`;
const COMMENTS_TYPE = `${TYPES}.comments+xml`;

/** Reads the parts around the sheet of a workbook. */
export async function openPackage(file: WorkbookFile): Promise<WorkbookPackage> {
  const { workbookPath, sheetPath } = file;
  const workbook = (await readText(file, workbookPath)) ?? '';
  const isStrict = /["']http:\/\/purl\.oclc\.org\/ooxml\/spreadsheetml\/main["']/.test(
    workbook.slice(0, 4_096),
  );
  const spaces = { main: resolveMainSpace(isStrict), links: resolveLinkSpace(isStrict) };
  const linkSpace = spaces.links;
  const workbookLinks = await readLinkPart(file, workbookPath);
  const sheetLinks = await readLinkPart(file, sheetPath);
  const stylesPath = workbookLinks.find('styles')[0];
  const stylesText = stylesPath === undefined ? null : await readText(file, stylesPath);
  const styles = new WorkbookStyles(stylesText ?? DEFAULT_STYLES);
  const ids = [...listLinkIds(sheetLinks.xml)];
  let idPrefix = 'rowfill';
  while (ids.some((id) => id.startsWith(idPrefix))) idPrefix += '_';

  const begin = async (zip: ZipSink, changes: PackageChanges): Promise<BegunPackage> => {
    const removed = new Set<string>();
    const patched = new Map<string, string>();
    const patch = (path: string, before: string | null, after: string): void => {
      if (before !== after) patched.set(path, after);
    };
    const hasSignatures = [...file.parts.keys()].some((path) => path.startsWith('_xmlsignatures/'));
    const macroPaths = workbookLinks.find('vbaProject');
    const losesMacros = macroPaths.length > 0 && changes.withMacros === false;
    const isRemoved = (path: string): boolean =>
      removed.has(path) || (hasSignatures && path.startsWith('_xmlsignatures/'));
    if (losesMacros) {
      for (const path of macroPaths) {
        removed.add(path).add(resolveLinksPath(path));
        for (const inner of (await readLinkPart(file, path)).paths) removed.add(inner);
      }
    }
    if (changes.replacesFormulas) for (const path of workbookLinks.find('calcChain')) removed.add(path);
    const added: PartType[] = [];
    const newWorkbookLinks: NewLink[] = [];
    const workbookIds = listLinkIds(workbookLinks.xml);
    const sourcesId = chooseId(workbookIds, 'rowfillSources');
    const stylesName = stylesPath ?? `${workbookPath.slice(0, workbookPath.lastIndexOf('/') + 1)}styles.xml`;
    if (stylesText === null) {
      added.push({ path: stylesName, type: STYLES_TYPE });
      newWorkbookLinks.push({
        id: chooseId(workbookIds, 'rowfillStyles'),
        kind: 'styles',
        target: relateParts(workbookPath, stylesName),
      });
    }
    const notes = await openComments(changes.drawingId, changes.sources === 'comments');
    if (notes !== null) added.push(...notes.types);
    const replaced = changes.sources === 'sheet' && changes.isReturned ? await findSources() : null;
    const sourcesPath =
      changes.sources === 'sheet' ? (replaced?.path ?? findFreePath('worksheets/sheet#.xml')) : null;
    const isNew = sourcesPath !== null && replaced === null;
    if (isNew) added.push({ path: sourcesPath, type: SHEET_TYPE });
    if (isNew)
      newWorkbookLinks.push({
        id: sourcesId,
        kind: 'worksheet',
        target: relateParts(workbookPath, sourcesPath),
      });
    const lostKinds = [
      ...(losesMacros ? ['vbaProject'] : []),
      ...(changes.replacesFormulas ? ['calcChain'] : []),
    ];
    const isLost = (kind: string) => lostKinds.includes(kind);
    patch(
      workbookLinks.path,
      workbookLinks.xml,
      patchLinks(workbookLinks.xml, newWorkbookLinks, linkSpace, isLost),
    );
    const { sheetAt } = file;
    const { recalculates, widening } = changes;
    patch(
      workbookPath,
      workbook,
      patchWorkbook(workbook, {
        recalculates,
        sheetAt,
        widening,
        sheet: isNew ? { name: chooseSheetName(workbook, 'Sources'), linkId: sourcesId } : null,
        replacedAt: replaced?.at ?? null,
        linkSpace,
      }),
    );
    let hasWiderTable = false;
    for (const path of sheetLinks.find('table')) {
      const text = widening === null || path !== changes.tablePath ? null : await readText(file, path);
      const wide = text === null || widening === null ? null : patchTable(text, changes.titles, widening);
      if (wide === null) continue;
      patched.set(path, wide);
      hasWiderTable = true;
    }
    if (hasSignatures) {
      const root = await readLinkPart(file, '');
      patch(
        root.path,
        root.xml,
        patchLinks(root.xml, [], linkSpace, (kind) => kind === 'origin'),
      );
    }
    const withMacros = changes.withMacros ?? macroPaths.length > 0;
    const types = (await readText(file, CONTENT_TYPES)) ?? '';
    patch(CONTENT_TYPES, types, patchContentTypes(types, { isRemoved, added, withMacros }));

    const replacedPaths = replaced === null ? [] : [replaced.path, resolveLinksPath(replaced.path)];
    const late = new Set([
      ...[sheetPath, sheetLinks.path, stylesName],
      ...[...(notes?.paths ?? []), ...replacedPaths],
    ]);
    const nameOf = (path: string): string => (file.parts.get(path) ?? path).replaceAll('\\', '/');
    const writePatched = async (path: string): Promise<void> => {
      const text = patched.get(path);
      if (text !== undefined) await zip.addPart(nameOf(path), text);
    };
    // Programs look for this part first.
    await writePatched(CONTENT_TYPES);
    const bytes = await file.openBytes();
    try {
      await zip.copyParts(bytes, (name) => {
        const path = name.replaceAll('\\', '/').toLowerCase();
        const isReplaced = patched.has(path) || late.has(path) || file.doubled.has(path);
        return !isReplaced && !isRemoved(path) && isSafe(path);
      });
    } finally {
      await bytes.close();
    }
    for (const path of file.doubled) {
      if (patched.has(path) || late.has(path) || isRemoved(path) || !isSafe(path)) continue;
      const part = zip.openPart(nameOf(path));
      for await (const piece of file.openPart(path)) await part.write(Buffer.from(piece));
      await part.close();
    }
    for (const path of patched.keys()) if (path !== CONTENT_TYPES) await writePatched(path);
    return {
      sheetName: nameOf(sheetPath),
      hasLostMacros: losesMacros,
      hasLostSignatures: hasSignatures,
      hasWiderTable,
      comments: notes?.comments ?? null,
      newDrawingId: notes?.newDrawingId ?? null,
      finish: async (links, sources) => {
        await zip.addPart(nameOf(stylesName), styles.format());
        const all = [...links, ...(notes?.links ?? [])];
        if (all.length > 0 || sheetLinks.xml !== null)
          await zip.addPart(nameOf(sheetLinks.path), patchLinks(sheetLinks.xml, all, linkSpace));
        if (notes !== null) {
          await zip.addPart(nameOf(notes.path), notes.comments.formatPart());
          await zip.addPart(nameOf(notes.drawingPath), notes.comments.formatDrawing());
        }
        if (sources !== null && sourcesPath !== null) {
          await sources.write(zip.openPart(nameOf(sourcesPath)), spaces);
          const addresses = sources.listAddresses().map(formatPageLink);
          if (addresses.length > 0)
            await zip.addPart(nameOf(resolveLinksPath(sourcesPath)), patchLinks(null, addresses, linkSpace));
        }
      },
    };
  };
  const folder = workbookPath.slice(0, workbookPath.lastIndexOf('/') + 1);
  /** Finds an unused path, with a number for `#`. Keeps the usual names, because many programs expect them. */
  const findFreePath = (wish: string): string => {
    let number = 1;
    const name = () => folder + wish.replace('#', String(number));
    while (file.parts.has(name().toLowerCase())) number += 1;
    return name();
  };

  /** Finds the sheet with the sources of an earlier fill. */
  const findSources = async (): Promise<{ readonly path: string; readonly at: number } | null> => {
    const sheets = listElements(workbook, 2)
      .filter(({ tag }) => tag.name === 'sheet')
      .map(({ tag }) => readAttributes(tag.text));
    const others = sheets.flatMap(({ name = '' }, at) => (at === file.sheetAt ? [] : [name]));
    const { name: sheet = '' } = sheets[file.sheetAt] ?? {};
    const textsPath = workbookLinks.find('sharedStrings')[0];
    for (const [at, attributes] of sheets.entries()) {
      const id = Object.entries(attributes).find(([name]) => /(?:^|:)id$/i.test(name))?.[1] ?? '';
      const path = workbookLinks.findById(id);
      if (path === undefined || !/^Sources(?: \d+)?$/.test(attributes.name ?? '')) continue;
      const links = await readLinkPart(file, path);
      const isBare = links.paths.length === links.find('printerSettings').length;
      const place = { path, sheet, textsPath, isOther: (name: string) => others.includes(name) };
      if (isBare && (await isOwnSources(file, place))) return { path, at };
    }
    return null;
  };

  /** Finds the parts of the sheet's comments, or places for new ones. Null if nothing is to be done. */
  const openComments = async (drawingId: string | null, isWanted: boolean) => {
    const given = sheetLinks.find('comments')[0];
    const givenDrawing = drawingId === null ? undefined : sheetLinks.findById(drawingId);
    const path = given ?? findFreePath('comments#.xml');
    const drawingPath = givenDrawing ?? findFreePath('drawings/vmlDrawing#.vml');
    const texts = given === undefined ? null : await readText(file, given);
    const drawing = givenDrawing === undefined ? null : await readText(file, givenDrawing);
    const comments = new SheetComments(texts, drawing, spaces.main);
    // Without new ones, those of an earlier fill may have to go.
    if (!isWanted && (!comments.hasOwn || givenDrawing === undefined)) return null;
    const [commentsId, newId] = [`${idPrefix}Comments`, `${idPrefix}Drawing`];
    const links: NewLink[] = [
      ...(given === undefined
        ? [{ id: commentsId, kind: 'comments', target: relateParts(sheetPath, path) }]
        : []),
      ...(givenDrawing === undefined
        ? [{ id: newId, kind: 'vmlDrawing', target: relateParts(sheetPath, drawingPath) }]
        : []),
    ];
    return {
      comments,
      path,
      drawingPath,
      paths: [path, drawingPath],
      links,
      newDrawingId: givenDrawing === undefined ? newId : null,
      types: [
        ...(given === undefined ? [{ path, type: COMMENTS_TYPE }] : []),
        { path: 'vml', type: 'application/vnd.openxmlformats-officedocument.vmlDrawing' },
      ],
    };
  };

  return { styles, spaces, idPrefix, begin };
}

/** A relationship with a web page. */
export function formatPageLink({ id, url }: { readonly id: string; readonly url: string }): NewLink {
  return { id, kind: 'hyperlink', target: url, isExternal: true };
}

/** An id that is not used yet. */
function chooseId(used: ReadonlySet<string>, wish: string): string {
  let id = wish;
  while (used.has(id)) id += '_';
  return id;
}

/** The path of a part as another part names it: `../comments1.xml`. */
function relateParts(from: string, to: string): string {
  const [own, other] = [from.split('/').slice(0, -1), to.split('/')];
  let same = 0;
  while (same < own.length && own[same] === other[same]?.toLowerCase()) same += 1;
  return [...own.slice(same).map(() => '..'), ...other.slice(same)].join('/');
}

/** False for a name that leads out of a folder: it is not a part of a workbook. */
function isSafe(path: string): boolean {
  return !/^\/|^[a-z]:|(?:^|\/)\.\.?(?:\/|$)/.test(path);
}

interface LinkPart {
  readonly path: string;
  /** null if there is no such part. */
  readonly xml: string | null;
  /** Paths of the parts that are linked. */
  readonly paths: readonly string[];
  /** Those of one kind, such as `table`. */
  find(kind: string): readonly string[];
  findById(id: string): string | undefined;
}

async function readLinkPart(file: WorkbookFile, from: string): Promise<LinkPart> {
  const path = resolveLinksPath(from);
  const xml = await readText(file, path);
  const links = (xml === null ? [] : listElements(xml, 1)).flatMap(({ tag }) => {
    const { Id: id = '', Type: type = '', Target: target = '', TargetMode: mode } = readAttributes(tag.text);
    if (mode === 'External') return [];
    return [{ id, kind: type.slice(type.lastIndexOf('/') + 1), path: resolvePart(from, target) }];
  });
  return {
    path,
    xml,
    paths: links.map((link) => link.path),
    findById: (id) => links.find((link) => link.id === id && file.parts.has(link.path))?.path,
    find: (kind) =>
      links.filter((link) => link.kind === kind && file.parts.has(link.path)).map((link) => link.path),
  };
}

const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** Reads a small part as text; null if there is no such part. */
async function readText(file: WorkbookFile, path: string): Promise<string | null> {
  if (!file.parts.has(path)) return null;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of file.openPart(path)) {
    // The piece may be a view of a buffer that is used again.
    pieces.push(Uint8Array.from(piece));
    length += piece.length;
    if (length > MAX_TEXT_BYTES) throw new Error(`${path} is too long`);
  }
  const bytes = Buffer.concat(pieces);
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!isWide) return new TextDecoder('utf-8').decode(bytes);
  const text = new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(bytes);
  return text.replace(/^(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']/, '$1');
}
