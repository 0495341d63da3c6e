import type { Ask } from '../model/ask.js';
import { type FileFormat, holdsObjects } from '../model/shape.js';
import type { Input } from '../read/open-input.js';
import { createFitCheck } from '../write/open-output.js';
import { checkColumns } from './resolve-ask.js';

/** Where the result goes. */
interface Place {
  readonly path: string;
  readonly format?: FileFormat | undefined;
}

/** The same input, where rows that do not fit into the output are an error as soon as they are read: before a dollar is spent. */
export function fitInput(
  input: Input,
  { fields, schema }: Pick<Ask, 'fields' | 'schema'>,
  place: Place,
): Input {
  const { shape, columns } = input;
  const check = createFitCheck({ ...place, shape, columns, fields, schema });
  // Keys of a JSON file may come up late.
  const isOpen = holdsObjects(shape);
  if (check === null && !isOpen) return input;
  return {
    name: input.name,
    shape,
    get columns() {
      return input.columns;
    },
    readColumns: input.readColumns,
    get notes() {
      return input.notes;
    },
    async *openRows(signal) {
      for await (const rows of input.openRows(signal)) {
        if (isOpen) checkColumns(input.name, input.columns);
        check?.(rows);
        yield rows;
      }
    },
    close: () => input.close(),
  };
}
