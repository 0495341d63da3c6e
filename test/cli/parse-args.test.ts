import { expect, test } from 'vitest';
import type { OptionTable } from '../../src/cli/command.js';
import { readArgs } from '../../src/cli/parse-args.js';

const OPTIONS = {
  output: { kind: 'text', alias: 'o', value: 'FILE', about: '' },
  field: { kind: 'texts', alias: 'f', value: 'FIELD', about: '' },
  send: { kind: 'list', value: 'COLUMNS', about: '' },
  batchSize: { kind: 'integer', value: 'N', about: '' },
  rate: { kind: 'number', value: 'N', about: '' },
  maxCost: { kind: 'dollars', value: 'USD', about: '' },
  noHeader: { kind: 'switch', about: '' },
  yes: { kind: 'switch', alias: 'y', about: '' },
  query: { kind: 'text', alias: 'q', value: 'TEXT', about: '' },
  quiet: { kind: 'switch', about: '' },
} as const satisfies OptionTable;

function read(...words: string[]): ReturnType<typeof readArgs<typeof OPTIONS>> {
  const entry = { name: 'fill', operands: ['INPUT', '[OTHER]'], summary: '', load: () => Promise.reject() };
  return readArgs(words, entry, OPTIONS);
}

test('parses each kind of option to its type, under its camelCase name', () => {
  const words = ['-o', 'out.csv', '--batch-size', '4', '--max-cost', '2.50', '--no-header', '-y'];
  expect(read('in.csv', ...words)).toEqual({
    operands: ['in.csv'],
    options: { output: 'out.csv', batchSize: 4, maxCost: 2.5, noHeader: true, yes: true },
  });
});

test('omits options that were not given', () => {
  expect(read('in.csv')).toEqual({ operands: ['in.csv'], options: {} });
});

test('a repeatable option takes one word each time, not the input after it', () => {
  const { operands, options } = read('-f', 'ceo=Who leads it, today', '-f', 'size:enum(a|b)', 'in.csv');
  expect(options.field).toEqual(['ceo=Who leads it, today', 'size:enum(a|b)']);
  expect(operands).toEqual(['in.csv']);
});

test('a list can have commas with spaces and can be repeated', () => {
  expect(read('in.csv', '--send', 'company, domain', '--send=Größe').options.send).toEqual([
    'company',
    'domain',
    'Größe',
  ]);
});

test('keeps text values unchanged: numbers, dots, equal signs and dashes have no special meaning', () => {
  expect(read('007', '--output', '1e3').operands).toEqual(['007']);
  expect(read('a.b.csv', '--output=-').options.output).toBe('-');
  expect(read('-', '-o', '-')).toEqual({ operands: ['-'], options: { output: '-' } });
  expect(read('in.csv', '--field', 'a.b=1').options.field).toEqual(['a.b=1']);
  expect(read('--', '--odd name.csv').operands).toEqual(['--odd name.csv']);
});

test.each([
  [['--yes=yes', '--no-header=1'], { yes: true, noHeader: true }],
  [['--yes=TRUE', '--no-header=on'], { yes: true, noHeader: true }],
  [['--yes=no', '--no-header=0'], { yes: false, noHeader: false }],
  [['-y=false', '--no-header=Off'], { yes: false, noHeader: false }],
  [['-y', '--yes', '--yes=1'], { yes: true }],
  [['-qfoo'], { query: 'foo' }],
  [['-q=foo=bar'], { query: 'foo=bar' }],
  [['-yoout.csv'], { yes: true, output: 'out.csv' }],
  [['-yo', 'out.csv'], { yes: true, output: 'out.csv' }],
  [['-yfceo', '-fsize'], { yes: true, field: ['ceo', 'size'] }],
  [['--query=--yes'], { query: '--yes' }],
  [['--query=-5 degrees'], { query: '-5 degrees' }],
  [['--rate', '-5'], { rate: -5 }],
  [['--max-cost=+.5'], { maxCost: 0.5 }],
  [['-q', 'true', '-y'], { query: 'true', yes: true }],
] as const)('accepts %j', (words, options) => {
  expect(read('in.csv', ...words)).toEqual({ operands: ['in.csv'], options });
  expect(read(...words, 'in.csv')).toEqual({ operands: ['in.csv'], options });
});

