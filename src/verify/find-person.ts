import { findPhrase } from './find-text.js';
import { type FoldMode, foldLatin, foldWords } from './fold-text.js';
import type { Hit, PageIndex, Segment } from './page-index.js';

/** Looks for a person: with or without middle names, by initials, surname first, and with case endings of a language. */
export function findPerson(index: PageIndex, value: string): Hit[] {
  const exact = findPhrase(index, dropTitles(value));
  const names = listNames(value);
  if (
    names.length < 2 ||
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(value)
  )
    return exact;
  const others: Hit[] = [];
  for (const mode of index.modes.includes('german') || /[äöüøåæ]/i.test(value)
    ? ([...new Set([...index.modes, 'german'])] as FoldMode[])
    : index.modes) {
    const wanted = listNames(value, mode);
    for (const segment of index.segments) others.push(...findInSegment(index, segment, mode, wanted));
  }
  const isNew = (hit: Hit): boolean =>
    !exact.some((each) => each.segment === hit.segment && hit.start < each.end && hit.end > each.start);
  return [...exact, ...others.filter(isNew)];
}

const TITLES = new Set(
  'mr mrs ms miss mx dr prof professor sir dame lord lady herr frau mme m mlle sr sra srta don dona dott dottssa ing dipl mag univ phd md mba msc bsc cpa cfa esq jr ii iii iv hr fru pan pani prof dipling drin'.split(
    ' ',
  ),
);

/** A name without titles and degrees. */
export function dropTitles(value: string): string {
  const parts = value.split(/\s+/);
  while (parts.length > 2 && isTitle(parts[0])) parts.shift();
  while (parts.length > 2 && isTitle(parts.at(-1))) parts.pop();
  return parts.join(' ').replace(/,$/, '');
}

function isTitle(part: string | undefined): boolean {
  return foldWords(part ?? '')
    .split(' ')
    .every((word) => TITLES.has(word) || word === '');
}

/** The folded names of a person, given name first. */
function listNames(value: string, mode: FoldMode = 'plain'): readonly string[] {
  const [last = '', first] = dropTitles(value).split(/,\s*/);
  const text = first === undefined || isTitle(first) ? last : `${first} ${last}`;
  const folded = mode === 'latin' ? foldLatin(foldWords(text, mode)) : foldWords(text, mode);
  return folded.split(' ').filter((word) => word !== '');
}

