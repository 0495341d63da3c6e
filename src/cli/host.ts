import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../model/environment.js';
import { isLedgerUrl, parseLedgerUrl } from '../model/ledger-url.js';
import { createMask } from '../model/untrusted-text.js';
import { readKeyFile } from './api-key.js';
import { wrapText } from './wrap-text.js';

type Terminal<S> = S & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
type Style = 'red' | 'yellow' | 'green' | 'bold' | 'dim';

/** A piece of a line. Its style is only shown on a terminal with color. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** What `main.ts` passes in from the process. */
export interface HostParts {
  readonly version: string;
  readonly env: Environment;
  readonly stdin: Terminal<Readable>;
  readonly stdout: Terminal<Writable>;
  readonly stderr: Terminal<Writable>;
  now(): number;
  /** True if standard output is a pipe whose reader has closed it. */
  isOutputClosed(): boolean;
  /** The error that made standard output unwritable, such as a full disk; null if none, or if its reader closed it. */
  readOutputError(): Error | null;
  /** Ends the process immediately. */
  exit(code: number): never;
  /** Calls `listener` on every Ctrl-C and SIGTERM and on the first hang-up. Returns a function that removes it. */
  onInterrupt(listener: () => void): () => void;
}

/** The process as commands see it: messages go to standard error, data to standard output. */
export interface Host extends HostParts {
  /** Show stack traces. */
  readonly debug: boolean;
  /** Questions can be asked: standard input and standard error are terminals. */
  readonly canAsk: boolean;
  /**
   * Writes one line to standard error, with keys and control characters removed. On a terminal it is wrapped between
   * words.
   */
  say(...spans: readonly (string | Span)[]): void;
  /** Like `say`, to standard output. */
  tell(...spans: readonly (string | Span)[]): void;
  /** Writes text to standard output unchanged. */
  print(text: string): void;
  /** Replaces keys in a text. */
  hide(text: string): string;
  /** Registers `restore` to run if the process exits early. Returns a function that removes it. */
  guard(restore: () => void): () => void;
  /** Runs every registered `restore`, before an early exit. */
  restore(): void;
}

const CODES: Readonly<Record<Style, number>> = { red: 31, yellow: 33, green: 32, bold: 1, dim: 2 };

/** Creates the host from the parts of the process. */
export function createHost(parts: HostParts, debug: boolean): Host {
  const guards = new Set<() => void>();
  const mayColor = !parts.env.NO_COLOR && parts.env.TERM !== 'dumb';
  const hide = createKeyFilter(parts.env);

  /** Formats a line for a stream: in color and wrapped if it is a terminal. */
  function formatLine(spans: readonly (string | Span)[], stream: Terminal<Writable>): string {
    const isTerminal = stream.isTTY === true;
    const shown = spans.map((span) => {
      const { text, style } = typeof span === 'string' ? { text: span, style: undefined } : span;
      const clean = hide(cleanText(text));
      return style !== undefined && isTerminal && mayColor
        ? `\u001b[${CODES[style]}m${clean}\u001b[0m`
        : clean;
    });
    const line = shown.join('');
    const columns = readColumns(stream);
    return columns === null ? line : wrapText(line, columns);
  }

  function print(text: string): void {
    try {
      parts.stdout.write(text);
    } catch (error) {
      // A write to a file throws here, a write to a pipe emits an event. Handle both in one place.
      parts.stdout.emit('error', error);
    }
  }

  return {
    ...parts,
    debug,
    canAsk: parts.stdin.isTTY === true && parts.stderr.isTTY === true,
    say(...spans) {
      try {
        parts.stderr.write(`${formatLine(spans, parts.stderr)}\n`);
      } catch {
        // Standard error is gone, but a paid job must continue.
      }
    },
    tell: (...spans) => print(`${formatLine(spans, parts.stdout)}\n`),
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

/** A terminal without a known size says 0. */
const MIN_COLUMNS = 20;

/** The width of a terminal; null for anything else, or if it is not known. */
export function readColumns({ isTTY, columns = 0 }: Terminal<unknown>): number | null {
  return isTTY === true && columns >= MIN_COLUMNS ? columns : null;
}

/** Lines that a table and a summary need; fewer are not worth fitting. */
const MIN_LINES = 10;
/** Columns of a table that is not for a terminal. */
const DEFAULT_WIDTH = 100;

/** The size of a terminal; `height` is null for anything else, or if it is not known. */
export function readScreen(stream: Terminal<unknown>): {
  readonly width: number;
  readonly height: number | null;
} {
  const { isTTY, rows = 0 } = stream;
  return {
    width: readColumns(stream) ?? DEFAULT_WIDTH,
    height: isTTY === true && rows >= MIN_LINES ? rows : null,
  };
}

/** Environment variables whose values are masked in all text. */
const SECRETS = ['EXA_API_KEY', 'ROWFILL_SERVE_KEY', 'ROWFILL_VIEW_KEY'];

/** Masks the keys of the environment and of the key file, which is reread because its key may change. */
function createKeyFilter(env: Environment): (text: string) => string {
  const keys = new Set<string>();
  let mask = createMask([]);
  const add = (key: string | undefined): void => {
    const trimmed = key?.trim() ?? '';
    // Ignore secrets shorter than 8 characters, to avoid masking ordinary text.
    if (trimmed.length < 8 || keys.has(trimmed)) return;
    keys.add(trimmed);
    mask = createMask([...keys]);
  };
  for (const name of SECRETS) add(env[name]);
  for (const password of listLedgerPasswords(env)) add(password);
  const file = env.EXA_API_KEY_FILE;
  return (text) => {
    if (file !== undefined && file !== '') add(tryKeyFile(file));
    return mask(text);
  };
}

/** The passwords of a ledger on a server, except words that every message about it needs. */
function listLedgerPasswords({ ROWFILL_LEDGER: own = '', PGPASSWORD: other = '' }: Environment): string[] {
  try {
    const parsed = isLedgerUrl(own.trim()) ? parseLedgerUrl(own.trim()) : null;
    const label = parsed?.label ?? '';
    return [...(parsed?.passwords ?? []), other].filter((password) => !label.includes(password));
  } catch {
    // A malformed URL is reported where it is used, without quoting it.
    return [other];
  }
}

function tryKeyFile(path: string): string | undefined {
  try {
    return readKeyFile(path);
  } catch {
    // The error is reported where the key is used.
    return undefined;
  }
}

/** Removes control sequences, so that text from files, agents or errors cannot control the terminal. */
export function cleanText(text: string): string {
  return text.replace(SEQUENCE, '').replace(UNSAFE, '\ufffd');
}

// By ECMA-48: strings such as window titles and clipboard writes, up to their terminator or the end of the line;
// control sequences such as colors and cursor moves; and short escapes.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control sequences
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;

// Other control characters except tab and line feed, and the marks that change text direction.
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;
