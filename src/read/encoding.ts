import { isAscii, isUtf8 } from 'node:buffer';
import { createUsageError, type RowfillError } from '../errors.js';
import { decodeWithTable, findEncodingName, guessEncoding, hasTable } from './guess-encoding.js';
import type { TextSample } from './input.js';

/** Decodes bytes to chunks of text that never split a character; invalid bytes are an error. */
export async function* decodeText(
  openPieces: () => AsyncIterable<Buffer>,
  encoding: string,
  bomBytes: number,
  name: string,
): AsyncGenerator<string> {
  const decoder = createDecoder(encoding);
  let skip = bomBytes;
  let offset = 0;
  const decode = async (bytes: Buffer | null): Promise<string> => {
    const text = decoder.decode(bytes);
    const fault = findFault(text, bytes, encoding);
    if (typeof text === 'string' && fault === null) return text;
    const faultOffset = offset + (fault ?? 0);
    const line = await countLines(openPieces(), faultOffset, encoding);
    throw typeof text === 'string' ? refuseNul(name, line) : refuseBytes(name, encoding, faultOffset, line);
  };
  for await (const piece of openPieces()) {
    const bytes = skip === 0 ? piece : piece.subarray(skip);
    offset += piece.length - bytes.length;
    skip -= piece.length - bytes.length;
    const text = await decode(bytes);
    offset += bytes.length;
    if (text !== '') yield text;
  }
  const text = await decode(null);
  if (text !== '') yield text;
}

interface InvalidBytes {
  /** Offset from the start of the chunk; negative for bytes kept from the previous chunk. */
  readonly at: number;
}

interface Decoder {
  /** The text of the next bytes; null decodes what was kept back at the end. */
  decode(bytes: Buffer | null): string | InvalidBytes;
}

function createDecoder(encoding: string): Decoder {
  if (encoding === 'utf-8') return createUtf8Decoder();
  if (hasTable(encoding))
    return { decode: (bytes) => (bytes === null ? '' : decodeWithTable(bytes, encoding)) };
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return {
    decode: (bytes) => {
      try {
        return bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true });
      } catch {
        return { at: 0 };
      }
    },
  };
}

/** UTF-8 decoder with Buffer methods, several times as fast as a streaming TextDecoder. */
function createUtf8Decoder(): Decoder {
  let kept: Buffer = Buffer.alloc(0);
  return {
    decode: (bytes) => {
      if (bytes !== null && kept.length === 0 && isAscii(bytes)) return bytes.toString('latin1');
      const all = bytes === null ? kept : kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
      const end = bytes === null ? all.length : all.length - countOpenBytes(all);
      const whole = all.subarray(0, end);
      if (!isUtf8(whole)) return { at: countValidBytes(whole) - kept.length };
      kept = Buffer.from(all.subarray(end));
      return whole.toString('utf8');
    },
  };
}

/** Number of bytes at the end that belong to an incomplete character. */
function countOpenBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Offset of invalid bytes or a NUL in the chunk; null if there are none. */
function findFault(text: string | InvalidBytes, bytes: Buffer | null, encoding: string): number | null {
  if (typeof text !== 'string') return text.at;
  if (!text.includes('\0') || bytes === null) return null;
  return encoding.startsWith('utf-16') ? text.indexOf('\0') * 2 : bytes.indexOf(0);
}

/** Returns the line of an offset. Only used after an error, by reading the file again. */
async function countLines(pieces: AsyncIterable<Buffer>, offset: number, encoding: string): Promise<number> {
  const lineEnd = Buffer.from('\n', encoding.startsWith('utf-16') ? 'utf16le' : 'latin1');
  let line = 1;
  let start = 0;
  for await (const piece of pieces) {
    const bytes = piece.subarray(0, Math.max(0, offset - start));
    for (let at = bytes.indexOf(lineEnd); at !== -1; at = bytes.indexOf(lineEnd, at + 1)) line += 1;
    start += piece.length;
    if (start >= offset) break;
  }
  return line;
}

