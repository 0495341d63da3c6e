import { BUILT_IN_FORMATS } from '../model/number-format.js';
import { readXml } from './xml-reader.js';
import type { ZipArchive } from './zip-archive.js';

const MAX_FORMATS = 100_000;

/** Reads the number format of each cell style of a workbook; null where a number is shown as it is. */
export async function readNumberFormats(archive: ZipArchive, path: string): Promise<(string | null)[]> {
  const own = new Map<number, string>();
  const ids: number[] = [];
  let isCellStyle = false;
  const part = { name: archive.name, path, openBytes: () => archive.openSmallPart(path) };
  const handler = {
    open(name: string, attributes: Readonly<Record<string, string>>) {
      if (name === 'cellXfs') isCellStyle = true;
      else if (name === 'numFmt') own.set(Number(attributes.numFmtId), attributes.formatCode ?? '');
      else if (name === 'xf' && isCellStyle && ids.length < MAX_FORMATS)
        ids.push(Number(attributes.numFmtId));
    },
    close(name: string) {
      if (name === 'cellXfs') isCellStyle = false;
    },
    text() {},
  };
  if (archive.paths.has(path)) for await (const _ of readXml(part, handler));
  return ids.map((id) => {
    const format = own.get(id) ?? BUILT_IN_FORMATS.get(id) ?? EAST_ASIAN.get(id) ?? 'General';
    return format === 'General' || format === '' ? null : format;
  });
}

/** Dates and times that have a number in East Asia alone. */
const EAST_ASIAN: ReadonlyMap<number, string> = new Map([
  ...[27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58].map((id) => [id, 'yyyy-mm-dd'] as const),
  ...[32, 33, 34, 35, 55, 56].map((id) => [id, 'h:mm:ss'] as const),
]);
