import { gunzipSync, gzipSync } from 'node:zlib';
import type { CitedSource, FieldAnswer, RowAnswer } from '../model/answer.js';
import { type BookedCost, bookCost, splitMicros } from '../model/format.js';
import type { JsonValue } from '../model/json.js';
import { type AgentRun, type Confidence, findBatchId } from '../model/run.js';
import type { RowFailure, Settlement } from './ledger.js';

/** The changes of an ask are numbered from `number of the ask * SPAN`. */
export const SPAN = 2 ** 32;
/** Hex digits of a row key. */
const KEY_DIGITS = 32;

/**
 * `run`: a settled run. `failures`: rows that failed without a run. `human`: values that a person gave. `rejected`:
 * values that a person rejected. `released`: a batch that ended without a run.
 */
export type BlockKind = 'run' | 'failures' | 'human' | 'rejected' | 'released';

/** Row keys of a block: packed, or as one text of all their digits. */
type StoredKeys = Uint8Array | ArrayBuffer | string | null;

/** A block as stored. */
export interface BlockRow {
  readonly number: number;
  readonly keys: StoredKeys;
  readonly kind: BlockKind;
  readonly job: number;
  readonly invocation: number;
  readonly runId: string | null;
  readonly costMicros: number;
  readonly isEstimated: number;
  readonly effort: string;
  readonly isRefresh: number;
  readonly intendedAt: number;
  readonly settledAt: number;
  readonly content: string;
}

type StoredSource = readonly [url: string | null, title?: string | null | 0, text?: string];

/** A cell, with trailing defaults left out; 0 for a field without an answer. */
type StoredCell =
  | 0
  | readonly [
      value: JsonValue,
      confidence?: Confidence | null,
      sources?: readonly StoredSource[],
      issue?: string,
    ];

/** Ids of fields by name. */
export type FieldIds = ReadonlyMap<string, string>;

/** The long part of a block. Rows are in the order of its keys. */
interface BlockContent {
  readonly fields?: readonly string[];
  /** Ids of the fields: a reworded field has the same name and another id. Empty for one that its ask does not name. */
  readonly ids?: readonly string[];
  /** Cells by row, in the order of `fields`; 0 for a row without an answer. */
  readonly rows?: readonly (readonly StoredCell[] | 0)[];
  /** Failed rows by index. */
  readonly failures?: readonly (readonly [row: number, reason: string])[];
}

/** Packs row keys of 32 hex digits, 16 bytes each. */
export function packKeys(keys: readonly string[]): Buffer {
  return Buffer.from(keys.join(''), 'hex');
}

export function unpackKeys(keys: StoredKeys): string[] {
  const text = toDigits(keys);
  return Array.from({ length: text.length / KEY_DIGITS }, (_, index) =>
    text.slice(index * KEY_DIGITS, (index + 1) * KEY_DIGITS),
  );
}

function toDigits(keys: StoredKeys): string {
  if (typeof keys === 'string') return keys;
  return keys === null ? '' : Buffer.from(new Uint8Array(keys)).toString('hex');
}

/** Formats the answers and failures of a settled run. Every answer belongs to the run and its effort. */
export function formatRunContent(
  keys: readonly string[],
  answers: readonly RowAnswer[],
  failures: readonly RowFailure[],
  ids: FieldIds,
): string {
  const byKey = new Map<string, RowAnswer['fields']>();
  for (const { key, fields } of answers) byKey.set(key, fields);
  const fields = listFields(answers);
  const rows: (readonly StoredCell[] | 0)[] = [];
  for (const key of keys) rows.push(formatRow(byKey.get(key), fields));
  return JSON.stringify({
    ...(answers.length === 0 ? {} : { fields, ids: listIds(fields, ids), rows }),
    ...(failures.length === 0 ? {} : { failures: indexFailures(keys, failures) }),
  } satisfies BlockContent);
}

export function formatFailures(keys: readonly string[], failures: readonly RowFailure[]): string {
  return JSON.stringify({ failures: indexFailures(keys, failures) } satisfies BlockContent);
}

/** Removes the failures from the content of a block. */
export function dropFailures(content: string): string {
  const { failures, ...rest } = JSON.parse(content) as BlockContent;
  return failures === undefined ? content : JSON.stringify(rest);
}