function refuseNul(name: string, line: number): Error {
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} has a NUL character on line ${line}: it is damaged or not a text file`,
    'Export it again, or remove the NUL characters.',
  );
}

function refuseBytes(name: string, encoding: string, offset: number, line: number): Error {
  const where = encoding === 'utf-8' ? `at byte ${offset}` : `from byte ${offset} on`;
  return createUsageError(
    'INPUT_ENCODING',
    `${name} is not valid ${encoding} ${where}, line ${line}`,
    'Set its encoding with --encoding, such as --encoding windows-1252.',
  );
}

function countValidBytes(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const part = bytes.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - countOpenBytes(part)))) low = middle;
    else high = middle - 1;
  }
  return low - countOpenBytes(bytes.subarray(0, low));
}

/** How to decode a text file. */
interface TextContent {
  /** Encoding name as in the Encoding Standard. */
  readonly encoding: string;
  /** Length of the byte order mark. */
  readonly bomBytes: number;
  /** True if the encoding was guessed. */
  readonly isGuess: boolean;
}

/** True if the bytes start a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** Detects the encoding of a sample, or rejects it if it is not text; `wish` overrides detection. */
export async function detectContent(
  name: string,
  sample: Buffer,
  wish: string | undefined,
): Promise<TextContent> {
  const bom = BOMS.find(({ bytes }) => sample.subarray(0, bytes.length).equals(Buffer.from(bytes)));
  if (bom?.encoding === 'utf-32') throw refuseEncoding(name, 'UTF-32');
  refuseBinary(name, sample);
  if (wish !== undefined) {
    const encoding = resolveEncoding(wish);
    return { encoding, bomBytes: bom?.encoding === encoding ? bom.bytes.length : 0, isGuess: false };
  }
  if (bom !== undefined) return { encoding: bom.encoding, bomBytes: bom.bytes.length, isGuess: false };
  if (sample.includes(0)) {
    const wide = detectWide(sample);
    if (wide !== null) return { encoding: wide, bomBytes: 0, isGuess: true };
    if (!isNearlyText(sample)) throw createNotTextError(name, 'not text: it contains NUL bytes');
  }
  if (isAscii(sample) || isUtf8(trimToCharacter(sample)) || isNearlyUtf8(sample)) {
    return { encoding: 'utf-8', bomBytes: 0, isGuess: false };
  }
  if (isNoise(sample)) throw createNotTextError(name, 'not text: it is full of control characters');
  return { encoding: await guessEncoding(name, sample), bomBytes: 0, isGuess: true };
}

const BOMS = [
  { bytes: [0xff, 0xfe, 0, 0], encoding: 'utf-32' },
  { bytes: [0, 0, 0xfe, 0xff], encoding: 'utf-32' },
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
];

function refuseEncoding(name: string, encoding: string): RowfillError {
  return createUsageError(
    'INPUT_ENCODING',
    `${name} uses encoding ${encoding}, which is not supported`,
    'Save it as UTF-8.',
  );
}

/** The Encoding Standard's name for the encoding set by the user. */
function resolveEncoding(wish: string): string {
  const encoding = findEncodingName(wish);
  if (encoding !== null) return encoding;
  throw createUsageError(
    'OPTION_ENCODING',
    `${JSON.stringify(wish)} is not a known encoding`,
    'Examples: utf-8, utf-16le, windows-1252, iso-8859-2, windows-1251, macintosh, cp850, cp437, shift_jis, gb18030, big5, euc-kr.',
  );
}

/** UTF-16 without a byte order mark has zeros on one side: the high bytes of Latin letters. Few others have a low byte of zero. */
function detectWide(sample: Buffer): 'utf-16le' | 'utf-16be' | null {
  let even = 0;
  let odd = 0;
  for (let at = 0; at + 1 < sample.length; at += 2) {
    if (sample[at] === 0) even += 1;
    if (sample[at + 1] === 0) odd += 1;
  }
  const pairs = Math.floor(sample.length / 2);
  if (odd > pairs * 0.3 && even * 4 < odd) return 'utf-16le';
  if (even > pairs * 0.3 && odd * 4 < even) return 'utf-16be';
  return null;
}

/** A few NULs mean a damaged text; they are reported with their line when the text is read. */
function isNearlyText(sample: Buffer): boolean {
  let zeros = 0;
  for (const byte of sample) if (byte === 0) zeros += 1;
  return zeros < sample.length / 50;
}

/**
 * True if there are too many control characters other than cell and line separators; in random bytes they
 * make up 7%.
 */
function isNoise(sample: Buffer): boolean {
  let controls = 0;
  for (const byte of sample)
    if ((byte > 4 && byte < 9) || (byte > 13 && byte < 27) || byte === 0) controls += 1;
  return controls > 64 && controls > sample.length / 30;
}

/** The sample may end inside a character, so up to three trailing bytes do not rule out UTF-8. */
function trimToCharacter(sample: Buffer): Buffer {
  for (let cut = 0; cut <= 3; cut += 1) {
    const byte = sample[sample.length - 1 - cut] ?? 0;
    if (byte < 0x80) return sample.subarray(0, sample.length - cut);
    if (byte >= 0xc0) return sample.subarray(0, sample.length - 1 - cut);
  }
  return sample;
}

/** UTF-8 with a few damaged bytes: report their position when reading instead of guessing another encoding. */
function isNearlyUtf8(sample: Buffer): boolean {
  const text = sample.toString('utf8');
  const bad = text.match(/\ufffd/g)?.length ?? 0;
  const good = text.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0;
  return good > bad * 4;
}

/** Rejects known binary formats by their first bytes, whatever the file name. */
function refuseBinary(name: string, sample: Buffer): void {
  const kind = BINARIES.find(({ starts }) => startsWith(sample, starts));
  if (kind !== undefined) throw createNotTextError(name, kind.what, kind.hint);
  // A workbook that is not gzipped is opened elsewhere.
  if (startsWith(sample, 'PK\x03\x04'))
    throw createNotTextError(name, 'a workbook or archive that is also compressed', 'Decompress it first.');
  if (startsWith(sample, '\xd0\xcf\x11\xe0')) throw refuseContainer(name, sample);
  refuseMarkup(name, sample);
}

/** Error for a file that is not text. */
function createNotTextError(name: string, what: string, hint?: string): RowfillError {
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} is ${what}`,
    hint ?? 'rowfill reads CSV, TSV, JSON Lines, JSON and Excel workbooks (.xlsx).',
  );
}

