import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { TextDecoder } from 'node:util';
import { crc32, createInflateRaw } from 'node:zlib';
import { configure, type FileEntry, Reader, ZipReader } from '@zip.js/zip.js';
import { SaxesParser } from 'saxes';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import type { FileBytes } from '../model/workbook-file.js';
import { type ByteSource, checkUnchanged, explainReadError } from './bytes.js';
import type { InputLimits } from './input.js';

/** The parts of a zip file; each can be read as a stream, any number of times. */
export interface ZipArchive {
  /** Name for errors. */
  readonly name: string;
  /** Names of the parts as written in the file, by their path in lowercase. */
  readonly paths: ReadonlyMap<string, string>;
  /** Paths of parts that are in the file more than once; the last one counts. */
  readonly doubled: ReadonlySet<string>;
  /** Reads a part, decompressed. */
  openPart(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** The same for a metadata part, with a size limit. */
  openSmallPart(path: string): AsyncGenerator<Uint8Array>;
  /** Opens the bytes of the zip file itself. */
  openBytes(): Promise<FileBytes>;
}

const MAX_PARTS = 10_000;
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;
const MAX_SMALL_BYTES = 64 * 1024 * 1024;
/** Small chunks limit how many rows wait in memory, however wide they are. */
const PIECE_BYTES = 64 * 1024;

// Node decompresses in its own threads, so no workers are needed. Their limit would hold up a part for seconds if others
// are open.
configure({ useWebWorkers: false, maxWorkers: Number.MAX_SAFE_INTEGER });

/** Reads the directory of a zip file. The file is opened for each read and closed after it. */
export async function openZip(source: ByteSource, limits: InputLimits): Promise<ZipArchive> {
  const { name } = source;
  const { paths, doubled } = await readArchive(source, async ({ entries, doubled }) => ({
    paths: new Map([...entries].map(([path, { filename }]) => [path, filename])),
    doubled,
  }));
  return {
    name,
    paths,
    doubled,
    openPart: (path, signal) => openPart(source, path, limits, signal),
    async *openSmallPart(path) {
      let bytes = 0;
      for await (const piece of openPart(source, path, limits)) {
        bytes += piece.length;
        if (bytes > MAX_SMALL_BYTES) throw createBrokenError(name, `${path} is too long`);
        yield piece;
      }
    },
    openBytes: () => openFileBytes(source),
  };
}

async function openFileBytes(source: ByteSource): Promise<FileBytes> {
  const { size } = source.stats;
  const file = await openFile(source);
  const reader = new FileReader(file, size);
  return {
    size,
    read: (offset, length) => reader.readUint8Array(offset, length),
    close: async () => {
      await file.close();
      await checkUnchanged(source);
    },
  };
}

async function* openPart(
  source: ByteSource,
  path: string,
  limits: InputLimits,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await openFile(source);
  try {
    const entry = (await readEntries(file, source)).entries.get(path.toLowerCase());
    if (entry === undefined) throw createBrokenError(source.name, `it has no part ${path}`);
    yield* unpack(entry, source, limits, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw await explainZipError(source, error);
  } finally {
    await file.close();
  }
  await checkUnchanged(source);
}

/** Error for a file that looks like a workbook but is not valid. */
export function createBrokenError(name: string, what: string, cause?: unknown): RowfillError {
  return createUsageError(
    'INPUT_WORKBOOK_BROKEN',
    `${name} cannot be read as a workbook: ${what}`,
    'The file may be truncated: download it again, or open it in a spreadsheet program and save it again.',
    cause,
  );
}

async function openFile({ name, path }: ByteSource): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw explainReadError(name, error);
  }
}

async function readArchive<T>(source: ByteSource, read: (entries: Entries) => Promise<T>): Promise<T> {
  const file = await openFile(source);
  try {
    return await read(await readEntries(file, source));
  } catch (error) {
    throw await explainZipError(source, error);
  } finally {
    await file.close();
  }
}

