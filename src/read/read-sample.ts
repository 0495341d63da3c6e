import { isAscii } from 'node:buffer';

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
