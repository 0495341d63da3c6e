import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTables } from '../../../src/agents/reference/load-tables.js';
import { RowfillError } from '../../../src/errors.js';
import { createReferenceFolder } from '../../helpers/reference-folder.js';

async function loadError(folder: string): Promise<RowfillError> {
  const error = await loadTables(folder).catch((thrown: unknown) => thrown);
  if (error instanceof RowfillError) return error;
  throw new Error(`no RowfillError, but ${String(error)}`);
}

async function loadOne(name: string, content: string | Uint8Array) {
  const { tables, notes } = await loadTables(createReferenceFolder({ [name]: content }));
  const [table] = tables;
  return {
    notes: notes.map(({ message }) => message),
    unit: table?.unit,
    columns: table?.columns.map((column) => column.name),
    records: table?.records.map(({ position, values }) => [position, ...values]),
  };
}

describe('a table is read', () => {
  it('from CSV, with row numbers as in RFC 7111: the header is row 1, blank lines count', async () => {
    expect(await loadOne('a.csv', 'a, b \n1,"x\ny"\n\n2,z\n')).toMatchObject({
      unit: 'row',
      columns: ['a', 'b'],
      records: [
        [2, '1', 'x\ny'],
        [4, '2', 'z'],
      ],
    });
  });

  it('from JSON with all digits of a number that JavaScript cannot represent', async () => {
    for (const [name, content] of [
      ['a.jsonl', '{"a":"x","b":1234567890123456789}\n'],
      ['a.json', '[{"a":"x","b":1234567890123456789}]'],
    ] as const) {
      expect((await loadOne(name, content)).records).toEqual([[1, 'x', '1234567890123456789']]);
    }
  });

  it.each([
    ['semicolons', 'a.csv', 'a;b\n1;2\n'],
    ['tabs', 'a.TSV', 'a\tb\n1\t2\n'],
    ['a byte order mark', 'a.csv', '\ufeffa,b\r\n1,2\r\n'],
    ['UTF-16', 'a.csv', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')],
    ['empty cells after the last column', 'a.csv', 'a,b\n1,2,,\n'],
  ])('with %s', async (_title, name, content) => {
    expect(await loadOne(name, content)).toMatchObject({ columns: ['a', 'b'], records: [[2, '1', '2']] });
  });

  it.each([
    ['a sep= line', 'sep=;\na;b\n1;2\n'],
    ['a byte order mark inside', '\ufeffa,b\n1,2\n'],
    ['windows-1252', Buffer.from('a,b\n1,\xfc\n', 'latin1')],
    ['gaps of several rows', 'a|b\n\n\n1|2\n'],
  ])('by the reader of the input: %s', async (_title, content) => {
    const { columns, records } = await loadOne('a.csv', content);
    expect(columns).toEqual(['a', 'b']);
    expect(records).toHaveLength(1);
  });

  it('with notes that name the file', async () => {
    const short = await loadOne('a.csv', 'a,b\n1\n\n2,3\n');
    expect(short.notes.toSorted()).toEqual([
      'a.csv: 1 blank line (line 3).',
      'a.csv: 1 row has fewer cells than the header (line 2).',
    ]);
    const { notes } = await loadOne('b.json', '{"data":[{"a":1}]}');
    expect(notes).toEqual(['b.json: Using the list data (1 item) as the rows.']);
    expect((await loadOne('c.csv', 'a,b\n1,2\n')).notes).toEqual([]);
  });

  it('with a short row, whose missing cells are null', async () => {
    expect(await loadOne('a.csv', 'a,b\n1\n')).toMatchObject({ records: [[2, '1', null]] });
  });

  it('from JSONL, with the line of each record, and nested objects as dotted columns', async () => {
    const text = '\n{"a": 1, "b": {"c": [1], "d": null}}\r\n\n{"e": true, "a": "x"}';
    expect(await loadOne('a.jsonl', text)).toMatchObject({
      unit: 'line',
      columns: ['a', 'b.c', 'b.d', 'e'],
      records: [
        [2, 1, [1], null, null],
        [4, 'x', null, null, true],
      ],
    });
  });

  it.each([
    ['an array', '[\n{"a": 1},\n\n{"a": "]{"}]', [2, 4]],
    ['an object with one array', '{"note": {"x": {}},\n"rows": [{"a": 1},\n {"a": {"b": 2}}]}', [2, 3]],
    ['an object that also has an array of numbers', '{"n": [1],\n"rows":\n[{"a": 1}]}', [3]],
  ])(
    'from a JSON file that is %s, with the line on which each record starts',
    async (_title, text, lines) => {
      const { unit, records } = await loadOne('a.json', text);
      expect(unit).toBe('line');
      expect(records?.map(([line]) => line)).toEqual(lines);
    },
  );

  it('safely with names that mean something to JavaScript', async () => {
    const folder = createReferenceFolder({
      'a.csv': '__proto__,constructor,toString\n1,2,3\n',
      'b.jsonl': '{"__proto__": {"polluted": "yes"}, "constructor": 2}\n',
    });
    const { tables } = await loadTables(folder);
    expect(tables.map((table) => table.columns.map((column) => column.name))).toEqual([
      ['__proto__', 'constructor', 'toString'],
      ['__proto__.polluted', 'constructor'],
    ]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('and hidden, temporary and other files are skipped', async () => {
    const folder = createReferenceFolder({
      '.a.csv': '"',
      '~$b.csv': '"',
      'c.txt': '"',
      'd.csv': 'a\n1\n',
      'B.csv': 'a\n',
    });
    expect((await loadTables(folder)).tables.map((table) => table.name)).toEqual(['B.csv', 'd.csv']);
  });
});

describe('a usage error', () => {
  it('names a folder that is missing', async () => {
    const folder = join(createReferenceFolder({}), 'nowhere');
    const error = await loadError(folder);
    expect(error).toMatchObject({ kind: 'usage', code: 'REFERENCE_UNREADABLE' });
    expect(error.message).toContain(folder);
  });

  it('names a file that is not a table, given as a folder', async () => {
    const folder = createReferenceFolder({ 'a.txt': 'a\n' });
    expect(await loadError(join(folder, 'a.txt'))).toMatchObject({ code: 'REFERENCE_UNREADABLE' });
  });

  it('names a table that is too large for memory', async () => {
    const folder = createReferenceFolder({ 'a.csv': 'a\n' });
    truncateSync(join(folder, 'a.csv'), 300 * 1024 * 1024);
    const error = await loadError(folder);
    expect(error).toMatchObject({ kind: 'usage', code: 'REFERENCE_INVALID' });
    expect(error.message).toContain('a.csv cannot be read: it is larger than 256 MB');
  });

  it('names a folder without tables and the supported extensions', async () => {
    const error = await loadError(createReferenceFolder({ 'a.txt': 'a' }));
    expect(error).toMatchObject({ kind: 'usage', code: 'REFERENCE_EMPTY' });
    expect(error.hint).toContain('.csv, .tsv, .jsonl');
  });

  it.each([
    ['an unclosed quote', 'a.csv', 'a,b\n1,2\n"3,4\n5,6\n', 'a.csv, line 3'],
    ['a row with a cell too many', 'a.csv', 'a,b\n"1\n1",2\n3,4,5\n', 'a.csv, line 4'],
    ['no header', 'a.csv', ' \n\n', 'a.csv is empty'],
    [
      'bytes that are not text',
      'a.csv',
      Buffer.from([0x61, 0x0a, 0x00, 0x01, 0x02]),
      'a.csv cannot be read: a.csv',
    ],
    ['a line that is not JSON', 'a.jsonl', '{"a": 1}\n{"a": }\n', 'a.jsonl, line 2'],
    ['a line that is not an object', 'a.jsonl', '{"a": 1}\n\n[1]\n', 'a.jsonl, line 3'],
    ['broken JSON', 'a.json', '[\n{"a": 1},\n{"a" 2}]', 'a.json, line 3'],
    ['JSON with two lists', 'a.json', '{"a": [{"b": 1}], "c": [{"d": 1}]}', '2 lists of objects'],
    ['a list with something other than objects', 'a.json', '[{"a": 1},\n2]', 'a.json, line'],
    ['JSON that is not a table', 'a.json', '{"type": "object"}', 'it has no list of objects'],
  ])('names file and line of %s', async (_title, name, content, where) => {
    const error = await loadError(createReferenceFolder({ [name]: content }));
    expect(error).toMatchObject({ kind: 'usage', code: 'REFERENCE_INVALID' });
    expect(error.message).toContain(where);
  });
});
