/**
 * How letters are folded: `plain` drops accents (ö → o), `german` spells them out (ö → oe, å → aa), `latin` also writes
 * Cyrillic and Greek in Latin letters.
 */
export type FoldMode = 'plain' | 'german' | 'latin';

/** Words of a text in lower case, with a space before, between and after them. */
export class FoldedText {
  readonly text: string;
  readonly #source: string;
  readonly #mode: FoldMode;
  #map: readonly number[] | null = null;

  constructor(source: string, mode: FoldMode) {
    this.#source = source;
    this.#mode = mode;
    this.text = SIMPLE.test(source) ? foldSimple(source) : foldCharacters(source, mode).text;
  }

  /** For each character of `text`, its position in the source. Made when first read, because few texts have a hit. */
  get map(): readonly number[] {
    this.#map ??= foldCharacters(this.#source, this.#mode).map;
    return this.#map;
  }
}

/** Folds a text to its words. Every Chinese, Japanese, Korean or Thai character is a word. */
export function foldText(source: string, mode: FoldMode): FoldedText {
  return new FoldedText(source, mode);
}

/** ASCII without the signs that are more than a space between words. */
const SIMPLE = /^[\0-%(-_a-\x7f]*$/;

function foldSimple(source: string): string {
  return ` ${source} `.toLowerCase().replace(/[^a-z0-9]+/g, ' ');
}

function foldCharacters(source: string, mode: FoldMode): WordBuilder {
  const builder = new WordBuilder();
  for (let at = 0; at < source.length; ) {
    const code = source.charCodeAt(at);
    if (code < 128) {
      builder.addAscii(code, source, at);
      at += 1;
      continue;
    }
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0xfffd);
    if (APOSTROPHES.includes(char)) builder.addApostrophe(source, at);
    else for (const part of foldCharacter(char, mode)) builder.add(part, at);
    at += char.length;
  }
  builder.addSpace(source.length);
  return builder;
}

/** The folded words of a text to search for, without the spaces around. */
export function foldWords(source: string, mode: FoldMode = 'plain'): string {
  return foldText(source, mode).text.trim();
}

/** True if folding in this mode gives something else than folding plainly. */
export function hasOtherFold(source: string, mode: FoldMode): boolean {
  if (mode === 'german') return /[äöüøåæ]/i.test(source);
  return mode === 'latin' && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(source);
}

/** Positions of whole words in a folded text, as [start, end) in its source. */
export function findWords(folded: FoldedText, words: string, most = 200): [number, number][] {
  const found: [number, number][] = [];
  if (words === '') return found;
  const needle = ` ${words} `;
  let at = folded.text.indexOf(needle);
  while (at !== -1 && found.length < most) {
    found.push([folded.map[at + 1] ?? 0, (folded.map[at + needle.length - 2] ?? 0) + 1]);
    at = folded.text.indexOf(needle, at + 1);
  }
  return found;
}

const APOSTROPHES = '’‘ʼ′´';

/** Collects characters in lists: reading the end of a growing string would copy it each time. */
class WordBuilder {
  readonly #parts: string[] = [' '];
  readonly map: number[] = [0];
  /** The word that is being written; empty after a space. */
  #word = '';

  get text(): string {
    return this.#parts.join('');
  }

