import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const ROWS = [
  { company: 'Brelvane', domain: 'brelvane.example' },
  { company: 'Tolmark, Inc.', domain: 'tolmark.example' },
];
const LIST = JSON.stringify(ROWS);

async function openText(text: string, options: Partial<InputOptions> = {}, name = 'in.json') {
  const path = join(await createTempFolder(), name);
  await writeFile(path, text);
  return openInput({ path, ...options });
}

test.each([
  ['on one line', `{"results":${LIST},"paging":{"next":null}}`, 'results'],
  ['over many lines', JSON.stringify({ count: 2, data: ROWS }, null, 2), 'data'],
  ['below two keys', `{"took":3,"response":{"numFound":2,"docs":${LIST}}}`, 'response.docs'],
  ['after text with brackets', `{"note":"see [1] and {2}, \\"x\\": [","data":${LIST}}`, 'data'],
  ['beside a list of texts', `{"tags":["a","b"],"errors":[],"items":${LIST},"end":[1,[2]]}`, 'items'],
  ['with spaces around it', `\n\n {\n"data" : \n ${LIST} \n }\n\n`, 'data'],
  ['under a key with a line break in it', `{"a\\nb":${LIST}}`, 'a\nb'],
])('the list of objects in a document is read: %s', async (_what, text) => {
  const input = await openText(text);
  expect((await readAllRows(input)).map(showRow)).toEqual(ROWS);
  expect(input.columns).toEqual(['company', 'domain']);
  expect(input.notes).toMatchObject([{ code: 'ROWS_AT', message: expect.stringContaining('2 items') }]);
});

test('the features of a GeoJSON document are rows', async () => {
  const feature = { type: 'Feature', properties: { name: 'Oslo' }, geometry: { coordinates: [10.7, 59.9] } };
  const document = { type: 'FeatureCollection', bbox: [1, 2, 3, 4], features: [feature] };
  const input = await openText(JSON.stringify(document), {}, 'places.geojson');
  expect((await readAllRows(input)).map(showRow)).toEqual([feature]);
});

test('the lines of the rows are those of the document', async () => {
  const input = await openText(JSON.stringify({ head: { a: 1 }, data: [{ b: 1 }, { b: 2 }] }, null, 2));
  expect((await readAllRows(input)).map(({ line }) => line)).toEqual([6, 9]);
});

test.each([1, 2, 3, 7, 64])(
  'a document read in pieces of %i bytes gives the same rows',
  async (pieceBytes) => {
    const text = `{"a\\\\":"\\"]","é":"…","data":[{"x":"}"},{"x":"\\\\"}],"z":{"list":[]}}`;
    const input = await openText(text, { limits: { pieceBytes } });
    expect((await readAllRows(input)).map(showRow)).toEqual([{ x: '}' }, { x: '\\' }]);
    expect(input.shape.envelope).toEqual({
      head: text.slice(0, text.indexOf('[{') + 1),
      tail: '],"z":{"list":[]}}',
    });
  },
);

test('the output is the same document with the list filled', async () => {
  const head = '{\n  "took": 1.50,\n  "data": [';
  const input = await openText(`${head}\n    {"a": 1},\n    {"a": 2}\n  ],\n  "next": null\n}\n`);
  const path = join(await createTempFolder(), 'out.json');
  const output = await openOutput({
    path,
    shape: input.shape,
    columns: input.columns,
    fields: [],
    overwrite: false,
    raw: false,
  });
  await output.write((await readAllRows(input)).map((row) => createFilledRow(row)));
  await output.commit();
  const text = await readFile(path, 'utf8');
  expect(text.startsWith(`${head}\n{"a": 1,"enrichment":{`)).toBe(true);
  expect(text.endsWith('}\n],\n  "next": null\n}\n')).toBe(true);
  expect(JSON.parse(text)).toMatchObject({ took: 1.5, data: [{ a: 1 }, { a: 2 }], next: null });
});

test('one of several lists is chosen by its path', async () => {
  const text = JSON.stringify({ companies: ROWS, more: { people: [{ name: 'Ada' }] } });
  await expect(openText(text)).rejects.toMatchObject({
    code: 'INPUT_MANY_LISTS',
    message: expect.stringContaining('2 lists of objects: companies (2 items), more.people (1 item)'),
    hint: 'Choose the rows with --rows-at companies.',
  });
  const input = await openText(text, { rowsAt: 'more.people' });
  expect((await readAllRows(input)).map(showRow)).toEqual([{ name: 'Ada' }]);
  await expect(openText(text, { rowsAt: 'people' })).rejects.toMatchObject({
    code: 'UNKNOWN_LIST',
    hint: 'It has companies (2 items), more.people (1 item).',
  });
  await expect(openText(LIST, { rowsAt: 'people' })).rejects.toMatchObject({ code: 'UNKNOWN_LIST' });
});

