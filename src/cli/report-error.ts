import { createUsageError, describeError, type ErrorKind, RowfillError } from '../errors.js';
import type { JobSummary } from '../model/events.js';
import type { WatchSummary } from '../watch.js';
import type { Host } from './host.js';

/** Error codes of a declined question. */
const DECLINED: ReadonlySet<string> = new Set(['COST_DECLINED', 'DECLINED']);

/** Prints why a command stopped and returns its exit code. A closed output pipe is not an error. */
export function reportError(error: unknown, host: Host): number {
  if (isClosedOutput(error, host)) return EXIT_CODES.done;
  host.restore();
  const known = findLimit(error) ?? error;
  const code = known instanceof RowfillError ? reportKnown(known, host) : reportDefect(error, host);
  if (host.debug) reportStack(error, host);
  return code;
}

/** Like `reportError`; with `--json` also prints the error on standard output, for scripts. */
export function reportFailure(error: unknown, words: readonly string[], host: Host): number {
  const code = reportError(error, host);
  const isPrinted = error instanceof Error && inJson.has(error);
  if (code !== EXIT_CODES.done && !isPrinted && wantsJson(words))
    printErrorRecord(createErrorRecord(error), host);
  return code;
}

/** Errors that the JSON on standard output already has. */
const inJson = new WeakSet<Error>();

/** Ends a JSON object that is being printed with the error; `start` closes what is open in it. */
export function endJsonWithError(start: string, error: unknown, host: Host): void {
  host.print(`${start},${host.hide(JSON.stringify({ error: createErrorRecord(error) }).slice(1))}\n`);
  if (error instanceof Error) inJson.add(error);
}

/** True if the words of a command line switch `--json` on, even if the rest of them cannot be read. */
function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const given = words.slice(0, end < 0 ? words.length : end);
  return given.some((word) => /^--json(?:=(?:true|yes|on|1))?$/i.test(word));
}

interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** Prints what `--json` gives instead of a result. */
export function printErrorRecord(error: ErrorRecord, host: Host): void {
  host.print(`${host.hide(JSON.stringify({ error }))}\n`);
}

function createErrorRecord(error: unknown): ErrorRecord {
  const known = findLimit(error) ?? error;
  if (known instanceof RowfillError) {
    const { code, message, hint = null } = known;
    return { code, message, hint };
  }
  return { code: 'DEFECT', message: `bug in rowfill: ${describeError(error)}`, hint: null };
}

const LIMITS: readonly (readonly [RegExp, string, string, string])[] = [
  [
    /\bE[MN]FILE\b|too many open files/i,
    'TOO_MANY_FILES',
    'This process has reached its limit of open files and connections',
    'Raise the limit, for example with ulimit -n 1024, or lower --concurrency. Then run the same command again to continue.',
  ],
  [
    /\b(?:ENOSPC|EDQUOT)\b/,
    'DISK_FULL',
    'A disk is full',
    'Free some space, then run the same command again. The answers so far are kept.',
  ],
  [
    /\bENOMEM\b/,
    'OUT_OF_MEMORY',
    'The system is out of memory',
    'Close other programs, then run the same command again. The answers so far are kept.',
  ],
  [
    /\bEROFS\b/,
    'READ_ONLY_DISK',
    'A file is on a read-only disk',
    'Use a writable path. --ledger names the ledger, and TMPDIR that of temporary files.',
  ],
];

/** Turns a system limit anywhere in the causes into a usage error, since it is not a bug in rowfill. */
function findLimit(error: unknown): RowfillError | null {
  // Our own errors have a better hint.
  if (error instanceof RowfillError && error.kind !== 'defect') return null;
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    const text = `${'code' in at ? String(at.code) : ''} ${at.message}`;
    const limit = LIMITS.find(([pattern]) => pattern.test(text));
    if (limit === undefined) continue;
    const [, code, what, hint] = limit;
    const place = 'path' in at && typeof at.path === 'string' ? `: ${at.path}` : '';
    return createUsageError(code, `${what}${place}`, hint, error);
  }
  return null;
}

