import { createUsageError } from '../errors.js';
import type { InputLimits } from './limits.js';
import { readXml } from './xml-reader.js';
import type { ZipArchive } from './zip-archive.js';

const PAGE_BYTES = 1024 * 1024;
/** What one text costs beside its bytes. */
const ENTRY_BYTES = 16;

/** The texts that the cells of a workbook name by their number. */
export interface SharedTexts {
  /** Undefined for a number that is none. */
  read(index: number): string | undefined;
}

/** Reads the shared texts of a workbook; they are kept as bytes, which take a fraction of what strings would. */
export async function readSharedTexts(
  archive: ZipArchive,
  path: string | undefined,
  limits: InputLimits,
): Promise<SharedTexts> {
  const store = new TextStore();
  if (path === undefined || !archive.paths.has(path)) return store;
  let text = '';
  let isText = false;
  // How the characters are pronounced, which is no part of the text.
  let isPhonetic = false;
  const part = { name: archive.name, path, openBytes: () => archive.openPart(path) };
  const handler = {
    open(name: string) {
      if (name === 'si') text = '';
      else if (name === 'rPh') isPhonetic = true;
      else if (name === 't') isText = !isPhonetic;
    },
    text(piece: string) {
      if (isText) text += piece;
    },
    close(name: string) {
      if (name === 't') isText = false;
      else if (name === 'rPh') isPhonetic = false;
      else if (name === 'si') store.add(text);
    },
  };
  for await (const _ of readXml(part, handler)) {
    if (text.length > limits.maxRowLength) throw refuseText(archive.name, limits.maxRowLength);
    if (store.bytes + text.length > limits.maxSharedBytes)
      throw refuseTexts(archive.name, limits.maxSharedBytes);
  }
  return store;
}

function refuseText(name: string, maxLength: number) {
  return createUsageError(
    'INPUT_ROW_TOO_LONG',
    `${name} holds a text of more than ${maxLength} characters`,
    'Check that this is a table: a cell of Excel holds 32767 characters.',
  );
}

function refuseTexts(name: string, maxBytes: number) {
  return createUsageError(
    'INPUT_WORKBOOK_TOO_LARGE',
    `${name} holds more than ${Math.floor(maxBytes / 1024 / 1024)} MB of different texts`,
    'Save the sheet as CSV (UTF-8) and give that file: its size does not matter.',
  );
}

class TextStore implements SharedTexts {
  bytes = 0;
  readonly #pages: Buffer[] = [];
  /** Of each text the page, and where on it it starts and ends. */
  #places = new Uint32Array(3 * 1024);
  #count = 0;
  #used = PAGE_BYTES;

  add(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#used + length > PAGE_BYTES) {
      this.#pages.push(Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, length)));
      this.#used = 0;
    }
    this.#pages.at(-1)?.write(text, this.#used);
    if (this.#places.length === this.#count * 3) {
      const wider = new Uint32Array(this.#places.length * 2);
      wider.set(this.#places);
      this.#places = wider;
    }
    this.#places.set([this.#pages.length - 1, this.#used, this.#used + length], this.#count * 3);
    this.#count += 1;
    this.#used += length;
    this.bytes += length + ENTRY_BYTES;
  }

  read(index: number): string | undefined {
    if (!(index >= 0 && index < this.#count)) return undefined;
    const at = index * 3;
    return this.#pages[this.#places[at] ?? 0]?.toString('utf8', this.#places[at + 1], this.#places[at + 2]);
  }
}
