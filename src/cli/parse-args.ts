import { parseArgs } from 'node:util';
import { createUsageError, type RowfillError } from '../errors.js';
import { hasBlankPart, parseDollarOption, splitList, suggestSimilar } from '../model/format.js';
import type { CommandArgs, OptionSpec, OptionTable } from './command.js';
import type { CommandEntry } from './commands.js';

/** Options of every command, handled by `program.ts`. */
export const COMMON_OPTIONS = {
  help: { kind: 'switch', alias: 'h', about: 'Show this help.' },
  version: { kind: 'switch', about: 'Show the version.' },
  debug: { kind: 'switch', about: 'Show stack traces with errors.' },
} as const satisfies OptionTable;

/** Parses the words after a command's name into checked, typed arguments. */
export function readArgs<O extends OptionTable>(
  words: readonly string[],
  entry: CommandEntry,
  options: O,
): CommandArgs<O> {
  const table: OptionTable = { ...options, ...COMMON_OPTIONS };
  const { given, operands } = parse(words, table, entry);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(options)) {
    const raw = given.get(formatFlag(name));
    if (raw !== undefined) values[name] = parseOption(raw, name, spec);
  }
  // Each value was parsed just above by the kind that the table declares.
  return { operands: checkOperands(operands, entry), options: values as CommandArgs<O>['options'] };
}

/** The long name of an option as typed, without its dashes: `batchSize` → `batch-size`. */
export function formatFlag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

interface ParsedWords {
  /** The values of each option by its long name, in order; null for an option typed without a value. */
  readonly given: ReadonlyMap<string, readonly (string | null)[]>;
  readonly operands: readonly string[];
}

function parse(words: readonly string[], table: OptionTable, entry: CommandEntry): ParsedWords {
  const flags = new Map(Object.entries(table).map(([name, spec]) => [formatFlag(name), spec]));
  const args = spellOut(words, flags);
  const { tokens } = parseArgs({
    args,
    options: Object.fromEntries(
      [...flags].map(([flag, { kind, alias }]) => [
        flag,
        {
          type: kind === 'switch' ? 'boolean' : 'string',
          ...(alias === undefined ? {} : { short: alias }),
        } as const,
      ]),
    ),
    // We report errors ourselves, with the nearest option name.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, (string | null)[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value = null, inlineValue = false, index } = token;
    const word = args[index] ?? rawName;
    if (!flags.has(name)) throw createUnknownError(rawName, word, [...flags.keys()], entry);
    checkShortWord(word, [...flags.keys()], entry);
    if (Object.hasOwn(COMMON_OPTIONS, name)) {
      throw createUsageError('BAD_OPTION', `${word} is not a valid option`, `Use --${name} without a value.`);
    }
    if (value !== null && !inlineValue && /^-./.test(value) && !NUMBER.test(value)) {
      throw createMissingError(`--${name}`, flags.get(name)?.value, `${value} is an option`);
    }
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return { given, operands };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/;

/** Rewrites `-x=value` as `--long=value`, which the parser can split. */
function spellOut(words: readonly string[], flags: ReadonlyMap<string, OptionSpec>): string[] {
  const end = words.indexOf('--');
  return words.map((word, index) => {
    const [, letter, value] = /^-([A-Za-z])=([\s\S]*)$/.exec(word) ?? [];
    const flag = [...flags].find(([, { alias }]) => alias !== undefined && alias === letter)?.[0];
    return flag === undefined || (end >= 0 && index > end) ? word : `--${flag}=${value}`;
  });
}

/** Rejects a long name with one dash: `-quiet` would be parsed as the query “uiet”. */
function checkShortWord(word: string, flags: readonly string[], entry: CommandEntry): void {
  if (!/^-[^-]./.test(word)) return;
  const [name = ''] = word.slice(1).split('=');
  if (suggestSimilar(name, flags).length > 0) throw createUnknownError(word, word, flags, entry);
}

function createUnknownError(
  rawName: string,
  word: string,
  flags: readonly string[],
  entry: CommandEntry,
): RowfillError {
  const typed = /^-[^-]./.test(word) ? (word.split('=')[0] ?? word) : rawName;
  const near = suggestSimilar(typed.replace(/^-+/, ''), flags).map((flag) => `--${flag}`);
  return createUsageError(
    'UNKNOWN_OPTION',
    `${entry.name} has no option ${typed}`,
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : `Run rowfill ${entry.name} --help for its options.`,
  );
}

function createMissingError(flag: string, value: string | undefined, why?: string): RowfillError {
  return createUsageError(
    'MISSING_VALUE',
    `${flag} has no value${why === undefined ? '' : `: ${why}`}`,
    `For example: ${flag}=${value ?? 'VALUE'}`,
  );
}

function parseOption(raw: readonly (string | null)[], name: string, spec: OptionSpec): unknown {
  const flag = `--${formatFlag(name)}`;
  if (spec.kind === 'switch') return parseSwitch(raw, flag);
  const texts = raw.filter((text) => text !== null && text !== '').map(String);
  if (texts.length < raw.length) throw createMissingError(flag, spec.value);
  if (spec.kind === 'texts') return texts;
  if (spec.kind === 'list') {
    const blank = texts.find(hasBlankPart);
    if (blank === undefined) return texts.flatMap(splitList);
    const example = `For example: ${flag}=${spec.value ?? 'VALUE'}. Is a variable of your script empty?`;
    const fault = splitList(blank).length === 0 ? 'an empty list' : 'a list with a blank part';
    throw createUsageError('EMPTY_LIST', `${flag} is “${blank}”, ${fault}`, example);
  }
  const [text = '', ...more] = texts;
  if (more.length > 0) {
    throw createUsageError('OPTION_TWICE', `${flag} is given ${texts.length} times`, 'Give it once.');
  }
  if (spec.kind === 'text') return text;
  return spec.kind === 'dollars' ? parseDollarOption(text, flag) : parseNumber(text, flag, spec.kind);
}

const ON = ['true', 'yes', 'on', '1'];
const OFF = ['false', 'no', 'off', '0'];

/** Parses a switch: true if given without a value. An unknown value is an error, so that it is never silently off. */
function parseSwitch(raw: readonly (string | null)[], flag: string): boolean {
  const [first = true, ...more] = raw.map((text) => {
    const word = text?.toLowerCase();
    if (word === undefined || ON.includes(word)) return true;
    if (OFF.includes(word)) return false;
    throw createUsageError(
      'BAD_OPTION',
      `${flag} is “${text}”`,
      `Write ${flag} to switch it on, or ${flag}=yes or ${flag}=no.`,
    );
  });
  if (more.every((value) => value === first)) return first;
  throw createUsageError('OPTION_TWICE', `${flag} is given with both yes and no`, 'Give it once.');
}

function parseNumber(text: string, flag: string, kind: 'number' | 'integer'): number {
  const number = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) || (kind === 'number' && Number.isFinite(number))) return number;
  throw createUsageError(
    'BAD_NUMBER',
    `${flag} is “${text}”, which is not a ${kind === 'integer' ? 'whole number' : 'number'}`,
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
    const message = `${entry.name} got an unexpected argument “${surplus}”`;
    throw createUsageError('SURPLUS_OPERAND', message, usage);
  }
  return operands;
}
