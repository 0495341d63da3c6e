import { isAscii, isUtf8 } from 'node:buffer';
import chardet from 'chardet';
import { createUsageError, type RowfillError } from '../errors.js';
import { decodeWindows1252 } from './decode-windows-1252.js';

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
export function detectContent(name: string, sample: Buffer, wish: string | undefined): TextContent {
  const bom = BOMS.find(({ bytes }) => sample.subarray(0, bytes.length).equals(Buffer.from(bytes)));
  if (bom?.encoding === 'utf-32') throw refuseEncoding(name, 'UTF-32');
  if (wish !== undefined) {
    const encoding = resolveEncoding(wish);
    return { encoding, bomBytes: bom?.encoding === encoding ? bom.bytes.length : 0, isGuess: false };
  }
  if (bom !== undefined) return { encoding: bom.encoding, bomBytes: bom.bytes.length, isGuess: false };
  const binary = BINARIES.find(({ starts }) =>
    sample.subarray(0, starts.length).equals(Buffer.from(starts, 'latin1')),
  );
  if (binary !== undefined) throw refuseBinary(name, binary);
  if (sample.includes(0)) {
    const wide = detectWide(sample);
    if (wide !== null) return { encoding: wide, bomBytes: 0, isGuess: true };
    if (!isNearlyText(sample)) throw refuseBinary(name, { what: 'not text: it holds NUL bytes' });
  }
  refuseMarkup(name, sample);
  if (isAscii(sample) || isUtf8(trimToCharacter(sample)))
    return { encoding: 'utf-8', bomBytes: 0, isGuess: false };
  return { encoding: guessLegacy(sample), bomBytes: 0, isGuess: true };
}

const BOMS = [
  { bytes: [0xff, 0xfe, 0, 0], encoding: 'utf-32' },
  { bytes: [0, 0, 0xfe, 0xff], encoding: 'utf-32' },
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
];

interface Binary {
  readonly what: string;
  readonly code?: string;
  readonly hint?: string;
}

const SAVE_AS_CSV = 'Save the sheet as CSV (UTF-8) and give that file.';

const BINARIES: readonly (Binary & { readonly starts: string })[] = [
  {
    starts: 'PK\x03\x04',
    what: 'a zip file or a spreadsheet',
    code: 'INPUT_IS_SPREADSHEET',
    hint: SAVE_AS_CSV,
  },
  { starts: '\xd0\xcf\x11\xe0', what: 'an old spreadsheet', code: 'INPUT_IS_SPREADSHEET', hint: SAVE_AS_CSV },
  { starts: '%PDF', what: 'a PDF file' },
  { starts: 'PAR1', what: 'a Parquet file' },
  { starts: 'Obj\x01', what: 'an Avro file' },
  { starts: 'ARROW1', what: 'an Arrow file' },
  { starts: 'SQLite format 3', what: 'an SQLite database' },
  { starts: '\x28\xb5\x2f\xfd', what: 'compressed with zstd', hint: 'Unpack it first.' },
  { starts: 'BZh', what: 'compressed with bzip2', hint: 'Unpack it first.' },
  { starts: '\xfd7zXZ', what: 'compressed with xz', hint: 'Unpack it first.' },
  { starts: '7z\xbc\xaf', what: 'a 7-Zip archive', hint: 'Unpack it first.' },
  { starts: '\x89PNG', what: 'a picture' },
  { starts: '\xff\xd8\xff', what: 'a picture' },
  { starts: '{\\rtf', what: 'a rich text document' },
];

function refuseBinary(name: string, { what, code, hint }: Binary): RowfillError {
  return createUsageError(
    code ?? 'INPUT_NOT_TEXT',
    `${name} is ${what}`,
    hint ?? 'rowfill reads CSV, TSV and JSON Lines.',
  );
}

function refuseMarkup(name: string, sample: Buffer): void {
  const start = sample.subarray(0, 512).toString('latin1').trimStart().toLowerCase();
  if (!start.startsWith('<!doctype') && !start.startsWith('<html') && !start.startsWith('<?xml')) return;
  const what = start.startsWith('<?xml') ? 'an XML file' : 'a web page';
  throw createUsageError(
    'INPUT_NOT_TABLE',
    `${name} is ${what}, not a table`,
    'Was it saved from a page that asked to log in? Export the table itself as CSV.',
  );
}

function refuseEncoding(name: string, encoding: string): RowfillError {
  return createUsageError(
    'INPUT_ENCODING',
    `${name} is written in ${encoding}, which is not read`,
    'Save it as UTF-8.',
  );
}

/** The Encoding Standard's name for an encoding that a person asked for. */
function resolveEncoding(wish: string): string {
  const encoding = readEncodingName(wish);
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

/** A sample may end in the middle of a character; up to three bytes are no proof against UTF-8. */
function trimToCharacter(sample: Buffer): Buffer {
  for (let cut = 0; cut <= 3; cut += 1) {
    const byte = sample[sample.length - 1 - cut] ?? 0;
    if (byte < 0x80) return sample.subarray(0, sample.length - cut);
    if (byte >= 0xc0) return sample.subarray(0, sample.length - 1 - cut);
  }
  return sample;
}

/** The detector's best guess; where the guess and the most common encoding read the text alike, the most common one. */
function guessLegacy(sample: Buffer): string {
  for (const { name, confidence } of chardet.analyse(sample)) {
    if (confidence < 10 || /^(?:utf|iso-2022|ascii)/i.test(name)) continue;
    const encoding = readEncodingName(name);
    if (encoding === null) continue;
    return decodeSample(sample, encoding) === decodeWindows1252(sample) ? 'windows-1252' : encoding;
  }
  return 'windows-1252';
}

/** Null for a name that only the detector knows. */
function readEncodingName(name: string): string | null {
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return null;
  }
}

function decodeSample(sample: Buffer, encoding: string): string {
  return encoding === 'windows-1252' ? decodeWindows1252(sample) : new TextDecoder(encoding).decode(sample);
}
