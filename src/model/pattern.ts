import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';
import type { RE2JS } from 're2js';

/** A compiled regular expression of a schema. */
interface Pattern {
  /** True if the pattern matches, as in JavaScript. Throws a DeadlineError if no engine can tell in time. */
  test(text: string): boolean;
  /** Unique per pattern, because ajv caches by it. */
  toString(): string;
}

/**
 * Compiles a schema's pattern. JavaScript's engine takes exponential time on some patterns, so it is used
 * directly only if its number of steps is bounded. Other tests run on an engine that is linear in the text.
 * Lookarounds and back-references, which that engine lacks, run with a deadline of `readTimeoutMs()`.
 */
export function createPattern(source: string, readTimeoutMs: () => number): Pattern {
  const { native, isUnicode } = compileNative(source);
  const tree = parsePattern(source, isUnicode);
  const linear = createLinearTest(source, isUnicode);
  return {
    test(text) {
      if (countSteps(tree, text.length) <= MAX_STEPS) return native.test(text);
      return linear(text) ?? runWithDeadline(() => native.test(text), readTimeoutMs());
    },
    toString: () => String(native),
  };
}

/** JavaScript's engine needs a few milliseconds for this many steps. */
const MAX_STEPS = 1_000_000;

/** Compiles a pattern as Unicode, as the standard requires, or without if it is only valid that way. */
function compileNative(source: string): { readonly native: RegExp; readonly isUnicode: boolean } {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, 'u');
  } catch {
    pattern = new RegExp(source);
  }
  // Some patterns turn out to be too large only when they first run.
  runWithDeadline(() => pattern.test(''), COMPILE_TIMEOUT_MS);
  return { native: pattern, isUnicode: pattern.unicode };
}

const COMPILE_TIMEOUT_MS = 1_000;

type Node =
  /** One character or class, as its source, or `^`, `$`, `\b`, `\B`. */
  | { readonly kind: 'atom' | 'assertion'; readonly source: string }
  /** `isPlain` is false for lookarounds. */
  | { readonly kind: 'group'; readonly isPlain: boolean; readonly branches: readonly (readonly Node[])[] }
  | { readonly kind: 'back-reference' }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

type Group = Extract<Node, { readonly kind: 'group' }>;

