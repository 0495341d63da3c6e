import type { ExclusionPlace } from '../model/answer.js';
import { type Blanks, DEFAULT_BLANKS } from '../model/blank.js';
import { getOwn, type JsonObject, type JsonValue } from '../model/json.js';
import { cleanCell, getValue, type Row } from '../model/row.js';
import {
  type CellReader,
  createKeyPlan,
  type KeyColumn,
  type KeyPlan,
  KeyReader,
  type MatchMode,
} from './exclusion-keys.js';
import { ExclusionStore, type Keys } from './exclusion-store.js';
import { RecordMatcher } from './record-matcher.js';
import { isOwnName, type SharedDomain, SharedDomains } from './shared-domains.js';

/** A record of the exclusion file. */
interface ExclusionRecord {
  readonly line: number;
  readonly values: JsonObject;
}

interface ExclusionOptions {
  /** What rows are compared by. */
  readonly on: readonly KeyColumn[];
  /** Fields to match answers by. If set, no row is excluded, but every answer that is on the list. */
  readonly onAnswer: readonly KeyColumn[];
  /** @default 'all' */
  readonly mode?: MatchMode;
  /** The company's name in both files, to notice a domain that several companies use. */
  readonly names?: KeyColumn | null;
  /** Columns of a record that may be sent to the agent. */
  readonly tell: readonly string[];
  /** What the line of a record counts. @default 'line' */
  readonly unit?: ExclusionPlace['unit'];
  /** Which values count as blank. @default the default blanks */
  readonly blanks?: Blanks;
}

/** Number of records, equal ones included, with the places of the first few. */
export interface RecordCount {
  readonly count: number;
  readonly lines: readonly number[];
}

export interface Exclusion {
  /** Returns the first record that excludes this row, or null. */
  findMatch(row: Row): ExclusionPlace | null;
  /**
   * Returns the first record that excludes an answer, given the values sent for the row and the values found
   * by field.
   */
  findExcludedAnswer(record: JsonObject, values: JsonObject): ExclusionPlace | null;
  /** Fields that answers are matched by. */
  readonly answerFields: readonly string[];
  /** Returns the records to send with a batch: those that share a key with one of its rows, at most `limit`. */
  relevantTo(records: readonly JsonObject[], limit?: number): JsonObject[];
}

/** A list that was read from a file, and what the comparison with rows showed about it. */
export interface ListedExclusion extends Exclusion {
  /** Call this for every row of the input before any is matched: it finds domains that several companies use. */
  observeRow(row: Row): void;
  /** Domains that several companies use, and so are compared with their path. */
  listSharedDomains(): {
    readonly inList: readonly SharedDomain[];
    readonly inInput: readonly SharedDomain[];
  };
  /** Records whose domain has excluded rows of several companies. */
  listBroadRecords(): readonly BroadRecord[];
  /** Names of rows that a record has too, but with another domain; at most 100. */
  listNamesakes(): readonly Namesake[];
  /** Counts the records that no row has matched so far. */
  countUnmatched(): RecordCount;
  /** Counts the records without a value in any key column. */
  countBlank(): RecordCount;
}

interface BroadRecord extends ExclusionPlace {
  /** The names of the rows that it excluded; at most 50. */
  readonly names: readonly string[];
}

interface Namesake extends ExclusionPlace {
  readonly name: string;
}

const MAX_SENT = 100;

/** An exclusion list while it is being read. */
interface ExclusionList {
  /** Number of records added. */
  readonly count: number;
  /** Number of distinct records. */
  readonly size: number;
  /** Bytes of JSON stored for sending to the agent. */
  readonly toldBytes: number;
  add(record: ExclusionRecord): void;
  /** Call this after all records are added. */
  finish(): ListedExclusion;
}

/** Matches rows against the records of an exclusion file; see `openExclusion`. */
export function createExclusion(
  records: readonly ExclusionRecord[],
  options: ExclusionOptions,
): ListedExclusion {
  const list = openExclusion(options);
  for (const record of records) list.add(record);
  return list.finish();
}

/**
 * Matches rows against an exclusion file by normalized keys: registrable domain, case-folded email, company name without
 * legal form, digits of a phone. See `MatchMode` for which of them decide.
 */
