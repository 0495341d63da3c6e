import type { Ask } from '../model/ask.js';
import { type Blanks, createBlanks, isWeakWord } from '../model/blank.js';
import { readValue } from '../model/row.js';
import type { EnrichOptions } from '../options.js';
import type { Input } from '../read/open-input.js';

/** Makes a job's notion of a blank cell, from its options, its schema and the first rows of the columns to fill. */
export async function resolveBlanks(
  { blank: words }: Pick<EnrichOptions, 'blank'>,
  { fields, schema }: Pick<Ask, 'fields' | 'schema'>,
  input: Pick<Input, 'columns' | 'openRows'>,
): Promise<Blanks> {
  const columns = input.columns.filter((column) =>
    fields.some(({ name }) => column === name || column.startsWith(`${name}.`)),
  );
  return createBlanks({ words, fields, schema, codeColumns: await findCodeColumns(columns, input) });
}

/** The part of a column's other cells that have to be codes before `NA` is one of them. */
const MOST = 0.9;

/** Columns of codes such as DE and FR, or EMEA and APAC: `NA` among them is Namibia or North America. */
async function findCodeColumns(
  columns: readonly string[],
  input: Pick<Input, 'openRows'>,
): Promise<ReadonlySet<string>> {
  if (columns.length === 0) return new Set();
  const plain = createBlanks();
  // The first rows only, so that every reading of the input comes to the same end.
  for await (const rows of input.openRows()) {
    const isCodes = (column: string): boolean => {
      const texts = rows.flatMap((row) => {
        const value = readValue(row, column);
        return typeof value === 'string' && !plain.isBlank(value) && !isWeakWord(value) ? [value.trim()] : [];
      });
      const codes = texts.filter((text) => CODE.test(text));
      return new Set(codes).size >= 2 && codes.length >= texts.length * MOST;
    };
    return new Set(columns.filter(isCodes));
  }
  return new Set();
}

const CODE = /^(?:\p{L}{2}|\p{Lu}{2,5})$/u;