  addAscii(code: number, source: string, at: number): void {
    if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) this.#push(String.fromCharCode(code), at);
    else if (code >= 65 && code <= 90) this.#push(String.fromCharCode(code + 32), at);
    else if (code === 39 || code === 96) this.addApostrophe(source, at);
    else if (code === 38) for (const part of ' and ') this.add(part, at);
    else this.addSpace(at);
  }

  add(part: string, at: number): void {
    if (part === ' ') this.addSpace(at);
    else if (UNSPACED.test(part)) {
      this.addSpace(at);
      this.#push(part, at);
      this.addSpace(at);
    } else this.#push(part, at);
  }

  /** "O'Neill" is one word, but the "l'" of "l'école" and the endings of "Acme's" and "Bursa'da" are words of their own. */
  addApostrophe(source: string, at: number): void {
    const behind = source.slice(at + 1, at + 6);
    const isEnding =
      /^s(?![\p{L}\p{N}])/iu.test(behind) ||
      (this.#word.length >= 3 && /^\p{Ll}{1,4}(?![\p{L}\p{N}])/u.test(behind));
    if (isEnding || ELISIONS.has(this.#word)) this.addSpace(at);
  }

  addSpace(at: number): void {
    if (this.#word === '') return;
    this.#parts.push(' ');
    this.map.push(at);
    this.#word = '';
  }

  #push(part: string, at: number): void {
    this.#parts.push(part);
    // Only short words are looked at.
    if (this.#word.length < 16) this.#word += part;
    for (let unit = 0; unit < part.length; unit += 1) this.map.push(at);
  }
}

const ELISIONS = new Set('l d n s c j m t qu dell dall nell sull all coll un jusqu lorsqu'.split(' '));
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

const cache = new Map<string, readonly string[]>();

function foldCharacter(char: string, mode: FoldMode): readonly string[] {
  const key = mode + char;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const folded = foldNewCharacter(char, mode);
  if (cache.size < 20_000) cache.set(key, folded);
  return folded;
}

function foldNewCharacter(char: string, mode: FoldMode): readonly string[] {
  const lower = char.normalize('NFKC').toLowerCase();
  const german = mode === 'german' ? GERMAN[lower] : undefined;
  if (german !== undefined) return [...german];
  const parts = [...stripMarks(lower)].flatMap((part) => {
    const other = mode === 'latin' ? (TRANSLITERATED[part] ?? LETTERS[part]) : LETTERS[part];
    return [...(other ?? part)];
  });
  return parts.map((part) => (/[\p{L}\p{M}\p{N}]/u.test(part) ? toAsciiDigit(part) : ' '));
}

/** Removes accents of Latin and Greek letters. In other scripts a mark makes another letter. */
function stripMarks(text: string): string {
  const bare = text
    .normalize('NFD')
    .replace(/([\p{Script=Latin}\p{Script=Greek}])\p{M}+/gu, '$1')
    .normalize('NFC');
  return /^[\u0300-\u036f]$/.test(bare) ? '' : bare;
}

/** A digit of any script as an ASCII digit; another character unchanged. Unicode has the ten digits in a row. */
export function toAsciiDigit(char: string): string {
  if (!/\p{Nd}/u.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}

const LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ħ: 'h' },
  ...{ ς: 'σ', ё: 'е' },
};
const GERMAN: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa', æ: 'ae' };

/** One common spelling of each Cyrillic and Greek letter. `foldLatin` evens out the others. */
const TRANSLITERATED: Readonly<Record<string, string>> = {
  ...toRecord(
    'а a б b в v г g д d е e ё e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch',
  ),
  ...toRecord('ш sh щ shch ы y э e ю yu я ya і i ї yi є ye ґ g ђ dj ј j љ lj њ nj ћ c џ dz ў u'),
  ...toRecord(
    'α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s τ t υ y φ f χ ch ψ ps ω o',
  ),
  ...{ ь: '', ъ: '' },
};

function toRecord(pairs: string): Record<string, string> {
  const parts = pairs.split(' ');
  return Object.fromEntries(
    parts.flatMap((each, index) => (index % 2 === 0 ? [[each, parts[index + 1] ?? '']] : [])),
  );
}

/** Evens out spellings of a name from another script: "Alexander" and "Aleksandr", "Yuri" and "Iurii". */
export function foldLatin(words: string): string {
  return words
    .split(' ')
    .map((word) => {
      let folded = word;
      for (const [pattern, other] of SPELLINGS) folded = folded.replace(pattern, other);
      return folded;
    })
    .join(' ');
}

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/x/g, 'ks'],
  [/kh|ch(?=[aeiouyr])/g, 'h'],
  [/tz/g, 'ts'],
  [/w/g, 'v'],
  [/ph/g, 'f'],
  [/ou/g, 'u'],
  [/[yj]/g, 'i'],
  [/ksand[re]+$/g, 'ksandr'],
  [/(.)\1+/g, '$1'],
];
