import { createUsageError } from '../errors.js';
import { type FileFormat, hasHeader, type TextFormat } from '../model/file-format.js';
import type { Row } from '../model/row.js';
import { type ByteSink, createStreamSink, openSink, resolveTarget } from './byte-sink.js';
import { createCellLayout, formatInput } from './cells.js';
import { createCsvFormatter, createEncoder } from './csv-writer.js';
import { createCitationsFormatter, createJsonFormatter, createJsonlFormatter } from './jsonl-writer.js';
import type { Output, OutputOptions, RowFormatter } from './output.js';
import { MAX_CELL_LENGTH } from './sheet-xml.js';

export { blameOption, checkOutput, checkStandardOutput, inspectOutput } from './byte-sink.js';
export type { Output, OutputOptions } from './output.js';

/** Opens the output. A file appears complete or not at all. */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const { citationsFile } = options;
  const main = await openPart(options);
  if (citationsFile === undefined) return main;
  try {
    return joinOutputs(main, await openCitations(citationsFile, options));
  } catch (error) {
    await main.abort();
    throw error;
  }
}

async function openPart(options: OutputOptions): Promise<Output> {
  checkMacros(options);
  checkSources(options);
  const format = resolveFormat(options);
  if (format === 'xlsx') {
    const { file } = options.shape.sheet ?? {};
    // Loaded only when needed.
    if (file !== undefined && options.plain !== true) {
      const { openPatchedXlsx } = await import('./xlsx-patch.js');
      return openPatchedXlsx(options, file, await openPath(options.path, options));
    }
    const { openXlsxOutput } = await import('./xlsx-writer.js');
    return openXlsxOutput(options, await openPath(options.path, options));
  }
  const formatter = createFormatter(format, options);
  const { mark, encode } = createEncoder(format, options);
  const output = createOutput(
    { ...formatter, head: mark + formatter.head },
    encode,
    await openPath(options.path, options),
  );
  return format === 'csv' && mark === '' ? output : { ...output, needsBom: false };
}

async function openCitations(path: string, options: OutputOptions): Promise<Output> {
  const encode = (text: string) => Buffer.from(text, 'utf8');
  return createOutput(createCitationsFormatter(), encode, await openPath(path, options));
}

async function openPath(path: string, options: OutputOptions): Promise<ByteSink> {
  const { stdout, checkPath, beforeCommit, signal, mode } = options;
  if (path === '-') return createStreamSink(stdout ?? process.stdout, 'standard output');
  const check = async (target: string, digest: string | null) => checkPath?.(path, target, digest);
  return openSink(await resolveTarget(path, mode), /\.gz$/i.test(path), { check, beforeCommit, signal });
}

function createOutput(formatter: RowFormatter, encode: (text: string) => Buffer, sink: ByteSink): Output {
  let head: string | null = formatter.head;
  let isAscii = true;
  const send = async (text: string) => {
    const whole = head === null ? text : head + text;
    head = null;
    if (whole === '') return;
    const bytes = encode(whole);
    // Only ASCII has one byte per character.
    if (bytes.length !== whole.length) isAscii = false;
    await sink.write(bytes);
  };
  return {
    get needsBom() {
      return !isAscii;
    },
    write: (rows) => (rows.length === 0 ? Promise.resolve() : send(formatter.format(rows))),
    commit: async () => {
      await send(formatter.tail);
      return sink.commit();
    },
    abort: () => sink.abort(),
  };
}

/** Commit the citations first, so that an existing output always has its citations. */
function joinOutputs(main: Output, citations: Output): Output {
  return {
    get needsBom() {
      return main.needsBom;
    },
    write: async (rows) => {
      await citations.write(rows);
      await main.write(rows);
    },
    commit: async () => {
      await citations.commit();
      return main.commit();
    },
    abort: async () => {
      await Promise.all([citations.abort(), main.abort()]);
    },
  };
}

function createFormatter(format: TextFormat, options: OutputOptions): RowFormatter {
  switch (format) {
    case 'csv':
      return createCsvFormatter(options);
    case 'jsonl':
      return createJsonlFormatter(options);
    case 'json':
      return createJsonFormatter(options);
  }
}

