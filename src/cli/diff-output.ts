import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { formatNumber } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { type ByteSink, createStreamSink, openSink, resolveTarget } from '../write/byte-sink.js';
import { defuseFormula, formatInput } from '../write/cells.js';
import { formatTable } from './format-table.js';
import { type Host, readColumns } from './host.js';
import { endJsonWithError } from './report-error.js';

/** Cells shown as text; more are counted. */
const MAX_SHOWN = 50;
/** Width of a table that is not shown on a terminal. */
const WIDTH = 160;

type OnRecord = (record: JsonObject) => Promise<void>;

/** Where the changed cells go. */
interface DiffFile {
  readonly path: string;
  /** The files that are compared. */
  readonly inputs: readonly string[];
  /** Throws if the file may not be replaced. */
  readonly check: () => Promise<void>;
}

/** Changed cells as text, as one JSON object, or as a CSV file. However many there are, only the first stay in memory. */
export class DiffOutput {
  readonly #host: Host;
  readonly #isJson: boolean;
  readonly #columns: readonly string[];
  readonly #file: DiffFile | null;
  #sink: ByteSink | null = null;
  #count = 0;
  readonly #shown: JsonObject[] = [];

  /** `columns` are the keys of every record, in their order. */
  constructor(host: Host, isJson: boolean, columns: readonly string[], file: DiffFile | null) {
    this.#host = host;
    this.#isJson = isJson;
    this.#columns = columns;
    this.#file = file;
  }

  /** Passes on each record of `compare`. A file appears only when complete. */
  async collect<Result>(compare: (onRecord: OnRecord) => Promise<Result>): Promise<Result> {
    if (this.#file !== null) {
      this.#sink = await openFile(this.#file, this.#host);
    }
    try {
      await this.#sink?.write(Buffer.from(formatLine(this.#columns)));
      const result = await compare((record) => this.#add(record));
      await this.#sink?.commit();
      return result;
    } catch (error) {
      await this.#sink?.abort();
      if (this.#isJson && this.#count > 0) endJsonWithError('\n]', error, this.#host);
      throw error;
    }
  }

  async #add(record: JsonObject): Promise<void> {
    await this.#sink?.write(Buffer.from(formatLine(Object.values(record))));
    if (this.#isJson)
      await this.#print(`${this.#count === 0 ? '{"cells":[' : ','}\n${JSON.stringify(record)}`);
    else if (this.#shown.length < MAX_SHOWN) this.#shown.push(record);
    this.#count += 1;
  }

  /** Ends a JSON object with the counts. */
  finish(counts: JsonObject): void {
    if (!this.#isJson) return;
    const start = this.#count === 0 ? '{"cells":[' : '\n';
    this.#host.print(`${start}],${JSON.stringify(counts).slice(1)}\n`);
  }

  /** Prints a line about the comparison, apart from what is on standard output. */
  tell(line: string): void {
    if (this.#file?.path === '-') this.#host.say(line);
    else this.#host.tell(line);
  }

  /** Shows the first cells, with these columns, and says where the others are. */
  tellCells(columns: readonly string[]): void {
    if (this.#file?.path === '-') return;
    if (this.#file !== null) {
      this.#host.say(`The changed cells are in ${this.#file.path}.`);
      return;
    }
    if (this.#shown.length === 0) return;
    const lines = this.#shown.map((record) => columns.map((column) => showValue(column, record[column])));
    this.#host.tell('');
    for (const line of formatTable([columns, ...lines], readColumns(this.#host.stdout) ?? WIDTH))
      this.#host.tell(line);
    const more = this.#count - this.#shown.length;
    if (more > 0)
      this.#host.say(`Not shown: ${formatNumber(more, 'more cell')}. -o FILE writes all of them.`);
  }

  async #print(text: string): Promise<void> {
    this.#host.print(text);
    const { stdout } = this.#host;
    if (!stdout.writableNeedDrain || this.#host.isOutputClosed()) return;
    // A reader that has gone away is reported when the program ends.
    await once(stdout, 'drain').catch(() => undefined);
  }
}

async function openFile({ path, inputs, check }: DiffFile, { stdout }: Host): Promise<ByteSink> {
  if (path === '-') return createStreamSink(stdout, 'standard output');
  return openSink(await resolveTarget(path, await readModes(inputs)), /\.gz$/i.test(path), { check });
}

/** Who may read and write every one of the files: the cells of a private file stay private. */
async function readModes(paths: readonly string[]): Promise<number> {
  const stats = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return stats.reduce((mode, each) => (each?.isFile() === true ? mode & each.mode : mode), 0o666);
}

function showValue(column: string, value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '–';
  const text = formatInput(value);
  return column === 'date' ? text.slice(0, 10) : text;
}

function formatLine(values: readonly JsonValue[]): string {
  const cells = values.map((value) => {
    const text = typeof value === 'string' ? defuseFormula(value) : formatInput(value);
    return /[",\r\n]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\n`;
}
