import { expect, test } from 'vitest';
import { detectDraft, indexSchema } from '../../src/model/schema-index.js';
import { isWebLink, requireWebLinks, trimLink, WEB_LINK } from '../../src/model/web-link.js';

test('only texts of format uri without a pattern must be web links, wherever they are', () => {
  const link = { type: ['string', 'null'], format: 'uri' };
  const schema = {
    properties: {
      site: link,
      sites: { type: 'array', items: { type: 'string', format: 'uri' } },
      any: { format: 'uri' },
      mail: { type: 'string', format: 'uri', pattern: '^mailto:' },
      fixed: { const: link },
    },
  };
  const { properties } = requireWebLinks(indexSchema(schema, detectDraft(schema)));
  expect(properties).toEqual({
    ...schema.properties,
    site: { ...link, format: WEB_LINK },
    sites: { type: 'array', items: { type: 'string', format: WEB_LINK } },
  });
});

test('a schema without web links is returned as the same object', () => {
  const schema = { properties: { a: { type: 'string' } } };
  expect(requireWebLinks(indexSchema(schema, detectDraft(schema)))).toBe(schema);
});

test.each([
  ...[
    'https://acme.example',
    'http://localhost',
    'http://[2001:db8::7]/a',
    'https://acme.example:8443/a?b#c',
  ],
  ...[
    "https://acme.example/it's",
    'https://acme.example/a;b',
    'https://acme.example/a(b)',
    'https://a.example/#!x',
  ],
])('%s is a web link', (text) => {
  expect(isWebLink(text)).toBe(true);
  expect(trimLink(text)).toBe(text);
});

test.each([
  ...[
    'ftp://acme.example',
    'https:/acme.example',
    'https://a b.example',
    'https://acme.example/%zz',
    'https://acme',
  ],
  ...[
    'https://jane@acme.example',
    'https://acme.example/ü',
    'https://acme.example/a)',
    'javascript://acme.example',
  ],
])('%s is not a web link', (text) => expect(isWebLink(text)).toBe(false));