test.each([
  [['in.csv', '--yes=maybe'], 'BAD_OPTION', '--yes is “maybe”'],
  [['in.csv', '--yes='], 'BAD_OPTION', '--yes is “”'],
  [['in.csv', '--yes=2'], 'BAD_OPTION', '--yes is “2”'],
  [['in.csv', '--yes', '--yes=no'], 'OPTION_TWICE', '--yes is given with both yes and no'],
  [['in.csv', 'b', '--yes', 'no'], 'SURPLUS_OPERAND', 'fill got an unexpected argument “no”'],
  [['in.csv', '-quiet'], 'UNKNOWN_OPTION', 'fill has no option -quiet'],
  [['in.csv', '-query', 'Who?'], 'UNKNOWN_OPTION', 'fill has no option -query'],
  [['in.csv', '-output=x'], 'UNKNOWN_OPTION', 'fill has no option -output'],
  [['in.csv', '-yes'], 'UNKNOWN_OPTION', 'fill has no option -yes'],
  [['in.csv', '-yx'], 'UNKNOWN_OPTION', 'fill has no option -yx'],
  [['in.csv', '-5'], 'UNKNOWN_OPTION', 'fill has no option -5'],
  [['in.csv', '--help=1'], 'BAD_OPTION', '--help=1 is not a valid option'],
  [['in.csv', '-yh'], 'BAD_OPTION', '-yh is not a valid option'],
  [['in.csv', '--constructor'], 'UNKNOWN_OPTION', 'fill has no option --constructor'],
  [['in.csv', '--__proto__=1'], 'UNKNOWN_OPTION', 'fill has no option --__proto__'],
  [['in.csv', '--maxCost', '5'], 'UNKNOWN_OPTION', 'fill has no option --maxCost'],
  [['in.csv', '-q', '-y'], 'MISSING_VALUE', '--query has no value: -y is an option'],
  [['in.csv', '-q='], 'MISSING_VALUE', '--query has no value'],
  [['in.csv', '--send='], 'MISSING_VALUE', '--send has no value'],
  [['in.csv', '-q', 'a', '--query', 'b'], 'OPTION_TWICE', '--query is given 2 times'],
  [['in.csv', '--max-cost', '1', '--max-cost', '1'], 'OPTION_TWICE', '--max-cost is given 2 times'],
  [['in.csv', '--batch-size', '1', '--batch-size=2'], 'OPTION_TWICE', '--batch-size is given 2 times'],
  [['in.csv', '--max-cost', '1e3'], 'BAD_NUMBER', '--max-cost is “1e3”'],
  [['in.csv', '--max-cost', '0x10'], 'BAD_NUMBER', '--max-cost is “0x10”'],
  [['in.csv', '--max-cost', 'Infinity'], 'BAD_NUMBER', '--max-cost is “Infinity”'],
  [['in.csv', '--batch-size', 'many'], 'BAD_NUMBER', '--batch-size is “many”, which is not a whole number'],
  [['in.csv', '--batch-size', '2.5'], 'BAD_NUMBER', '--batch-size is “2.5”, which is not a whole number'],
  [['in.csv', '--max-cost', '$5'], 'BAD_NUMBER', '--max-cost is “$5”, which is not an amount'],
  [['in.csv', '--max-cost', ''], 'MISSING_VALUE', '--max-cost has no value'],
  [['in.csv', '-o', 'a', '-o', 'b'], 'OPTION_TWICE', '--output is given 2 times'],
  [['in.csv', '--send', ','], 'EMPTY_LIST', '--send is “,”, an empty list'],
  [['in.csv', '--send', ' '], 'EMPTY_LIST', '--send is “ ”, an empty list'],
  [['in.csv', '--send', ', ,', '--send', '""'], 'EMPTY_LIST', '--send is “, ,”, an empty list'],
  [['in.csv', '--send', 'a,b', '--send', ','], 'EMPTY_LIST', '--send is “,”, an empty list'],
  [['in.csv', '--send', 'a,""'], 'EMPTY_LIST', '--send is “a,""”, a list with a blank part'],
  [['in.csv', '--send', 'a,b,'], 'EMPTY_LIST', '--send is “a,b,”, a list with a blank part'],
  [['in.csv', '--send', 'low,,high'], 'EMPTY_LIST', '--send is “low,,high”, a list with a blank part'],
  [['in.csv', '--send', ',domain'], 'EMPTY_LIST', '--send is “,domain”, a list with a blank part'],
  [['in.csv', '--send', ''], 'MISSING_VALUE', '--send has no value'],
  [['in.csv', '--output'], 'MISSING_VALUE', '--output has no value'],
  [['in.csv', '--output', '--yes'], 'MISSING_VALUE', '--output has no value'],
  [['in.csv', '--ouput', 'x'], 'UNKNOWN_OPTION', 'fill has no option --ouput'],
  [['in.csv', '-x'], 'UNKNOWN_OPTION', 'fill has no option -x'],
  [['in.csv', '--no-yes'], 'UNKNOWN_OPTION', 'fill has no option --no-yes'],
  [[], 'MISSING_OPERAND', 'fill needs INPUT'],
  [['a', 'b', 'c'], 'SURPLUS_OPERAND', 'fill got an unexpected argument “c”'],
])('refuses %j with %s', (words, code, message) => {
  expect(() => read(...words)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code,
      message: expect.stringContaining(message),
      hint: expect.any(String),
    }),
  );
});

test('suggests the nearest name for a mistyped option', () => {
  expect(() => read('in.csv', '--batchsize', '3')).toThrow(
    expect.objectContaining({ hint: 'Did you mean --batch-size?' }),
  );
});

test.each(['0x10', '1e3', '-5', '$5', '1,000', '5 USD', 'NaN', 'Infinity', '1000001', '٥', '0b11', '.'])(
  'refuses %s as an amount of money',
  (text) => {
    expect(() => read('in.csv', `--max-cost=${text}`)).toThrow(
      expect.objectContaining({ code: 'BAD_NUMBER', message: expect.stringContaining(text) }),
    );
  },
);

test.each([
  ['0', 0],
  ['.5', 0.5],
  ['5.', 5],
  ['+2.50', 2.5],
  [' 7 ', 7],
  ['1000000', 1e6],
])('parses %s as %d dollars', (text, dollars) => {
  expect(read('in.csv', `--max-cost=${text}`).options.maxCost).toBe(dollars);
});
