import { createUsageError, type RowfillError } from '../errors.js';

/** Refuses a file that is plainly something else than a text: told by its first bytes, whatever its name says. */
export function refuseBinary(name: string, sample: Buffer): void {
  const kind = BINARIES.find(({ starts }) => startsWith(sample, starts));
  if (kind !== undefined) throw createNotTextError(name, kind.what, kind.hint);
  if (startsWith(sample, 'PK\x03\x04')) throw refuseZip(name, sample);
  if (startsWith(sample, '\xd0\xcf\x11\xe0'))
    throw refuseSpreadsheet(name, 'a workbook or document of old Office');
  refuseMarkup(name, sample);
}

/** What is said of a file that cannot be read as text. */
export function createNotTextError(name: string, what: string, hint?: string): RowfillError {
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} is ${what}`,
    hint ?? 'rowfill reads CSV, TSV, JSON Lines and JSON.',
  );
}

interface Binary {
  readonly starts: string;
  readonly what: string;
  readonly hint?: string;
}

const UNPACK = 'Unpack it, or compress it with gzip.';

const BINARIES: readonly Binary[] = [
  { starts: '%PDF-', what: 'a PDF file' },
  { starts: 'PAR1\x15', what: 'a Parquet file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'ARROW1\0\0', what: 'an Arrow file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'Obj\x01', what: 'an Avro file', hint: 'Export it as CSV or JSON Lines.' },
  { starts: 'SQLite format 3\0', what: 'an SQLite database', hint: 'Export the table as CSV.' },
  { starts: '\x28\xb5\x2f\xfd', what: 'compressed with zstd', hint: UNPACK },
  { starts: '\xfd7zXZ\0', what: 'compressed with xz', hint: UNPACK },
  { starts: '7z\xbc\xaf', what: 'a 7-Zip archive', hint: UNPACK },
  { starts: '\x89PNG\r\n', what: 'a picture' },
  { starts: '\xff\xd8\xff', what: 'a picture' },
  {
    starts: '{\\rtf',
    what: 'a rich text document',
    hint: 'Copy the table into a spreadsheet and save it as CSV.',
  },
  ...Array.from({ length: 9 }, (_, level) => ({
    starts: `BZh${level + 1}1AY&SY`,
    what: 'compressed with bzip2',
    hint: UNPACK,
  })),
];

function refuseZip(name: string, sample: Buffer): RowfillError {
  if (sample.includes('xl/')) return refuseSpreadsheet(name, 'an Excel workbook');
  if (sample.includes('opendocument.spreadsheet'))
    return refuseSpreadsheet(name, 'a spreadsheet of OpenDocument');
  if (sample.includes('Index/') && sample.includes('.iwa'))
    return refuseSpreadsheet(name, 'a document of Numbers');
  return createNotTextError(name, 'a zip archive', UNPACK);
}

function refuseSpreadsheet(name: string, what: string): RowfillError {
  return createUsageError(
    'INPUT_IS_SPREADSHEET',
    `${name} is ${what}`,
    'Save the sheet as CSV (UTF-8) and give that file.',
  );
}

function refuseMarkup(name: string, sample: Buffer): void {
  const start = sample
    .subarray(0, 512)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (!start.startsWith('<!doctype') && !start.startsWith('<html') && !start.startsWith('<?xml')) return;
  throw createUsageError(
    'INPUT_NOT_TABLE',
    `${name} is ${start.startsWith('<?xml') ? 'an XML file' : 'a web page'}, not a table`,
    'Was it saved from a page that asked to log in? Export the table itself as CSV.',
  );
}

function startsWith(sample: Buffer, text: string): boolean {
  return sample.subarray(0, text.length).equals(Buffer.from(text, 'latin1'));
}
