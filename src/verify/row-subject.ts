import { isBareName, resolveColumnKinds, splitColumnName } from '../model/column-kind.js';
import { normalizeCompanyName } from '../model/company-name.js';
import { isInternalColumn } from '../model/identifying-column.js';
import { resolveSiteKind } from '../model/shared-sites.js';
import type { Claim } from '../model/verdict.js';
import { dropTitles } from './find-person.js';
import { type FoldMode, findWords, foldLatin, foldText, foldWords } from './fold-text.js';
import type { PageIndex, Segment } from './page-index.js';
import type { FieldInfo } from './value-kind.js';

/** What a row is about, as looked for on pages. */
export interface RowSubject {
  /** Folded names, plain and German, longest first. */
  readonly names: readonly string[];
  /** First words of names that are distinctive enough to stand for them. */
  readonly aliases: readonly string[];
  readonly hosts: readonly string[];
  /** True if the values are about a person, not about a company or thing. */
  readonly isPerson: boolean;
}

/** The names and hosts of a row that say whom or what its values are about. */
export function createSubject(row: Claim['row'], field: FieldInfo): RowSubject {
  const kinds = new Map(resolveColumnKinds(row.map(({ name }) => name)));
  // A bare name beside a university or a job title is that of a person.
  if (row.some(({ name }) => splitColumnName(name).some((word) => BESIDE_PEOPLE.has(word))))
    for (const { name, value } of row)
      if (isBareName(name) && kinds.get(name) === 'company' && value.includes(' ')) kinds.set(name, 'person');
  // A book beside its author is about the book.
  const isOfWork = row.some(({ name }) => WORKS.has(foldWords(name)));
  for (const { name, value } of row)
    if (
      !isOfWork &&
      PERSON_COLUMNS.has(splitColumnName(name)[0] ?? '') &&
      splitColumnName(name).length === 1 &&
      value.includes(' ')
    )
      kinds.set(name, 'person');
  const list = (wanted: readonly string[]): string[] =>
    row
      .filter(({ name, value }) => wanted.includes(kinds.get(name) ?? '') && value.trim() !== '')
      .map(({ value }) => value);
  const people = list(['person']);
  const companies = list(['company']);
  const local = row.filter(({ name }) => LOCAL_COMPANY.has(foldWords(name))).map(({ value }) => value);
  const named = row
    .filter(({ name, value }) => kinds.get(name) === 'text' && isNameColumn(name, value))
    .slice(0, 1)
    .map(({ value }) => value);
  const others = row
    .filter(({ name, value }) => kinds.get(name) === 'text' && isPlainName(name, value))
    // The first column says what the row is; "miasto" beside "klub" does not.
    .slice(0, 1)
    .map(({ value }) => value);
  const wantsPerson =
    people.length > 0 && !field.words.some((word) => COMPANY_WORDS.has(word)) && !isCompanyField(field);
  const chosen = wantsPerson ? people : [...companies, ...named];
  const values = chosen.length > 0 ? chosen : people.length > 0 ? people : others;
  const names = values.flatMap((value) => listNames(dropTitles(value)));
  const hosts = list(['domain', 'url', 'email']).flatMap((value) => readHost(value) ?? []);
  return {
    names: [...new Set(names)].sort((a, b) => b.length - a.length),
    aliases: wantsPerson
      ? []
      : listAliases(values.filter((value) => companies.includes(value) || local.includes(value))),
    hosts,
    isPerson: values === people,
  };
}

const BESIDE_PEOPLE = new Set(
  'event conference festival university school college employer faculty department position job party team club degree'.split(
    ' ',
  ),
);
/** Names of columns for companies in other languages. */
const LOCAL_COMPANY = new Set(
  'foretag bolag virksomhed selskab selskap bedrift yritys bedrijf onderneming azienda societa societe spolka sirket ceg vallalat spolecnost компания фирма підприємство 会社 企業 公司 회사'.split(
    ' ',
  ),
);
const PERSON_COLUMNS = new Set(
  'speaker author candidate attendee player athlete actor artist professor doctor lawyer employee expert politician'.split(
    ' ',
  ),
);
const WORKS = new Set('title book film movie song album game paper article'.split(' '));
const COMPANY_WORDS = new Set([
  'company',
  'employer',
  'organisation',
  'organization',
  'firm',
  'hq',
  'headquarters',
]);