interface Token {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

function findInSegment(index: PageIndex, segment: Segment, mode: FoldMode, wanted: readonly string[]): Hit[] {
  const folded = index.fold(segment, mode);
  const surname = wanted.at(-1) ?? '';
  const stem = mode === 'latin' ? surname.slice(0, 1) : surname.slice(0, Math.max(2, surname.length - 2));
  if (!folded.text.includes(` ${stem}`)) return [];
  const tokens = [...folded.text.matchAll(/[^ ]+/g)].map(
    (match): Token => ({
      word: mode === 'latin' ? foldLatin(match[0]) : match[0],
      start: folded.map[match.index] ?? 0,
      end: (folded.map[match.index + match[0].length - 1] ?? 0) + 1,
    }),
  );
  const canInflect = mode === 'latin' || INFLECTED.has(index.page.language);
  return tokens.flatMap(({ word }, at): Hit[] => {
    if (!isName(word, surname, canInflect)) return [];
    const span =
      findBefore(segment.text, tokens, at, wanted, canInflect) ??
      findBehind(segment.text, tokens, at, wanted);
    return span === null ? [] : [{ segment, start: span[0], end: span[1], how: 'alias', doubt: null }];
  });
}

const INFLECTED = new Set('pl cs sk hr sl sr ru uk bg fi et hu lv lt tr el'.split(' '));

function isName(word: string, wanted: string, canInflect: boolean): boolean {
  if (word === wanted) return true;
  if (!canInflect || wanted.length < 4) return false;
  const stem = wanted.replace(/[aeiouyьйаеиоуыяю]$/, '');
  return (
    stem.length >= 3 &&
    word.startsWith(stem) &&
    word.length - stem.length <= 3 &&
    /^(?:[aeiouyęąůíáмуаыеяюи]{0,2}|em|om|im|ym|ego|iego|owi|ovi|ou|iem|emu|ой|ом|ым|ем)$/.test(
      word.slice(stem.length),
    )
  );
}

/** The given name before the surname, with at most three names or initials between. */
function findBefore(
  text: string,
  tokens: readonly Token[],
  at: number,
  wanted: readonly string[],
  canInflect: boolean,
): [number, number] | null {
  const [first = ''] = wanted;
  const middles = wanted.slice(1, -1);
  const surname = tokens[at];
  if (surname === undefined) return null;
  for (let back = 1; back <= 4 && at - back >= 0; back += 1) {
    const token = tokens[at - back];
    if (
      token === undefined ||
      /[.,;:!?)(]\s*\S*\s*[.;:!?)(]|[,;:!?)(\n]/.test(
        text.slice(token.end, surname.start).replace(/\b\p{L}\./gu, ''),
      )
    )
      return null;
    if (isGivenName(token.word, first, canInflect)) {
      const between = tokens.slice(at - back + 1, at);
      return between.every((each) => isMiddleName(text, each, middles)) && agrees(between, middles)
        ? [token.start, surname.end]
        : null;
    }
  }
  return null;
}

/** "Müller, Jörg" and "MÜLLER Jörg". */
function findBehind(
  text: string,
  tokens: readonly Token[],
  at: number,
  wanted: readonly string[],
): [number, number] | null {
  const [first = ''] = wanted;
  const [surname, next] = [tokens[at], tokens[at + 1]];
  if (surname === undefined || next === undefined || next.word !== first) return null;
  const gap = text.slice(surname.end, next.start);
  const isCapital = /^\p{Lu}{2,}$/u.test(text.slice(surname.start, surname.end));
  return gap === ', ' || isCapital || gap === ' ' ? [surname.start, next.end] : null;
}

function isGivenName(word: string, wanted: string, canInflect: boolean): boolean {
  if (isName(word, wanted, canInflect)) return true;
  if (word.length === 1 || wanted.length === 1) return word[0] === wanted[0];
  return NICKNAMES.some((names) => names.has(word) && names.has(wanted));
}

function isMiddleName(text: string, { word, start }: Token, middles: readonly string[]): boolean {
  if (middles.includes(word) || PARTICLES.has(word)) return true;
  return /^\p{Lu}/u.test(text.slice(start));
}

/** Two people may share first and last name: their middle names must not contradict each other. */
function agrees(between: readonly Token[], middles: readonly string[]): boolean {
  const named = middles.filter((word) => !PARTICLES.has(word));
  const found = between.map(({ word }) => word).filter((word) => !PARTICLES.has(word));
  if (named.length === 0 || found.length === 0) return true;
  return found.every((word) =>
    named.some((each) => each === word || ((each.length === 1 || word.length === 1) && each[0] === word[0])),
  );
}

const PARTICLES = new Set(
  'van von der den de del della di da do dos la le el al bin ibn ter ten zu y e af av'.split(' '),
);

const NICKNAMES = [
  ...[
    'robert bob rob bobby',
    'william bill will billy',
    'michael mike mick',
    'thomas tom',
    'james jim jimmy jamie',
    'elizabeth liz beth lisa betty',
    'katherine catherine kate kathy cathy katie',
    'richard rick dick rich',
  ],
  ...[
    'christopher chris',
    'daniel dan danny',
    'matthew matt',
    'andrew andy drew',
    'anthony tony',
    'joseph joe',
    'steven stephen steve',
    'edward ed eddie ted',
    'alexander alex sasha',
    'samuel sam',
    'benjamin ben',
    'jennifer jen jenny',
  ],
  ...[
    'nicholas nick',
    'patrick pat paddy',
    'david dave',
    'gregory greg',
    'jonathan jon',
    'kenneth ken',
    'margaret maggie meg peggy',
    'susan sue',
    'timothy tim',
    'frederick fred',
    'charles charlie chuck',
    'peter pete',
    'ronald ron',
    'jeffrey jeff',
    'philip phil',
    'rebecca becky',
    'victoria vicky',
    'deborah debbie deb',
    'pamela pam',
    'johannes hannes',
    'francisco paco',
    'jose pepe',
  ],
].map((names) => new Set(names.split(' ')));