/** Formats values by row and field; a missing value means that the cell is not concerned. */
export function formatValues(rows: readonly ReadonlyMap<string, JsonValue>[], ids: FieldIds): string {
  const fields = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const cells = rows.map((row) =>
    fields.map((name): StoredCell => (row.has(name) ? [row.get(name) ?? null] : 0)),
  );
  return JSON.stringify({ fields, ids: listIds(fields, ids), rows: cells } satisfies BlockContent);
}

function listIds(fields: readonly string[], ids: FieldIds): string[] {
  return fields.map((name) => ids.get(name) ?? '');
}

function listFields(answers: readonly RowAnswer[]): string[] {
  const first = answers[0];
  if (first === undefined) return [];
  const names = [...first.fields.keys()];
  for (const { fields } of answers) if (!hasExactly(fields, names)) return listAllFields(answers);
  return names;
}

function hasExactly(fields: RowAnswer['fields'], names: readonly string[]): boolean {
  for (const name of names) if (!fields.has(name)) return false;
  return fields.size === names.length;
}

function listAllFields(answers: readonly RowAnswer[]): string[] {
  return [...new Set(answers.flatMap(({ fields }) => [...fields.keys()]))];
}

function indexFailures(
  keys: readonly string[],
  failures: readonly RowFailure[],
): (readonly [number, string])[] {
  const reasons = new Map(failures.map(({ key, reason }) => [key, reason]));
  return keys.flatMap((key, index): (readonly [number, string])[] => {
    const reason = reasons.get(key);
    return reason === undefined ? [] : [[index, reason]];
  });
}

function formatRow(row: RowAnswer['fields'] | undefined, fields: readonly string[]): StoredCell[] | 0 {
  if (row === undefined) return 0;
  const cells: StoredCell[] = [];
  for (const name of fields) cells.push(formatCell(row.get(name)));
  return cells;
}

function formatCell(field: FieldAnswer | undefined): StoredCell {
  if (field === undefined) return 0;
  const { value, confidence, citations, issue } = field;
  if (issue !== null) return [value, confidence, citations.map(formatSource), issue];
  if (citations.length > 0) return [value, confidence, citations.map(formatSource)];
  return confidence === null ? [value] : [value, confidence];
}

function formatSource({ url, title, text }: CitedSource): StoredSource {
  if (text !== undefined) return [url, title === undefined ? 0 : title, text];
  return title === undefined ? [url] : [url, title];
}

function parseSource(source: StoredSource): CitedSource {
  if (source.length === 2 && typeof source[1] === 'string') return { url: source[0], title: source[1] };
  const [url, title, text] = source;
  return {
    url,
    ...(title === undefined || title === 0 ? {} : { title }),
    ...(text === undefined ? {} : { text }),
  };
}

/** A block read from the ledger. */
export class Block {
  readonly row: BlockRow;
  /** All keys as one text. */
  readonly #keys: string;
  readonly #content: BlockContent;
  #shares: readonly number[] | null = null;
  #reasons: ReadonlyMap<number, string> | null = null;
  /** The fields to read, for the ids that were used last. */
  #picked: { readonly ids: FieldIds | null; readonly names: readonly (string | null)[] } | null = null;
  /** Rows are usually looked up in their order. */
  #next = 0;

  constructor(row: BlockRow) {
    this.row = row;
    this.#keys = toDigits(row.keys);
    this.#content = JSON.parse(row.content) as BlockContent;
  }

  get length(): number {
    return this.#keys.length / KEY_DIGITS;
  }

  listKeys(): string[] {
    return unpackKeys(this.row.keys);
  }

  /** Index of a key; -1 if it is not in the block. */
  findRow(key: string): number {
    if (key.length !== KEY_DIGITS) return -1;
    if (this.#keys.startsWith(key, this.#next * KEY_DIGITS)) {
      this.#next += 1;
      return this.#next - 1;
    }
    let place = this.#keys.indexOf(key);
    while (place >= 0 && place % KEY_DIGITS !== 0) place = this.#keys.indexOf(key, place + 1);
    if (place < 0) return -1;
    this.#next = place / KEY_DIGITS + 1;
    return place / KEY_DIGITS;
  }

  /** The row's share of the cost. The shares of all rows add up to it. */
  shareOf(row: number): number {
    if (this.row.costMicros === 0) return 0;
    this.#shares ??= splitMicros(this.row.costMicros, this.length);
    return this.#shares[row] ?? 0;
  }

