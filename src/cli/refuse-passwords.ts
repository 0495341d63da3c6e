import { createUsageError, type RowfillError } from '../errors.js';

/** A URL with a password, even if it is mistyped or quoted: of a database anywhere in a word, of others at its start. */
const WITH_PASSWORD: readonly RegExp[] = [
  /postgres[\w+]*:[/\\]*[^\s/?#@:]*:(?!\d+(?:[/?]|$))[^@]*@/i,
  /postgres[\w+]*:\S*[?&]\w*password=[^&\s]/i,
  /^(?:-[^=\s]*=)?\W*[a-z][a-z0-9+.-]+:[/\\]+[^\s/?#@:]*:(?!\d+(?:[/?#]|$))[^\s/@]*@/i,
];

/** Throws LEDGER_PASSWORD if a word of the command line has a URL with a password, before a message repeats it. */
export function refusePasswords(words: readonly string[]): void {
  if (words.some((word) => WITH_PASSWORD.some((pattern) => pattern.test(word))))
    throw createPasswordError('the command line');
}

export function createPasswordError(place: string): RowfillError {
  return createUsageError(
    'LEDGER_PASSWORD',
    `a URL in ${place} has a password, which other users of this machine could read`,
    'Set ROWFILL_LEDGER to the whole URL instead, if it is that of the ledger. Or leave the password out of it, and set PGPASSWORD or use a password file (~/.pgpass). If it was real, change it.',
  );
}
