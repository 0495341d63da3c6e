import type { WorkbookFile } from '../model/workbook-file.js';
import { findLastColumn, listCells } from './sheet-rows.js';
import { fromRaw, type RawXml, readSheetPieces } from './sheet-stream.js';
import { listSourceTitles, SOURCES_WIDTH } from './sources-sheet.js';
import { decodeEntities, listTags, readAttributes } from './xml-text.js';

const LOCATION = /^#?(?:'((?:[^']|'')*)'|([^'!]+))!\$?[a-z]{1,3}\$?\d+$/i;

/** Where sources may be, and which sheet they should be of. */
interface SourcesPlace {
  readonly path: string;
  /** Name of the sheet with the values. */
  readonly sheet: string;
  /** Path of the part with shared texts; undefined if there is none. */
  readonly textsPath: string | undefined;
  /** Tells the names of other sheets. */
  readonly isOther: (sheet: string) => boolean;
}

/**
 * True for a sheet of sources as an earlier fill has written it: it has no other columns, and column A links to cells of
 * the sheet with the values. If a program has dropped the links, its header names that sheet.
 */
export async function isOwnSources(
  file: WorkbookFile,
  { path, sheet, textsPath, isOther }: SourcesPlace,
): Promise<boolean> {
  let prefix = '';
  let links = 0;
  let header: RawXml | null = null;
  for await (const piece of readSheetPieces(file.openPart(path))) {
    if (piece.kind === 'head') ({ prefix } = piece);
    else if (piece.kind === 'rows') {
      header ??= piece.rows.find(({ line }) => line === 1)?.xml ?? null;
      if (
        piece.rows.some(
          ({ line, xml }) => line !== null && findLastColumn(xml, prefix, true) >= SOURCES_WIDTH,
        )
      )
        return false;
    } else {
      for (const { name, text } of listTags(fromRaw(piece.xml))) {
        const { ref = '', location } = name === 'hyperlink' ? readAttributes(text) : {};
        if (location === undefined) continue;
        const [, quoted, plain = ''] = LOCATION.exec(location) ?? [];
        if (!/^A\d+$/.test(ref) || isOther(quoted?.replaceAll("''", "'") ?? plain)) return false;
        links += 1;
      }
    }
  }
  if (links > 0) return true;
  const titles = header === null ? [] : await readTexts(file, listCellTexts(header, prefix), textsPath);
  return listSourceTitles(sheet).every((title, at) => titles[at] === title);
}

/** The texts of a row's cells; a number stands for a shared text. */
function listCellTexts(row: RawXml, prefix: string): (string | number)[] {
  return listCells(row, prefix).map(({ start, end }) => {
    const xml = fromRaw(row.slice(start, end));
    const index = /^<[^>]*\st=["']s["']/.test(xml) ? /<(?:[\w.-]+:)?v>(\d+)</.exec(xml)?.[1] : undefined;
    return index === undefined ? readRuns(xml) : Number(index);
  });
}

/** The text of an element, which may be in several runs. */
function readRuns(xml: string): string {
  const runs = [...xml.matchAll(/<(?:[\w.-]+:)?t(?:\s[^>]*)?>([^<]*)</g)];
  return decodeEntities(runs.map(([, text = '']) => text).join(''));
}

/** Looks up shared texts, without keeping the others: there may be millions. */
async function readTexts(
  file: WorkbookFile,
  texts: readonly (string | number)[],
  path: string | undefined,
): Promise<(string | undefined)[]> {
  const wanted = new Set(texts);
  const found = new Map<string | number, string>();
  const decoder = new TextDecoder();
  let rest = '';
  let index = 0;
  for await (const bytes of path === undefined ? [] : file.openPart(path)) {
    rest += decoder.decode(bytes, { stream: true });
    let read = 0;
    for (const match of rest.matchAll(SHARED_TEXT)) {
      if (wanted.has(index)) found.set(index, readRuns(match[0]));
      index += 1;
      read = match.index + match[0].length;
    }
    rest = rest.slice(read);
  }
  return texts.map((text) => (typeof text === 'string' ? text : found.get(text)));
}

const SHARED_TEXT = /<(?:[\w.-]+:)?si(?:\s[^>]*)?(?:\/>|>.*?<\/(?:[\w.-]+:)?si>)/gs;
