import type { WorkbookFile } from '../model/workbook-file.js';
import { findLastColumn } from './sheet-rows.js';
import { fromRaw, readSheetPieces } from './sheet-stream.js';
import { SOURCES_WIDTH } from './sources-sheet.js';
import { listTags, readAttributes } from './xml-text.js';

const LOCATION = /^#?(?:'((?:[^']|'')*)'|([^'!]+))!\$?[a-z]{1,3}\$?\d+$/i;

/**
 * True for a sheet of sources as an earlier fill has written it: it has no other columns, and column A links to cells of
 * the sheet with the values. `isOther` tells the names of other sheets.
 */
export async function isOwnSources(
  file: WorkbookFile,
  path: string,
  isOther: (sheet: string) => boolean,
): Promise<boolean> {
  let prefix = '';
  let links = 0;
  for await (const piece of readSheetPieces(file.openPart(path))) {
    if (piece.kind === 'head') ({ prefix } = piece);
    else if (piece.kind === 'rows') {
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
  return links > 0;
}