/** Parses a valid pattern. Without the `u` flag the result is only good enough to count steps. */
function parsePattern(source: string, isUnicode: boolean): Group {
  let at = 0;

  const parseGroup = (isPlain: boolean): Group => {
    const branches: Node[][] = [[]];
    while (at < source.length && source[at] !== ')') {
      if (source[at] === '|') {
        branches.push([]);
        at += 1;
      } else branches.at(-1)?.push(parseRepeat(parseNode()));
    }
    at += 1;
    return { kind: 'group', isPlain, branches };
  };

  const parseNode = (): Node => {
    const start = at;
    const first = source[at];
    if (first === '(') {
      const [opening = '('] =
        /^\((?:\?(?:<?[=!]|[a-z-]*:|<[^>]*>))?/.exec(source.slice(at, at + MAX_NAME)) ?? [];
      at += opening.length;
      return parseGroup(/^\((?:\?:|\?<.*>)?$/.test(opening));
    }
    if (first === '^' || first === '$') {
      at += 1;
      return { kind: 'assertion', source: first };
    }
    if (first === '[') at = findClassEnd(source, at);
    else if (first === '\\') {
      const letter = source[at + 1] ?? '';
      const [reference] = /^\\(?:[1-9]\d*|k<[^>]*>)/.exec(source.slice(at, at + MAX_NAME)) ?? [];
      if (reference !== undefined) {
        at += reference.length;
        return { kind: 'back-reference' };
      }
      if (/[bB]/.test(letter)) {
        at += 2;
        return { kind: 'assertion', source: `\\${letter}` };
      }
      at += (isUnicode ? ESCAPE : OLD_ESCAPE).exec(source.slice(at, at + MAX_NAME))?.[0].length ?? 2;
    } else at += (source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    return { kind: 'atom', source: source.slice(start, at) };
  };

  const parseRepeat = (node: Node): Node => {
    const [text, sign, low, comma, high] =
      /^(?:([*+?])|\{(\d+)(,)?(\d+)?\})\??/.exec(source.slice(at, at + MAX_NAME)) ?? [];
    if (text === undefined) return node;
    at += text.length;
    if (sign !== undefined)
      return {
        kind: 'repeat',
        node,
        min: sign === '+' ? 1 : 0,
        max: sign === '?' ? 1 : Number.POSITIVE_INFINITY,
      };
    const min = Number(low);
    const max = comma === undefined ? min : high === undefined ? Number.POSITIVE_INFINITY : Number(high);
    return { kind: 'repeat', node, min, max };
  };

  return parseGroup(true);
}

/** Longer than any escape, group name or repeat count. */
const MAX_NAME = 1_000;

const ESCAPE =
  /^\\(?:c[a-zA-Z]|x[0-9a-fA-F]{2}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[pPu]\{[^}]*\})/;
const OLD_ESCAPE = /^\\(?:c[a-zA-Z]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/;

function findClassEnd(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Upper bound for the steps that a backtracking engine takes on a text of `length` characters. */
function countSteps(tree: Group, length: number): number {
  const isAnchored = tree.branches.every(([first]) => first?.kind === 'assertion' && first.source === '^');
  return countWays(tree, length) * (countCost(tree) + length) * (isAnchored ? 1 : length + 1);
}

/** Number of ways a node can match from one position. */
function countWays(node: Node, length: number): number {
  switch (node.kind) {
    case 'atom':
    case 'assertion':
    case 'back-reference':
      return 1;
    case 'group':
      return node.branches
        .map((branch) => branch.reduce((ways, part) => ways * countWays(part, length), 1))
        .reduce((sum, ways) => sum + ways, 0);
    case 'repeat': {
      const max = Math.min(node.max, Math.max(length, node.min));
      const ways = countWays(node.node, length);
      return ways === 1 ? max - node.min + 1 : (max - node.min + 1) * ways ** max;
    }
  }
}

function countCost(node: Node): number {
  if (node.kind === 'repeat') return countCost(node.node) * Math.max(1, node.min);
  if (node.kind !== 'group') return 1;
  return node.branches.flat().reduce((sum, part) => sum + countCost(part), 1);
}

/**
 * Creates a test with the linear engine. It returns null for a pattern or text that the engine cannot handle.
 */
export function createLinearTest(source: string, isUnicode: boolean): (text: string) => boolean | null {
  let engine: RE2JS | null | undefined;
  return (text) => {
    // Without the `u` flag, each half of a surrogate pair is its own character.
    if (engine === null || (!isUnicode && /[\ud800-\udfff]/.test(text))) return null;
    const current = engine ?? compileLinear(source, isUnicode);
    // A deadline around this call may interrupt the engine and corrupt its tables, so it is then compiled
    // again.
    engine = undefined;
    const isMatch = current?.test(text) ?? null;
    engine = current;
    return isMatch;
  };
}

function compileLinear(source: string, isUnicode: boolean): RE2JS | null {
  // Legacy escapes that the parser does not support.
  if (!isUnicode && /\\[0ck]/.test(source)) return null;
  try {
    const translated = translate(parsePattern(source, isUnicode), isUnicode ? 'u' : '');
    return translated === null ? null : loadEngine().compile(translated);
  } catch {
    // For example, the engine does not support repeat counts over 1,000.
    return null;
  }
}

const require = createRequire(import.meta.url);

/** Loaded when a pattern first needs it, which is rare. */
function loadEngine(): typeof RE2JS {
  return require('re2js').RE2JS;
}

/**
 * Translates a pattern for the linear engine. Writes every class out, because the engines differ in what `\s`
 * or `.` means.
 */
function translate(node: Node, flags: '' | 'u'): string | null {
  switch (node.kind) {
    case 'assertion':
      // JavaScript also matches `\B` inside a surrogate pair.
      return node.source === '\\B' ? null : node.source;
    case 'atom':
      return translateAtom(node.source, flags);
    case 'back-reference':
      return null;
    case 'repeat': {
      const inner = translate(node.node, flags);
      const max = node.max === Number.POSITIVE_INFINITY ? '' : node.max;
      return inner === null ? null : `(?:${inner}){${node.min},${max}}`;
    }
    case 'group': {
      const branches = node.branches.map((branch) => branch.map((part) => translate(part, flags)));
      if (!node.isPlain || branches.some((branch) => branch.includes(null))) return null;
      return `(?:${branches.map((branch) => branch.join('')).join('|')})`;
    }
  }
}

function translateAtom(source: string, flags: '' | 'u'): string | null {
  const key = `${flags}/${source}`;
  const known = ATOMS.get(key);
  if (known !== undefined) return known;
  const written = writeClass(source, flags);
  if (ATOMS.size >= MAX_ATOMS) ATOMS.clear();
  ATOMS.set(key, written);
  return written;
}

const ATOMS = new Map<string, string | null>();
const MAX_ATOMS = 1_000;

/** Writes an atom as ranges of the characters that JavaScript's engine matches with it. */
function writeClass(source: string, flags: '' | 'u'): string | null {
  // The linear engine cannot express a lone surrogate.
  if (/[\ud800-\udfff]/.test(source.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''))) return null;
  if (/\\u[dD][89a-fA-F]/.test(source) || /\\u\{0*[dD][89a-fA-F][0-9a-fA-F]{2}\}/.test(source)) return null;
  const ranges = new RegExp(source, flags).test('\ud800') ? ['\\x{D800}-\\x{DFFF}'] : [];
  for (const part of flags === 'u' ? listCharacters() : listCharacters().slice(0, 2)) {
    for (const [run] of part.matchAll(new RegExp(`(?:${source})+`, `g${flags}`))) {
      const first = run.codePointAt(0) ?? 0;
      const last = run.codePointAt(run.length - (first > 0xffff ? 2 : 1)) ?? first;
      ranges.push(`\\x{${first.toString(16)}}-\\x{${last.toString(16)}}`);
    }
  }
  return ranges.length === 0 ? '[^\\x{0}-\\x{10FFFF}]' : `[${ranges.join('')}]`;
}

/** All code points in order, without surrogates. All characters of one part have the same length. */
function listCharacters(): readonly string[] {
  if (characters.length === 0)
    characters = [writeRange(0, 0xd7ff), writeRange(0xe000, 0xffff), writeRange(0x10000, 0x10ffff)];
  return characters;
}

let characters: readonly string[] = [];

function writeRange(first: number, last: number): string {
  const parts: string[] = [];
  for (let start = first; start <= last; start += 0x800)
    parts.push(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, index) => start + index)));
  return parts.join('');
}

