import { closeSync, existsSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readTable } from './job.js';

/** A file that a test drops into a watched folder. */
export interface Drop {
  readonly name: string;
  readonly content: Buffer;
  /** The companies in it; empty for an unusable file. */
  readonly companies: readonly string[];
  /** `slow`: written in pieces; `renamed`: written under a temporary name first. */
  readonly manner: 'whole' | 'slow' | 'renamed';
}

const ENDINGS = ['.csv', '.jsonl', '.tsv', '.json', '.csv.gz'] as const;
const BROKEN = [
  '%PDF-1.7 no table',
  '',
  'firm\nAcme\n',
  'company,enrichment_status\nAcme,enriched\n',
  '<html>',
];

/** Creates N files in an order given by the seed. Of every ten, two are unusable, one is a duplicate, and one reuses a name. */
export function createDrops(count: number, seed: number): Drop[] {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const [order = []] = fc.sample(fc.shuffledSubarray(indexes, { minLength: count }), { numRuns: 1, seed });
  return order.map(createDrop);
}

function createDrop(index: number): Drop {
  const ten = Math.floor(index / 10);
  const ending = ENDINGS[ten % ENDINGS.length] ?? '.csv';
  const own = { name: `list-${index}${ending}`, companies: createCompanies(index), manner: 'whole' } as const;
  const whole = { ...own, content: formatRows(own.companies, ending) };
  switch (index % 10) {
    case 1:
      return { ...whole, manner: 'slow' };
    case 3:
      return { ...own, name: `bad-${ten}.csv`, companies: [], content: Buffer.from(BROKEN[ten % 5] ?? '') };
    case 4:
      return {
        ...whole,
        companies: createCompanies(index - 4),
        content: formatRows(createCompanies(index - 4), ending),
      };
    case 5:
      return { ...whole, manner: 'renamed' };
    case 7: {
      const half = gzipSync(`company\nHalf ${index}\n`).subarray(0, 30);
      return { ...own, name: `half-${ten}.csv.gz`, companies: [], content: half, manner: 'slow' };
    }
    case 9:
      return { ...whole, name: `list-${index - 9}${ending}` };
    default:
      return whole;
  }
}

function createCompanies(index: number): string[] {
  return Array.from({ length: 1 + (index % 3) }, (_, row) => `Company ${index}.${row}`);
}

function formatRows(companies: readonly string[], ending: string): Buffer {
  const objects = companies.map((company) => JSON.stringify({ company, note: 'kept' }));
  switch (ending) {
    case '.jsonl':
      return Buffer.from(`${objects.join('\n')}\n`);
    case '.json':
      return Buffer.from(`[${objects.join(',\n')}]\n`);
    case '.csv.gz':
      return gzipSync(formatRows(companies, '.csv'));
    default: {
      const comma = ending === '.tsv' ? '\t' : ',';
      return Buffer.from(
        ['company,note', ...companies.map((each) => `${each},kept`), ''].join('\n').replaceAll(',', comma),
      );
    }
  }
}

/** Reads the rows of an output in any format: company, answer and status. */
export function readOutputRows(name: string, bytes: Buffer): readonly (readonly [string, string, string])[] {
  if (name.endsWith('.gz')) return readOutputRows(name.slice(0, -3), gunzipSync(bytes));
  const text = bytes.toString('utf8');
  if (/\.[ct]sv$/.test(name)) {
    return readTable(text).map((row) => [row.company ?? '', row.answer ?? '', row.enrichment_status ?? '']);
  }
  const rows: { company: string; answer: string; enrichment: { status: string } }[] = name.endsWith('.json')
    ? JSON.parse(text)
    : text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
  return rows.map((row) => [row.company, row.answer, row.enrichment.status]);
}

interface OpenFile {
  readonly file: number;
  readonly pieces: Buffer[];
  readonly finish: () => void;
}

/** Drops files one by one. A slow file gets one more piece per step. */
export class Dropper {
  readonly #folder: string;
  readonly #waiting: Drop[];
  #open: OpenFile[] = [];

  constructor(folder: string, drops: readonly Drop[]) {
    this.#folder = folder;
    this.#waiting = [...drops];
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#open.length === 0;
  }

  step(): void {
    this.#open = this.#open.filter((each) => !this.#writeOn(each));
    // Wait while a file of this name is still there, as it would be overwritten.
    const index = this.#waiting.findIndex(({ name }) => !existsSync(join(this.#folder, name)));
    const [drop] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (drop !== undefined) this.#drop(drop);
  }

  #drop({ name, content, manner }: Drop): void {
    const path = join(this.#folder, name);
    if (manner === 'whole') {
      writeFileSync(join(this.#folder, '..', name), content);
      renameSync(join(this.#folder, '..', name), path);
      return;
    }
    const place = manner === 'slow' ? path : `${path}.part`;
    const size = Math.max(1, Math.ceil(content.length / 4));
    const pieces = [0, 1, 2, 3].map((at) => content.subarray(at * size, (at + 1) * size));
    const finish = (): void => {
      if (place !== path) renameSync(place, path);
    };
    // Written through one open file handle, as programs do, so it stays the same file even if moved.
    this.#open.push({ file: openSync(place, 'wx'), pieces, finish });
  }

  /** True once the file is complete. */
  #writeOn({ file, pieces, finish }: OpenFile): boolean {
    const piece = pieces.shift();
    if (piece !== undefined) writeSync(file, piece);
    if (pieces.length > 0) return false;
    closeSync(file);
    finish();
    return true;
  }
}
