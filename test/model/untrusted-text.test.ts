import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import {
  cleanCode,
  cleanLine,
  cleanText,
  createMask,
  isCommonLink,
  limitValue,
  MAX_VALUE_LENGTH,
  mapTexts,
} from '../../src/model/untrusted-text.js';

const KEY = 'sk-live.0123+456/789=';

describe('a key is masked', () => {
  const mask = createMask([KEY]);
  const half = KEY.length / 2;
  const split = (gap: string): string => `${KEY.slice(0, half)}${gap}${KEY.slice(half)}`;

  test.each([
    ['as it is', KEY],
    ['twice', `${KEY} and ${KEY}`],
    ['percent-encoded', encodeURIComponent(KEY)],
    ['percent-encoded in lower case', encodeURIComponent(KEY).toLowerCase()],
    [
      'percent-encoded, every character',
      [...Buffer.from(KEY)].map((byte) => `%${byte.toString(16)}`).join(''),
    ],
    ['split by a zero-width space', split('\u200b')],
    ['split by a soft hyphen', split('\u00ad')],
    ['split by a line break', split('\r\n')],
    ['split by spaces', [...KEY].join(' ')],
    ['split by NUL', split('\0')],
    ['split by a color code', split('\u001b[31m')],
    ['split by a tag character', split('\u{e0041}')],
    ['split by a filler', split('\u3164')],
    ['split by a percent-encoded line break', split('%0A')],
    ['in capitals', KEY.toUpperCase()],
    ['in capitals, and percent-encoded', encodeURIComponent(KEY.toUpperCase())],
    ['without its first character', KEY.slice(1)],
    ['without its last character', KEY.slice(0, -1)],
    ['its first twelve characters', KEY.slice(0, 12)],
    ['its last twelve characters', KEY.slice(-12)],
    ['its first sixteen characters, in small letters', KEY.slice(0, 16).toLowerCase()],
    ['its last sixteen characters, split by spaces', [...KEY.slice(-16)].join(' ')],
  ])('%s', (_name, text) => {
    const masked = mask(`before ${text} after`);
    expect(masked).toMatch(/^before \*\*\*( and \*\*\*)? after$/);
  });

  test('but other text is unchanged', () => {
    for (const text of [
      '',
      'sk-live',
      KEY.slice(0, 11),
      KEY.slice(-11),
      `${KEY.slice(0, 7)}…${KEY.slice(-4)}`,
      `${KEY.slice(0, 11)}${KEY.slice(-11, -1)}`,
      'a'.repeat(10_000),
    ]) {
      expect(mask(text)).toBe(text);
    }
  });

  test('but a key that is too short is ignored', () => {
    const text = 'the latest test of a local service';
    expect(createMask(['test', 'local', '', null, undefined])(text)).toBe(text);
  });

  test('in keys and values at any depth', () => {
    expect(mapTexts({ [KEY]: [{ a: [KEY, 1, null] }] }, mask)).toEqual({ '***': [{ a: ['***', 1, null] }] });
  });

  test('and JSON without it is returned as the same object', () => {
    const value = { a: ['b', { c: 1 }] };
    expect(mapTexts(value, mask)).toBe(value);
  });

  test('and excessive nesting is dropped without a crash', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as JsonValue;
    expect(JSON.stringify(mapTexts(deep, mask)).length).toBeLessThan(1_000);
  });
});

describe('text for a cell', () => {
  test.each([
    ['NUL', 'a\0b', 'ab'],
    ['a color', '\u001b[1;31mRed\u001b[0m', 'Red'],
    ['a window title', 'a\u001b]0;title\u0007b', 'ab'],
    ['a lone escape', 'a\u001bb', 'ab'],
    ['C1 controls', 'Acme\u009d Inc, Berlin', 'Acme Inc, Berlin'],
    ['DEL and backspace', 'a\u007f\bb', 'ab'],
    ['bidi overrides', '\u202egnp.exe\u202c', 'gnp.exe'],
    ['bidi isolates and marks', '\u2066a\u2069\u200e\u200f\u061cb', 'ab'],
    ['a byte order mark', '\ufeffa', 'a'],
    ['a vertical tab, a form feed, a next line', 'a\u000bb\fc\u0085d', 'a b c d'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
  ])('removes %s', (_name, text, cleaned) => expect(cleanText(text)).toBe(cleaned));

  test.each([
    ['tabs and line breaks', 'a\tb\nc\r\nd'],
    ['an emoji with joiners', '👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️'],
    ['Persian with a non-joiner', 'می‌خواهم'],
    ['Hindi with a joiner', 'क्‍ष'],
    ['Hebrew, Arabic, Thai, Chinese', 'שלום مرحبا สวัสดี 你好'],
    ['soft hyphens and hard spaces', 'Donau\u00addampf\u00a0schiff'],
  ])('keeps %s', (_name, text) => expect(cleanText(text)).toBe(text));

  test('is clean after one pass, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cleaned = cleanText(text);
        expect(cleaned).not.toMatch(/(?![\t\n\r])[\p{Cc}\p{Bidi_Control}\ufeff]/u);
        expect(cleanText(cleaned)).toBe(cleaned);
      }),
    );
  });
});

describe('a common link', () => {
  test.each([
    'https://example.com',
    'http://www.acme-corp.example:8080/a?b=%zz#[c]',
    'HTTPS://A1.EXAMPLE/\\',
  ])('%s is one', (text) => expect(isCommonLink(text)).toBe(true));

  test.each([
    'https://xn--a.com',
    'https://a--b.com',
    'http://1.2.3.256',
    'http://a.0x10',
    'http://a..com',
    'https://me@example.com',
    'https://example.com:99999',
    'https://example.com/a b',
    `https://example.com/${'a'.repeat(4_000)}`,
  ])('%s is not', (text) => expect(isCommonLink(text)).toBe(false));

  test('is a valid URL without a user name, for any text', () => {
    const part = fc.constantFrom(...'aZ0-.:/@?#%[]x\\ ü', 'com', 'xn--', '.com', 'example.com/');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = `https://${parts.join('')}`;
        if (isCommonLink(text)) expect(new URL(text)).toMatchObject({ username: '', password: '' });
      }),
    );
  });
});

test('cleanLine returns one line of limited length', () => {
  expect(cleanLine(' a\r\n\tb\u2028c\u001b[2Jd ', 100)).toBe('a b cd');
  expect(cleanLine('x'.repeat(1_000), 10)).toBe(`${'x'.repeat(10)}…`);
  expect(cleanLine('😀'.repeat(100), 9)).toBe(`${'😀'.repeat(4)}…`);
});

test('cleanCode returns one word', () => {
  expect(cleanCode('INVALID_DATA_SOURCE')).toBe('INVALID_DATA_SOURCE');
  expect(cleanCode('BAD\u001b[31m ***\nthing')).toBe('BAD_***_thing');
  expect(cleanCode(' \n ')).toBeNull();
  expect(cleanCode('x'.repeat(500))?.length).toBeLessThan(70);
});

test('limitValue removes NUL and shortens long text at any depth', () => {
  const long = 'x'.repeat(MAX_VALUE_LENGTH + 1);
  expect(limitValue(['a\0b', { c: long }])).toEqual(['ab', { c: `${'x'.repeat(MAX_VALUE_LENGTH)}…` }]);
  const fine = { a: 'x'.repeat(MAX_VALUE_LENGTH) };
  expect(limitValue(fine)).toBe(fine);
});
