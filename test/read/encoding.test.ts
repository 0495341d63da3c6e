import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeText } from '../../src/read/encoding.js';
import { decodeWithTable } from '../../src/read/guess-encoding.js';

async function decode(bytes: Buffer, encoding: string, pieceBytes: number, bomBytes = 0): Promise<string[]> {
  const openPieces = async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const texts: string[] = [];
  for await (const text of decodeText(openPieces, encoding, bomBytes, 'in.csv')) texts.push(text);
  return texts;
}

const unit = fc.oneof(
  fc.constantFrom('a', '\n', 'é', '漢', '😀', '\ufeff', '\u{10ffff}'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((char) => char !== '\0'),
);

test.each([
  ['utf-8', (text: string) => Buffer.from(text)],
  ['utf-16le', (text: string) => Buffer.from(text, 'utf16le')],
  ['utf-16be', (text: string) => Buffer.from(text, 'utf16le').swap16()],
])(
  '%s is decoded the same for any chunk boundaries, and no chunk splits a character',
  async (encoding, encode) => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit }), fc.integer({ min: 1, max: 9 }), async (text, pieceBytes) => {
        const texts = await decode(encode(text), encoding, pieceBytes);
        expect(texts.join('')).toBe(text);
        for (const piece of texts) expect(piece).not.toMatch(/\p{Cs}/u);
      }),
      { numRuns: 500 },
    );
  },
);

test('every windows-1252 byte decodes as in the Encoding Standard', () => {
  expect(decodeWithTable(Buffer.from([0x80, 0x85, 0x8a, 0x92, 0x93, 0x96, 0x99, 0x9f]), 'windows-1252')).toBe(
    '€…Š’“–™Ÿ',
  );
  expect(decodeWithTable(Buffer.from([0x41, 0x81, 0xa0, 0xe9, 0xff]), 'windows-1252')).toBe(
    'A\u0081\u00a0éÿ',
  );
});

test('Japanese, Chinese and Korean are decoded across chunk boundaries', async () => {
  const japanese = Buffer.from('8a948eae89ef8ed0', 'hex');
  expect((await decode(japanese, 'shift_jis', 1)).join('')).toBe('株式会社');
  expect((await decode(Buffer.from('b1b1bea9', 'hex'), 'gb18030', 1)).join('')).toBe('北京');
  expect((await decode(Buffer.from('bcadbfef', 'hex'), 'euc-kr', 1)).join('')).toBe('서울');
});

test('the byte order mark is dropped, even if it is split', async () => {
  expect((await decode(Buffer.from('\ufeffa'), 'utf-8', 1, 3)).join('')).toBe('a');
});

test.each([
  ['an invalid start byte', 'a\nb', 'ff', 3, 'at byte 3, line 2'],
  ['a character cut off by the end', 'a\n', 'e6bc', 1, 'at byte 2, line 2'],
  ['a character cut off by another', '\n\n', 'e641', 2, 'at byte 2, line 3'],
  ['half a surrogate pair', 'é', 'eda080', 2, 'at byte 2, line 1'],
  ['an overlong character', '', 'c080', 1, 'at byte 0, line 1'],
])('%s is rejected with its position', async (_what, before, hex, pieceBytes, place) => {
  const bytes = Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex')]);
  await expect(decode(bytes, 'utf-8', pieceBytes)).rejects.toMatchObject({
    code: 'INPUT_ENCODING',
    message: `in.csv is not valid utf-8 ${place}`,
  });
});

test('half a surrogate pair in UTF-16 and half a character in Shift_JIS are rejected', async () => {
  const refused = { code: 'INPUT_ENCODING' };
  await expect(decode(Buffer.from('3dd84100', 'hex'), 'utf-16le', 64)).rejects.toMatchObject(refused);
  await expect(decode(Buffer.from('3dd8', 'hex'), 'utf-16le', 64)).rejects.toMatchObject(refused);
  await expect(decode(Buffer.from('8a', 'hex'), 'shift_jis', 64)).rejects.toMatchObject(refused);
});
