import type { Ledger } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { holdsObjects } from '../model/file-format.js';
import { type Input, openInput } from '../read/open-input.js';
import { resolveLayout } from '../write/open-output.js';
import { type LoadedExclusion, loadExclusion } from './load-exclusion.js';
import type { CleanupStack } from './open-agent.js';
import { checkInputFits } from './output.js';
import { resolveBlanks } from './resolve-ask.js';
import { checkSources, type ReturnedFile, recognizeReturned, recognizeValues } from './returned-file.js';
import { createReturnedTable, type ReturnedTable } from './returned-table.js';
import { recognizeByRows } from './sent-columns.js';

type InputOptions = Omit<EnrichOptions, 'input' | 'output' | 'schema' | 'schemaObject'>;

/** The opened inputs of a job, and its ask. */
export interface JobInput {
  readonly input: Input;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly exclusion: LoadedExclusion;
  readonly returned: ReturnedFile | null;
  readonly table: ReturnedTable | null;
}

/**
 * Opens the input at `path`, the ask that `findAsk` returns for its columns, and the exclusion list. Rows that do not
 * fit the output throw when they are read. `openLedger` is called if the input may be a filled file. `closers` closes the
 * input.
 */
export async function openJobInput(
  options: InputOptions,
  { path, output }: { readonly path: string; readonly output: string },
  findAsk: (file: Input, returned: ReturnedFile | null) => Ask | Promise<Ask>,
  openLedger: () => Promise<Ledger>,
  closers: CleanupStack,
  signal?: AbortSignal,
): Promise<JobInput> {
  const file = closers.add(
    await openInput({ ...options, isSheetOptional: isSheetOfList(options, path), path, signal }),
  );
  const byColumns = await recognizeReturned(file, path, openLedger);
  const isUnsure = byColumns?.isUnsure === true;
  const first = await findAsk(file, isUnsure ? null : byColumns);
  const recognized = byColumns ?? (await recognizeValues(file, path, first, openLedger));
  const presumed = recognized === byColumns ? first : await findAsk(file, recognized);
  const blanks = await resolveBlanks(options, presumed, file);
  const returned =
    recognized === null
      ? null
      : await recognizeByRows(
          recognized,
          file,
          { ask: presumed, blanks, isSendGiven: options.send !== undefined },
          openLedger,
        );
  // Which columns are sent depends on what the rows show.
  const isPresumed = returned === (isUnsure ? null : recognized);
  const ask = isPresumed ? presumed : await findAsk(file, returned);
  const input = checkInputFits(
    file,
    ask,
    { path: output, format: options.format, ...resolveLayout(options) },
    returned !== null,
  );
  const isTable = returned === null && !holdsObjects(input.shape);
  if (options.plain !== true && isTable) await checkSources(input, ask);
  const rules = { blanks, overwrite: options.overwrite === true };
  const table = returned === null ? null : createReturnedTable(returned, ask, file.columns, rules);
  const exclusion = await loadExclusion({ ...options, blanks }, ask, input, signal);
  return { input, ask, blanks, exclusion, returned, table };
}

/** True if `--sheet` can only be meant for the exclusion list. */
function isSheetOfList({ exclude }: Pick<InputOptions, 'exclude'>, path: string): boolean {
  return exclude !== undefined && !WORKBOOK.test(path) && WORKBOOK.test(exclude);
}

const WORKBOOK = /\.xls[xm]$/i;
