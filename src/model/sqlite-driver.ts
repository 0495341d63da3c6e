import { createRequire } from 'node:module';
import type Libsql from 'libsql';
import { createUsageError, describeError, hasErrorCode, type RowfillError } from '../errors.js';

let driver: typeof Libsql | null = null;

/**
 * Opens a SQLite database. The driver is loaded here, so that commands which need none run without it. Throws
 * SQLITE_MISSING if there is no driver for this system.
 */
export function openDatabase(path: string, options?: Libsql.Options): Libsql.Database {
  driver ??= loadDriver();
  return new driver(path, options);
}

/** Loads the driver from the packages of a module. */
export function loadDriver(module: string | URL = import.meta.url): typeof Libsql {
  try {
    return createRequire(module)('libsql') as typeof Libsql;
  } catch (error) {
    throw createMissingError(error, process.platform, process.arch);
  }
}

/** The error for a driver that cannot be loaded, with what to do on this system. */
export function createMissingError(
  error: unknown,
  platform: NodeJS.Platform,
  arch: NodeJS.Architecture,
): RowfillError {
  const system = `${platform}-${arch}`;
  if (platform === 'win32' && arch === 'arm64') {
    return createUsageError(
      'SQLITE_MISSING',
      'The SQLite driver does not exist for Node on Windows for ARM',
      'Install Node for x64, which Windows for ARM runs too. Then delete node_modules and run npm install again.',
      error,
    );
  }
  if (hasErrorCode(error, 'MODULE_NOT_FOUND')) {
    return createUsageError(
      'SQLITE_MISSING',
      `The SQLite driver for ${system} is not installed`,
      'Delete node_modules and run npm install on this system, without --omit=optional. A node_modules folder from another system does not work here.',
      error,
    );
  }
  return createUsageError(
    'SQLITE_MISSING',
    `The SQLite driver for ${system} cannot be loaded: ${describeError(error).split('\n')[0]}`,
    'Use 64-bit Node on a current Windows, macOS or Linux. Then delete node_modules and run npm install again.',
    error,
  );
}
