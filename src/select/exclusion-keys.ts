import type { Blanks } from '../model/blank.js';
import type { ColumnKind } from '../model/column-kind.js';
import { listDomainKeys, listEntityKeys, normalizeEntityKey } from '../model/entity-key.js';
import type { JsonValue } from '../model/json.js';
import type { Keys } from './exclusion-store.js';
import type { SharedDomains } from './shared-domains.js';

/**
 * Where a value is: any of several columns, each of which may be split, as a name is into first and last name. Columns of
 * one value are joined by a space.
 */
export type ColumnSource = readonly (readonly string[])[];

/** Columns of the input and of the list that are compared with each other. */
export interface KeyColumn {
  readonly kind: ColumnKind;
  /** Columns of the input, or a field. */
  readonly ours: ColumnSource;
  /** Columns of the list. */
  readonly theirs: ColumnSource;
  /** True for a bare name, which may be a person's. */
  readonly isOpenName?: boolean;
}

/**
 * `all`: a record excludes a row if they agree in every compared column that both have. `any`: an equal email, profile
 * or domain is enough, or an equal name if nothing contradicts it.
 */
export type MatchMode = 'all' | 'any';

/** A compared value: a column's key, or for web addresses also the page and the label of the domain. */
interface Slot {
  readonly column: number;
  readonly part: 'key' | 'page' | 'label';
}

/** A record excludes a row if they agree in all of these slots that both have, and in at least one needed slot. */
export interface MatchRule {
  readonly slots: readonly boolean[];
  readonly needs: readonly boolean[];
}

export interface KeyPlan {
  readonly columns: readonly KeyColumn[];
  readonly slots: readonly Slot[];
  readonly rules: readonly MatchRule[];
  /** The same for a row whose domain has many owners: pages are compared instead of domains. */
  readonly pageRules: readonly MatchRule[];
  /** Find a record of the same name that does not exclude a row, since something else differs. Empty if names do not count. */
  readonly namesakeRules: readonly MatchRule[];
}

/** Plans what is compared. `answers` is the number of columns at the end that are fields. */
export function createKeyPlan(columns: readonly KeyColumn[], mode: MatchMode, answers: number): KeyPlan {
  const isOpen = columns.some(({ isOpenName }) => isOpenName === true);
  const isNamed = columns.some(({ kind }) => kind === 'company' || kind === 'person');
  const slots = columns.flatMap(({ kind }, column): Slot[] => {
    if (kind !== 'domain') return [{ column, part: 'key' }];
    const address: Slot[] = [
      { column, part: 'key' },
      { column, part: 'page' },
    ];
    return mode === 'any' && isNamed ? [...address, { column, part: 'label' }] : address;
  });
  const mask = (test: (kind: ColumnKind, slot: Slot) => boolean): boolean[] =>
    slots.map((slot) => test(columns[slot.column]?.kind ?? 'text', slot));
  if (mode === 'all') {
    const all = mask((_, { part }) => part === 'key');
    const first = columns.length - answers;
    const needs = answers === 0 ? all : mask((_, { column, part }) => part === 'key' && column >= first);
    return addPageRules({ columns, slots, rules: [{ slots: all, needs }], namesakeRules: [] });
  }
  const keysOf = (...kinds: readonly ColumnKind[]): boolean[] =>
    mask((kind, { part }) => part === 'key' && kinds.includes(kind));
  // A domain says more than a name, so that a name counts only if the domains, or their labels, do not differ.
  const namesOf = (...kinds: readonly ColumnKind[]): boolean[] =>
    mask((kind, { part }) =>
      kind === 'domain' ? part === 'label' : ['company', 'person', 'url', ...kinds].includes(kind),
    );
  const rules = [
    { slots: keysOf('email'), needs: keysOf('email') },
    { slots: keysOf('url'), needs: keysOf('url') },
    { slots: keysOf('domain', 'person'), needs: keysOf('domain') },
    // People share names, so that other addresses contradict an equal name.
    { slots: isOpen ? namesOf('email', 'phone') : namesOf(), needs: keysOf('company') },
    { slots: namesOf('email', 'phone'), needs: keysOf('person') },
  ].filter(({ needs }) => needs.includes(true));
  const namesake = { slots: keysOf('company', 'person'), needs: keysOf('company') };
  const hasLabels = slots.some(({ part }) => part === 'label') && namesake.needs.includes(true);
  return addPageRules({ columns, slots, rules, namesakeRules: hasLabels ? [namesake] : [] });
}

function addPageRules(plan: Omit<KeyPlan, 'pageRules'>): KeyPlan {
  const { slots } = plan;
  const toPage = (mask: readonly boolean[]): boolean[] =>
    mask.map((isSet, index) => {
      const isKeyOfDomain = slots[index]?.part === 'key' && slots[index + 1]?.part === 'page';
      if (slots[index]?.part === 'page') return mask[index - 1] === true;
      return isSet && !isKeyOfDomain;
    });
  const pageRules = plan.rules.map((rule) => ({ slots: toPage(rule.slots), needs: toPage(rule.needs) }));
  return { ...plan, pageRules };
}

type Side = 'ours' | 'theirs';
export type CellReader = (column: string) => JsonValue | undefined;

/** More combinations of the addresses in one row are not compared. */
const MAX_VARIANTS = 64;

/** Reads the keys of rows and records. */
export class KeyReader {
  /** Slots with the key of a domain; the slot after it has the page. */
  readonly domainSlots: readonly number[];
  readonly #plan: KeyPlan;
  readonly #mode: MatchMode;
  readonly #blanks: Blanks;
  readonly #names: KeyColumn | null;
  readonly #hasLabels: boolean;
  /** Slot of the company's name; -1 if it is not compared. */
  readonly #nameSlot: number;

