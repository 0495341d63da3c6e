import { isUtf8 } from 'node:buffer';
import { createUsageError } from '../errors.js';

/** Decodes bytes into pieces of text, none of which ends within a character; bytes that are not valid are an error. */
export async function* decodeText(
  pieces: AsyncIterable<Buffer>,
  encoding: string,
  bomBytes: number,
  name: string,
): AsyncGenerator<string> {
  const decoder = createDecoder(encoding);
  let skip = bomBytes;
  let offset = 0;
  let line = 1;
  for await (const piece of pieces) {
    const bytes = piece.subarray(skip);
    offset += piece.length - bytes.length;
    skip -= piece.length - bytes.length;
    const text = decoder.decode(bytes);
    if (text === null || text.includes('\0')) throw explainFault(name, encoding, text, bytes, offset, line);
    offset += bytes.length;
    if (text !== '') {
      line += countLines(text);
      yield text;
    }
  }
  const text = decoder.decode(null);
  if (text === null) throw explainFault(name, encoding, text, Buffer.alloc(0), offset, line);
  if (text !== '') yield text;
}

interface Decoder {
  /** The text of the next bytes, or of what was kept back at the end (null); null where they are not valid. */
  decode(bytes: Buffer | null): string | null;
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
        return null;
      }
    },
  };
}

/** UTF-8 by way of the buffer's own methods, several times as fast as a TextDecoder that streams. */
function createUtf8Decoder(): Decoder {
  let kept: Buffer = Buffer.alloc(0);
  return {
    decode: (bytes) => {
      const all = bytes === null ? kept : kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
      const end = bytes === null ? all.length : all.length - countOpenBytes(all);
      const whole = all.subarray(0, end);
      kept = Buffer.from(all.subarray(end));
      return isUtf8(whole) ? whole.toString('utf8') : null;
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

// Some releases of Node decode this one as Latin-1: its 32 own characters are put in by hand.
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function decodeWindows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (char) => WINDOWS_1252[char.charCodeAt(0) - 0x80] ?? char);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function explainFault(
  name: string,
  encoding: string,
  text: string | null,
  bytes: Buffer,
  offset: number,
  line: number,
): Error {
  if (text !== null) {
    const at = text.indexOf('\0');
    return createUsageError(
      'INPUT_NOT_TEXT',
      `${name} holds a NUL character on line ${line + countLines(text.slice(0, at))}: it is no text, or damaged`,
      'Export it again, or take the NUL characters out.',
    );
  }
  const valid = encoding === 'utf-8' ? countValidBytes(bytes) : 0;
  const faultLine = line + countLines(bytes.subarray(0, valid).toString('latin1'));
  const near = encoding === 'utf-8' ? `byte ${offset + valid}` : `the bytes from ${offset} on`;
  return createUsageError(
    'INPUT_ENCODING',
    `${name} is not valid ${encoding} at ${near}, line ${faultLine}`,
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
