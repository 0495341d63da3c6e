import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLinearTest, createPattern, DeadlineError } from '../../src/model/pattern.js';

const MAIL =
  '^(([^<>()\\[\\]\\\\.,;:\\s@"]+(\\.[^<>()\\[\\]\\\\.,;:\\s@"]+)*)|(".+"))@((\\[[0-9]{1,3}\\.[0-9]{1,3}\\])|(([a-zA-Z\\-0-9]+\\.)+[a-zA-Z]{2,}))$';

describe('a pattern with exponential time in JavaScript still gets an answer', () => {
  test.each([
    ['^(a+)+$', `${'a'.repeat(40)}b`, false],
    ['^(a+)+$', 'a'.repeat(5_000), true],
    ['^(a|aa)+$', `${'a'.repeat(60)}!`, false],
    ['^(a?){40}a{40}$', 'a'.repeat(40), true],
    ['^(\\w+\\s?)*$', `${'word '.repeat(20)}!`, false],
    ['^([a-zA-Z0-9_.-]+)+@([a-zA-Z0-9-]+\\.)+[a-z]{2,}$', 'a'.repeat(38), false],
    [MAIL, 'a.'.repeat(19), false],
    [MAIL, `${'first.last'.repeat(3)}@mail.example.com`, true],
    // Only valid without the Unicode flag.
    ['^([\\w-.]+)+@$', 'a'.repeat(40), false],
    ['^(\\p{L}+ ?)+$', `${'é'.repeat(40)}1`, false],
    ['(x+x+)+y', 'x'.repeat(60), false],
  ])('%s on %.12s…', (source, text, isMatch) => {
    expect(createPattern(source, () => 1_000).test(text)).toBe(isMatch);
  });
});

test.each([['^(?=(a+)+b).*$'], ['^(a+)+\\1b$'], ['^(?<!x)(a+)+b$']])(
  'a pattern that the linear engine cannot express times out: %s',
  (source) => {
    const pattern = createPattern(source, () => 20);
    expect(() => pattern.test('a'.repeat(40))).toThrow(DeadlineError);
    expect(pattern.test('c')).toBe(false);
  },
);

test('JavaScript runs a fast lookahead', () => {
  const pattern = createPattern('^(?=.*\\d)(?=.*[a-z])\\S{8,}$', () => 1_000);
  expect([pattern.test('abcdefg1'), pattern.test('abcdefgh'), pattern.test('a1')]).toEqual([
    true,
    false,
    false,
  ]);
});

test('a pattern that no engine supports fails to compile', () => {
  expect(() => createPattern('a(', () => 1_000)).toThrow(SyntaxError);
});

/**
 * Characters that engines treat differently: spaces, line ends, letters with case variants, surrogates, ends
 * of ranges.
 */
const CHARACTERS = [
  ...[
    'a',
    'b',
    'Z',
    '0',
    '_',
    ' ',
    '\t',
    '\v',
    '\u00a0',
    '\ufeff',
    '\n',
    '\r',
    '\u2028',
    '\u2029',
    'é',
    'ſ',
    'K',
  ],
  ...['😀', '\ud800', '\udc00', '-', ']', '[', ':', '.', '@', '^', '$', '\\', '٣', '\u0000', 'İ', '\u180e'],
  ...['\u{10000}', '\u{10ffff}', '\uffff', '\ud7ff', '\ue000', 'x', '4', 'u', 'p', '{', '2', '}'],
];

const PATTERNS = [
  ...[
    '.',
    '^.$',
    '\\s',
    '\\S',
    '^\\s+$',
    '[^\\s]',
    '\\w',
    '\\W',
    '[^\\W]',
    '\\d',
    '[\\D]',
    '\\b',

    '^\\b',
  ],
  ...[
    'a$',
    '^a',
    'a|^b',
    '[^a]',
    '^[^a]$',
    '[a-z]',
    '[^]',
    '[]',
    '\\u00e9',
    '\\u{1F600}',
    '\\x41',
    '\\cJ',
    '\\0',
  ],
  ...[
    '\\t\\v\\f',
    '[\\b]',
    '\\p{L}',
    '\\P{Lu}',
    '\\p{Script=Greek}',
    '\\p{Emoji}',
    '[\\p{L}\\d_]',
    '\\p{Cs}',
    '\\P{Cs}',
  ],
  ...[
    '(?<n>a)',
    '(?:a|b)*$',
    'a{2,3}',
    'a{0,900}',
    '(a+)+$',
    '^(a|aa)+$',
    '\\$\\^\\.',
    '😀',
    '[😀]',
    'x*?a',
    '[a&&b]',
  ],
  ...[
    '[\\w.-]+',
    '',
    '$',
    '(|a)+',
    'a(?:|b)*$',
    '(?:^a|b$)*',
    '(?:a|\\b)+$',
    '^(?:.|\\n){2}$',
    '[a-\\u{1F600}]',
  ],
  ...['(?:(?:a{0,3}){2,}){1,2}b', '[/-:]', "^[\\p{L}\\p{M}' -]+$", '[^\\u0000-\\u007f]', '(a)|(b)', '^$'],
];

const OLD_PATTERNS = [
  '[[:alpha:]]',
  '^[\\w-.]+$',
  '\\_a',
  'a{',
  '^a{1',
  'x{,3}',
  '\\-',
  '[\\w-\\.]',
  ']',
  '}',
  '\\p{2}',
  '\\x4*',
  '\\a',
  '[a-\\d]',
];

const textArbitrary = fc
  .array(fc.constantFrom(...CHARACTERS), { maxLength: 7 })
  .map((parts) => parts.join(''));

test.each(
  PATTERNS.map((source) => [source, 'u'] as const).concat(
    OLD_PATTERNS.map((source) => [source, ''] as never),
  ),
)('the linear engine agrees with JavaScript on any text: /%s/%s', (source, flags: string) => {
  const native = new RegExp(source, flags);
  const linear = createLinearTest(source, flags === 'u');
  expect(linear('a')).not.toBe(null);
  const check = (text: string): void => {
    expect(linear(text) ?? native.test(text), JSON.stringify(text)).toBe(native.test(text));
  };
  for (const character of CHARACTERS) check(character);
  fc.assert(fc.property(textArbitrary, check), { numRuns: 200 });
});
