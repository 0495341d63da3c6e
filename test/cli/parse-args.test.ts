import { expect, test } from 'vitest';
import type { OptionTable } from '../../src/cli/command.js';
import { readArgs } from '../../src/cli/parse-args.js';

const OPTIONS = {
  output: { kind: 'text', alias: 'o', value: 'FILE', about: '' },
  field: { kind: 'texts', alias: 'f', value: 'FIELD', about: '' },
  send: { kind: 'list', value: 'COLUMNS', about: '' },
  batchSize: { kind: 'integer', value: 'N', about: '' },
  maxCost: { kind: 'number', value: 'USD', about: '' },
  noHeader: { kind: 'switch', about: '' },
  yes: { kind: 'switch', alias: 'y', about: '' },
} as const satisfies OptionTable;

function read(...words: string[]): ReturnType<typeof readArgs<typeof OPTIONS>> {
  const entry = { name: 'fill', operands: ['INPUT', '[OTHER]'], summary: '', load: () => Promise.reject() };
  return readArgs(words, entry, OPTIONS);
}

test('each kind of option becomes its own type, under its camelCase name', () => {
  const words = ['-o', 'out.csv', '--batch-size', '4', '--max-cost', '2.50', '--no-header', '-y'];
  expect(read('in.csv', ...words)).toEqual({
    operands: ['in.csv'],
    options: { output: 'out.csv', batchSize: 4, maxCost: 2.5, noHeader: true, yes: true },
  });
});

test('what was not given is missing, so that a default can stand', () => {
  expect(read('in.csv')).toEqual({ operands: ['in.csv'], options: {} });
});

test('a repeated option takes one word each time and leaves the input alone', () => {
  const { operands, options } = read('-f', 'ceo=Who leads it, today', '-f', 'size:enum(a|b)', 'in.csv');
  expect(options.field).toEqual(['ceo=Who leads it, today', 'size:enum(a|b)']);
  expect(operands).toEqual(['in.csv']);
});

test('a list takes commas, spaces around them, and being given twice', () => {
  expect(read('in.csv', '--send', 'company, domain', '--send=Größe').options.send).toEqual([
    'company',
    'domain',
    'Größe',
  ]);
});

test('values stay text: numbers, dots, equal signs and dashes are not read into them', () => {
  expect(read('007', '--output', '1e3').operands).toEqual(['007']);
  expect(read('a.b.csv', '--output=-').options.output).toBe('-');
  expect(read('-', '-o', '-')).toEqual({ operands: ['-'], options: { output: '-' } });
  expect(read('in.csv', '--field', 'a.b=1').options.field).toEqual(['a.b=1']);
  expect(read('--', '--odd name.csv').operands).toEqual(['--odd name.csv']);
});

test.each([
  [['in.csv', '--batch-size', 'many'], 'BAD_NUMBER', '--batch-size is “many”, which is no whole number'],
  [['in.csv', '--batch-size', '2.5'], 'BAD_NUMBER', '--batch-size is “2.5”, which is no whole number'],
  [['in.csv', '--max-cost', '$5'], 'BAD_NUMBER', '--max-cost is “$5”, which is no number'],
  [['in.csv', '--max-cost', ''], 'MISSING_VALUE', '--max-cost is given without a value'],
  [['in.csv', '-o', 'a', '-o', 'b'], 'OPTION_TWICE', '--output is given 2 times'],
  [['in.csv', '--send', ','], 'EMPTY_LIST', '--send is “,”, which names nothing'],
  [['in.csv', '--send', ' '], 'EMPTY_LIST', '--send is “ ”, which names nothing'],
  [['in.csv', '--send', ', ,', '--send', '""'], 'EMPTY_LIST', '--send is “, , ""”'],
  [['in.csv', '--send', ''], 'MISSING_VALUE', '--send is given without a value'],
  [['in.csv', '--output'], 'MISSING_VALUE', '--output is given without a value'],
  [['in.csv', '--output', '--yes'], 'MISSING_VALUE', '--output is given without a value'],
  [['in.csv', '--ouput', 'x'], 'UNKNOWN_OPTION', 'fill has no option --ouput'],
  [['in.csv', '-x'], 'UNKNOWN_OPTION', 'fill has no option -x'],
  [['in.csv', '--no-yes'], 'UNKNOWN_OPTION', 'fill has no option --no-yes'],
  [[], 'MISSING_OPERAND', 'fill needs INPUT'],
  [['a', 'b', 'c'], 'SURPLUS_OPERAND', 'fill does not know what to do with “c”'],
])('%j is refused as %s', (words, code, message) => {
  expect(() => read(...words)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code,
      message: expect.stringContaining(message),
      hint: expect.any(String),
    }),
  );
});

test('a mistyped option is answered with the nearest', () => {
  expect(() => read('in.csv', '--batchsize', '3')).toThrow(
    expect.objectContaining({ hint: 'Did you mean --batch-size?' }),
  );
});