interface Entries {
  /** By path; of duplicates the last one wins. */
  readonly entries: ReadonlyMap<string, FileEntry>;
  readonly doubled: ReadonlySet<string>;
}

async function readEntries(file: FileHandle, source: ByteSource): Promise<Entries> {
  const { size } = source.stats;
  const reader = new ZipReader(new FileReader(file, size), { filenameValidation: 'tolerant' });
  const entries = new Map<string, FileEntry>();
  const doubled = new Set<string>();
  for await (const entry of reader.getEntriesGenerator()) {
    if (entry.directory) continue;
    if (entries.size >= MAX_PARTS) throw createBrokenError(source.name, `it has over ${MAX_PARTS} parts`);
    const path = entry.filename.replaceAll('\\', '/').toLowerCase();
    if (entries.has(path)) doubled.add(path);
    entries.set(path, entry);
  }
  return { entries, doubled };
}

class FileReader extends Reader<FileHandle> {
  readonly #file: FileHandle;

  constructor(file: FileHandle, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    // The length of the directory comes from the file, so limit it.
    if (length > MAX_DIRECTORY_BYTES) throw new Error('its directory is too long');
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, offset);
    return bytes.subarray(0, bytesRead);
  }
}

async function* unpack(
  entry: FileEntry,
  source: ByteSource,
  limits: InputLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  // The usual method is unpacked here, in larger pieces, which takes a third of the time.
  const isDeflated = entry.compressionMethod === DEFLATE && !entry.encrypted;
  // A failure must surface on the readable side, where it is awaited; often it already has.
  entry
    .getData(writable, { passThrough: isDeflated })
    .catch((error: unknown) => writable.abort(error).catch(() => {}));
  // Sizes in the file are not trustworthy.
  const packedBytes = Math.min(entry.compressedSize, source.stats.size);
  let bytes = 0;
  let sum = 0;
  for await (const piece of isDeflated ? inflate(readable) : readable) {
    signal?.throwIfAborted();
    bytes += piece.length;
    sum = crc32(piece, sum);
    if (bytes > limits.freeInflateBytes && bytes > packedBytes * limits.maxInflateRatio) {
      throw createUsageError(
        'INPUT_INFLATES_TOO_MUCH',
        `${source.name} expands to more than ${limits.maxInflateRatio} times its size, which looks like a zip bomb`,
        'If it really is a table, save it as CSV and use that file.',
      );
    }
    const step = Math.min(limits.pieceBytes, PIECE_BYTES);
    for (let at = 0; at < piece.length; at += step) yield piece.subarray(at, at + step);
  }
  if (bytes !== entry.uncompressedSize || sum !== entry.crc32)
    throw createBrokenError(source.name, `${entry.filename} does not match its checksum`);
}

const DEFLATE = 8;
const INFLATE_BYTES = PIECE_BYTES;

function inflate(packed: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  // Errors surface where the result is read.
  return pipeline(Readable.from(packed), createInflateRaw({ chunkSize: INFLATE_BYTES }), () => {});
}

/** If the file was changed meanwhile, reports that instead. */
async function explainZipError(source: ByteSource, error: unknown): Promise<unknown> {
  if (error instanceof RowfillError) return error;
  await checkUnchanged(source);
  const isPacking = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
  return createBrokenError(source.name, isPacking ? 'Invalid compressed data' : describeError(error), error);
}

/** Callbacks for XML; names come without their prefix. */
export interface XmlHandler {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  close(name: string): void;
  /** A text may arrive in several pieces. */
  text(text: string): void;
}

interface XmlPart {
  /** Name for errors. */
  readonly name: string;
  readonly path: string;
  openBytes(): AsyncIterable<Uint8Array>;
}

const MAX_DEPTH = 100;

/**
 * Streams an XML part and yields after each chunk. External resources and custom entities are never resolved.
 */
