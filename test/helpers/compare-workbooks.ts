import { expect } from 'vitest';
import { parseColumn } from '../../src/model/workbook-file.js';
import { findNodes, localName, parseXml, type XmlNode } from './patched-workbook.js';

type Parts = ReadonlyMap<string, Buffer>;

/** What an output may change in the sheet that it fills. */
export interface DeclaredChanges {
  /** Name of the sheet's part. */
  readonly sheet: string;
  /** Cells that were filled. */
  readonly filled: ReadonlySet<string>;
  /** Index of the first new column. */
  readonly start: number;
  /** Cells whose formula was written in a cell that is filled now, so that they have it themselves. */
  readonly moved?: ReadonlySet<string>;
}

/**
 * Compares a workbook with its output part by part: parts that may change as XML without the declared changes, all
 * others by their bytes. Returns the names of the parts that changed.
 */
export function compareParts(before: Parts, after: Parts, declared: DeclaredChanges): string[] {
  const changed: string[] = [];
  for (const [name, bytes] of before) {
    const other = after.get(name);
    if (name.endsWith('calcChain.xml') && other === undefined) continue;
    expect(other, name).toBeDefined();
    if (other === undefined || other.equals(bytes)) continue;
    changed.push(name);
    const trees = [parseXml(bytes), parseXml(other)] as const;
    const [given, written] = trees.map((tree) => reduce(tree, name, declared));
    expect(written, name).toEqual(given);
    if (/styles\.xml$/i.test(name)) checkStyles(...trees);
    if (/\.rels$|\[Content_Types\]/.test(name)) checkList(...trees);
  }
  const added = [...after.keys()].filter((name) => !before.has(name));
  expect(added.filter((name) => !/styles\.xml$|\.rels$/.test(name))).toEqual([]);
  return changed;
}

/** The tree without what may change. */
function reduce(tree: XmlNode, name: string, declared: DeclaredChanges): unknown {
  if (name === declared.sheet) return reduceSheet(tree, declared);
  if (/\.rels$|\[Content_Types\]/.test(name)) return tree.name;
  if (/styles\.xml$/i.test(name)) return drop(tree, new Set(['numFmts', 'fonts', 'cellXfs']));
  if (/workbook\.xml$/i.test(name)) {
    const kept = drop(tree, new Set(['calcPr']));
    for (const each of findNodes(kept, 'definedName'))
      if (/^_xlnm\.(?:Print_Area|_FilterDatabase)$/.test(each.attributes.name ?? ''))
        each.children.length = 0;
    return kept;
  }
  if (/\/tables?\//i.test(name)) return reduceTable(tree);
  return tree;
}

function drop(node: XmlNode, names: ReadonlySet<string>): XmlNode {
  const children = node.children
    .filter((each) => typeof each === 'string' || !names.has(localName(each)))
    .map((each) => (typeof each === 'string' ? each : drop(each, names)));
  return { ...node, attributes: { ...node.attributes }, children };
}

function reduceSheet(sheet: XmlNode, { filled, start, moved }: DeclaredChanges): XmlNode {
  let line = 0;
  const kept = drop(sheet, new Set(['dimension', 'cols']));
  for (const row of findNodes(kept, 'row')) {
    delete row.attributes.spans;
    line = Number(row.attributes.r ?? line + 1);
    let column = -1;
    const cells = row.children.filter((cell) => {
      if (typeof cell === 'string' || localName(cell) !== 'c') return true;
      column = cell.attributes.r === undefined ? column + 1 : parseColumn(cell.attributes.r);
      if (moved?.has(`${column},${line}`) === true) cell.children.splice(0, 1);
      return column < start && !filled.has(`${column},${line}`);
    });
    row.children.splice(0, row.children.length, ...cells);
  }
  for (const each of findNodes(kept, 'sheetFormatPr')) delete each.attributes.outlineLevelCol;
  for (const each of findNodes(kept, 'autoFilter')) delete each.attributes.ref;
  for (const list of findNodes(kept, 'hyperlinks')) {
    delete list.attributes['xmlns:r'];
    const own = list.children.filter(
      (each) => typeof each === 'string' || each.attributes['r:id']?.startsWith('rowfill') !== true,
    );
    list.children.splice(0, list.children.length, ...own);
  }
  const children = kept.children.filter(
    (each) =>
      typeof each === 'string' ||
      !['hyperlinks', 'sheetFormatPr'].includes(localName(each)) ||
      each.children.length > 0 ||
      Object.keys(each.attributes).length > 1,
  );
  return { ...kept, children: [...listColumns(sheet, start), ...children] };
}

/** The settings of each column before the new ones. */
function listColumns(sheet: XmlNode, start: number): XmlNode[] {
  return findNodes(sheet, 'col').flatMap((col) => {
    const { min, max, ...attributes } = col.attributes;
    const last = Math.min(Number(max), start);
    return Array.from({ length: Math.max(0, last - Number(min) + 1) }, (_, at) => ({
      ...col,
      attributes: { ...attributes, at: String(Number(min) + at) },
    }));
  });
}

function reduceTable(table: XmlNode): XmlNode {
  const kept = drop(table, new Set());
  delete kept.attributes.ref;
  for (const each of findNodes(kept, 'autoFilter')) delete each.attributes.ref;
  for (const list of findNodes(kept, 'tableColumns')) {
    delete list.attributes.count;
    const own = list.children.filter(
      (each) =>
        typeof each === 'string' ||
        !/_(?:confidence|citations)$|^(?:enrichment_|new )/.test(each.attributes.name ?? ''),
    );
    list.children.splice(0, list.children.length, ...own);
  }
  return kept;
}

/** Styles, fonts and formats may only be added at the end. */
function checkStyles(before: XmlNode, after: XmlNode): void {
  for (const name of ['numFmts', 'fonts', 'cellXfs']) {
    const [given, written] = [before, after].map((tree) => findNodes(tree, name)[0]?.children ?? []);
    expect(written?.slice(0, given?.length)).toEqual(given);
  }
}

/** Links and types may only be added, but for those of parts that were removed. */
function checkList(before: XmlNode, after: XmlNode): void {
  const written = after.children.map((each) => JSON.stringify(each));
  const lost = before.children.map((each) => JSON.stringify(each)).filter((each) => !written.includes(each));
  expect(lost.filter((each) => !/calcChain|\.main\+xml/.test(each))).toEqual([]);
}