export function openExclusion(options: ExclusionOptions): ExclusionList {
  const { on, onAnswer, tell, mode = 'all', names = null, blanks = DEFAULT_BLANKS } = options;
  const plan = createKeyPlan([...on, ...onAnswer], mode, onAnswer.length);
  const reader = new KeyReader(plan, mode, blanks, names);
  const used = [
    ...new Set([
      ...[...plan.columns, ...(names === null ? [] : [names])].flatMap(({ theirs }) => theirs.flat()),
      ...tell,
    ]),
  ];
  const store = new ExclusionStore(plan.slots.length);
  const shared = new SharedDomains();
  const recent = new RecentRecords();
  let count = 0;
  return {
    get count() {
      return count;
    },
    get size() {
      return store.size;
    },
    get toldBytes() {
      return store.textBytes;
    },
    add({ line, values }) {
      count += 1;
      const cells = formatCells(values, used);
      const known = recent.find(cells);
      if (known !== undefined) {
        store.repeat(known);
        return;
      }
      const read = (column: string): JsonValue | undefined => values[column];
      const variants = reader.readKeys('theirs', read);
      for (const keys of variants) reader.watchRecord(shared, keys, read, line);
      const text = JSON.stringify(pickValues(values, tell, blanks));
      const [keys = []] = variants;
      recent.add(
        cells,
        variants.length === 1 ? store.add(keys, line, text) : store.addVariants(variants, line, text),
      );
    },
    finish: () => createMatcher(store, { ...options, blanks }, plan, reader, shared),
  };
}

/** The cells of a record as one text; null if one of them is nested. */
function formatCells(values: JsonObject, columns: readonly string[]): string | null {
  const cells = columns.map((column) => values[column] ?? null);
  return cells.some((cell) => typeof cell === 'object' && cell !== null) ? null : JSON.stringify(cells);
}

const MAX_RECENT_LENGTH = 1_000_000;

/** Cache of recently added records by their cells: a repeated record takes a tenth of the time. */
class RecentRecords {
  readonly #records = new Map<string, number>();
  #length = 0;

  find(cells: string | null): number | undefined {
    return cells === null ? undefined : this.#records.get(cells);
  }

  add(cells: string | null, record: number): void {
    if (cells === null) return;
    if (this.#length > MAX_RECENT_LENGTH) {
      this.#records.clear();
      this.#length = 0;
    }
    this.#records.set(cells, record);
    this.#length += cells.length;
  }
}

/** Names of one record, or namesakes in all, that are kept for the report. */
const MAX_NAMES = 50;
const MAX_NAMESAKES = 100;
/** A record that excludes fewer companies than this is not reported. */
const MANY_COMPANIES = 3;

