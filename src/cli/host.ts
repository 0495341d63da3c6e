import type { Readable, Writable } from 'node:stream';
import stringWidth from 'string-width';
import { createMask } from '../model/foreign-text.js';
import { readKeyFile } from './api-key.js';

type Terminal<S> = S & { readonly isTTY?: boolean; readonly columns?: number };
export type Environment = Readonly<Record<string, string | undefined>>;
export type Style = 'red' | 'yellow' | 'green' | 'bold' | 'dim';

/** A piece of a line; a style is only shown on a terminal that wants colour. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** What `main.ts` hands in from the process. */
export interface HostParts {
  readonly version: string;
  readonly env: Environment;
  readonly stdin: Terminal<Readable>;
  readonly stdout: Terminal<Writable>;
  readonly stderr: Terminal<Writable>;
  now(): number;
  /** Standard output goes into a pipe that nobody reads any more. */
  isOutputClosed(): boolean;
  /** Why standard output cannot be written, such as a full disk; null if it can, or if its reader left. */
  readOutputError(): Error | null;
  /** Ends the process at once. */
  exit(code: number): never;
  /** Calls back at every Ctrl-C and SIGTERM, and at the first hang-up; the returned function stops that. */
  onInterrupt(listener: () => void): () => void;
}

/** The process as the commands see it: words to standard error, data to standard output. */
export interface Host extends HostParts {
  /** Stack traces are shown. */
  readonly debug: boolean;
  /** A person can be asked: both ends of the talk are a terminal. */
  readonly canAsk: boolean;
  /** Writes one line of words, cleaned, to standard error. */
  say(...spans: readonly (string | Span)[]): void;
  /** Writes one line, cleaned, to standard output: what a person asked to see. */
  tell(text: string): void;
  /** Writes text to standard output as it is. */
  print(text: string): void;
  /** Takes keys out of a text. */
  hide(text: string): string;
  /** Has `restore` called if the process is left in a hurry; the returned function takes it back. */
  guard(restore: () => void): () => void;
  /** Calls every guard, for those who leave in a hurry. */
  restore(): void;
}

const CODES: Readonly<Record<Style, number>> = { red: 31, yellow: 33, green: 32, bold: 1, dim: 2 };

/** Makes the host out of what the process gives. */
export function createHost(parts: HostParts, debug: boolean): Host {
  const guards = new Set<() => void>();
  const hasColour = parts.stderr.isTTY === true && !parts.env.NO_COLOR && parts.env.TERM !== 'dumb';
  const hide = createKeyFilter(parts.env);

  function show(span: string | Span): string {
    const { text, style } = typeof span === 'string' ? { text: span, style: undefined } : span;
    const clean = hide(cleanText(text));
    return style !== undefined && hasColour ? `\u001b[${CODES[style]}m${clean}\u001b[0m` : clean;
  }

  function print(text: string): void {
    try {
      parts.stdout.write(text);
    } catch (error) {
      // A write to a file fails here, and one to a pipe by an event: both are noted in one place.
      parts.stdout.emit('error', error);
    }
  }

  return {
    ...parts,
    debug,
    canAsk: parts.stdin.isTTY === true && parts.stderr.isTTY === true,
    say(...spans) {
      try {
        parts.stderr.write(`${spans.map(show).join('')}\n`);
      } catch {
        // Nobody can be told anything any more: no reason to stop a paid job.
      }
    },
    tell: (text) => print(`${hide(cleanText(text))}\n`),
    hide,
    print,
    guard(restore) {
      guards.add(restore);
      return () => void guards.delete(restore);
    },
    restore() {
      for (const restore of guards) restore();
      guards.clear();
    },
  };
}

/** The environment variables whose values are never shown, whatever text they turn up in. */
const SECRETS = ['EXA_API_KEY', 'ROWFILL_SERVE_KEY'];

/** Hides the keys of the environment and of the key file, which may hold another one later. */
function createKeyFilter(env: Environment): (text: string) => string {
  const keys = new Set<string>();
  let mask = createMask([]);
  const add = (key: string | undefined): void => {
    const trimmed = key?.trim() ?? '';
    // Anything shorter is not a key, and may be part of ordinary text.
    if (trimmed.length < 8 || keys.has(trimmed)) return;
    keys.add(trimmed);
    mask = createMask([...keys]);
  };
  for (const name of SECRETS) add(env[name]);
  const file = env.EXA_API_KEY_FILE;
  return (text) => {
    if (file !== undefined && file !== '') add(tryKeyFile(file));
    return mask(text);
  };
}

function tryKeyFile(path: string): string | undefined {
  try {
    return readKeyFile(path);
  } catch {
    // Whoever needs the key says what is wrong with the file.
    return undefined;
  }
}

/** Makes text safe to show: what came out of a file, an agent or an error must not steer the terminal. */
export function cleanText(text: string): string {
  return text.replace(SEQUENCE, '').replace(UNSAFE, '\ufffd');
}

// By ECMA-48: strings such as window titles and clipboard writes, up to their terminator or the end of the line;
// control sequences such as colours and cursor moves; and the short escapes.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it looks for
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;

// What is left of control characters but tab and line feed, and the marks that turn the direction of text around.
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;

/** A text in at most so many columns of a terminal, where a wide character takes two; what is cut off shows as `…`. */
export function clipText(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let clipped = '';
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    clipped += segment;
  }
  return `${clipped}…`;
}
