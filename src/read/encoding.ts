import { isAscii, isUtf8 } from 'node:buffer';
import { createUsageError, type RowfillError } from '../errors.js';

/** Decodes bytes into pieces of text, none of which ends within a character; bytes that are not valid are an error. */
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
  /** How far behind the start of the piece they are, below zero for bytes that were kept back from the one before. */
  readonly at: number;
}

interface Decoder {
  /** The text of the next bytes, or of what was kept back at the end (null). */
  decode(bytes: Buffer | null): string | InvalidBytes;
}

function createDecoder(encoding: string): Decoder {
  if (encoding === 'utf-8') return createUtf8Decoder();
  if (encoding === 'windows-1252')
    return { decode: (bytes) => (bytes === null ? '' : decodeWindows1252(bytes)) };
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

/** UTF-8 by way of the buffer's own methods, several times as fast as a TextDecoder that streams. */
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

/** How many bytes at the end start a character whose rest has yet to come. */
function countOpenBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Where in the piece something stands that is no text; null where there is no such thing. */
function findFault(text: string | InvalidBytes, bytes: Buffer | null, encoding: string): number | null {
  if (typeof text !== 'string') return text.at;
  if (!text.includes('\0') || bytes === null) return null;
  return encoding.startsWith('utf-16') ? text.indexOf('\0') * 2 : bytes.indexOf(0);
}

/** The line that an offset is on; counted only once something is wrong, by reading again what stands before it. */
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
    `${name} holds a NUL character on line ${line}: it is no text, or damaged`,
    'Export it again, or take the NUL characters out.',
  );
}

function refuseBytes(name: string, encoding: string, offset: number, line: number): Error {
  const where = encoding === 'utf-8' ? `at byte ${offset}` : `from byte ${offset} on`;
  return createUsageError(
    'INPUT_ENCODING',
    `${name} is not valid ${encoding} ${where}, line ${line}`,
    'Name the encoding it is written in with --encoding, such as --encoding windows-1252.',
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

/** Text in windows-1252, also called Latin-1: every byte is a character. */
export function decodeWindows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (char) => WINDOWS_1252[char.charCodeAt(0) - 0x80] ?? char);
}

// Some releases of Node decode this one as Latin-1: its 32 own characters are put in by hand.
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** What the first bytes of a file say about how its text is to be read. */
export interface TextContent {
  /** Name of the encoding as the Encoding Standard spells it. */
  readonly encoding: string;
  /** Length of the byte order mark. */
  readonly bomBytes: number;
  /** True where the encoding was guessed from the bytes rather than told or plain to see. */
  readonly isGuess: boolean;
}

/** True where bytes start a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** Tells the encoding of a sample, or refuses what is no text; `wish` overrules the guess. */
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
    if (!isNearlyText(sample)) throw createNotTextError(name, 'not text: it holds NUL bytes');
  }
  if (isAscii(sample) || isUtf8(trimToCharacter(sample)) || isNearlyUtf8(sample)) {
    return { encoding: 'utf-8', bomBytes: 0, isGuess: false };
  }
  if (isNoise(sample)) throw createNotTextError(name, 'not text: it is full of control characters');
  return { encoding: await guessLegacy(sample), bomBytes: 0, isGuess: true };
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
    `${name} is written in ${encoding}, which is not read`,
    'Save it as UTF-8.',
  );
}

/** The Encoding Standard's name for an encoding that a person asked for. */
function resolveEncoding(wish: string): string {
  const encoding = findEncodingName(wish);
  if (encoding !== null) return encoding;
  throw createUsageError(
    'OPTION_ENCODING',
    `There is no encoding named ${JSON.stringify(wish)}`,
    'Some that there are: utf-8, utf-16le, windows-1252, iso-8859-2, windows-1251, shift_jis, gb18030, big5, euc-kr.',
  );
}

/** Text in UTF-16 without a mark has its zeros on one side: in the high bytes of Latin letters. */
function detectWide(sample: Buffer): 'utf-16le' | 'utf-16be' | null {
  let even = 0;
  let odd = 0;
  for (let at = 0; at + 1 < sample.length; at += 2) {
    if (sample[at] === 0) even += 1;
    if (sample[at + 1] === 0) odd += 1;
  }
  const pairs = Math.floor(sample.length / 2);
  if (odd > pairs * 0.3 && even < pairs * 0.01) return 'utf-16le';
  if (even > pairs * 0.3 && odd < pairs * 0.01) return 'utf-16be';
  return null;
}

/** A NUL here and there is damage in a text, and told with its line when the text is read. */
function isNearlyText(sample: Buffer): boolean {
  let zeros = 0;
  for (const byte of sample) if (byte === 0) zeros += 1;
  return zeros < sample.length / 50;
}

