import type { TextFormat } from '../model/shape.js';
import { type ByteSink, createStreamSink, openSink } from './byte-sink.js';
import { resolveTarget } from './check-output.js';
import { createCitationsFormatter } from './citations-writer.js';
import { createCsvFormatter } from './csv-writer.js';
import { createEncoder } from './encode-text.js';
import { createJsonFormatter, createJsonlFormatter } from './jsonl-writer.js';
import type { Output, OutputOptions, RowFormatter } from './output.js';
import { resolveFormat } from './resolve-format.js';

export { createFitCheck } from './check-fit.js';
export { checkOutput, checkStandardOutput } from './check-output.js';
export type { Output, OutputOptions } from './output.js';

/** Opens the output: a file appears in its place whole or not at all. */
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
  const format = resolveFormat(options);
  if (format === 'xlsx') {
    // Loaded only for the outputs that need it.
    const { openXlsxOutput } = await import('./xlsx-writer.js');
    return openXlsxOutput(options, await openPath(options.path, options));
  }
  const formatter = createFormatter(format, options);
  const { mark, encode } = createEncoder(format, options);
  return createOutput(
    { ...formatter, head: mark + formatter.head },
    encode,
    await openPath(options.path, options),
  );
}

async function openCitations(path: string, options: OutputOptions): Promise<Output> {
  const encode = (text: string) => Buffer.from(text, 'utf8');
  return createOutput(createCitationsFormatter(), encode, await openPath(path, options));
}

async function openPath(
  path: string,
  { stdout, checkPlace, beforeCommit }: OutputOptions,
): Promise<ByteSink> {
  if (path === '-') return createStreamSink(stdout ?? process.stdout, 'standard output');
  const check = async (target: string, digest: string | null) => checkPlace?.(path, target, digest);
  return openSink(await resolveTarget(path), /\.gz$/i.test(path), check, beforeCommit);
}

function createOutput(formatter: RowFormatter, encode: (text: string) => Buffer, sink: ByteSink): Output {
  let head: string | null = formatter.head;
  const send = async (text: string) => {
    const whole = head === null ? text : head + text;
    head = null;
    if (whole !== '') await sink.write(encode(whole));
  };
  return {
    write: (rows) => (rows.length === 0 ? Promise.resolve() : send(formatter.format(rows))),
    commit: async () => {
      await send(formatter.tail);
      return sink.commit();
    },
    abort: () => sink.abort(),
  };
}

/** The citations come into place first: where there is an output, its citations are there too. */
function joinOutputs(main: Output, citations: Output): Output {
  return {
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
