import { isAbsolute, resolve } from 'node:path';
import { createUsageError } from '../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A variable on which money depends: its value without blanks around it, or null if it is not set. Throws EMPTY_VARIABLE
 * for an empty one, which is what a compose file makes of a variable that nobody has set.
 */
export function readOwnVariable(env: Environment, name: string): string | null {
  const value = env[name]?.trim();
  if (value !== '') return value ?? null;
  throw createUsageError(
    'EMPTY_VARIABLE',
    `${name} is empty`,
    `Give it a value, or unset it. In a compose file or a script, a variable that it is made of may not be set.`,
  );
}

/** The absolute path that a variable names. Throws `code`, with a hint, for any other. */
export function resolveOwnPath(name: string, path: string, code: string, hint: string): string {
  if (isAbsolute(path)) return resolve(path);
  throw createUsageError(
    code,
    /^~(?:[/\\]|$)/.test(path)
      ? `${name} is ${path}, but only a shell expands ~`
      : `${name} is a relative path, which would be another ledger in each folder`,
    hint,
  );
}
