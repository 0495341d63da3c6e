import { createUsageError } from '../errors.js';
import { type ColumnKind, isBareName, resolveColumnKinds, splitColumnName } from '../model/column-kind.js';
import { findLikeColumn, suggestColumns } from '../model/column-name.js';
import { formatPart, showName, suggestSimilar } from '../model/format.js';
import type { EnrichOptions } from '../options.js';
import type { ColumnSource, KeyColumn, MatchMode } from '../select/exclusion-keys.js';
import { describeOrigin } from './resolve-ask.js';

/** What rows and answers are compared by with an exclusion list. */
export interface ExclusionColumns {
  readonly on: readonly KeyColumn[];
  readonly onAnswer: readonly KeyColumn[];
  readonly mode: MatchMode;
  /** The company's name in both files, to notice a domain that several companies use. */
  readonly names: KeyColumn | null;
}

interface Headers {
  readonly path: string;
  readonly input: readonly string[];
  readonly list: readonly string[];
  /** Names of the fields to fill. */
  readonly fields: readonly string[];
}

/**
 * Decides which columns are compared. A field among those of `--exclude-on` makes the list one of answers that are not
 * wanted: for this company, not this person.
 */
export function resolveExclusionColumns(
  { excludeOn, origins }: Pick<EnrichOptions, 'excludeOn' | 'origins'>,
  headers: Headers,
): ExclusionColumns {
  const ours = listColumns(headers.input, headers.fields);
  const theirs = listColumns(headers.list, headers.fields);
  const names = pairNames(ours, theirs);
  if (excludeOn === undefined) return { ...chooseColumns(headers, ours, theirs), onAnswer: [], names };
  const pairs = excludeOn.map((text, index) => {
    const where = describeOrigin(origins, `excludeOn/${index}`, '--exclude-on');
    return resolvePair(where, text, headers);
  });
  const kinds = [headers.input, headers.list].map(resolveColumnKinds);
  const create = ({ ours: our, theirs: their }: ColumnPair): KeyColumn => ({
    kind: mergeKinds(kinds[0]?.get(our) ?? resolveColumnKinds([our]).get(our), kinds[1]?.get(their)),
    ours: [[our]],
    theirs: [[their]],
  });
  const isField = ({ ours: our }: ColumnPair): boolean => headers.fields.includes(our);
  return {
    on: pairs.filter((pair) => !isField(pair)).map(create),
    onAnswer: pairs.filter(isField).map(create),
    mode: 'all',
    names,
  };
}

/** The column of both files, or both columns, as they would be given to `--exclude-on`. */
export function describeKeyColumn({ ours, theirs }: KeyColumn): string {
  const [our, their] = [ours, theirs].map((source) =>
    source.map((columns) => showColumn(columns.join(' + '))).join(', '),
  );
  return our === their ? (our ?? '') : `${our}=${their}`;
}

/** As it would be typed, with escapes for what nobody sees. */
function showColumn(name: string): string {
  const shown = showName(name);
  return shown === name ? formatPart(name) : shown;
}

interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly words: readonly string[];
}

/** The columns of a file that are not to be filled. */
function listColumns(names: readonly string[], fields: readonly string[]): Column[] {
  const own = names.filter((name) => !fields.includes(name));
  const kinds = resolveColumnKinds(own);
  return own.map((name) => ({ name, kind: kinds.get(name) ?? 'text', words: splitColumnName(name) }));
}

