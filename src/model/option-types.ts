import { createUsageError, type RowfillError } from '../errors.js';
import { suggestSimilar } from './format.js';

/** JavaScript types that an option can have. */
type OptionType =
  | 'text'
  | 'secret'
  | 'secret or function'
  | 'flag'
  | 'number'
  | 'texts'
  | 'numbers'
  | 'object'
  | 'function'
  | 'signal'
  | 'object or null'
  | 'text or null'
  | 'text or texts';

/** The type of every option. Options that are not in the table are unknown. */
export type OptionTypes<T extends object> = Readonly<Record<keyof T, OptionType>>;

const NAMES: Readonly<Record<OptionType, string>> = {
  text: 'a string',
  secret: 'a string',
  'secret or function': 'a string or a function that returns one',
  flag: 'true or false',
  number: 'a number',
  texts: 'a list of strings',
  numbers: 'an object of numbers',
  object: 'an object',
  function: 'a function',
  signal: 'an AbortSignal',
  'object or null': 'an object or null',
  'text or null': 'a string or null',
  'text or texts': 'a string or a list of strings',
};

/**
 * Checks options from untyped JavaScript. Throws a usage error for an unknown option, a wrong type or a
 * missing option, naming `owner`, the option and its value. Undefined means not given.
 */
export function checkOptionTypes<T extends object>(
  owner: string,
  options: T,
  types: OptionTypes<T>,
  required: readonly (keyof T & string)[] = [],
): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw createUsageError(
      'BAD_OPTION',
      `the options of ${owner} must be an object, not ${describe(given)}`,
      `Call ${owner} with an object that has its options by name.`,
    );
  }
  const names = Object.keys(types);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(types, name)) throw createUnknownError(owner, name, names);
  }
  for (const [name, type] of Object.entries<OptionType>(types)) {
    const value: unknown = Reflect.get(given, name);
    if (value !== undefined) checkType(owner, name, value, type);
  }
  const missing = required.find((name) => Reflect.get(given, name) === undefined);
  if (missing === undefined) return;
  throw createUsageError(
    'MISSING_OPTION',
    `${owner} needs ${missing}`,
    `Set ${missing} to ${NAMES[types[missing]]}.`,
  );
}

function createUnknownError(owner: string, name: string, names: readonly string[]): RowfillError {
  const near = suggestSimilar(name, names);
  return createUsageError(
    'UNKNOWN_OPTION',
    `${owner} has no option ${name}`,
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Its options are ${names.join(', ')}.`,
  );
}

function checkType(owner: string, name: string, value: unknown, type: OptionType): void {
  if (type === 'texts' && Array.isArray(value)) {
    for (const [index, each] of value.entries()) checkType(owner, `${name}[${index}]`, each, 'text');
  } else if (type === 'numbers' && isPlain(value)) {
    for (const [key, each] of Object.entries(value)) {
      if (each !== undefined) checkType(owner, `${name}.${key}`, each, 'number');
    }
  } else if (!fits(value, type)) {
    // Never show a key, not even one of the wrong type.
    const shown = type.startsWith('secret') ? `of type ${typeof value}` : describe(value);
    throw createUsageError(
      'BAD_OPTION',
      `${name} is ${shown}, but must be ${NAMES[type]}`,
      `Set ${name} of ${owner} to ${NAMES[type]}.`,
    );
  }
}

function fits(value: unknown, type: OptionType): boolean {
  switch (type) {
    case 'text':
    case 'secret':
      return typeof value === 'string';
    case 'secret or function':
      return typeof value === 'string' || typeof value === 'function';
    case 'flag':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number';
    case 'texts':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    case 'numbers':
    case 'object':
      return isPlain(value);
    case 'function':
      return typeof value === 'function';
    case 'signal':
      return value instanceof AbortSignal;
    case 'object or null':
      return value === null || isPlain(value);
    case 'text or null':
      return value === null || typeof value === 'string';
    case 'text or texts':
      return typeof value === 'string' || fits(value, 'texts');
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_SHOWN = 80;

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return 'a function';
    case 'bigint':
      return `${value}n`;
    default:
      return String(value);
  }
}

/**
 * API key of an agent, or a function that returns it. The function is called at the start, and again when the
 * agent rejects the key (401).
 */
export type ApiKey = string | (() => string);

/**
 * Options as a caller gives them, where one that does not exist is a type error. TypeScript itself looks for those only in
 * an object that is written in the call, and not even there if its type is generic.
 */
export type Known<Given, Options> = Given & {
  readonly [Name in Exclude<keyof Given, keyof Options>]: NoSuchOption<Name>;
};

interface NoSuchOption<Name> {
  readonly noSuchOption: Name;
}
