import type { TextFormat } from '../model/shape.js';
import type { OutputOptions } from './output.js';

export interface TextEncoding {
  /** The byte order mark, if there is to be one. */
  readonly mark: string;
  encode(text: string): Buffer;
}

/** UTF-8 or UTF-16 as the input; an older encoding cannot hold every answer and gives way to UTF-8 with a mark. */
export function createEncoder(format: TextFormat, { shape, bom }: OutputOptions): TextEncoding {
  const isSame = format === shape.format;
  const isWide = isSame && shape.encoding.startsWith('utf-16');
  const isLegacy = format === 'csv' && shape.encoding !== 'utf-8' && !isWide;
  const hasMark = bom ?? (isLegacy || (isSame && shape.bom));
  return { mark: hasMark ? '\ufeff' : '', encode: isWide ? encodeWide(shape.encoding) : encodeUtf8 };
}

function encodeUtf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function encodeWide(encoding: string): (text: string) => Buffer {
  return (text) => {
    const bytes = Buffer.from(text, 'utf16le');
    return encoding === 'utf-16be' ? bytes.swap16() : bytes;
  };
}