function isCompanyField({ families }: FieldInfo): boolean {
  return ['employees', 'revenue', 'founded', 'industry', 'funding', 'ownership', 'legalName'].some((family) =>
    families.has(family),
  );
}

function isNameColumn(name: string, value: string): boolean {
  return isPlainName(name, value) && splitColumnName(name).some((word) => NAME_WORDS.has(word));
}

const NAME_WORDS = new Set(
  'name title product model brand item school university hotel restaurant institution museum event conference book film movie song album game app software tool ship vehicle drug device artist band team club site property building station airport hospital subject entity'.split(
    ' ',
  ),
);
const GENERAL_WORDS = new Set(
  'country city state region industry sector type category language currency segment size year date status zip postcode postal lead source county province stage tier'.split(
    ' ',
  ),
);

function isPlainName(name: string, value: string): boolean {
  return (
    !isInternalColumn(name) &&
    value.length <= 120 &&
    /\p{L}{2}/u.test(value) &&
    !splitColumnName(name).some((word) => GENERAL_WORDS.has(word))
  );
}

function listNames(value: string): string[] {
  const company = normalizeCompanyName(value);
  const plain = foldWords(company);
  const german = foldWords(value.normalize('NFC'), 'german');
  const germanName = foldWords(normalizeCompanyName(german));
  return [plain, germanName].filter((name) => name.length >= 2);
}

function listAliases(values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const [first = '', second] = foldWords(normalizeCompanyName(value)).split(' ');
    return second !== undefined && first.length >= 5 && !ORDINARY.has(first) && !/^\d+$/.test(first)
      ? [first]
      : [];
  });
}

const ORDINARY = new Set(
  'general united national international american british european german french global northern southern eastern western north south royal first second great central pacific atlantic digital smart advanced applied allied standard premier prime golden silver green black white blue united urban modern quality total world banco banque deutsche societe company group hotel university universitat school institute bureau office service services studio atelier ateliers maison casa grand saint santa hospital museum museo musee'.split(
    ' ',
  ),
);

function readHost(value: string): string | null {
  const text = value
    .trim()
    .toLowerCase()
    .replace(/^[^@\s]*@/, '')
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[/?#:].*$/, '')
    .replace(/^www\d?\./, '');
  return /^[\p{L}\d-]+(?:\.[\p{L}\d-]+)+$/u.test(text) ? text : null;
}

/** How a page relates to a row: it is the row's own site, it is about the row, or neither. */
export type PageRelation = 'own' | 'about' | null;

/** Decides whether a page is about a row, by its host, title, headings and data. */
export function relatePage(index: PageIndex, subject: RowSubject): PageRelation {
  const { page } = index;
  const host = URL.canParse(page.url) ? new URL(page.url).hostname.replace(/^www\d?\./, '') : '';
  if (host !== '' && isOwnHost(host, subject)) return 'own';
  const site = page.data.find(({ source, path: [key] }) => source === 'meta' && key === 'og:site_name');
  if (site !== undefined && isNameOf(site.value, subject)) return 'own';
  const heads = [
    page.title,
    ...page.blocks
      .filter(({ level }) => level === 1)
      .slice(0, 2)
      .map(({ text }) => text),
  ];
  if (heads.some((head) => mentions(head, subject))) return 'about';
  const path = page.url.replace(/^https?:\/\/[^/]*/i, '').slice(0, 300);
  if (subject.names.some((name) => name.length >= 5 && foldWords(decodePath(path)).includes(name)))
    return 'about';
  const owners = page.data
    .filter(({ source, path: keys, owner }) => source === 'json-ld' && keys.length <= 2 && owner !== '')
    .slice(0, 50);
  return owners.some(
    ({ owner, path: keys }) =>
      !/publisher|author|provider|brand/i.test(keys.join(' ')) && mentions(owner, subject),
  )
    ? 'about'
    : null;
}

/** True for the row's own name, alone. */
function isNameOf(text: string, { names }: RowSubject): boolean {
  return listNames(text).some((name) => names.includes(name));
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path).replace(/[_+]/g, ' ');
  } catch {
    return path;
  }
}

