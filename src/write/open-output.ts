import type { FileFormat } from '../model/shape.js';
import { createStreamSink, openSink } from './byte-sink.js';
import { resolveTarget } from './check-output.js';
import { createCsvFormatter } from './csv-writer.js';
import { createJsonlFormatter } from './jsonl-writer.js';
import type { Output, OutputOptions, RowFormatter } from './output.js';

export { checkOutput } from './check-output.js';
export type { Output, OutputOptions } from './output.js';

/** Opens the output: a file appears in its place whole or not at all. */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const format = resolveFormat(options);
  const formatter = createFormatter(format, options);
  const sink =
    options.path === '-'
      ? createStreamSink(options.stdout ?? process.stdout, 'standard output')
      : await openSink(await resolveTarget(options.path), /\.gz$/i.test(options.path));
  const encode = createEncoder(format, options);
  let head: string | null = encode.mark + formatter.head;
  const send = async (text: string) => {
    const whole = head === null ? text : head + text;
    head = null;
    if (whole !== '') await sink.write(encode.encode(whole));
  };
  return {
    write: (rows) => (rows.length === 0 ? Promise.resolve() : send(formatter.format(rows))),
    commit: async () => {
      await send(formatter.tail);
      await sink.commit();
    },
    abort: () => sink.abort(),
  };
}

/** The format asked for, else what the name says, else the input's. */
function resolveFormat({ format, path, shape }: OutputOptions): FileFormat {
  if (format !== undefined) return format;
  const extension = /\.([^./\\]+?)(?:\.gz)?$/.exec(path.toLowerCase())?.[1];
  if (extension === 'jsonl' || extension === 'ndjson') return 'jsonl';
  if (extension === 'json') return 'json';
  if (extension === 'csv' || extension === 'tsv' || extension === 'tab') return 'csv';
  return shape.format;
}

function createFormatter(format: FileFormat, options: OutputOptions): RowFormatter {
  switch (format) {
    case 'csv':
      return createCsvFormatter(options);
    case 'jsonl':
    case 'json':
      return createJsonlFormatter(options);
  }
}

interface Encoder {
  /** The byte order mark, if there is to be one. */
  readonly mark: string;
  encode(text: string): Buffer;
}

/** UTF-8 or UTF-16 as the input; an older encoding cannot hold every answer and gives way to UTF-8 with a mark. */
function createEncoder(format: FileFormat, { shape, bom }: OutputOptions): Encoder {
  const isSame = format === shape.format;
  const isWide = isSame && shape.encoding.startsWith('utf-16');
  const isLegacy = format === 'csv' && shape.encoding !== 'utf-8' && !isWide;
  const hasMark = bom ?? (isLegacy || (isSame && shape.bom));
  return {
    mark: hasMark ? '\ufeff' : '',
    encode: (text) => {
      if (!isWide) return Buffer.from(text, 'utf8');
      const bytes = Buffer.from(text, 'utf16le');
      return shape.encoding === 'utf-16be' ? bytes.swap16() : bytes;
    },
  };
}