/** Thrown when synchronous work exceeds its time limit. */
export class DeadlineError extends Error {
  override readonly name: string = 'DeadlineError';

  constructor(timeoutMs: number) {
    super(`it takes longer than ${timeoutMs} ms`);
  }
}

/**
 * Runs synchronous work. Throws a DeadlineError if it takes longer than `timeoutMs`. Interrupts loops and
 * regular expressions alike, so objects that the work was changing may be inconsistent. Costs about 0.1 ms.
 */
export function runWithDeadline<T>(task: () => T, timeoutMs: number): T {
  // A shared value would be overwritten by nested calls, so each call has its own variable for it.
  const sandbox: { task: () => void } = { task: () => {} };
  const context = contexts.pop() ?? createContext(sandbox);
  let result: { readonly value: T } | null = null;
  context.task = () => {
    result = { value: task() };
  };
  try {
    CALL.runInContext(context, { timeout: timeoutMs });
  } catch (error) {
    if (isTimeout(error)) throw new DeadlineError(timeoutMs);
    throw error;
  } finally {
    context.task = null;
    contexts.push(context);
  }
  if (result === null) throw new DeadlineError(timeoutMs);
  return (result as { readonly value: T }).value;
}

const CALL = new Script('task()');

/** Free contexts, for reuse: creating one takes longer than a call. Nested calls need one each. */
const contexts: ReturnType<typeof createContext>[] = [];

/** The error comes from another context, so `instanceof Error` does not work. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