/** Without `--exclude-on`: addresses and names, under whatever header; if there are none, all columns of the same name. */
function chooseColumns(
  { path, input, list, fields }: Headers,
  ours: readonly Column[],
  theirs: readonly Column[],
): Pick<ExclusionColumns, 'on' | 'mode'> {
  const pool = (kind: ColumnKind, list: (columns: readonly Column[]) => ColumnSource): KeyColumn[] => {
    const [our, their] = [list(ours), list(theirs)];
    return our.length === 0 || their.length === 0 ? [] : [{ kind, ours: our, theirs: their }];
  };
  const names = pairNames(ours, theirs);
  const on = [
    ...pool('email', listEmails),
    ...pairProfiles(ours, theirs),
    ...pool('domain', listDomains),
    ...(names === null ? [] : [names]),
    ...pool('person', listPersons),
    ...pool('phone', (columns) => toSource(columns.filter(({ kind }) => kind === 'phone'))),
  ];
  if (on.some(({ kind }) => kind !== 'phone')) {
    const isOpen = !on.some(({ kind }) => kind === 'domain');
    return { mode: 'any', on: isOpen ? on.map(markOpenName) : on };
  }
  const kinds = resolveColumnKinds(input);
  const shared = input.flatMap((ours): ColumnPair[] => {
    const theirs = fields.includes(ours) ? null : findShared(ours, input, list);
    return theirs === null ? [] : [{ ours, theirs }];
  });
  if (shared.length > 0)
    return {
      mode: 'all',
      on: shared.map(({ ours: our, theirs: their }) => ({
        kind: kinds.get(our) ?? 'text',
        ours: [[our]],
        theirs: [[their]],
      })),
    };
  throw createUsageError(
    'NO_SHARED_COLUMN',
    `the input and ${path} have no column of the same name`,
    `${describeHeaders({ path, input, list })} Name the columns to compare: --exclude-on ${formatPair(input[0], list[0])}.`,
  );
}

/** The column of the list with this name, unless another column of the input is closer to it. */
function findShared(name: string, input: readonly string[], list: readonly string[]): string | null {
  const theirs = findLikeColumn(name, list);
  return theirs !== null && findLikeColumn(theirs, input) === name ? theirs : null;
}

function toSource(columns: readonly Column[]): ColumnSource {
  return columns.map(({ name }) => [name]);
}

function markOpenName(column: KeyColumn): KeyColumn {
  const isOpenName = column.kind === 'company' && [...column.ours, ...column.theirs].flat().some(isBareName);
  return isOpenName ? { ...column, isOpenName } : column;
}

/** Words of a column for somebody else than the company or person of the row. */
const THIRD_PARTIES = new Set(['vendor', 'supplier', 'brand', 'client']);
const OWN_EMAIL = new Set(
  `email emails mail mailbox address addresses work business company contact person personal private main primary office lead info
   customer account organisation organization firma the first second 1 2 3`.split(/\s+/),
);

/** The email columns of a row's own person or company: not that of its owner at our side. */
function listEmails(columns: readonly Column[]): ColumnSource {
  return toSource(
    columns.filter(({ kind, words }) => kind === 'email' && words.every((word) => OWN_EMAIL.has(word))),
  );
}

function listDomains(columns: readonly Column[]): ColumnSource {
  const domains = columns.filter(({ kind }) => kind === 'domain');
  const own = domains.filter((column) => !isOfThirdParty(column));
  return toSource(own.length > 0 ? own : domains);
}

function isOfThirdParty({ words }: Column): boolean {
  return words.some((word) => THIRD_PARTIES.has(word));
}

/** The company's name: columns with the same words, or else the first that names one in each file. */
function pairNames(ours: readonly Column[], theirs: readonly Column[]): KeyColumn | null {
  const [our, their] = [ours, theirs].map((columns) => {
    const named = columns.filter(({ kind }) => kind === 'company');
    const own = named.filter((column) => !isOfThirdParty(column));
    return own.length > 0 ? own : named;
  });
  const same = our?.find((one) => their?.some((other) => hasSameWords(one, other)));
  const one = same ?? our?.[0];
  const other = same === undefined ? their?.[0] : their?.find((each) => hasSameWords(same, each));
  if (one === undefined || other === undefined) return null;
  return { kind: 'company', ours: [[one.name]], theirs: [[other.name]] };
}

function hasSameWords(one: Column, other: Column): boolean {
  return one.words.join(' ') === other.words.join(' ');
}

const PROFILE_SITES = [
  'linkedin',
  'xing',
  'crunchbase',
  'facebook',
  'instagram',
  'twitter',
  'github',
  'tiktok',
  'youtube',
];

