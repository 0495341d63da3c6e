import { normalizeCompanyName } from '../model/company-name.js';
import { type FoldedText, type FoldMode, findWords, foldLatin, foldWords } from './fold-text.js';
import { findCountryCode, listOtherNames } from './known-names.js';
import type { Hit, PageIndex } from './page-index.js';

type How = Hit['how'];

/** More places of one value tell nothing new, and would make long pages slow. */
const MAX_HITS = 300;

/** Looks for words in every segment, in each mode of folding in which the page reads differently. */
export function findPhrase(
  index: PageIndex,
  text: string,
  how: How = 'exact',
  doubt: string | null = null,
): Hit[] {
  const hits: Hit[] = [];
  const seen = new Set<string>();
  const isCode = isShortCode(text);
  const modes: readonly FoldMode[] = /[äöüøåæÄÖÜØÅÆ]/.test(text)
    ? [...new Set([...index.modes, 'german' as const])]
    : index.modes;
  for (const mode of modes) {
    const words = mode === 'latin' ? foldLatin(foldWords(text, mode)) : foldWords(text, mode);
    if (words === '' || (mode !== 'latin' && !index.hasWords(words, mode))) continue;
    for (const segment of index.segments) {
      const folded = index.fold(segment, mode);
      const spans = mode === 'latin' ? findLatin(folded, words) : findWords(folded, words);
      for (const [start, end] of spans) {
        if (isCode && !segment.text.slice(start, end).includes(text.trim().replace(/\W/g, '').slice(0, 2)))
          continue;
        if (isPartOfNumber(segment.text, start, end)) continue;
        const key = `${segment.index} ${start}`;
        if (seen.has(key)) continue;
        seen.add(key);
        hits.push({ segment, start, end, how: mode === 'latin' ? 'alias' : how, doubt });
        if (hits.length >= MAX_HITS) return hits;
      }
    }
  }
  return hits;
}

/** "IT", "US" and "CA" are codes only in capital letters. */
function isShortCode(text: string): boolean {
  return /^\p{Lu}{1,3}$/u.test(text.trim());
}