function isOwnHost(host: string, { hosts, names, aliases }: RowSubject): boolean {
  const parts = host.split('.');
  const site = parts.slice(-2).join('.');
  if (resolveSiteKind(host, site) !== 'own') return false;
  if (hosts.some((each) => host === each || host.endsWith(`.${each}`) || each.endsWith(`.${host}`)))
    return true;
  const label = foldWords(
    parts
      .slice(0, -1)
      .reduce(
        (longest, part) =>
          part.length > longest.length && !/^(?:co|com|org|ac|gov|net)$/.test(part) ? part : longest,
        '',
      ),
  ).replace(/ /g, '');
  const german = foldWords(parts.at(-2) ?? '', 'german').replace(/ /g, '');
  return [...names, ...aliases].some((name) => {
    const joined = name.replace(/ /g, '');
    if (joined.length < 4 || aliases.includes(name))
      return joined === label || parts.some((part) => part.startsWith(`${joined}-`));
    return (
      label === joined ||
      german === joined ||
      (label.length >= 5 && joined.startsWith(label)) ||
      (joined.length >= 5 && label.startsWith(joined) && label.length - joined.length <= 8)
    );
  });
}

/** True if a text names the row. */
export function mentions(text: string, subject: RowSubject): boolean {
  return findMentions(text, subject).length > 0;
}

/** True for a heading with the row's name, or with its end where a list leaves out the rest: "Lyon Croix-Rousse". */
export function headsRow(text: string, subject: RowSubject): boolean {
  const words = foldWords(text);
  return words.length >= 4 && subject.names.some((name) => name.endsWith(` ${words}`))
    ? true
    : mentions(text, subject);
}

/** Where a text names the row, as [start, end) in the text. A longer name of another company is not a mention. */
export function findMentions(text: string, subject: RowSubject): [number, number][] {
  const modes: readonly FoldMode[] = /[^ -~]/.test(text) ? ['plain', 'german', 'latin'] : ['plain'];
  const found: [number, number][] = [];
  for (const mode of modes) {
    const folded = foldText(text, mode);
    for (const name of [...subject.names, ...subject.aliases]) {
      for (const span of findWords(folded, name))
        if (!isOtherName(text, span, subject, name) && !found.some((each) => each[0] === span[0]))
          found.push(span);
    }
    if (mode === 'latin' && found.length === 0 && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(text)) {
      const even = foldLatin(folded.text.trim());
      if (subject.names.some((name) => ` ${even} `.includes(` ${foldLatin(name)}`))) found.push([0, 1]);
    }
  }
  return found.sort((a, b) => a[0] - b[0]);
}

/** "Quarrystone Capital" is not "Quarrystone". */
function isOtherName(
  text: string,
  [start, end]: [number, number],
  { names, aliases }: RowSubject,
  found: string,
): boolean {
  const next = /^[ -](\p{Lu}[\p{L}]+)/u.exec(text.slice(end, end + 30))?.[1];
  if (
    next !== undefined &&
    OTHER_WORDS.has(next.toLowerCase()) &&
    !names.some((name) => name.includes(next.toLowerCase()))
  )
    return true;
  // "Backlunds El" is not "Backlunds Rör".
  const isOther = next !== undefined && !names.some((name) => name.includes(foldWords(next)));
  if (isOther && aliases.includes(found) && /^ \p{Lu}\p{Ll}+ \p{Ll}/u.test(text.slice(end, end + 30)))
    return true;
  const before = /(\p{Lu}\p{L}+)[ -]$/u.exec(text.slice(Math.max(0, start - 20), start))?.[1];
  return before !== undefined && BEFORE_WORDS.has(before.toLowerCase());
}

/** Words after a name that make it the name of another company. */
const OTHER_WORDS = new Set(
  'capital ventures partners foundation bank energy media labs pharma insurance logistics realty properties studios records airlines hotels university college institute stiftung fund'.split(
    ' ',
  ),
);
const BEFORE_WORDS = new Set(['new', 'neue', 'nouveau', 'nouvelle', 'nuevo', 'nueva']);

/** True if a segment or block of a page names the row. Remembered by its text, for each subject. */
export function segmentMentions(segment: Pick<Segment, 'text'>, subject: RowSubject): boolean {
  const known = remembered.get(subject) ?? new Map<string, boolean>();
  remembered.set(subject, known);
  const found = known.get(segment.text) ?? mentions(segment.text, subject);
  known.set(segment.text, found);
  return found;
}

const remembered = new WeakMap<RowSubject, Map<string, boolean>>();
