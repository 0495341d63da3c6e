/** Encodes a text in an encoding that Node can only decode, by trying all one- and two-byte sequences. */
export function encodeText(text: string, encoding: string): Buffer {
  if (encoding === 'utf-8') return Buffer.from(text);
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le');
  const table = getTable(encoding);
  return Buffer.concat(
    [...text].map((char) => {
      const bytes = table.get(char);
      if (bytes === undefined) throw new Error(`${encoding} has no ${char}`);
      return bytes;
    }),
  );
}

const tables = new Map<string, ReadonlyMap<string, Buffer>>();

function getTable(encoding: string): ReadonlyMap<string, Buffer> {
  const known = tables.get(encoding);
  if (known !== undefined) return known;
  const table = new Map<string, Buffer>();
  const decoder = new TextDecoder(encoding);
  // Some Node versions decode these bytes of windows-1252 as control characters.
  if (encoding === 'windows-1252')
    for (const [char, byte] of [
      ['€', 0x80],
      ['’', 0x92],
      ['–', 0x96],
    ] as const)
      table.set(char, Buffer.from([byte]));
  const add = (bytes: Buffer): void => {
    const char = decoder.decode(bytes);
    if ([...char].length === 1 && char !== '\ufffd' && !table.has(char)) table.set(char, bytes);
  };
  for (let first = 0; first < 256; first += 1) add(Buffer.from([first]));
  if (table.get('a')?.length === 1 && !/^(?:windows|iso)/.test(encoding)) {
    for (let first = 0x81; first < 0xff; first += 1)
      for (let second = 0x40; second < 0xff; second += 1) add(Buffer.from([first, second]));
  }
  tables.set(encoding, table);
  return table;
}
