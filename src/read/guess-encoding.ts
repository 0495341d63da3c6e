import { createUsageError } from '../errors.js';
import { quoteText } from './input.js';

/** The characters of the bytes from 128 on, for encodings that `TextDecoder` lacks or that some Node versions decode wrong. */
const UPPER_HALVES: Readonly<Record<string, string>> = {
  'windows-1252':
    '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ' +
    Array.from({ length: 96 }, (_, index) => String.fromCharCode(0xa0 + index)).join(''),
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
    'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀' +
    'ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
};

/** True for an encoding that is decoded with a table. Every byte is a character in it. */
export function hasTable(encoding: string): boolean {
  return Object.hasOwn(UPPER_HALVES, encoding);
}

/** Decodes bytes with the table of an encoding. */
export function decodeWithTable(bytes: Buffer, encoding: string): string {
  const upper = UPPER_HALVES[encoding] ?? '';
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u00ff]/g, (char) => upper[char.charCodeAt(0) - 0x80] ?? char);
}

/** The name of an encoding as in the Encoding Standard, or `cp437` or `cp850`. Null for an unknown name. */
export function findEncodingName(name: string): string | null {
  const plain = name.trim().toLowerCase();
  const page = /^(?:cp|ibm|dos|oem)?[-_ ]?(437|850)$/.exec(plain)?.[1];
  if (page !== undefined) return `cp${page}`;
  try {
    return new TextDecoder(/^mac[-_ ]?(?:os)?[-_ ]?roman$/.test(plain) ? 'macintosh' : plain).encoding;
  } catch {
    return null;
  }
}

interface Reading {
  readonly encoding: string;
  readonly text: string;
  /** Share of the letters beyond ASCII that do not fit their word. */
  readonly oddness: number;
}

/** Encodings that the detector does not know, and the one that most programs on Windows use. */
const OTHERS = ['windows-1252', 'macintosh', 'cp850', 'cp437', 'windows-1251', 'koi8-r'];
const MAX_ODDNESS = 0.3;

/**
 * Guesses the encoding of text that is not UTF-8: the detector's best guess, unless bytes become control characters
 * or letters that do not fit their words. Throws if two encodings fit equally well.
 */
export async function guessEncoding(name: string, sample: Buffer): Promise<string> {
  const guesses = await listGuesses(sample);
  const [first] = guesses;
  if (first !== undefined && first.oddness <= MAX_ODDNESS) return preferCommon(first, sample);
  const others = OTHERS.map((encoding) => createReading(sample, encoding));
  const readings = [...guesses, ...others].filter(({ text }) => !hasControls(text));
  const least = Math.min(...readings.map(({ oddness }) => oddness));
  const best = readings.filter(({ oddness }) => oddness === least);
  const [chosen] = best;
  if (chosen === undefined) return 'windows-1252';
  const rival = best.find(({ text }) => text !== chosen.text);
  // Where the detector's guess has no control characters and nothing else is better, it stays.
  if (rival === undefined || chosen.encoding === first?.encoding) return preferCommon(chosen, sample);
  throw refuseGuess(name, chosen, rival);
}

async function listGuesses(sample: Buffer): Promise<Reading[]> {
  // Loaded only when needed, which is rare.
  const { default: chardet } = await import('chardet');
  return chardet.analyse(sample).flatMap(({ name, confidence }) => {
    const encoding = findEncodingName(name);
    const isKnown = encoding !== null && !/^(?:utf|iso-2022|ascii)/i.test(name);
    return isKnown && confidence >= 10 ? [createReading(sample, encoding)] : [];
  });
}

/** The same text is windows-1252 for most people. */
function preferCommon({ encoding, text }: Reading, sample: Buffer): string {
  return text === decodeWithTable(sample, 'windows-1252') ? 'windows-1252' : encoding;
}

function createReading(sample: Buffer, encoding: string): Reading {
  const text = hasTable(encoding)
    ? decodeWithTable(sample, encoding)
    : new TextDecoder(encoding).decode(sample);
  return { encoding, text, oddness: rateOddness(text) };
}

/** True if bytes became control characters, which no text has, or no character at all. */
function hasControls(text: string): boolean {
  return /[\u0080-\u0084\u0086-\u009f\ufffd]/.test(text);
}

/** Letters and signs beyond ASCII that do not fit their word. */
const ODD = new RegExp(
  [
    // A letter of another script inside a Latin word.
    String.raw`(?<=[a-z])(?!\p{Script=Latin})\p{L}|(?!\p{Script=Latin})\p{L}(?=[a-z])`,
    // A capital after a small letter, or between a capital and a small letter.
    String.raw`(?<=\p{Ll})(?![A-Z])\p{Lu}|(?<=\p{Lu})(?![A-Z])\p{Lu}(?=\p{Ll})`,
    // A sign between two letters, or before a word.
    String.raw`(?<=\p{L})(?![\0-\x7f\p{L}\p{M}’‘·–—\u00ad])[^](?=\p{L})`,
    String.raw`(?<=^|[\s,;])(?![\0-\x7f\p{L}\p{M}\p{N}\p{Sc}“”„«»‘’‚‹›¿¡–—§©])[^](?=\p{Ll})`,
  ].join('|'),
  'gu',
);

function rateOddness(text: string): number {
  const foreign = text.match(/[^\0-\x7f]/gu)?.length ?? 0;
  if (hasControls(text)) return 1;
  return foreign === 0 ? 0 : (text.match(ODD)?.length ?? 0) / foreign;
}

function refuseGuess(name: string, a: Reading, b: Reading): Error {
  const at = [...a.text].findIndex((char, index) => char !== [...b.text][index]);
  const show = ({ encoding, text }: Reading): string => {
    const part = [...text].slice(Math.max(0, at - 15), at + 15).join('');
    return `${encoding} (${quoteText(part.replace(/^.*[\r\n]|[\r\n].*$/g, ''))})`;
  };
  return createUsageError(
    'INPUT_ENCODING_UNCLEAR',
    `${name} is not UTF-8; it may be ${show(a)} or ${show(b)}`,
    `Set --encoding to the one that is right, such as --encoding ${a.encoding}.`,
  );
}
