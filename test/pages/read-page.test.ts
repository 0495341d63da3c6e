import { expect, test } from 'vitest';
import { createPdfText, readPage } from '../../src/pages/read-page.js';

const read = (html: string | Uint8Array, contentType: string | null = 'text/html', status = 200) =>
  readPage({ url: 'https://acme.example/a/b', status, contentType, body: Buffer.from(html) });

const texts = (html: string) => read(html).blocks.map(({ text }) => text);

test('keeps words of inline elements together, and blocks, cells and labels apart', () => {
  expect(texts('<p>Foun<b>ded</b> in <i>19</i><i>52</i>, 1,<span>200</span> staff</p>')).toEqual([
    'Founded in 1952, 1,200 staff',
  ]);
  expect(texts('<table><tr><th>Founded</th><td>1976</td></tr></table>')).toEqual(['Founded', '1976']);
  expect(texts('<div><span>Gründung</span><span>1932</span></div>')).toEqual(['Gründung 1932']);
  expect(texts('<p>one<br>two</p>')).toEqual(['one\ntwo']);
});

test('leaves out what is not shown, and keeps what opens on a click', () => {
  const hidden =
    '<p style="display: none">a</p><p hidden>b</p><template>c</template><!-- d --><script>e</script>';
  expect(texts(`${hidden}<details><summary>More</summary>f</details><noscript>g</noscript>`)).toEqual([
    'More',
    'f',
    'g',
  ]);
  expect(read('<p><s>€90</s> €70</p>').blocks[0]?.struck).toEqual([[0, 3]]);
});

test('notes regions, headings and the position of cells', () => {
  const page = read(
    '<header><h1>Acme</h1></header><nav>Home</nav><main><h2>Facts</h2><p>x</p></main><div class="sidebar">y</div><footer>z</footer>',
  );
  expect(page.blocks.map(({ region }) => region)).toEqual([
    'header',
    'nav',
    'main',
    'main',
    'aside',
    'footer',
  ]);
  expect(page.blocks[3]?.heading).toBe(2);
  const cells = read(
    '<table><tr><td rowspan=2>a</td><td colspan=2>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
  ).blocks;
  expect(cells.map(({ cell }) => [cell?.row, cell?.column])).toEqual([
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 2],
  ]);
});

test('keeps data, link targets and protected addresses apart from the text', () => {
  const page = read(
    `<script type="application/ld+json">{"name":"Acme","address":{"addressLocality":"Oslo"}}</script><meta name="description" content="Makes anvils"><a href="../c">C</a><a href="mailto:a@acme.example">Mail</a><a class="__cf_email__" data-cfemail="422302236c20">[email protected]</a>`,
  );
  expect(page.data).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        source: 'json-ld',
        path: ['address', 'addressLocality'],
        value: 'Oslo',
        owner: 'Acme',
      }),
      expect.objectContaining({ source: 'meta', value: 'Makes anvils' }),
    ]),
  );
  expect(page.links.map(({ url }) => url)).toEqual([
    'https://acme.example/c',
    'mailto:a@acme.example',
    'mailto:a@a.b',
  ]);
});

test.each([
  [404, 'gone'],
  [410, 'gone'],
  [402, 'paywalled'],
  [403, 'blocked'],
  [429, 'blocked'],
])('status %i makes a page %s whatever it says', (status, kind) => {
  expect(read('<p>Acme employs 500 people in Oslo and Bergen.</p>', 'text/html', status).kind).toBe(kind);
});

test('a long article about walls and missing pages is no wall', () => {
  const words =
    '<p>The report explains how sites check that visitors are human before they show a page.</p>'.repeat(40);
  expect(
    read(
      `<title>Page not found: how sites fail</title><h1>Are you a robot? The history of the captcha</h1>${words}`,
    ).kind,
  ).toBe('readable');
});

test('reads JSON, plain text and CSV, and nothing of images', () => {
  expect(read('{"name":"Acme","staff":500}', 'application/json').data.map(({ value }) => value)).toEqual([
    'Acme',
    '500',
  ]);
  expect(read('one\n\ntwo', 'text/plain').blocks.map(({ text }) => text)).toEqual(['one', 'two']);
  expect(read('a,b\n1,2', 'text/csv').blocks[3]).toMatchObject({ text: '2', cell: { row: 1, column: 1 } });
  expect(read(Uint8Array.of(0x89, 0x50, 0x4e, 0x47), 'image/png').kind).toBe('unreadable');
});

test('joins words that a PDF splits, and keeps its page numbers', () => {
  const page = createPdfText('https://acme.example/r.pdf', [
    'Annual report',
    'Our chief execu-\ntive is Jo Low.\nRevenue 411.6 398.2',
  ]);
  expect(page.blocks.map(({ text, page: number }) => [text, number])).toEqual([
    ['Annual report', 1],
    ['Our chief executive is Jo Low.', 2],
    ['Revenue 411.6 398.2', 2],
  ]);
  expect(createPdfText('https://acme.example/r.pdf', ['', '']).kind).toBe('unreadable');
});