test('the object itself is a row if it is asked for, has no list, or is a line of a file of lines', async () => {
  const contacts = { company: 'Acme', contacts: [{ name: 'Ada' }] };
  const read = async (...given: Parameters<typeof openText>) =>
    (await readAllRows(await openText(...given))).map(showRow);
  expect(await read(JSON.stringify(contacts), { rowsAt: '.' })).toEqual([contacts]);
  expect(await read('{"company":"Acme","tags":["a"]}')).toEqual([{ company: 'Acme', tags: ['a'] }]);
  expect(await read(JSON.stringify(contacts), {}, 'in.jsonl')).toEqual([contacts]);
  for (const only of [
    { '': [] },
    { tags: ['a', 'b'] },
    { x: [1, 2], y: [3, 4] },
    { a: { n: 1 }, b: { n: 2 } },
  ])
    expect(await read(`${JSON.stringify(only)}\n`, {}, 'in.jsonl')).toEqual([only]);
  expect(await read(`{"data":${LIST}}`, {}, 'in.jsonl')).toEqual(ROWS);
  await expect(openText('{"data":[]}', {}, 'in.jsonl')).rejects.toMatchObject({ code: 'INPUT_NO_ROWS' });
});

test.each([
  ['over several lines', ROWS.map((row) => JSON.stringify(row, null, 2)).join('\n')],
  ['without a line break', ROWS.map((row) => JSON.stringify(row)).join('')],
  ['ended by carriage returns', ROWS.map((row) => `${JSON.stringify(row)}\r`).join('')],
  ['after record separators', ROWS.map((row) => `\u001e${JSON.stringify(row)}\n`).join('')],
  ['after byte order marks', ROWS.map((row) => `\ufeff${JSON.stringify(row)}\n`).join('')],
  ['before the end mark of DOS', `${ROWS.map((row) => `${JSON.stringify(row)}\r\n`).join('')}\u001a`],
])('objects one after the other are rows: %s', async (_what, text) => {
  for (const name of ['in.json', 'in.jsonl']) {
    const input = await openText(text, {}, name);
    expect((await readAllRows(input)).map(showRow)).toEqual(ROWS);
    expect(input.notes).toEqual([]);
  }
});

test('a broken line between lines of objects is one failed row', async () => {
  const input = await openText('{"a":1}\n{"a":\n{"a":3}\n', {}, 'in.jsonl');
  expect((await readAllRows(input)).map(({ kind }) => kind)).toEqual(['object', 'faulty', 'object']);
  const first = await openText('{"a":NaN}\n{"a":2}\n', {}, 'in.jsonl');
  expect((await readAllRows(first)).map(showRow)).toEqual([
    { fault: 'line 1: not valid JSON: NaN is not a JSON value; write null, true or false' },
    { a: 2 },
  ]);
});

test('an object that is never closed after others is refused', async () => {
  const input = await openText('{\n"a":1\n}\n{\n"a":2\n');
  await expect(readAllRows(input)).rejects.toMatchObject({
    code: 'INPUT_NOT_JSON',
    message: expect.stringContaining('an object is never closed'),
  });
});

test.each([
  ['by columns', '{"company":["a","b"],"domain":["c","d"]}', 'a table by columns: each of its 2 keys'],
  [
    'by columns and index',
    '{"company":{"0":"a","1":"b"},"domain":{"0":"c","1":"d"}}',
    'hold an object with the same',
  ],
  [
    'by index below a key',
    '{"data":{"x":{"a":1},"y":{"a":3}},"ok":true}',
    'hold an object with the same keys',
  ],
  ['by columns below a key', '{"table":{"a":[1,2],"b":[3,4]}}', 'a table by columns'],
  ['by index', '{"0":{"a":1,"b":2},"1":{"a":3,"b":4}}', 'hold an object with the same keys'],
  ['split', '{"columns":["a"],"index":[0],"data":[["x"]]}', 'its list data holds lists, not objects'],
  ['as a list of lists', '[["company"],["Acme"]]', '2 items, the first at line 1: a list'],
  ['as a list of texts', '["Acme","Bolt"]', '2 items, the first at line 1: text'],
  ['as texts below a key', '{"companies":["Acme","Bolt"]}', 'its list companies holds plain values'],
  ['as lines of lists', '["company"]\n["Acme"]\n', 'a list on each line'],
  ['with NaN', '[{"a":NaN},{"a":-Infinity}]', 'NaN is not a JSON value'],
  ['with NaN in lines', '{"a":NaN}\n{"a":NaN}\n', 'NaN is not a JSON value'],
  ['with words of Python', '{"a":None,"b":True}', 'None is not a JSON value'],
  ['with single quotes', "[{'a':'b'}]", 'texts and keys must be in double quotes'],
  ['with bare keys', '[{a:"b"}]', 'keys must be in double quotes'],
  ['with comments', '{\n// all\n"a":1}', 'it has comments'],
  ['without commas', '[\n{"a":1}\n{"a":2}\n]', 'two objects without a comma or a line break between them'],
  ['cut short', '{"data":[{"a":1},{"a":', 'its first object is never closed'],
])('a table %s is refused with the cause', async (_what, text, message) => {
  await expect(openText(text)).rejects.toMatchObject({ message: expect.stringContaining(message) });
});

test('of several lists, the one with the name of results is suggested', async () => {
  const text = '{"schema":{"fields":[{"name":"a"},{"name":"b"}]},"data":[{"a":1,"b":2}]}';
  await expect(openText(text)).rejects.toMatchObject({
    code: 'INPUT_MANY_LISTS',
    hint: 'Choose the rows with --rows-at data.',
  });
});

test('an empty list of results has no rows', async () => {
  await expect(openText('{"results":[],"next":null}')).rejects.toMatchObject({ code: 'INPUT_NO_ROWS' });
});
