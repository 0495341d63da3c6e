import { type FileHandle, open } from 'node:fs/promises';
import { configure, type FileEntry, Reader, ZipReader } from '@zip.js/zip.js';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { type ByteSource, checkUnchanged, explainReadError } from './byte-source.js';
import type { InputLimits } from './limits.js';

/** The parts of a zip file, each of which can be read as a stream and as often as needed. */
export interface ZipArchive {
  /** Named in errors. */
  readonly name: string;
  /** Paths of the parts, in lower case. */
  readonly paths: ReadonlySet<string>;
  /** The bytes of a part, unpacked. */
  openPart(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** The same of a part that only tells of others, and so is never long. */
  openSmallPart(path: string): AsyncGenerator<Uint8Array>;
}

const MAX_PARTS = 10_000;
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;
const MAX_SMALL_BYTES = 64 * 1024 * 1024;
/** A piece holds no more rows than may wait in memory, however wide they claim to be. */
const PIECE_BYTES = 16 * 1024;

// Workers are for browsers: here the unpacking is in threads of the runtime's own.
configure({ useWebWorkers: false });

/** Looks into a zip file. It is opened anew for each reading, so that nothing is left open between two of them. */
export async function openZip(source: ByteSource, limits: InputLimits): Promise<ZipArchive> {
  const { name } = source;
  const paths = await readArchive(source, async (entries) => new Set(entries.keys()));
  return {
    name,
    paths,
    openPart: (path, signal) => openPart(source, path, limits, signal),
    async *openSmallPart(path) {
      let bytes = 0;
      for await (const piece of openPart(source, path, limits)) {
        bytes += piece.length;
        if (bytes > MAX_SMALL_BYTES) throw createBrokenError(name, `${path} is too long`);
        yield piece;
      }
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
    const entry = (await readEntries(file, source)).get(path.toLowerCase());
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

/** What is said of a file that begins as a workbook and is none. */
export function createBrokenError(name: string, what: string, cause?: unknown): RowfillError {
  return createUsageError(
    'INPUT_WORKBOOK_BROKEN',
    `${name} cannot be read as a workbook: ${what}`,
    'The file may be cut short: fetch it again, or open it in a spreadsheet program and save it anew.',
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

async function readArchive<T>(
  source: ByteSource,
  read: (entries: ReadonlyMap<string, FileEntry>) => Promise<T>,
): Promise<T> {
  const file = await openFile(source);
  try {
    return await read(await readEntries(file, source));
  } catch (error) {
    throw await explainZipError(source, error);
  } finally {
    await file.close();
  }
}

/** The entries by their paths; of two with one path the last one counts. */
async function readEntries(file: FileHandle, source: ByteSource): Promise<Map<string, FileEntry>> {
  const { size } = source.stats;
  const reader = new ZipReader(new FileReader(file, size), { filenameValidation: 'tolerant' });
  const entries = new Map<string, FileEntry>();
  for await (const entry of reader.getEntriesGenerator()) {
    if (entry.directory) continue;
    if (entries.size >= MAX_PARTS) throw createBrokenError(source.name, `it has over ${MAX_PARTS} parts`);
    entries.set(entry.filename.replaceAll('\\', '/').toLowerCase(), entry);
  }
  return entries;
}

class FileReader extends Reader<FileHandle> {
  readonly #file: FileHandle;

  constructor(file: FileHandle, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    // A length of this kind is that of the list of parts, and comes out of the file.
    if (length > MAX_DIRECTORY_BYTES) throw new Error('its list of parts is too long');
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
  // Its failure has to come out of the readable side, where it is waited for; often it is there already.
  entry.getData(writable).catch((error: unknown) => writable.abort(error).catch(() => {}));
  // What the file says of itself is not to be relied upon.
  const packedBytes = Math.min(entry.compressedSize, source.stats.size);
  let bytes = 0;
  for await (const piece of readable) {
    signal?.throwIfAborted();
    bytes += piece.length;
    if (bytes > limits.freeInflateBytes && bytes > packedBytes * limits.maxInflateRatio) {
      throw createUsageError(
        'INPUT_INFLATES_TOO_MUCH',
        `${source.name} unpacks to more than ${limits.maxInflateRatio} times its size: it is taken for a bomb`,
        'If it is a table all the same, save it as CSV and give that file.',
      );
    }
    const step = Math.min(limits.pieceBytes, PIECE_BYTES);
    for (let at = 0; at < piece.length; at += step) yield piece.subarray(at, at + step);
  }
}

/** A file that was changed meanwhile is said to be just that. */
async function explainZipError(source: ByteSource, error: unknown): Promise<unknown> {
  if (error instanceof RowfillError) return error;
  await checkUnchanged(source);
  return createBrokenError(source.name, describeError(error), error);
}
