import { isAscii, isUtf8 } from 'node:buffer';
import chardet from 'chardet';

/** How many bytes are searched for a declared encoding. The HTML standard requires 1024; many pages need more. */
const PRESCAN_BYTES = 8_192;
/** How many bytes an encoding is guessed from. */
const SAMPLE_BYTES = 64 * 1024;

/**
 * Decodes the bytes of a page: by its byte order mark, as UTF-8 if they are valid UTF-8, by the charset of the header
 * or of the page itself, or by a guess. Never throws: bytes that fit no character become U+FFFD.
 */
export function decodePage(body: Uint8Array, contentType: string | null): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const marked = findMark(bytes);
  if (marked !== null) return decodeWith(bytes.subarray(marked.length), marked.encoding);
  const declared = [findHeaderCharset(contentType), findMetaCharset(bytes)].filter((name) => name !== null);
  const sixteen = declared.find((name) => name.startsWith('utf-16')) ?? guessSixteenBits(bytes);
  if (sixteen !== null && looksLikeSixteenBits(bytes)) return decodeWith(bytes, sixteen);
  // Text in another encoding is valid UTF-8 only by a very unlikely accident, whereas wrong labels are common.
  if (!isAscii(bytes) && isUtf8(bytes)) return decodeWith(bytes, 'utf-8');
  const named = declared.find((name) => name !== 'utf-8' && !name.startsWith('utf-16'));
  if (named !== undefined) return decodeWith(bytes, named);
  if (isAscii(bytes) || isNearlyUtf8(bytes)) return decodeWith(bytes, 'utf-8');
  return decodeWith(bytes, guessCharset(bytes));
}

function findMark(bytes: Buffer): { encoding: string; length: number } | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { encoding: 'utf-8', length: 3 };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { encoding: 'utf-16le', length: 2 };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { encoding: 'utf-16be', length: 2 };
  return null;
}

function findHeaderCharset(contentType: string | null): string | null {
  return findEncoding(/charset\s*=\s*["']?([\w.:+-]{2,40})/i.exec(contentType ?? '')?.[1]);
}

function findMetaCharset(bytes: Buffer): string | null {
  const head = bytes.subarray(0, PRESCAN_BYTES).toString('latin1');
  const inMeta = /<meta\b[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:+-]{2,40})/i.exec(head)?.[1];
  return findEncoding(inMeta ?? /<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:+-]{2,40})/i.exec(head)?.[1]);
}

function findEncoding(label: string | undefined): string | null {
  if (label === undefined) return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

/** UTF-16 without a mark: nearly every second byte of markup is zero. */
function looksLikeSixteenBits(bytes: Buffer): boolean {
  return bytes.subarray(0, 400).filter((byte) => byte === 0).length > bytes.subarray(0, 400).length / 5;
}

function guessSixteenBits(bytes: Buffer): string | null {
  if (!looksLikeSixteenBits(bytes)) return null;
  return bytes[0] === 0 ? 'utf-16be' : 'utf-16le';
}

/** True for UTF-8 with few bad bytes, such as a page that was cut inside a character. */
function isNearlyUtf8(bytes: Buffer): boolean {
  const text = bytes.subarray(0, SAMPLE_BYTES).toString('utf8');
  const bad = text.match(/\ufffd/g)?.length ?? 0;
  const good = text.match(/[\u0080-\ufffc]/g)?.length ?? 0;
  return bad * 20 < good;
}

function guessCharset(bytes: Buffer): string {
  // Markup has no letters of the page's language and misleads the detector.
  const sample = bytes
    .subarray(0, SAMPLE_BYTES)
    .toString('latin1')
    .replace(/<[^<>]{0,2000}>/g, ' ');
  for (const { name, confidence } of chardet.analyse(Buffer.from(sample, 'latin1'))) {
    const encoding = findEncoding(name);
    if (encoding === null || confidence < 10 || /^(?:utf|iso-2022|ascii)/i.test(name)) continue;
    const text = decodeWith(bytes.subarray(0, SAMPLE_BYTES), encoding);
    if (!/[\u0080-\u0084\u0086-\u009f\ufffd]/.test(text)) return encoding;
  }
  return 'windows-1252';
}

function decodeWith(bytes: Buffer, encoding: string): string {
  if (encoding !== 'windows-1252') return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  // Some Node versions decode windows-1252 as ISO 8859-1.
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (char) => WINDOWS[char.charCodeAt(0) - 0x80] ?? char);
}

/** The characters of windows-1252 for the bytes 0x80 to 0x9f. */
const WINDOWS = [...'€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'];
