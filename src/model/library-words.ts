import { RowfillError } from '../errors.js';

/** Options whose names differ from their flags. */
const NAMES: Readonly<Record<string, string>> = {
  field: 'fields',
  'no-header': 'header: false',
  'run-timeout': 'runTimeoutMs',
  'list-lag': 'listLagMs',
};

/** A flag, with the placeholder of its value, such as `--max-cost USD`; or a command that has no function here. */
const FLAG =
  /`?\browfill (?:doctor|forget|init|ledger|prune|serve|status|view)\b[^.,;]*|--([a-z]+(?:-[a-z]+)*)(?:[ =][A-Z]{3,}(?:=[A-Z]+)?\b)?/g;

/** Commands with a function of another name. */
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/`?\browfill cancel`?/g, 'cancelJob'],
  [/`?\browfill export j_\w+`?/g, 'exportJob with'],
  [/`?\browfill verify j_\w+`?/g, 'verifyJob'],
];

const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bEXA_API_KEY(?:,? or (?:the file that )?EXA_API_KEY_FILE(?: names)?)?/g, 'apiKey'],
  [/\bapiKey_FILE\b/g, 'apiKey'],
  [/\bROWFILL_HOME to a persistent folder/g, 'ledger to a path in a persistent folder'],
  [/\bROWFILL_MAX_COST_PER_DAY\b/g, 'ledgerMaxCostPerDay'],
  [/\bRun (?:the same command|this command|the command|it|rowfill) again\b/g, 'Call it again'],
  [/\brun (?:the same command|this command|the command|it|rowfill) again\b/g, 'call it again'],
  [
    /\bAdd wait to wait until it ends, or stop it with Ctrl-C\./g,
    'Leave out wait: false to wait until it ends.',
  ],
  [/\bCtrl-C skips\b/g, 'An abort skips'],
  [/\bthe same command\b/g, 'the same call'],
  [/\bthis command\b/g, 'this call'],
  [/\bon the command line\b/g, 'in the options'],
];

/** Rewrites a message of the command line for programs: options instead of flags, calls instead of commands. */
export function toLibraryWords(text: string): string {
  const called = COMMANDS.reduce((words, [pattern, name]) => words.replace(pattern, name), text);
  const named = called.replace(FLAG, (whole, name?: string) =>
    name === undefined ? whole : (NAMES[name] ?? toCamelCase(name)),
  );
  return PHRASES.reduce((words, [pattern, phrase]) => words.replace(pattern, phrase), named);
}

/** Rewrites the message and the hint of an error. Other values stay as they are. */
export function translateError(error: unknown, translate = toLibraryWords): unknown {
  if (!(error instanceof RowfillError)) return error;
  const { message, hint } = error;
  // The same object, so that its class, code and facts stay.
  return Object.assign(error, {
    message: translate(message),
    ...(hint === undefined ? {} : { hint: translate(hint) }),
  });
}

function toCamelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}

const TEXTS: ReadonlySet<string> = new Set(['message', 'hint', 'fix', 'changes']);
const MAX_DEPTH = 4;

/** Rewrites the messages and hints inside a plain value, such as an event. Everything else stays as it is. */
export function translateMessages<T>(value: T, depth = MAX_DEPTH): T {
  if (typeof value !== 'object' || value === null || depth === 0) return value;
  if (Array.isArray(value)) return value.map((each) => translateMessages(each, depth - 1)) as T;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    if (typeof inner === 'string') return [key, TEXTS.has(key) ? toLibraryWords(inner) : inner];
    return [key, translateMessages(inner, depth - 1)];
  });
  return Object.fromEntries(entries) as T;
}
