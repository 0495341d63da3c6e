import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createUsageError } from '../errors.js';
import { guardPaths } from '../job/check-paths.js';
import { refuseResult } from '../job/choose-output.js';
import { openLedger } from '../ledger/open-ledger.js';
import { type CitedSource, ROW_STATUSES } from '../model/answer.js';
import { getValue } from '../model/row.js';
import { type ByteSink, createStreamSink, openSink, resolveTarget } from '../write/byte-sink.js';
import { formatInput } from '../write/cells.js';
import type { ReportData } from './api.js';
import { createViewField, LEVELS, readHost, showCell, showSource } from './cell-text.js';
import { readNews } from './report-news.js';
import { formatReport } from './report-page.js';
import { ReportTally } from './report-tally.js';
import { openViewJob } from './view-job.js';

export interface ReportOptions {
  /** Id of the job, or a unique prefix. */
  readonly job: string;
  readonly input?: string | undefined;
  readonly ledger: string;
  readonly output: string;
  /** Written to instead of `output`. */
  readonly stream?: NodeJS.WritableStream | undefined;
  /** Input columns to leave out. */
  readonly redact?: readonly string[] | undefined;
  /** Include every input column, and not only the sent ones. @default false */
  readonly allColumns?: boolean | undefined;
  /** Folder of the page's files. @default where the build puts them */
  readonly page?: URL | undefined;
  readonly now?: Date | undefined;
}

export interface ReportResult {
  readonly jobId: string;
  readonly output: string;
  readonly bytes: number;
  readonly rows: number;
  /** Rows in its table. Fewer than `rows` if there are too many for one page. */
  readonly listed: number;
  readonly columns: readonly string[];
}

const CHUNK_ROWS = 1_000;
/** A browser opens a page of this many rows in seconds. Of more, it lists those that need a look. */
const MAX_LISTED = 200_000;
/** Longer values are cut. */
const MAX_TEXT = 2_000;

/** Writes one HTML file about a job, which needs nothing from the network. Reads the ledger only. */
export async function writeReport(options: ReportOptions): Promise<ReportResult> {
  const ledger = await openLedger(options.ledger, { isReadOnly: true });
  try {
    const view = await openViewJob(ledger, options.job, options.input);
    try {
      const { job } = view;
      // A report must not replace what it is made from, or what a job has made.
      const place = options.stream === undefined ? options.output : '-';
      const guard = await guardPaths({ input: job.input, output: place, ledger: options.ledger });
      const check = async () => {
        await guard.check('output');
        await refuseResult(place, job, ledger);
      };
      await check();
      const mode = await readMode(job.input);
      // An output that cannot be written is reported before the rows are read.
      if (options.stream === undefined) await resolveTarget(options.output, mode);
      await view.rows.whenRead;
      const columns = chooseColumns(view.input.columns, job.ask.send, job.ask.fields, options);
      const data = new ReportRows(
        columns,
        job.ask.fields.map(({ name }) => name),
      );
      const tally = new ReportTally(job.ask.fields.map(({ name }) => name));
      const { count } = view.rows;
      const isShort = count > MAX_LISTED;
      const met = new Set<string>();
      for (let from = 0; from < count; from += CHUNK_ROWS) {
        const ordinals = Array.from({ length: Math.min(CHUNK_ROWS, count - from) }, (_, at) => from + at);
        const rows = await view.read(ordinals, (key) => !met.has(key) && Boolean(met.add(key)));
        for (const { row, outcome, verdicts } of rows) {
          const cells = job.ask.fields.map(({ name }) =>
            showCell(row, name, outcome.fields.get(name), view.blanks, verdicts.get(name)),
          );
          tally.add(outcome, cells);
          const isListed = !isShort || tally.needsLook(outcome, cells);
          if (!isListed || data.count >= MAX_LISTED) continue;
          data.add(
            row.ordinal,
            columns.map((column) => cut(formatInput(getValue(row, column)))),
            ROW_STATUSES.indexOf(outcome.status),
            outcome.costMicros,
            outcome.error,
            cells.map(({ text, level, citations }) => ({
              text: text === null ? null : cut(text),
              level: LEVELS.indexOf(level),
              sources: citations.map(listSource),
            })),
          );
        }
      }
      const news = await readNews(ledger, job, options.input);
      const spend = await ledger.getSpend(job.id);
      const html = await formatReport(
        {
          file: basename(job.input),
          jobId: job.id,
          query: job.ask.query,
          efforts: job.ask.efforts,
          sent: job.ask.send,
          columns,
          rows: count,
          listed: data.count,
          madeAt: options.now ?? new Date(),
          spentMicros: spend.spentMicros,
          tally,
          news,
          // The name of a row is one of its sent cells.
          namesRows: options.redact === undefined || options.redact.length === 0,
        },
        data.read(job.ask.fields.map(({ name, schema }) => createViewField(name, schema))),
        options.page,
      );
      const sink =
        options.stream === undefined
          ? await openSink(await resolveTarget(options.output, mode), false, { check })
          : createStreamSink(options.stream, options.output);
      const bytes = await writePieces(sink, html);
      return { jobId: job.id, output: options.output, bytes, rows: count, listed: data.count, columns };
    } finally {
      await view.close();
    }
  } finally {
    await ledger.close();
  }
}

