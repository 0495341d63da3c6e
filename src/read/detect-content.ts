import { isAscii, isUtf8 } from 'node:buffer';
import { createUsageError, type RowfillError } from '../errors.js';
import { decodeWindows1252 } from './decode-windows-1252.js';
import { createNotTextError, refuseBinary } from './refuse-binary.js';

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