interface Binary {
  readonly starts: string;
  readonly what: string;
  readonly hint?: string;
}

const UNPACK = 'Unpack it, or compress it with gzip.';

const BINARIES: readonly Binary[] = [
  { starts: '%PDF-', what: 'a PDF file' },
  { starts: 'PAR1\x15', what: 'a Parquet file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'ARROW1\0\0', what: 'an Arrow file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'Obj\x01', what: 'an Avro file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'SQLite format 3\0', what: 'an SQLite database', hint: 'Export the table as CSV.' },
  { starts: '\x28\xb5\x2f\xfd', what: 'compressed with zstd', hint: UNPACK },
  { starts: '\xfd7zXZ\0', what: 'compressed with xz', hint: UNPACK },
  { starts: '7z\xbc\xaf', what: 'a 7-Zip archive', hint: UNPACK },
  { starts: '\x89PNG\r\n', what: 'an image' },
  { starts: '\xff\xd8\xff', what: 'an image' },
  {
    starts: '{\\rtf',
    what: 'a rich text document',
    hint: 'Copy the table into a spreadsheet and save it as CSV.',
  },
  ...Array.from({ length: 9 }, (_, level) => ({
    starts: `BZh${level + 1}1AY&SY`,
    what: 'compressed with bzip2',
    hint: UNPACK,
  })),
];

/** Password-protected workbooks and old Excel files use the same container. */
function refuseContainer(name: string, sample: Buffer): RowfillError {
  const isLocked = sample.includes(Buffer.from('EncryptedPackage', 'utf16le'));
  return createUsageError(
    'INPUT_IS_SPREADSHEET',
    isLocked
      ? `${name} is a password-protected workbook or document`
      : `${name} is an old Office file, such as .xls, or a password-protected one`,
    'Save it as an Excel workbook (.xlsx) without a password, or save the sheet as CSV (UTF-8), and use that file.',
  );
}

/** Web pages and XML, also in UTF-16, and pages that Excel saves or that programs name .xls. */
function refuseMarkup(name: string, sample: Buffer): void {
  const head = sample.subarray(0, 1024);
  const start = head
    .toString(isWideText(head) ? 'utf16le' : 'utf8')
    .replace(/^[\ufeff\ufffd\s]+/, '')
    .toLowerCase();
  const isMail = /^mime-version:/.test(start) && /\bcontent-type:/.test(start);
  if (!isMail && !MARKUP.test(start)) return;
  const what = isMail
    ? 'a web page saved as one file (MHTML)'
    : start.startsWith('<?xml')
      ? 'an XML file'
      : 'a web page';
  throw createUsageError(
    'INPUT_NOT_TABLE',
    `${name} is ${what}, not a table`,
    'If it is a report that opens in Excel, save it there as .xlsx or CSV. It may also be a saved login page: export the table itself as CSV.',
  );
}

const MARKUP =
  /^(?:<!doctype|<html|<\?xml|<head|<body|<meta[\s/>]|<table[\s>]|<style[\s>]|<script[\s>]|<div[\s>]|<!--)/;

function isWideText(head: Buffer): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head.length > 3 && head[1] === 0 && head[3] === 0);
}

function startsWith(sample: Buffer, text: string): boolean {
  return sample.subarray(0, text.length).equals(Buffer.from(text, 'latin1'));
}

const SAMPLE_BYTES = 1024 * 1024;
const SEARCH_BYTES = 64 * 1024 * 1024;
const SAMPLE_CHARACTERS = 512 * 1024;

/**
 * The first bytes of a file. If they are all ASCII, also the first non-ASCII bytes after them, which reveal
 * the encoding.
 */
export async function readByteSample(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let bytes = 0;
  let isPlain = true;
  for await (const piece of pieces) {
    const isPiecePlain = isAscii(piece);
    if (keptBytes < SAMPLE_BYTES || !isPiecePlain) {
      kept.push(piece);
      keptBytes += piece.length;
    }
    bytes += piece.length;
    isPlain &&= isPiecePlain;
    if (bytes >= SAMPLE_BYTES && (!isPlain || bytes >= SEARCH_BYTES)) break;
  }
  return Buffer.concat(kept);
}

/** The first characters of a file. */
export async function readTextSample(pieces: AsyncIterable<string>): Promise<TextSample> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length >= SAMPLE_CHARACTERS) return { text, isWhole: false };
  }
  return { text, isWhole: true };
}