/** The columns that were sent, unless all are wanted. Fields have columns of their own. */
function chooseColumns(
  all: readonly string[],
  sent: readonly string[],
  fields: readonly { readonly name: string }[],
  { redact = [], allColumns = false }: ReportOptions,
): string[] {
  const unknown = redact.find((column) => !all.includes(column));
  if (unknown !== undefined) {
    throw createUsageError(
      'UNKNOWN_COLUMN',
      `--redact: the file has no column ${JSON.stringify(unknown)}`,
      `Its columns are ${all.join(', ')}.`,
    );
  }
  const names = new Set(fields.map(({ name }) => name));
  return all.filter(
    (column) => !redact.includes(column) && !names.has(column) && (allColumns || sent.includes(column)),
  );
}

/** Address and title of a source. Of a table on this machine only its name is told, and not its folder. */
function listSource(source: CitedSource): readonly [address: string, title: string] {
  const { link, title, text } = showSource(source);
  if (link !== null) return [link, title ?? ''];
  return ['', title ?? readHost(source) ?? cut(text ?? '')];
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

/** Rows by column, with each address once: a third of what rows as objects take. */
class ReportRows {
  count = 0;
  readonly #columns: readonly string[];
  readonly #ordinals: number[] = [];
  readonly #cells: string[][];
  readonly #statuses: number[] = [];
  readonly #costs: number[] = [];
  readonly #errors: Record<number, string> = {};
  readonly #values: (string | null)[][];
  readonly #levels: string[];
  readonly #sources: number[][][];
  readonly #links: (readonly [string, string])[] = [];
  readonly #linkNumbers = new Map<string, number>();

  constructor(columns: readonly string[], fields: readonly string[]) {
    this.#columns = columns;
    this.#cells = columns.map(() => []);
    this.#values = fields.map(() => []);
    this.#levels = fields.map(() => '');
    this.#sources = fields.map(() => []);
  }

  add(
    ordinal: number,
    input: readonly string[],
    status: number,
    costMicros: number,
    error: string | null,
    cells: readonly {
      readonly text: string | null;
      readonly level: number;
      readonly sources: readonly (readonly string[])[];
    }[],
  ): void {
    this.#ordinals.push(ordinal);
    for (const [index, cell] of input.entries()) this.#cells[index]?.push(cell);
    this.#statuses.push(status);
    this.#costs.push(costMicros);
    if (error !== null && error !== '') this.#errors[this.count] = error;
    for (const [index, { text, level, sources }] of cells.entries()) {
      this.#values[index]?.push(text);
      this.#levels[index] = (this.#levels[index] ?? '') + String(level);
      this.#sources[index]?.push(sources.map(([url = '', title = '']) => this.#number(url, title)));
    }
    this.count += 1;
  }

  read(fields: ReportData['fields']): ReportData {
    return {
      statuses: ROW_STATUSES,
      levels: LEVELS,
      columns: this.#columns,
      fields,
      ordinals: this.#ordinals,
      cells: this.#cells,
      status: this.#statuses,
      costs: this.#costs,
      errors: this.#errors,
      values: this.#values,
      levelsByField: this.#levels,
      sources: this.#sources,
      links: this.#links,
    };
  }

  #number(url: string, title: string): number {
    const key = `${url}\n${title}`;
    const known = this.#linkNumbers.get(key);
    if (known !== undefined) return known;
    this.#linkNumbers.set(key, this.#links.length);
    return this.#links.push([url, title === readHost({ url, title }) ? '' : title]) - 1;
  }
}

/** Who may read and write the input: what only the user may read stays that way. */
async function readMode(path: string): Promise<number> {
  return ((await stat(path).catch(() => null))?.mode ?? 0o600) & 0o666;
}

/** Writes the pieces of a report and completes it. Returns its size in bytes. */
async function writePieces(sink: ByteSink, pieces: readonly string[]): Promise<number> {
  let size = 0;
  try {
    for (const piece of pieces) {
      const bytes = Buffer.from(piece);
      size += bytes.length;
      await sink.write(bytes);
    }
    await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  return size;
}
