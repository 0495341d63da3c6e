import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { type Input, openInput } from '../read/open-input.js';
import { type LoadedExclusion, loadExclusion } from './load-exclusion.js';
import type { CleanupStack } from './open-agent.js';
import { checkInputFits } from './output.js';
import { checkColumns, resolveBlanks } from './resolve-ask.js';

type InputOptions = Omit<EnrichOptions, 'input' | 'output' | 'schema' | 'schemaObject'>;

/** The opened inputs of a job, and its ask. */
interface JobInput {
  readonly input: Input;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly exclusion: LoadedExclusion;
}

/**
 * Opens the input at `path`, the ask that `findAsk` returns for its columns, and the exclusion list. Rows that do not
 * fit the output throw when they are read. `closers` closes the input.
 */
export async function openJobInput(
  options: InputOptions,
  { path, output }: { readonly path: string; readonly output: string },
  findAsk: (file: Input) => Ask | Promise<Ask>,
  closers: CleanupStack,
  signal?: AbortSignal,
): Promise<JobInput> {
  const file = closers.add(
    await openInput({ ...options, isSheetOptional: isSheetOfList(options, path), path, signal }),
  );
  checkColumns(file.name, file.columns);
  const ask = await findAsk(file);
  const input = checkInputFits(file, ask, { path: output, format: options.format });
  const blanks = await resolveBlanks(options, ask, input);
  const exclusion = await loadExclusion({ ...options, blanks }, ask, input, signal);
  return { input, ask, blanks, exclusion };
}

/** True if `--sheet` can only be meant for the exclusion list. */
function isSheetOfList({ exclude }: Pick<InputOptions, 'exclude'>, path: string): boolean {
  return exclude !== undefined && !WORKBOOK.test(path) && WORKBOOK.test(exclude);
}

const WORKBOOK = /\.xls[xm]$/i;
