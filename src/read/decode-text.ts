import { isAscii, isUtf8 } from 'node:buffer';
import { createUsageError } from '../errors.js';
import { decodeWindows1252 } from './decode-windows-1252.js';

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