export async function* readXml(part: XmlPart, handler: XmlHandler): AsyncGenerator<void> {
  const { parser, texts } = openXml(part, handler);
  for await (const text of texts) {
    parser.write(text);
    yield;
  }
  parser.close();
  yield;
}

/** Opens an XML part: its text in pieces, and the parser that they are to be written to. */
export function openXml(
  part: XmlPart,
  handler: XmlHandler,
): { readonly parser: XmlParser; readonly texts: AsyncIterable<string> } {
  const refuse = (what: string): never => {
    throw createBrokenError(part.name, `${part.path}: ${what}`);
  };
  return {
    parser: createParser(handler, refuse),
    texts: decodePieces(part.openBytes(), createDecoder(refuse)),
  };
}

async function* decodePieces(
  pieces: AsyncIterable<Uint8Array>,
  { decode }: ReturnType<typeof createDecoder>,
): AsyncGenerator<string> {
  for await (const bytes of pieces) yield decode(bytes);
  yield decode(null);
}

/** Reads the elements of a metadata part; nothing if the workbook has no such part. */
export async function readElements(
  archive: ZipArchive,
  path: string,
  { open, close = () => {}, text = () => {} }: Pick<XmlHandler, 'open'> & Partial<XmlHandler>,
): Promise<void> {
  if (!archive.paths.has(path)) return;
  const part = { name: archive.name, path, openBytes: () => archive.openSmallPart(path) };
  for await (const _ of readXml(part, { open, close, text }));
}

/** Maximum length of a text, a tag or a comment, in characters. */
const MAX_TOKEN = 20 * 1024 * 1024;

export interface XmlParser {
  /** Number of elements that are open. */
  readonly depth: number;
  write(text: string): void;
  close(): void;
}

function createParser(handler: XmlHandler, refuse: (what: string) => never): XmlParser {
  const parser = new SaxesParser({ position: false, xmlns: false });
  let depth = 0;
  // The parser keeps a text until it ends.
  let unread = 0;
  parser.on('error', ({ message }) => refuse(getFirstLine(message).replace(/\.$/, '')));
  parser.on('doctype', () => refuse('it has a DOCTYPE, which workbooks never do'));
  parser.on('opentag', ({ name, attributes }) => {
    unread = 0;
    depth += 1;
    if (depth > MAX_DEPTH) refuse(`it is nested deeper than ${MAX_DEPTH} levels`);
    handler.open(dropPrefix(name), attributes);
  });
  parser.on('closetag', ({ name }) => {
    unread = 0;
    depth -= 1;
    handler.close(dropPrefix(name));
  });
  parser.on('text', (text) => handler.text(text));
  parser.on('cdata', (text) => handler.text(text));
  return {
    get depth() {
      return depth;
    },
    write(text) {
      unread += text.length;
      if (unread > MAX_TOKEN) refuse('it has a text that is too long');
      parser.write(text);
    },
    close: () => parser.close(),
  };
}

function dropPrefix(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function getFirstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Decodes UTF-8, or UTF-16 with a byte order mark, and normalizes line ends to line feeds, as XML requires. */
function createDecoder(refuse: (what: string) => never) {
  let decoder: TextDecoder | null = null;
  let hasReturn = false;
  return {
    decode(bytes: Uint8Array | null): string {
      decoder ??= new TextDecoder(detectEncoding(bytes), { fatal: true });
      const text = (hasReturn ? '\r' : '') + decodeWith(decoder, bytes, refuse);
      hasReturn = bytes !== null && text.endsWith('\r');
      const whole = hasReturn ? text.slice(0, -1) : text;
      return whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
    },
  };
}

function detectEncoding(bytes: Uint8Array | null): string {
  if (bytes?.[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes?.[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function decodeWith(decoder: TextDecoder, bytes: Uint8Array | null, refuse: (what: string) => never): string {
  try {
    return bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch {
    return refuse('it contains invalid bytes');
  }
}