/** True for digits cut out of a longer number, such as "200" in "1,200". */
function isPartOfNumber(text: string, start: number, end: number): boolean {
  const isDigit = (char: string | undefined): boolean => char !== undefined && /\d/.test(char);
  if (isDigit(text[start]) && /\d[.,'’\u00a0\u2009\u202f]$/.test(text.slice(Math.max(0, start - 2), start)))
    return true;
  return isDigit(text[end - 1]) && /^[.,'’\u00a0\u2009\u202f]\d/.test(text.slice(end, end + 2));
}

/** Finds names in Latin letters in a text in another script, whose words have endings of their own. */
function findLatin(folded: FoldedText, words: string): [number, number][] {
  const wanted = words.split(' ');
  const tokens = listTokens(folded);
  const found: [number, number][] = [];
  for (let at = 0; at + wanted.length <= tokens.length; at += 1) {
    const isSame = wanted.every((word, offset) =>
      isInflected(foldLatin(tokens[at + offset]?.word ?? ''), word, wanted.length),
    );
    const [first, last] = [tokens[at], tokens[at + wanted.length - 1]];
    if (isSame && first !== undefined && last !== undefined) found.push([first.start, last.end]);
  }
  return found;
}

interface Token {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

function listTokens(folded: FoldedText): Token[] {
  return [...folded.text.matchAll(/[^ ]+/g)].map((match) => ({
    word: match[0],
    start: folded.map[match.index] ?? 0,
    end: (folded.map[match.index + match[0].length - 1] ?? 0) + 1,
  }));
}

/** Languages in which names have case endings. */
const INFLECTED = new Set('pl cs sk hr sl sr ru uk bg fi et hu lv lt tr el'.split(' '));

/**
 * True if a word is another, or that one with a short case ending: "Krakowie" for "Krakow", "Petrova" for "Petrov". A
 * short word is only told by the other words of its name.
 */
function isInflected(word: string, wanted: string, words: number): boolean {
  if (word === wanted) return true;
  if (wanted.length < (words > 1 ? 3 : 4)) return false;
  // "Liberce" for "Liberec": a vowel that is only in the nominative.
  const short = wanted.replace(/i?ec$|ець?$/u, (end) => (/ц/.test(end) ? 'ц' : 'c'));
  if (short !== wanted && short.length >= 4 && word.startsWith(short) && word.length - short.length <= 2)
    return true;
  const stem = wanted.replace(/[aeiouyьйъаеиоуыяюі]$/, '');
  return (
    stem.length >= (words > 1 || /\p{Script=Cyrillic}/u.test(stem) ? 3 : 4) &&
    word.startsWith(stem) &&
    word.length - stem.length <= 5 &&
    ENDINGS.test(word.slice(stem.length))
  );
}

const ENDINGS =
  /^(?:[aeiouyąęůíáéó]{0,2}|[aeiouy]?[mhwvjxn]|em|om|ami|owi|ovi|ie|iem|iego|ego|ach|ou|[aeiouy]{0,2}(?:ssa|sta|lla|lta|lle|ksi|na|seen|hin|ban|ben|ra|re|nak|nek|ba|be|rol|tol|hoz|hez|nal|nel|val|vel|an|en|on|in|un|ul|ului|lui)|da|de|ta|te|dan|den|tan|ten|nin|nun|а|у|ы|и|е|ой|ом|ем|ым|ах|ам|ю|я|ою|і|ові|ів|ві)$/;

/** Looks for a name, code or short text. Each further reading is tried only if the ones before found nothing. */
export function findText(
  index: PageIndex,
  value: string,
  options: { readonly isLegalName?: boolean } = {},
): Hit[] {
  const exact = findPhrase(index, value);
  if (exact.length > 0) return exact;
  for (const find of [
    findCompact,
    findWithoutForm,
    findJoined,
    findPlural,
    findInflected,
    findList,
    findScattered,
  ]) {
    const hits = find(index, value, options);
    if (hits.length > 0) return hits;
  }
  return [];
}

/** Codes written with other spaces, dots or dashes, without leading zeros, or with a country code in front. */
function findCompact(index: PageIndex, value: string): Hit[] {
  const code = value
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toUpperCase();
  if (
    code.length < 4 ||
    code.length > 40 ||
    !/\d{3}|^[A-Z]{2,}\d{2}/.test(code) ||
    value.split(/\s+/).length > 8
  )
    return [];
  const variants = [
    code,
    /^[A-Z]{2}\d{6,}/.test(code) ? code.slice(2) : '',
    /^\d{5,}$/.test(code) && value.trim() === code ? `0${code}` : '',
  ];
  const hits: Hit[] = [];
  for (const variant of variants.filter((each) => each.length >= 4)) {
    const gap = String.raw`[\s.\-\u2010-\u2013/]{0,2}`;
    const pattern = new RegExp(
      [...variant].map((char) => char.replace(/[^\p{L}\p{N}]/gu, '')).join(gap),
      'giu',
    );
    for (const segment of index.segments) {
      if (!/\d/.test(segment.text)) continue;
      for (const match of segment.text.matchAll(pattern)) {
        const end = match.index + match[0].length;
        const prefix = variant === code ? /[\p{L}\p{N}]$/u : /\p{N}$/u;
        if (
          prefix.test(segment.text.slice(0, match.index).slice(-2)) ||
          /^[\p{L}\p{N}]/u.test(segment.text.slice(end))
        )
          continue;
        if (/^\d+$/.test(variant) && isPartOfNumber(segment.text, match.index, end)) continue;
        hits.push({ segment, start: match.index, end, how: 'spaced', doubt: null });
      }
    }
    if (hits.length > 0) break;
  }
  return hits;
}

/** A company without its legal form, or with another spelling of it. Another form is another company. */
function findWithoutForm(
  index: PageIndex,
  value: string,
  { isLegalName }: { readonly isLegalName?: boolean },
): Hit[] {
  const name = normalizeCompanyName(value);
  const own = foldWords(value);
  const form = own.startsWith(`${name} `) ? own.slice(name.length + 1) : '';
  if (form === '' && isLegalName !== true) return [];
  if (name === '' || (form === '' && own === name)) return [];
  return findPhrase(index, name, 'alias').filter(({ segment, end }) => {
    const behind = segment.text.slice(end, end + 40);
    const other = `${name} ${foldWords(behind).split(' ').slice(0, 3).join(' ')}`;
    const longer = normalizeCompanyName(
      `${name}${behind
        .split(/[.;:|\n(]/)[0]
        ?.split(/\s+/)
        .slice(0, 3)
        .join(' ')
        .replace(/^(?=\S)/, ' ')}`,
    );
    const hasOtherForm =
      longer === name && foldWords(other) !== name && foldWords(behind.split(/[;:|\n(]/)[0] ?? '') !== '';
    return !hasOtherForm || hasSameForm(form, foldWords(behind));
  });
}

const SAME_FORMS = [
  'ltd limited',
  'inc incorporated',
  'corp corporation',
  'co company',
  'llc l',
  'ag aktiengesellschaft',
  'gmbh gesellschaft',
  'sa s societe',
  'spa s societa',
  'srl s',
  'sas s',
  'bv b besloten',
  'nv n',
  'ab aktiebolag',
  'as a aktieselskab',
  'oy osakeyhtio',
  'plc public',
  'sarl s',
].map((each) => new Set(each.split(' ')));

function hasSameForm(form: string, behind: string): boolean {
  const [first = ''] = form.split(' ');
  const [next = ''] = behind.split(' ');
  if (first === next) return true;
  return form === '' || SAME_FORMS.some((each) => each.has(first) && each.has(next));
}

/** "and" as "&", "und", "et" and so on. */
function findJoined(index: PageIndex, value: string): Hit[] {
  const words = foldWords(value);
  if (!AND.test(words)) return [];
  for (const other of ['and', 'und', 'et', 'y', 'e', 'og', 'och', 'en', 'i', 'a']) {
    const hits = findPhrase(index, words.replace(AND, ` ${other} `), 'alias');
    if (hits.length > 0) return hits;
  }
  return findPhrase(index, words.replace(AND, ' '), 'alias');
}

const AND = / (?:and|und|et|y|og|och) /;

function findPlural(index: PageIndex, value: string): Hit[] {
  const words = foldWords(value);
  if (!/[a-z]{4}$/.test(words)) return [];
  const variants = words.endsWith('ies')
    ? [words.replace(/ies$/, 'y')]
    : words.endsWith('s')
      ? [words.slice(0, -1), words.replace(/es$/, '')]
      : [`${words}s`, words.replace(/y$/, 'ies')];
  return variants.filter((each) => each !== words).flatMap((each) => findPhrase(index, each, 'alias'));
}

function findInflected(index: PageIndex, value: string): Hit[] {
  if (!INFLECTED.has(index.page.language)) return [];
  const wanted = foldWords(value).split(' ');
  if (wanted.length > 4 || wanted.some((word) => /\d/.test(word))) return [];
  return index.segments.flatMap((segment) => {
    const tokens = listTokens(index.fold(segment, 'plain'));
    return tokens.flatMap(({ start }, at): Hit[] => {
      const last = tokens[at + wanted.length - 1];
      const isSame =
        last !== undefined &&
        wanted.every((word, offset) => isInflected(tokens[at + offset]?.word ?? '', word, wanted.length));
      return isSame && /^\p{Lu}/u.test(segment.text.slice(start))
        ? [{ segment, start, end: last.end, how: 'alias', doubt: null }]
        : [];
    });
  });
}

/** "Oslo, Bergen" and "A; B" as lists: all parts have to be there. */
function findList(index: PageIndex, value: string): Hit[] {
  const parts = value.split(/\s*[;|•\n]\s*|,\s+|\s+\/\s+/).filter((part) => foldWords(part) !== '');
  if (parts.length < 2 || parts.length > 20) return [];
  const all = parts.map((part) => findText(index, part));
  if (all.some((hits) => hits.length === 0)) return [];
  return (all[0] ?? []).map((hit) => ({ ...hit, how: 'alias' }));
}

const STOP_WORDS = new Set(
  'the a an of and or for in on at to by with der die das und fur von mit im le la les des du de et pour en el los las y para del il lo gli di e per da do dos das og och i z w na'.split(
    ' ',
  ),
);

/** The same words in another order, or with small words between, inside one sentence. */
function findScattered(index: PageIndex, value: string): Hit[] {
  const wanted = [...new Set(foldWords(value).split(' '))].filter(
    (word) => !STOP_WORDS.has(word) && word.length > 1,
  );
  if (wanted.length < 2 || wanted.length > 8 || wanted.some((word) => /^\d+$/.test(word))) return [];
  const room = wanted.length * 2 + 2;
  const hits: Hit[] = [];
  for (const segment of index.segments) {
    const folded = index.fold(segment, 'plain');
    if (!wanted.every((word) => folded.text.includes(` ${word.slice(0, Math.max(3, word.length - 2))}`)))
      continue;
    const tokens = listTokens(folded);
    for (let at = 0; at < tokens.length; at += 1) {
      const near = tokens.slice(at, at + room);
      if (!isSameStem(near[0]?.word ?? '', wanted)) continue;
      const found = wanted.map((word) => near.findIndex((token) => isSameStem(token.word, [word])));
      if (found.includes(-1)) continue;
      const last = near[Math.max(...found)];
      if (last === undefined || /[.!?]\s/.test(segment.text.slice(near[0]?.start ?? 0, last.end))) continue;
      hits.push({ segment, start: near[0]?.start ?? 0, end: last.end, how: 'alias', doubt: null });
    }
  }
  return hits;
}

function isSameStem(word: string, wanted: readonly string[]): boolean {
  const stem = (text: string): string => text.replace(/(?:ies|es|s|y)$/, '');
  return wanted.some((each) => each === word || (each.length > 4 && stem(each) === stem(word)));
}

/** Looks for a place: its parts between commas, in any language. Street, town and code have to be there. */
export function findPlace(index: PageIndex, value: string): Hit[] {
  const whole = findPlaceName(index, value);
  if (whole.length > 0) return whole;
  const given = value.split(/\s*[,;\n·|]\s*/).filter((part) => foldWords(part) !== '');
  const parts = given.flatMap((part) =>
    findPlaceName(index, part).length > 0 ? [part] : splitTownAndCode(part),
  );
  const found = parts.map((part) => findPlaceName(index, part));
  if (parts.length < 2) return findCompact(index, value);
  // A page about a company in Munich need not name the country.
  const missing = found.filter(
    (hits, at) => hits.length === 0 && findCountryCode(parts[at] ?? '') === null,
  ).length;
  const [main = []] = found;
  const hasNumbers = parts.some((part, at) => /\d/.test(part) && found[at]?.length === 0);
  if (main.length === 0 || hasNumbers) return [];
  if (missing === 0) return main.map((hit) => ({ ...hit, how: hit.how === 'exact' ? 'exact' : 'alias' }));
  const isLarge = parts
    .slice(1)
    .every(
      (part, at) =>
        found[at + 1]?.length !== 0 || listOtherNames(part, 'place').length > 0 || parts.length <= 3,
    );
  return isLarge && missing < parts.length ? main.map((hit) => ({ ...hit, how: 'partial' })) : [];
}

/** "Hobart 7000" and "1050 Brussels": data keeps town and code apart. */
function splitTownAndCode(part: string): readonly string[] {
  const [, town, code] =
    /^(\D{3,}?)\s((?:[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})|\d[\d -]{3,9})$/.exec(part) ?? [];
  const [, first, name] = /^((?:[A-Z]{1,2}-)?\d[\d ]{3,6})\s(\D{3,})$/.exec(part) ?? [];
  if (town !== undefined && code !== undefined) return [town, code];
  return first !== undefined && name !== undefined ? [name, first] : [part];
}

function findPlaceName(index: PageIndex, value: string): Hit[] {
  const exact = findPhrase(index, value);
  const others = listOtherNames(value, 'place').filter((name) => name.length > 1);
  const aliases = others.flatMap((name) =>
    findPhrase(index, name.length <= 3 && /^[a-z]+$/.test(name) ? name.toUpperCase() : name, 'alias'),
  );
  if (exact.length + aliases.length > 0) return [...exact, ...aliases];
  const inflected = [...findInflected(index, value), ...others.flatMap((name) => findInflected(index, name))];
  if (inflected.length > 0) return inflected;
  return /\d| /.test(value) ? findAddress(index, value) : [];
}

/** Short forms of words in addresses. */
const ADDRESS_WORDS: Readonly<Record<string, string>> = {
  ...{
    street: 'st',
    saint: 'st',
    str: 'strasse',
    avenue: 'ave',
    av: 'ave',
    avda: 'avenida',
    road: 'rd',
    boulevard: 'blvd',
    bd: 'blvd',
    drive: 'dr',
    lane: 'ln',
  },
  ...{
    square: 'sq',
    court: 'ct',
    place: 'pl',
    platz: 'pl',
    suite: 'ste',
    floor: 'fl',
    north: 'n',
    south: 's',
    east: 'e',
    west: 'w',
    highway: 'hwy',
    parkway: 'pkwy',
    ulica: 'ul',
    calle: 'c',
    number: 'no',
    nr: 'no',
    fort: 'ft',
    mount: 'mt',
    building: 'bldg',
    apartment: 'apt',
    piazza: 'p',
    via: 'v',
  },
};

function foldAddressWord(word: string): string {
  return ADDRESS_WORDS[word] ?? word.replace(/str$/, 'strasse').replace(/pl$/, 'platz');
}

function findAddress(index: PageIndex, value: string): Hit[] {
  const wanted = foldWords(value)
    .split(' ')
    .map(foldAddressWord)
    .filter((word) => word !== 'no');
  if (wanted.length < 2) return findCompact(index, value);
  const isPlain = (word: string): boolean =>
    foldAddressWord(word) === word && !Object.values(ADDRESS_WORDS).includes(word);
  if (
    !foldWords(value)
      .split(' ')
      .filter(isPlain)
      .every((word) => index.hasWords(word, 'plain'))
  )
    return findCompact(index, value);
  const found = index.segments.flatMap((segment): Hit[] => {
    const tokens = listTokens(index.fold(segment, 'plain'))
      .map((token) => ({ ...token, word: foldAddressWord(token.word) }))
      .filter(({ word }) => word !== 'no');
    return tokens.flatMap(({ start }, at): Hit[] => {
      const last = tokens[at + wanted.length - 1];
      return last !== undefined && wanted.every((word, offset) => tokens[at + offset]?.word === word)
        ? [{ segment, start, end: last.end, how: 'alias', doubt: null }]
        : [];
    });
  });
  return found.length > 0 ? found : findCompact(index, value);
}
