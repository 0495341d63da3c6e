import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeWithTable, findEncodingName } from '../../src/read/guess-encoding.js';
import { openInput } from '../../src/read/open-input.js';
import { readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

/** Encodes text in which some bytes, in hex, stand for a letter: `M{9f}ller`. */
function encode(text: string): Buffer {
  const parts = text.split(/\{([0-9a-f]{2})\}/);
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'latin1')));
}

async function readBytes(bytes: Buffer, encoding?: string) {
  const path = join(await createTempFolder(), 'in.csv');
  await writeFile(path, bytes);
  const input = await openInput({ path, encoding });
  return { encoding: input.shape.encoding, rows: (await readAllRows(input)).map(showRow) };
}

test.each([
  [
    'a MacRoman file',
    'company,city\nM{9f}ller {85}l,K{9a}ln\nCaf{8e},{81}lesund\n',
    'macintosh',
    [
      ['Müller Öl', 'Köln'],
      ['Café', 'Ålesund'],
    ],
  ],
  [
    'a short MacRoman file',
    'company,city\nCaf{8e},Paris\nB{8a}cker,Ulm\n',
    'macintosh',
    [
      ['Café', 'Paris'],
      ['Bäcker', 'Ulm'],
    ],
  ],
  [
    'a French MacRoman file',
    'company,city\n{82}a va,Besan{8d}on\nCr{8f}me,Orl{8e}ans\n',
    'macintosh',
    [
      ['Ça va', 'Besançon'],
      ['Crème', 'Orléans'],
    ],
  ],
  [
    'a DOS file',
    'company,city\nM{81}ller,K{94}ln\nB{84}cker {99}l,Z{81}rich\n',
    'cp850',
    [
      ['Müller', 'Köln'],
      ['Bäcker Öl', 'Zürich'],
    ],
  ],
  [
    'a Windows file',
    'company,city\nM{fc}ller,K{f6}ln\n{93}Caf{e9}{94} {96} Paris,Besan{e7}on\n',
    'windows-1252',
    [
      ['Müller', 'Köln'],
      ['“Café” – Paris', 'Besançon'],
    ],
  ],
  [
    'a Windows file with signs',
    'company,city\nO{92}Neil{99},Paris\nL{92}Or{e9}al{ae},Paris\n',
    'windows-1252',
    [
      ['O’Neil™', 'Paris'],
      ['L’Oréal®', 'Paris'],
    ],
  ],
] as const)('%s is read in its encoding, without control characters', async (_what, text, encoding, rows) => {
  const read = await readBytes(encode(text.replace('{82}a', '{82}a')));
  expect(read.encoding).toBe(encoding);
  expect(read.rows).toEqual(rows);
});

test.each([
  ['cp850', 'Ø×', '9d9e'],
  ['CP437', '¥₧', '9d9e'],
  ['ibm850', 'ðÐ', 'd0d1'],
  ['437', '╨╤', 'd0d1'],
  ['MacRoman', 'üé', '9f8e'],
] as const)('--encoding %s is known by that name', async (name, letters, hex) => {
  const bytes = Buffer.concat([
    Buffer.from('company,city\nA'),
    Buffer.from(hex, 'hex'),
    Buffer.from(',Ulm\n'),
  ]);
  expect((await readBytes(bytes, name)).rows).toEqual([[`A${letters}`, 'Ulm']]);
});

test('text that fits two encodings equally well is refused with both readings', async () => {
  const reading = readBytes(encode('company,city\nFa{8d}ade,Ulm\n'));
  await expect(reading).rejects.toMatchObject({
    code: 'INPUT_ENCODING_UNCLEAR',
    message: expect.stringMatching(/may be macintosh \("Façade,Ulm"\) or cp850 \("Faìade,Ulm"\)$/),
    hint: 'Set --encoding to the one that is right, such as --encoding macintosh.',
  });
});

test('every byte of a code page is one character, and no two are the same', () => {
  const bytes = Buffer.from(Array.from({ length: 128 }, (_, index) => index + 128));
  for (const name of ['cp437', 'cp850', 'windows-1252']) {
    const text = decodeWithTable(bytes, name);
    expect([...text]).toHaveLength(128);
    expect(new Set(text).size).toBe(128);
  }
  expect(findEncodingName('cp1')).toBe(null);
});