/** Columns with a profile on the same site. */
function pairProfiles(ours: readonly Column[], theirs: readonly Column[]): KeyColumn[] {
  return PROFILE_SITES.flatMap((site): KeyColumn[] => {
    const [our = [], their = []] = [ours, theirs].map((columns) =>
      toSource(
        columns.filter(({ kind, words }) => (kind === 'url' || kind === 'text') && words.includes(site)),
      ),
    );
    return our.length === 0 || their.length === 0 ? [] : [{ kind: 'url', ours: our, theirs: their }];
  });
}

const FIRST_NAMES = new Set(['first name', 'firstname', 'given name', 'forename']);
const LAST_NAMES = new Set(['last name', 'lastname', 'family name', 'surname']);
const NAME_PARTS = new Set('first last given family middle firstname lastname forename surname'.split(' '));

/** The person's whole name: one column, or first and last name. */
function listPersons(columns: readonly Column[]): ColumnSource {
  const whole = columns.filter(
    ({ kind, words }) => kind === 'person' && !words.some((word) => NAME_PARTS.has(word)),
  );
  const [first] = whole;
  if (first !== undefined) return [[first.name]];
  const [given, family] = [FIRST_NAMES, LAST_NAMES].map((names) =>
    columns.find(({ words }) => names.has(words.join(' '))),
  );
  return given === undefined || family === undefined ? [] : [[given.name, family.name]];
}

interface ColumnPair {
  readonly ours: string;
  readonly theirs: string;
}

/** Reads a column of `--exclude-on`: one name for both files, or `Website=Homepage` for the input's and the list's. */
function resolvePair(where: string, text: string, headers: Headers): ColumnPair {
  const { path, input, list, fields } = headers;
  const findOurs = (name: string): string | null =>
    fields.includes(name) ? name : findLikeColumn(name, input);
  const findPair = (ours: string, theirs: string): ColumnPair | null => {
    const [our, their] = [findOurs(ours), findLikeColumn(theirs, list)];
    return our === null || their === null ? null : { ours: our, theirs: their };
  };
  const same = findPair(text, text);
  if (same !== null) return same;
  for (let at = text.indexOf('='); at > 0; at = text.indexOf('=', at + 1)) {
    const pair = findPair(text.slice(0, at).trim(), text.slice(at + 1).trim());
    if (pair !== null) return pair;
  }
  const [ours = '', theirs = ours] = text.includes('=') ? text.split('=').map((part) => part.trim()) : [text];
  const our = findOurs(ours) ?? suggestSimilar(ours, input)[0] ?? input[0];
  const their = findLikeColumn(theirs, list) ?? suggestSimilar(theirs, list)[0] ?? list[0];
  const isOurs = findOurs(ours) !== null;
  const [column, place, columns] = isOurs ? [theirs, path, list] : [ours, 'the input', input];
  const nearest = suggestColumns(column, columns);
  const guess = nearest === null ? '' : `${nearest} `;
  throw createUsageError(
    'UNKNOWN_COLUMN',
    `${where} names ${showName(column)}, which ${place} does not have`,
    `${guess}${describeHeaders(headers)} If the names differ, write --exclude-on ${formatPair(our, their)}.`,
  );
}

const MAX_SHOWN = 20;

function describeHeaders({ path, input, list }: Pick<Headers, 'path' | 'input' | 'list'>): string {
  const show = (columns: readonly string[]): string =>
    columns.slice(0, MAX_SHOWN).map(showName).join(', ') + (columns.length > MAX_SHOWN ? ', …' : '');
  return `The input has ${show(input)}; ${path} has ${show(list)}.`;
}

function formatPair(ours = 'website', theirs = 'homepage'): string {
  const pair = `${ours}=${theirs}`;
  return /^[\w.=-]+$/.test(pair) ? pair : `'${pair.replaceAll("'", "'\\''")}'`;
}

/** The kind of two columns that are compared: a domain is also found in an email address or a link. */
function mergeKinds(ours: ColumnKind = 'text', theirs: ColumnKind = 'text'): ColumnKind {
  if (ours === theirs || theirs === 'text') return ours;
  const isAddress = (kind: ColumnKind): boolean => kind === 'email' || kind === 'url' || kind === 'domain';
  return ours === 'text' || (theirs === 'domain' && isAddress(ours)) ? theirs : ours;
}
