import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { SaxesParser } from 'saxes';
import type { JsonValue } from '../../src/model/json.js';
import type { InputOptions } from '../../src/read/input.js';
import { openInput } from '../../src/read/open-input.js';
import type { OutputOptions } from '../../src/write/open-output.js';
import { openOutput } from '../../src/write/open-output.js';
import { createAnswer, createFilledRow, readAllRows } from './rows.js';
import { createTempFolder } from './temp-folder.js';

/** The parts of a zip file as bytes, by their name. */
export async function readParts(bytes: Uint8Array): Promise<Map<string, Buffer>> {
  const zip = new ZipReader(new BlobReader(new Blob([new Uint8Array(bytes)])));
  const parts = new Map<string, Buffer>();
  for (const entry of await zip.getEntries())
    if (!entry.directory) parts.set(entry.filename, Buffer.from(await entry.getData(new Uint8ArrayWriter())));
  return parts;
}

/** A field with its schema, and the answer for each row by its position. */
export interface TestField {
  readonly schema: OutputOptions['fields'][number]['schema'];
  readonly values: (ordinal: number) => JsonValue;
  readonly urls?: readonly string[];
}

interface Filling {
  readonly input?: Partial<InputOptions>;
  readonly output?: Partial<OutputOptions>;
  readonly name?: string;
  readonly outName?: string;
  readonly foundAtMs?: number;
}

/** Fills a workbook with these answers, and returns its bytes with the notes about it. */
export async function fillWorkbook(
  bytes: Uint8Array,
  fields: Readonly<Record<string, TestField>>,
  {
    input: inputOptions,
    output: outputOptions,
    name = 'in.xlsx',
    outName = 'out.xlsx',
    foundAtMs,
  }: Filling = {},
) {
  const folder = await createTempFolder();
  const path = join(folder, outName);
  await writeFile(join(folder, name), bytes);
  const input = await openInput({ path: join(folder, name), hiddenRows: 'fill', ...inputOptions });
  const rows = await readAllRows(input);
  const { shape, columns } = input;
  const notes: string[] = [];
  const output = await openOutput({
    path,
    shape,
    columns,
    fields: Object.entries(fields).map(([field, { schema }]) => ({ name: field, schema })),
    overwrite: false,
    raw: false,
    onNote: ({ code }) => notes.push(code),
    ...outputOptions,
  });
  const filled = rows.map((row) => {
    const answers = Object.entries(fields).map(([field, { values, urls }]) => [
      field,
      createAnswer(values(row.ordinal), urls),
    ]);
    return row.skip === undefined
      ? createFilledRow(row, Object.fromEntries(answers), foundAtMs === undefined ? {} : { foundAtMs })
      : createFilledRow(row, {}, { status: 'skipped', error: row.skip, costMicros: 0, runId: null });
  });
  try {
    for (let at = 0; at < filled.length; at += 3) await output.write(filled.slice(at, at + 3));
    await output.commit();
  } catch (error) {
    await output.abort();
    throw error;
  }
  return { path, bytes: await readFile(path), input, rows, notes };
}

/** An element of an XML text, with its attributes in the order of their names. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: (XmlNode | string)[];
}

/** Parses an XML text to a tree without white space between elements. */
export function parseXml(bytes: Buffer): XmlNode {
  const parser = new SaxesParser();
  const root: XmlNode = { name: '', attributes: {}, children: [] };
  const open = [root];
  parser.on('opentag', ({ name, attributes }) => {
    const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    const node: XmlNode = { name, attributes: Object.fromEntries(sorted), children: [] };
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  parser.on('closetag', () => open.pop());
  const addText = (text: string) => {
    if (text.trim() !== '') open.at(-1)?.children.push(text);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe;
  parser.write(bytes.toString(isWide ? 'utf16le' : 'utf8').replace(/^\ufeff/, '')).close();
  const [first] = root.children;
  if (first === undefined || typeof first === 'string') throw new Error('no XML');
  return first;
}

/** All elements with a name, whatever its prefix. */
export function findNodes(node: XmlNode, name: string): XmlNode[] {
  const inner = node.children.flatMap((child) => (typeof child === 'string' ? [] : findNodes(child, name)));
  return localName(node) === name ? [node, ...inner] : inner;
}

export function localName({ name }: XmlNode): string {
  return name.slice(name.indexOf(':') + 1);
}