  constructor(plan: KeyPlan, mode: MatchMode, blanks: Blanks, names: KeyColumn | null) {
    this.#plan = plan;
    this.#mode = mode;
    this.#blanks = blanks;
    this.#names = names;
    this.#hasLabels = plan.slots.some(({ part }) => part === 'label');
    this.#nameSlot =
      names === null ? -1 : plan.slots.findIndex(({ column }) => isSameColumn(plan.columns[column], names));
    this.domainSlots = plan.slots.flatMap(({ part }, slot) => (part === 'page' ? [slot - 1] : []));
  }

  /**
   * Computes the keys of a row or a record: one list of keys for each combination of its addresses, usually one in all. In
   * mode `any`, text that is not an address does not count as one.
   */
  readKeys(side: Side, read: CellReader): Keys[] {
    let variants: (string | null)[][] = [[]];
    for (const column of this.#plan.columns) {
      const parts = this.#listParts(column, side, read);
      const [only] = parts;
      if (parts.length === 1 && only !== undefined) for (const variant of variants) variant.push(...only);
      else variants = variants.flatMap((variant) => parts.map((part) => [...variant, ...part]));
      if (variants.length > MAX_VARIANTS) variants.length = MAX_VARIANTS;
    }
    return variants;
  }

  /** The keys of each value in a column; one list of nulls if it has none. */
  #listParts(column: KeyColumn, side: Side, read: CellReader): (readonly (string | null)[])[] {
    const { kind } = column;
    const found: (readonly (string | null)[])[] = [];
    for (const value of listValues(column[side], this.#blanks, read)) {
      for (const parts of kind === 'domain' ? this.#listAddressParts(value) : listKeyParts(kind, value)) {
        const [key] = parts;
        if (key != null && isAddress(kind, key, this.#mode)) found.push(parts);
      }
    }
    if (found.length === 1) return found;
    if (found.length > 1) return [...new Map(found.map((parts) => [parts[1] ?? parts[0], parts])).values()];
    return [kind !== 'domain' ? [null] : this.#hasLabels ? [null, null, null] : [null, null]];
  }

  #listAddressParts(value: JsonValue): (string | null)[][] {
    return listDomainKeys(value).map(({ key, page, label }) =>
      this.#hasLabels ? [key, page, label] : [key, page],
    );
  }

  /** The key of the company's name, or null if it is blank or not in the file. `keys`: those of the row or record. */
  readName(side: Side, read: CellReader, keys: Keys | null): string | null {
    if (this.#names === null) return null;
    if (keys !== null && this.#nameSlot >= 0) return keys[this.#nameSlot] ?? null;
    const value = this.readNameText(side, read);
    return value === null ? null : normalizeEntityKey('company', value);
  }

  /** The company's name as it is written. */
  readNameText(side: Side, read: CellReader): string | null {
    const [value] = this.#names === null ? [] : listValues(this.#names[side], this.#blanks, read);
    return value === undefined ? null : String(value);
  }

  /** Adds the pages of a record to those that show whether a domain has several owners. */
  watchRecord(domains: SharedDomains, keys: Keys, read: CellReader, line: number): void {
    for (const slot of this.domainSlots) {
      const [key = null, page = null] = [keys[slot], keys[slot + 1]];
      if (isPageOf(page, key)) domains.add(key ?? '', page ?? '', this.readName('theirs', read, keys), line);
    }
  }

  /** Same for a row. Most have no address with a path, which is quick to tell. */
  watchRow(domains: SharedDomains, read: CellReader, line: number): void {
    for (const slot of this.domainSlots) {
      const columns = this.#plan.columns[this.#plan.slots[slot]?.column ?? -1]?.ours ?? [];
      for (const value of listValues(columns, this.#blanks, read)) {
        if (typeof value === 'string' && !PATH.test(value)) continue;
        for (const { key, page } of listDomainKeys(value))
          if (isPageOf(page, key))
            domains.add(key ?? '', page ?? '', this.readName('ours', read, null), line);
      }
    }
  }
}

/** True for a page with a path of its own, on a domain that is not known to have many owners. */
function isPageOf(page: string | null, key: string | null): boolean {
  return page !== null && page !== key && key?.startsWith('domain:') === true;
}

function listKeyParts(kind: ColumnKind, value: JsonValue): string[][] {
  return listEntityKeys(kind, value).map((key) => [key]);
}

function isSameColumn(one: KeyColumn | undefined, other: KeyColumn): boolean {
  return (
    JSON.stringify([one?.kind, one?.ours, one?.theirs]) ===
    JSON.stringify([other.kind, other.ours, other.theirs])
  );
}

const PATH = /[^/:\s]\/[^/?#\s]/;
const ADDRESSES: ReadonlySet<ColumnKind> = new Set(['domain', 'url', 'email', 'phone']);

function isAddress(kind: ColumnKind, key: string, mode: MatchMode): boolean {
  if (mode === 'all' || !ADDRESSES.has(kind)) return true;
  // A link to a site of profiles, without a profile, names nobody.
  return kind === 'url' ? key.startsWith('url:') : !key.startsWith('text:');
}

/** Lists the values of a source that are not blank. A split value counts only if all of its parts are there. */
function listValues(source: ColumnSource, blanks: Blanks, read: CellReader): JsonValue[] {
  const values: JsonValue[] = [];
  for (const columns of source) {
    const parts: JsonValue[] = [];
    for (const column of columns) {
      const value = read(column);
      if (value !== undefined && !blanks.isBlank(value)) parts.push(value);
    }
    const [first] = parts;
    if (first === undefined || parts.length < columns.length) continue;
    values.push(columns.length === 1 ? first : parts.join(' '));
  }
  return values;
}