/** The format set by the user, else by the file name, else the input's. */
export function resolveFormat({
  format,
  path,
  shape,
}: Pick<OutputOptions, 'format' | 'path' | 'shape'>): FileFormat {
  if (format !== undefined) return format;
  const extension = /\.([^./\\]+?)(?:\.gz)?$/.exec(path.toLowerCase())?.[1];
  switch (extension) {
    case 'jsonl':
    case 'ndjson':
      return 'jsonl';
    case 'csv':
    case 'tsv':
    case 'tab':
      return 'csv';
    case 'json':
    case 'xlsx':
      return extension;
    case 'xlsm':
      return 'xlsx';
    default:
      return shape.format;
  }
}

const MAX_COLUMNS = 16_384;
const MAX_ROWS = 1_048_576;
const HINT = 'Write CSV instead: use an --output name that ends in .csv.';

/** Options needed to check whether rows fit. */
type FitOptions = Pick<
  OutputOptions,
  'path' | 'format' | 'shape' | 'columns' | 'fields' | 'schema' | 'plain' | 'sources'
>;

/**
 * Checks, before anything is spent, that rows fit into a workbook; null for formats without such limits.
 * Throws at once if there are too many columns.
 */
export function createFitCheck(options: FitOptions): ((rows: readonly Row[]) => void) | null {
  checkMacros(options);
  checkSources(options);
  if (resolveFormat(options) !== 'xlsx') return null;
  const { shape } = options;
  const { titles, inputWidth } = createCellLayout({ ...options, overwrite: false, raw: true });
  checkWidth(titles.length, 'the output');
  const firstRow = (shape.sheet?.firstLine ?? 1) + (hasHeader(shape) ? 1 : 0);
  return (rows) => {
    for (const row of rows) {
      if (firstRow + row.ordinal > MAX_ROWS) throw refuseRows();
      if (row.kind === 'cells') checkWidth(titles.length + row.cells.length - inputWidth, `line ${row.line}`);
      for (const text of listTexts(row)) if (text.length > MAX_CELL_LENGTH) throw refuseCell(row, text);
    }
  };
}

type PlaceOptions = Pick<OutputOptions, 'path' | 'format' | 'shape' | 'plain' | 'sources'>;

/** True if the output is the workbook of the input with more cells. */
function isWorkbook(options: PlaceOptions): boolean {
  return (
    resolveFormat(options) === 'xlsx' && options.shape.sheet?.file !== undefined && options.plain !== true
  );
}

/** Comments and sheets can only be added to a workbook. */
function checkSources(options: PlaceOptions): void {
  const { sources = 'columns' } = options;
  if (sources === 'columns' || isWorkbook(options)) return;
  throw createUsageError(
    'BAD_OPTION',
    `--sources ${sources} needs a workbook as input and as output, without --plain`,
    'Leave it out: the sources are then in columns.',
  );
}

/** Only a workbook can be written as a workbook with macros. */
function checkMacros(options: PlaceOptions): void {
  const { path } = options;
  const isWhole = isWorkbook(options);
  if (isWhole || !/\.xlsm(?:\.gz)?$/i.test(path)) return;
  throw createUsageError(
    'OUTPUT_FORMAT',
    `rowfill cannot write ${path}: only a workbook can be written as a workbook with macros`,
    'Use an --output name that ends in .xlsx or .csv; every spreadsheet program opens both.',
  );
}

function checkWidth(width: number, what: string): void {
  if (width <= MAX_COLUMNS) return;
  throw createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `${what} would have ${width} columns; an Excel sheet has at most ${MAX_COLUMNS}`,
    HINT,
  );
}

function refuseRows() {
  return createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `the input has more rows than an Excel sheet can have (${MAX_ROWS})`,
    HINT,
  );
}

function listTexts(row: Row): readonly string[] {
  if (row.kind === 'cells') return row.cells;
  if (row.kind === 'faulty') return [];
  return Object.values(row.object).map(formatInput);
}

function refuseCell({ line }: Row, text: string) {
  return createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `line ${line} has a cell of ${text.length} characters; an Excel cell holds at most ${MAX_CELL_LENGTH}`,
    HINT,
  );
}

/** Checks the options that choose the columns of an output. */
export function resolveLayout({
  plain,
  sources,
}: {
  readonly plain?: boolean | undefined;
  readonly sources?: string | undefined;
}): Pick<OutputOptions, 'plain' | 'sources'> {
  const place = SOURCES_PLACES.find((each) => each === sources);
  if (sources !== undefined && place === undefined) {
    throw createUsageError(
      'BAD_OPTION',
      `--sources ${sources} is not one of ${SOURCES_PLACES.join(', ')}`,
      'Choose one of them.',
    );
  }
  return { plain, sources: place };
}

const SOURCES_PLACES = ['columns', 'comments', 'sheet'] as const;
