/** Options whose names differ from their flags. */
const NAMES: Readonly<Record<string, string>> = {
  field: 'fields',
  'no-header': 'header: false',
  'run-timeout': 'runTimeoutMs',
  'list-lag': 'listLagMs',
};

/** A flag, with the placeholder of its value, such as `--max-cost USD`. */
const FLAG = /--([a-z]+(?:-[a-z]+)*)(?:[ =][A-Z]{3,}(?:=[A-Z]+)?\b)?/g;

const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\bEXA_API_KEY(?:,? or (?:the file that )?EXA_API_KEY_FILE(?: names)?)?/g, 'apiKey'],
  [/\bRun the same command again\b/g, 'Call it again'],
  [/\brun the same command again\b/g, 'call it again'],
  [/\bRun (?:the command|it|rowfill) again\b/g, 'Call it again'],
  [/\brun (?:the command|it|rowfill) again\b/g, 'call it again'],
  [/\bthe same command\b/g, 'the same call'],
];

/** Rewrites a message of the command line for programs: options instead of flags, calls instead of commands. */
export function toLibraryWords(text: string): string {
  const named = text.replace(FLAG, (_flag, name: string) => NAMES[name] ?? toCamelCase(name));
  return PHRASES.reduce((words, [pattern, phrase]) => words.replace(pattern, phrase), named);
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
