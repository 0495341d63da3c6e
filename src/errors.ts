/** Error category; `cli/main.ts` maps it to an exit code. */
export type ErrorKind = 'usage' | 'refused' | 'unreachable' | 'budget' | 'busy' | 'defect';

interface ErrorFacts {
  /** One sentence that tells the user what to do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error that stops a job. `code` is stable, `message` says what happened and where, `hint` what to do. */
export class RowfillError extends Error {
  override readonly name: string = 'RowfillError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.kind = kind;
    this.code = code;
    this.hint = facts.hint;
  }
}

/** An option, recipe, schema or file is invalid. Nothing was spent, unless the message says otherwise. */
export function createUsageError(code: string, message: string, hint: string, cause?: unknown): RowfillError {
  return new RowfillError('usage', code, message, { hint, cause });
}

/** Another process has taken over a job of this one. */
export function createLeaseLostError(): RowfillError {
  return new RowfillError(
    'busy',
    'LEASE_LOST',
    'another process has taken over this job, so this one stopped without writing its output',
    { hint: 'Let the other process finish, then run this command again: all answers are in the ledger.' },
  );
}

/** The message of any thrown value. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Says in words why the system refused a file, folder or port that the message already names. The message of any other
 * error stays as it is.
 */
export function describeSystemError(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return describeError(error);
  if (error.code === 'ENOTDIR' && FOLDER_CALLS.has(String(error.syscall))) return 'it is not a folder';
  return SYSTEM_WORDS[String(error.code)] ?? error.message;
}

/** Calls on the folder itself, not on a file below it. */
const FOLDER_CALLS: ReadonlySet<string> = new Set(['scandir', 'opendir']);

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EBUSY: 'another program is using it',
  ETXTBSY: 'another program is using it',
  EEXIST: 'it already exists',
  ENOTEMPTY: 'the folder is not empty',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your quota of disk space is used up',
  EIO: 'the disk reported an error',
  ESTALE: 'the network share has lost it',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOMEM: 'the system is out of memory',
  EADDRINUSE: 'another program is using it',
  EADDRNOTAVAIL: 'this machine does not have that address',
};

/** True for a system error with one of these codes, such as `ENOENT`. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
