import { resolveLinksPath, resolvePart } from '../model/workbook-file.js';
import { readElements, type ZipArchive } from './zip-archive.js';

/** A relationship of a part: `xl/_rels/workbook.xml.rels` has those of `xl/workbook.xml`. */
export interface PartLink {
  readonly id: string;
  readonly kind: string;
  /** The part; empty for a place outside the workbook. */
  readonly path: string;
  /** For a link of a cell: its address outside the workbook. */
  readonly address?: string;
}

/** Reads the relationships of a part. Only links of cells lead outside the workbook; nothing there is opened. */
export async function readLinks(archive: ZipArchive, path: string): Promise<PartLink[]> {
  const links: PartLink[] = [];
  await readElements(archive, resolveLinksPath(path), {
    open(name, attributes) {
      const { Id: id = '', Type: type = '', Target: target = '', TargetMode: mode } = attributes;
      const kind = type.slice(type.lastIndexOf('/') + 1);
      if (name !== 'Relationship') return;
      if (mode !== 'External') links.push({ id, kind, path: resolvePart(path, target) });
      else if (kind === 'hyperlink') links.push({ id, kind, path: '', address: target });
    },
  });
  return links;
}