  failureOf(row: number): string | null {
    const { failures } = this.#content;
    if (failures === undefined) return null;
    this.#reasons ??= new Map(failures);
    return this.#reasons.get(row) ?? null;
  }

  /** The answer of a row, in the fields with these ids or in all; null if the run has none for it. */
  fieldsOf(row: number, ids: FieldIds | null = null): Map<string, FieldAnswer> | null {
    const cells = this.#content.rows?.[row];
    if (cells === undefined || cells === 0) return null;
    const { runId, effort, kind, settledAt, intendedAt } = this.row;
    const fields = new Map<string, FieldAnswer>();
    let index = 0;
    for (const name of this.#pick(ids)) {
      const cell = cells[index] ?? 0;
      index += 1;
      if (name === null || cell === 0) continue;
      const field = {
        value: cell[0],
        confidence: cell[1] ?? null,
        citations: cell[2]?.map(parseSource) ?? NO_SOURCES,
        issue: cell[3] ?? null,
        runId: runId ?? '',
        effort,
        triedEffort: effort,
        foundAtMs: settledAt,
        sentAtMs: intendedAt,
      };
      fields.set(name, kind === 'human' ? { ...field, ...HUMAN } : field);
    }
    return fields;
  }

  /** All answers, by row key. */
  listAnswers(): RowAnswer[] {
    return this.listKeys().flatMap((key, index) => {
      const fields = this.fieldsOf(index);
      return fields === null ? [] : [{ key, fields }];
    });
  }

  /** Names of the block's fields; null if a field of this name now has another id, for example after rewording. */
  #pick(ids: FieldIds | null): readonly (string | null)[] {
    if (this.#picked?.ids === ids) return this.#picked.names;
    const { fields = [], ids: own = [] } = this.#content;
    const names = fields.map((name, index) => {
      const [id = '', wanted] = [own[index], ids?.get(name)];
      return ids === null || id === '' || id === wanted ? name : null;
    });
    this.#picked = { ids, names };
    return names;
  }
}

const NO_SOURCES: readonly CitedSource[] = [];
const HUMAN = { who: 'human' } as const;

/** Below this size, compression costs more than the disk space it saves. */
const MIN_PACKED_BYTES = 8 * 1024;
const GZIP_MAGIC = 0x1f;

/** Encodes a run for storage: JSON, compressed if large. */
export function packRun(run: AgentRun): Uint8Array {
  const content = Buffer.from(JSON.stringify(run));
  return content.length < MIN_PACKED_BYTES ? content : gzipSync(content, { level: 1 });
}

/** Decodes a run that `packRun` encoded. JSON never starts like compressed data. */
export function unpackRun(content: Uint8Array | ArrayBuffer): AgentRun {
  const bytes = Buffer.from(new Uint8Array(content));
  const text = (bytes[0] === GZIP_MAGIC ? gunzipSync(bytes) : bytes).toString('utf8');
  return JSON.parse(text) as AgentRun;
}

/** A settlement with its run packed, because a parsed run would take much memory until it is written. */
export interface PackedSettlement extends Omit<Settlement, 'run'> {
  readonly runId: string;
  /** The batch that the run's metadata names. */
  readonly namedBatch: string | null;
  readonly cost: BookedCost;
  readonly rawRun: Uint8Array;
}

export function packSettlement({ batch, run, answers, failures }: Settlement): PackedSettlement {
  const cost = bookCost(run.costDollars.total, batch.reserveMicros);
  return {
    batch,
    answers,
    failures,
    runId: run.id,
    namedBatch: findBatchId(run),
    cost,
    rawRun: packRun(run),
  };
}

/** For a batch with the same key twice. */
export function keepOnePerKey({
  answers,
  failures,
}: PackedSettlement): Pick<Settlement, 'answers' | 'failures'> {
  const pick = <Row extends { readonly key: string }>(rows: readonly Row[]): Row[] => [
    ...new Map(rows.map((row) => [row.key, row])).values(),
  ];
  return { answers: pick(answers), failures: pick(failures) };
}

/** Whether all of a stored block can be read. */
export function isReadable(row: BlockRow): boolean {
  try {
    const block = new Block(row);
    for (let index = 0; index < block.length; index += 1) block.fieldsOf(index);
    return Number.isInteger(block.length) && block.failureOf(0) !== undefined;
  } catch {
    return false;
  }
}