/** Control characters that no table is made of, beside those that separate cells and lines: random bytes hold 7 % of them. */
function isNoise(sample: Buffer): boolean {
  let controls = 0;
  for (const byte of sample)
    if ((byte > 4 && byte < 9) || (byte > 13 && byte < 27) || byte === 0) controls += 1;
  return controls > 64 && controls > sample.length / 30;
}

/** A sample may end in the middle of a character; up to three bytes are no proof against UTF-8. */
function trimToCharacter(sample: Buffer): Buffer {
  for (let cut = 0; cut <= 3; cut += 1) {
    const byte = sample[sample.length - 1 - cut] ?? 0;
    if (byte < 0x80) return sample.subarray(0, sample.length - cut);
    if (byte >= 0xc0) return sample.subarray(0, sample.length - 1 - cut);
  }
  return sample;
}

/** UTF-8 with a few damaged bytes: to be told with their place when the text is read, not taken for another encoding. */
function isNearlyUtf8(sample: Buffer): boolean {
  const text = sample.toString('utf8');
  const bad = text.match(/\ufffd/g)?.length ?? 0;
  const good = text.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0;
  return good > bad * 4;
}

/** The detector's best guess; where the guess and the most common encoding read the text alike, the most common one. */
async function guessLegacy(sample: Buffer): Promise<string> {
  // Loaded only for the few files that need it.
  const { default: chardet } = await import('chardet');
  for (const { name, confidence } of chardet.analyse(sample)) {
    if (confidence < 10 || /^(?:utf|iso-2022|ascii)/i.test(name)) continue;
    const encoding = findEncodingName(name);
    if (encoding === null) continue;
    return decodeSample(sample, encoding) === decodeWindows1252(sample) ? 'windows-1252' : encoding;
  }
  return 'windows-1252';
}

/** Null for a name that only the detector knows. */
function findEncodingName(name: string): string | null {
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return null;
  }
}

function decodeSample(sample: Buffer, encoding: string): string {
  return encoding === 'windows-1252' ? decodeWindows1252(sample) : new TextDecoder(encoding).decode(sample);
}

/** Refuses a file that is plainly something else than a text: told by its first bytes, whatever its name says. */
export function refuseBinary(name: string, sample: Buffer): void {
  const kind = BINARIES.find(({ starts }) => startsWith(sample, starts));
  if (kind !== undefined) throw createNotTextError(name, kind.what, kind.hint);
  // One that is not compressed once more is opened as a workbook.
  if (startsWith(sample, 'PK\x03\x04'))
    throw createNotTextError(name, 'a workbook or an archive, compressed once more', 'Unpack it once.');
  if (startsWith(sample, '\xd0\xcf\x11\xe0')) throw refuseContainer(name, sample);
  refuseMarkup(name, sample);
}

/** What is said of a file that cannot be read as text. */
export function createNotTextError(name: string, what: string, hint?: string): RowfillError {
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
  { starts: '\x89PNG\r\n', what: 'a picture' },
  { starts: '\xff\xd8\xff', what: 'a picture' },
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

/** Workbooks with a password and those of old Excel are the same kind of container. */
function refuseContainer(name: string, sample: Buffer): RowfillError {
  const isLocked = sample.includes(Buffer.from('EncryptedPackage', 'utf16le'));
  return createUsageError(
    'INPUT_IS_SPREADSHEET',
    isLocked
      ? `${name} is a workbook or document that is locked with a password`
      : `${name} is a workbook or document of old Office, or one that is locked with a password`,
    'Save it as an Excel workbook (.xlsx) without a password, or the sheet as CSV (UTF-8), and give that file.',
  );
}

function refuseMarkup(name: string, sample: Buffer): void {
  const start = sample
    .subarray(0, 512)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (!start.startsWith('<!doctype') && !start.startsWith('<html') && !start.startsWith('<?xml')) return;
  throw createUsageError(
    'INPUT_NOT_TABLE',
    `${name} is ${start.startsWith('<?xml') ? 'an XML file' : 'a web page'}, not a table`,
    'Was it saved from a page that asked to log in? Export the table itself as CSV.',
  );
}

function startsWith(sample: Buffer, text: string): boolean {
  return sample.subarray(0, text.length).equals(Buffer.from(text, 'latin1'));
}

const SAMPLE_BYTES = 1024 * 1024;
const SEARCH_BYTES = 64 * 1024 * 1024;
const SAMPLE_CHARACTERS = 512 * 1024;

/** The first bytes of a file, and where they are plain ASCII also the first bytes after them that are not: those tell the encoding. */
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

export interface TextSample {
  readonly text: string;
  /** True where the sample is the whole text. */
  readonly isWhole: boolean;
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
