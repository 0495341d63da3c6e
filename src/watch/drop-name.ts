import { extname } from 'node:path';

/** What a name in the watched folder says of its file. */
export type DropName =
  | { readonly status: 'table' }
  /** Somebody's temporary file: it is left alone without a word. */
  | { readonly status: 'hidden' }
  | { readonly status: 'other'; readonly reason: string };

const TABLE = /\.(?:csv|tsv|jsonl|ndjson|json|xlsx|xlsm|xls)(?:\.gz)?$/i;
const HIDDEN = /^[.~#]|~$|\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|lock)$/i;
const OUTPUT = /\.filled\.[a-z]+(?:\.gz)?$/i;
/** File systems take 255 bytes; outputs, their temporary files and the text of an error put something behind the name. */
const MAX_BYTES = 180;

/** Tells by its name alone whether a file is one to fill. */
export function readDropName(name: string): DropName {
  if (HIDDEN.test(name)) return { status: 'hidden' };
  if (OUTPUT.test(name)) return { status: 'other', reason: 'its name is that of an output' };
  if (!TABLE.test(name)) {
    return {
      status: 'other',
      reason: 'its name does not end in .csv, .tsv, .jsonl, .ndjson, .json or .xlsx, with or without .gz',
    };
  }
  if (Buffer.byteLength(name) > MAX_BYTES) return { status: 'other', reason: 'its name is too long' };
  return { status: 'table' };
}

/** The name that takes the place of one that is taken: `list-2.csv` for `list.csv`; number 1 is the name itself. */
export function numberName(name: string, number: number): string {
  if (number === 1) return name;
  const ending = TABLE.exec(name)?.[0] ?? extname(name);
  return `${name.slice(0, name.length - ending.length)}-${number}${ending}`;
}