function reportKnown(error: RowfillError, host: Host): number {
  if (error.kind === 'defect') return reportDefect(error, host);
  if (DECLINED.has(error.code)) {
    // The user just said no, so do not report it as an error.
    host.say(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
    return resolveErrorCode(error.kind);
  }
  sayError({ code: error.code, message: error.message, hint: error.hint ?? null }, host);
  // Only an interrupt ends the wait for a reader.
  return error.code === 'OUTPUT_NOT_READ' ? EXIT_CODES.interrupted : resolveErrorCode(error.kind);
}

/** Prints an error: its message, code and hint. */
export function sayError(error: ErrorRecord, host: Host): void {
  host.say({ text: 'error: ', style: 'red' }, error.message, { text: ` [${error.code}]`, style: 'dim' });
  if (error.hint !== null) host.say({ text: 'what to do: ', style: 'bold' }, error.hint);
}

function reportDefect(error: unknown, host: Host): number {
  host.say({ text: 'error: ', style: 'red' }, `bug in rowfill: ${describeError(error)}`);
  host.say(
    { text: 'what to do: ', style: 'bold' },
    host.debug
      ? `report it with the text below and the version, ${host.version}`
      : `run the same command with --debug, and report its output and the version, ${host.version}`,
  );
  host.say('Paid answers are in the ledger. Run the same command again to continue.');
  return EXIT_CODES.defect;
}

function reportStack(error: unknown, host: Host): void {
  for (let at = error, depth = 0; at !== undefined && depth < 8; depth += 1) {
    host.say({ text: at instanceof Error ? (at.stack ?? at.message) : String(at), style: 'dim' });
    at = at instanceof Error ? at.cause : undefined;
    if (at !== undefined) host.say({ text: 'caused by:', style: 'dim' });
  }
}

/** True if the error or one of its causes is a failed write to standard output after its reader closed it. */
export function isClosedOutput(error: unknown, host: Host): boolean {
  if (!host.isOutputClosed()) return false;
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ('code' in at && at.code === 'EPIPE') return true;
  }
  return false;
}

/** The exit codes of the program, as its help lists them. */
export const EXIT_CODES = {
  done: 0,
  defect: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  budget: 5,
  rowsFailed: 6,
  endedEarly: 7,
  busy: 75,
  interrupted: 130,
} as const;

/** The exit code for an error that stopped a command. */
export function resolveErrorCode(kind: ErrorKind): number {
  return EXIT_CODES[kind];
}

/** The exit code for a finished or stopped job. */
export function resolveJobCode(summary: JobSummary): number {
  if (summary.stop === 'nothing_found') return EXIT_CODES.endedEarly;
  if (summary.stop === 'ledger_moved') return EXIT_CODES.usage;
  if (summary.stop !== 'done') return EXIT_CODES[summary.stop];
  if (summary.leftRows + summary.unretriedRows > 0) return EXIT_CODES.endedEarly;
  return summary.rows.failed > 0 ? EXIT_CODES.rowsFailed : EXIT_CODES.done;
}

/** The exit code for a stopped watcher; of several problems, the most urgent one. */
export function resolveWatchCode({ stop, failed, rowsFailed, left }: WatchSummary): number {
  if (stop === 'ledger_moved') return EXIT_CODES.usage;
  if (stop === 'error') return EXIT_CODES.defect;
  // Like an unreachable agent: the same command can continue later.
  if (stop === 'disk_full') return EXIT_CODES.unreachable;
  if (stop !== 'done') return EXIT_CODES[stop];
  if (failed.defect > 0) return EXIT_CODES.defect;
  if (failed.usage > 0) return EXIT_CODES.usage;
  if (failed.unreachable > 0) return EXIT_CODES.unreachable;
  if (failed.budget > 0) return EXIT_CODES.budget;
  if (failed.nothing_found > 0) return EXIT_CODES.endedEarly;
  if (left.length > 0) return EXIT_CODES.endedEarly;
  return rowsFailed > 0 ? EXIT_CODES.rowsFailed : EXIT_CODES.done;
}