function createMatcher(
  store: ExclusionStore,
  { onAnswer, unit = 'line' }: ExclusionOptions,
  plan: KeyPlan,
  reader: KeyReader,
  inList: SharedDomains,
): ListedExclusion {
  const inInput = new SharedDomains();
  const matcher = new RecordMatcher(store, plan);
  const namesByRecord = new Map<number, Map<string, string>>();
  const namesakes = new Map<string, Namesake>();
  let groups: readonly ((key: string) => Iterable<number>)[] | null = null;
  const readPlace = (record: number): ExclusionPlace => ({ line: store.readLine(record), unit });
  const hasManyOwners = (keys: Keys): boolean =>
    reader.domainSlots.some((slot) => {
      const key = keys[slot] ?? '';
      return inList.has(key) || inInput.has(key);
    });
  const findFirst = (variants: readonly Keys[]): number | null => {
    let first: number | null = null;
    for (const keys of variants) {
      const match = matcher.find(keys, hasManyOwners(keys) ? plan.pageRules : plan.rules);
      if (match !== null && (first === null || match < first)) first = match;
    }
    return first;
  };
  const noteName = (record: number, variants: readonly Keys[], read: CellReader): void => {
    const [keys = null] = variants;
    const name = keys === null ? null : reader.readName('ours', read, keys);
    if (name === null || !variants.some((each) => isOfOthers(reader, each, name))) return;
    const names = namesByRecord.get(record) ?? new Map<string, string>();
    if (names.size >= MAX_NAMES || names.has(name)) return;
    namesByRecord.set(record, names.set(name, reader.readNameText('ours', read) ?? name));
  };
  const noteNamesake = (variants: readonly Keys[], read: CellReader): void => {
    if (plan.namesakeRules.length === 0 || namesakes.size >= MAX_NAMESAKES) return;
    for (const keys of variants) {
      const name = reader.readName('ours', read, keys);
      const record =
        name === null || namesakes.has(name) ? null : matcher.find(keys, plan.namesakeRules, false);
      if (name !== null && record !== null)
        namesakes.set(name, { ...readPlace(record), name: reader.readNameText('ours', read) ?? name });
    }
  };
  return {
    observeRow: (row) => reader.watchRow(inInput, (column) => getValue(row, column), row.line),
    findMatch(row) {
      if (store.size === 0 || onAnswer.length > 0) return null;
      const read = (column: string): JsonValue | undefined => getValue(row, column);
      const variants = reader.readKeys('ours', read);
      const match = findFirst(variants);
      if (match === null) noteNamesake(variants, read);
      else if (reader.domainSlots.length > 0) noteName(store.findOwner(match), variants, read);
      return match === null ? null : readPlace(match);
    },
    answerFields: onAnswer.flatMap(({ ours }) => ours.flat()),
    findExcludedAnswer(record, values) {
      if (store.size === 0 || onAnswer.length === 0) return null;
      const fields = new Set(onAnswer.flatMap(({ ours }) => ours.flat()));
      // An empty or incomplete answer is never excluded, even if the row itself matches a record.
      if (![...fields].every((field) => Object.hasOwn(values, field))) return null;
      const variants = reader.readKeys('ours', (column) =>
        fields.has(column) ? values[column] : getOwn(record, column),
      );
      const match = findFirst(variants);
      return match === null ? null : readPlace(match);
    },
    relevantTo(rows, limit = MAX_SENT) {
      groups ??= plan.slots.map((_, slot) => store.createGroups(slot));
      const found = new Map<string, Iterable<number>>();
      for (const row of rows) {
        for (const keys of reader.readKeys('ours', (column) => getOwn(row, column))) {
          for (const [slot, key] of keys.entries()) {
            if (key === null || plan.slots[slot]?.part !== 'key') continue;
            const group = groups[slot]?.(key);
            if (group !== undefined) found.set(`${slot}:${key}`, group);
          }
        }
      }
      return takeWhileSmall(
        takeInTurn([...found.values()], limit).map((record) => JSON.parse(store.readText(record))),
      );
    },
    listSharedDomains: () => ({ inList: inList.list(), inInput: inInput.list() }),
    listBroadRecords: () =>
      [...namesByRecord]
        .filter(([, names]) => names.size >= MANY_COMPANIES)
        .map(([record, names]) => ({ ...readPlace(record), names: [...names.values()] })),
    listNamesakes: () => [...namesakes.values()],
    countUnmatched() {
      const matched = matcher.listMatched();
      return countRecords(store, (record) => matched[record] === 0);
    },
    countBlank: () =>
      countRecords(store, (record) => plan.slots.every((_, slot) => !store.isFilled(record, slot))),
  };
}

/** True if the name is not that of the domain's own company. */
function isOfOthers({ domainSlots }: KeyReader, keys: Keys, name: string): boolean {
  return domainSlots.some(
    (slot) => keys[slot]?.startsWith('domain:') === true && !isOwnName(name, keys[slot]),
  );
}

const MAX_LINES = 5;

function countRecords(store: ExclusionStore, isCounted: (record: number) => boolean): RecordCount {
  const lines: number[] = [];
  let count = 0;
  for (let record = 0; record < store.size; record += 1) {
    if (store.readCount(record) === 0 || !isCounted(record)) continue;
    count += store.readCount(record);
    if (lines.length < MAX_LINES) lines.push(store.readLine(record));
  }
  return { count, lines };
}

/** Takes the first of each group, then the second of each, so that one frequent key leaves space for others. */
function takeInTurn(groups: readonly Iterable<number>[], limit: number): number[] {
  const taken = new Set<number>();
  let open = groups.map((group) => group[Symbol.iterator]());
  while (open.length > 0) {
    open = open.filter((group) => {
      const step = taken.size < limit ? group.next() : null;
      if (step === null || step.done === true) return false;
      taken.add(step.value);
      return true;
    });
  }
  return [...taken];
}

/** The values of a record to send, cleaned. */
function pickValues(values: JsonObject, columns: readonly string[], blanks: Blanks): JsonObject {
  const picked: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = cleanCell(values[column]);
    if (value !== undefined && !blanks.isBlank(value)) picked[column] = value;
  }
  return picked;
}

/** Maximum size of the records sent with one batch, in bytes of JSON. */
const MAX_SENT_BYTES = 100_000;

function takeWhileSmall(records: readonly JsonObject[]): JsonObject[] {
  let bytes = 0;
  return records.filter((record) => {
    const size = Buffer.byteLength(JSON.stringify(record));
    if (bytes + size > MAX_SENT_BYTES) return false;
    bytes += size;
    return true;
  });
}
