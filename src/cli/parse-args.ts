import parser from 'yargs-parser';
import { createUsageError } from '../errors.js';
import { readNearest } from '../model/nearest.js';
import { splitList } from '../model/text-list.js';
import type { CommandArgs, OptionSpec, OptionTable } from './command.js';
import type { CommandEntry } from './commands.js';

/** Options that every command takes; `program.ts` deals with them. */
export const COMMON_OPTIONS = {
  help: { kind: 'switch', alias: 'h', about: 'Show this help.' },
  version: { kind: 'switch', about: 'Show the version.' },
  debug: { kind: 'switch', about: 'Show stack traces with errors.' },
} as const satisfies OptionTable;

/** Reads the words after a command's name into checked, typed arguments. */
export function readArgs<O extends OptionTable>(
  words: readonly string[],
  entry: CommandEntry,
  options: O,
): CommandArgs<O> {
  const table: OptionTable = { ...options, ...COMMON_OPTIONS };
  const parsed = parse(words, table);
  checkNames(parsed, table, entry);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const raw = parsed[formatFlag(name)];
    if (raw !== undefined) values[name] = readOption(raw, name, spec);
  }
  const operands = Array.isArray(parsed._) ? parsed._.map(String) : [];
  // The values were made from the table's own kinds, one by one, just above.
  return { operands: checkOperands(operands, entry), options: values as CommandArgs<O>['options'] };
}

/** The long name of an option as it is typed, without its dashes: `batchSize` is `batch-size`. */
export function formatFlag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The parser of yargs without the rest of it: that would be half of the time that a short command takes. */
function parse(words: readonly string[], table: OptionTable): Readonly<Record<string, unknown>> {
  const flags = (isSwitch: boolean): string[] =>
    Object.keys(table)
      .filter((name) => (table[name]?.kind === 'switch') === isSwitch)
      .map(formatFlag);
  const { argv, error } = parser.detailed([...words], {
    boolean: flags(true),
    string: flags(false),
    alias: Object.fromEntries(
      Object.entries(table).flatMap(([name, { alias }]) =>
        alias === undefined ? [] : [[formatFlag(name), alias]],
      ),
    ),
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
      'boolean-negation': false,
    },
  });
  if (error !== null) {
    throw createUsageError('BAD_OPTION', error.message, 'Add --help to see the options.');
  }
  return argv;
}

function checkNames(
  parsed: Readonly<Record<string, unknown>>,
  table: OptionTable,
  entry: CommandEntry,
): void {
  const flags = Object.keys(table).map(formatFlag);
  const unknown = Object.keys(parsed).find((key) => key !== '_' && key !== '$0' && !flags.includes(key));
  if (unknown === undefined) return;
  const typed = unknown.length === 1 ? `-${unknown}` : `--${unknown}`;
  const near = readNearest(unknown, flags).map((flag) => `--${flag}`);
  throw createUsageError(
    'UNKNOWN_OPTION',
    `${entry.name} has no option ${typed}`,
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : `rowfill ${entry.name} --help lists the options.`,
  );
}

function readOption(raw: unknown, name: string, spec: OptionSpec): unknown {
  const flag = `--${formatFlag(name)}`;
  if (spec.kind === 'switch') return raw === true || (Array.isArray(raw) && raw.includes(true));
  const texts = (Array.isArray(raw) ? raw : [raw]).map(String);
  if (texts.includes('')) {
    const example = `For example: ${flag}=${spec.value ?? 'VALUE'}`;
    throw createUsageError('MISSING_VALUE', `${flag} is given without a value`, example);
  }
  if (spec.kind === 'texts') return texts;
  if (spec.kind === 'list') {
    const names = texts.flatMap(splitList);
    if (names.length > 0) return names;
    const example = `For example: ${flag}=${spec.value ?? 'VALUE'}. Is a variable of your script empty?`;
    throw createUsageError('EMPTY_LIST', `${flag} is “${texts.join(' ')}”, which names nothing`, example);
  }
  const [text = '', ...more] = texts;
  if (more.length > 0) {
    throw createUsageError('OPTION_TWICE', `${flag} is given ${texts.length} times`, 'Give it once.');
  }
  return spec.kind === 'text' ? text : readNumber(text, flag, spec.kind);
}

function readNumber(text: string, flag: string, kind: 'number' | 'integer'): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) || (kind === 'number' && Number.isFinite(number))) return number;
  throw createUsageError(
    'BAD_NUMBER',
    `${flag} is “${text}”, which is no ${kind === 'integer' ? 'whole number' : 'number'}`,
    kind === 'integer' ? `For example: ${flag} 10` : `For example: ${flag} 2.50`,
  );
}

function checkOperands(operands: readonly string[], entry: CommandEntry): readonly string[] {
  const usage = `Usage: rowfill ${[entry.name, ...entry.operands].join(' ')} [options]`;
  const needed = entry.operands.filter((operand) => !operand.startsWith('['));
  const missing = needed[operands.length];
  if (missing !== undefined) {
    throw createUsageError('MISSING_OPERAND', `${entry.name} needs ${missing}`, usage);
  }
  const surplus = operands[entry.operands.length];
  if (surplus !== undefined) {
    const message = `${entry.name} does not know what to do with “${surplus}”`;
    throw createUsageError('SURPLUS_OPERAND', message, usage);
  }
  return operands;
}
