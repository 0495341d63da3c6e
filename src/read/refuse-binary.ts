import { createUsageError, type RowfillError } from '../errors.js';

/** Refuses a file that is plainly something else than a text: told by its first bytes, whatever its name says. */
export function refuseBinary(name: string, sample: Buffer): void {
  const kind = BINARIES.find(({ starts }) => startsWith(sample, starts));
  if (kind !== undefined) throw createNotTextError(name, kind.what, kind.hint);
  // One that is not compressed once more is opened as a workbook.
  if (startsWith(sample, 'PK\x03\x04'))
    throw createNotTextError(name, 'a workbook or an archive, compressed once more', 'Unpack it once.');
  if (startsWith(sample, '\xd0\xcf\x11\xe0')) throw refuseContainer(name, sample);
  refuseMarkup(name, sample);
}

/** What is said of a file that cannot be read as text. */
export function createNotTextError(name: string, what: string, hint?: string): RowfillError {
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} is ${what}`,
    hint ?? 'rowfill reads CSV, TSV, JSON Lines, JSON and Excel workbooks (.xlsx).',
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

/** Workbooks with a password and those of old Excel are the same kind of container. */
function refuseContainer(name: string, sample: Buffer): RowfillError {
  const isLocked = sample.includes(Buffer.from('EncryptedPackage', 'utf16le'));
  return createUsageError(
    'INPUT_IS_SPREADSHEET',
    isLocked
      ? `${name} is a workbook or document that is locked with a password`
      : `${name} is a workbook or document of old Office, or one that is locked with a password`,
    'Save it as an Excel workbook (.xlsx) without a password, or the sheet as CSV (UTF-8), and give that file.',
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
