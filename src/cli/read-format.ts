import { createUsageError } from '../errors.js';
import type { FileFormat } from '../model/shape.js';

const FORMATS: readonly FileFormat[] = ['csv', 'jsonl', 'json', 'xlsx'];

/** The value of `--format`, as an option to spread; nothing where it was not given. */
export function readFormat(text: string | undefined): { readonly format?: FileFormat } {
  if (text === undefined) return {};
  const format = FORMATS.find((known) => known === text.trim().toLowerCase());
  if (format !== undefined) return { format };
  throw createUsageError('BAD_FORMAT', `--format is “${text}”`, `It takes ${FORMATS.join(', ')}.`);
}
