import { createUsageError, describeError } from '../../errors.js';
import { readWholeFile } from '../../model/read-file.js';

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a script of faults: the JSON that `resolveRehearsal` takes. */
export async function readFaults(path: string): Promise<unknown> {
  let text: string;
  try {
    text = (await readWholeFile(path, MAX_BYTES)).toString('utf8');
  } catch (error) {
    throw createUsageError(
      'FAULTS_NOT_READ',
      `The script of faults ${path} cannot be read: ${describeError(error)}`,
      'Name a JSON file; docs/rehearsal.md shows one.',
      error,
    );
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw createUsageError(
      'BAD_FAULTS',
      `The script of faults ${path} is no JSON: ${describeError(error)}`,
      'docs/rehearsal.md shows one.',
      error,
    );
  }
}
