import { extname } from 'node:path';
import { createUsageError } from '../errors.js';
import type { FileShape } from '../model/file-format.js';
import { type ByteSource, openBytes, openSource } from './bytes.js';
import { decodeText, detectContent, isGzip, readByteSample, readTextSample } from './encoding.js';
import {
  INPUT_LIMITS,
  type Input,
  type InputOptions,
  type InputWarning,
  type OpenReader,
  type TextInput,
} from './input.js';
import { openCsv } from './open-csv.js';
import { openJson } from './open-json.js';

export type { Input, InputOptions } from './input.js';

/** Opens a CSV file, JSON file or workbook: detects its format and rejects what cannot be read. */
export async function openInput(options: InputOptions): Promise<Input> {
  const source = await openSource(options);
  try {
    const reader = (await isZip(source))
      ? await openZipped(source, options)
      : await openTable(source, options);
    const nameNotes = [...describeName(reader.shape, options.path), ...describeUnused(reader.shape, options)];
    return {
      name: source.name,
      shape: reader.shape,
      get columns() {
        return reader.columns;
      },
      get notes() {
        return [...nameNotes, ...reader.notes, ...(source.hasGrown ? [GROWTH] : [])];
      },
      get doubts() {
        return reader.doubts;
      },
      readColumns: reader.readColumns,
      openRows: reader.openRows,
      close: source.close,
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Warns when the extension does not match the detected format. */
function describeName({ format }: FileShape, path: string): InputWarning[] {
  const isNamed = WORKBOOK_NAME.test(path);
  if (isNamed === (format === 'xlsx') || path === '-') return [];
  const message = isNamed
    ? 'The file name says workbook, but the content is text; reading it as text.'
    : 'The content is an Excel workbook, although the file name does not say so; reading it as a workbook.';
  return [{ code: 'NAME_MISLEADS', message }];
}

/** Reports options that do not apply to this kind of file, since the user may have meant another file. */
function describeUnused({ format }: FileShape, options: InputOptions): InputWarning[] {
  const { delimiter, encoding, rowsAt, hiddenRows } = options;
  const sheet = options.isSheetOptional === true ? undefined : options.sheet;
  const [kind, given] =
    format === 'xlsx'
      ? ['a workbook', { '--delimiter': delimiter, '--encoding': encoding, '--rows-at': rowsAt }]
      : format === 'csv'
        ? ['not a workbook', { '--sheet': sheet, '--hidden-rows': hiddenRows, '--rows-at': rowsAt }]
        : ['JSON', { '--sheet': sheet, '--hidden-rows': hiddenRows, '--delimiter': delimiter }];
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (names.length === 0) return [];
  return [{ code: 'OPTION_UNUSED', message: `Ignored ${names.join(' and ')}: the file is ${kind}.` }];
}

const WORKBOOK_NAME = /\.(?:xlsx|xlsm|xltx|xltm|xls)(?:\.gz)?$/i;

async function isZip(source: ByteSource): Promise<boolean> {
  for await (const bytes of openBytes(source, false, INPUT_LIMITS))
    return bytes.toString('latin1', 0, 4) === 'PK\x03\x04';
  return false;
}

async function openZipped(source: ByteSource, options: InputOptions): Promise<OpenReader> {
  // Loaded only when needed.
  const { openXlsx } = await import('./open-xlsx.js');
  return openXlsx(source, { ...INPUT_LIMITS, ...options.limits }, options);
}

async function openTable(source: ByteSource, options: InputOptions): Promise<OpenReader> {
  const text = await openText(source, options);
  const reader = isJson(text) ? await openJson(text, options) : await openCsv(text, options);
  return {
    shape: reader.shape,
    get columns() {
      return reader.columns;
    },
    get notes() {
      return [...text.notes, ...reader.notes];
    },
    get doubts() {
      return reader.doubts;
    },
    readColumns: reader.readColumns,
    openRows: reader.openRows,
  };
}

async function openText(source: ByteSource, options: InputOptions): Promise<TextInput> {
  const { name } = source;
  const limits = { ...INPUT_LIMITS, ...options.limits };
  const raw = await readByteSample(openBytes(source, false, limits));
  const gzip = isGzip(raw);
  const bytes = gzip ? await readByteSample(openBytes(source, true, limits)) : raw;
  if (gzip && isGzip(bytes)) {
    throw createUsageError('INPUT_NOT_TEXT', `${name} is compressed twice`, 'Decompress it once.');
  }
  const { encoding, bomBytes, isGuess } = await detectContent(name, bytes, options.encoding);
  const openText = (signal?: AbortSignal) =>
    decodeText(() => openBytes(source, gzip, limits, signal), encoding, bomBytes, name);
  const sample = await readTextSample(openText());
  if (sample.text.trim() === '') {
    throw createUsageError(
      'INPUT_EMPTY',
      `${name} is empty`,
      'Use a file with a header and at least one row.',
    );
  }
  return {
    name,
    extension: extname(options.path.toLowerCase().replace(/\.gz$/, '')),
    sample,
    shape: { bom: bomBytes > 0, encoding, gzip },
    notes: describeEncoding(encoding, isGuess),
    limits,
    openText,
  };
}

/** Code of the warning that rows were added while the file was being read. */
export const INPUT_GREW = 'INPUT_GREW';

const GROWTH: InputWarning = {
  code: INPUT_GREW,
  message: 'Rows were added while the file was being read. Run the command again to include them.',
};

function describeEncoding(encoding: string, isGuess: boolean): InputWarning[] {
  const guess = {
    code: 'ENCODING_GUESSED',
    message: `Reading as ${encoding}. If letters look wrong, set --encoding.`,
    fact: `The text is not valid UTF-8, so it is read as ${encoding}. If letters look wrong, save it as UTF-8.`,
  };
  const change = {
    code: 'OUTPUT_IS_UTF8',
    message: `The output is UTF-8 with a byte order mark, because ${encoding} cannot represent every answer.`,
    fact: null,
  };
  const isUnicode = encoding.startsWith('utf-');
  return [...(isGuess ? [guess] : []), ...(isUnicode ? [] : [change])];
}

const JSON_EXTENSIONS = ['.jsonl', '.ndjson', '.json'];

/** Detects whether the content is JSON; the file name is only a hint. */
function isJson({ extension, sample }: Pick<TextInput, 'extension' | 'sample'>): boolean {
  const text = sample.text.trimStart();
  if (JSON_EXTENSIONS.includes(extension)) return true;
  return (/^\[\s*[[{\]]/.test(text) && !text.startsWith('[[')) || /^\{\s*(?:"|\r?\n)/.test(text);
}
