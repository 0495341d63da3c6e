import { hashText } from './ask.js';

const MAX_CHARACTERS = 1_000;

/**
 * Normalizes text for comparison: ignores case, Latin accents, full-width forms, invisible characters and
 * white space.
 */
export function normalizeText(text: string): string {
  const folded = foldText(text.slice(0, MAX_CHARACTERS));
  return text.length > MAX_CHARACTERS ? `${folded} #${hashText(text, 32)}` : folded;
}

/**
 * Normalizes a person's name for comparison: "Prof. Müller-Lüdenscheidt, Anna" gives "anna muller
 * ludenscheidt". Keeps Jr. and Sr., which distinguish people.
 */
export function normalizePersonName(text: string): string {
  const folded = normalizeText(text).replace(/['’`]/g, '');
  const [last = '', first = '', ...more] = folded.split(',').map(extractWords);
  const isInverted = more.length === 0 && first !== '' && !NAME_ENDINGS.has(first);
  const name = isInverted ? `${first} ${last}` : extractWords(folded);
  const words = joinInitials(name).split(' ');
  while (words.length > 1 && NAME_TITLES.has(words[0] ?? '')) words.shift();
  while (words.length > 1 && NAME_DEGREES.has(words.at(-1) ?? '')) words.pop();
  return words.join(' ').trim() || folded;
}

/**
 * The digits of a phone number, without + or 00 before the country code. Null if it is not a phone number.
 */
export function normalizePhone(text: string): string | null {
  if (text.length > 100) return null;
  const plain = text
    .normalize('NFKC')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/\s*(?:;?ext(?:ension)?\.?=?|x|#|durchwahl)\s*\d{1,6}$/i, '');
  if (!/^\+?[\d\s().\-/]+$/.test(plain)) return null;
  const isInternational = /^\(?\+|^00/.test(plain);
  const digits = (isInternational ? plain.replace('(0)', '') : plain).replace(/\D/g, '');
  const number = isInternational ? digits.replace(/^00/, '') : digits;
  return number.length >= 5 && number.length <= 18 ? number : null;
}

function joinInitials(name: string): string {
  return name.replace(/(?<![\p{L}\p{M}\p{N}])(\p{L}) (?=\p{L}(?: |$))/gu, '$1');
}

const NAME_TITLES = new Set([
  'mr',
  'mrs',
  'ms',
  'miss',
  'mx',
  'dr',
  'prof',
  'professor',
  'sir',
  'herr',
  'frau',
]);
const NAME_DEGREES = new Set(['phd', 'md', 'mba', 'cpa', 'cfa', 'esq']);
const NAME_ENDINGS = new Set(['jr', 'sr', 'ii', 'iii', 'iv', ...NAME_DEGREES]);

/** Letters that Unicode does not decompose into a base letter and an accent. */
const LATIN_LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

const PLAIN_ASCII = /^[ -~]*$/;

// Remove marks from Latin letters only: in Japanese, Hindi or Thai they form a different letter.
function foldText(text: string): string {
  if (PLAIN_ASCII.test(text)) return text.toLowerCase().replace(/ {2,}/g, ' ').trim();
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/(\p{Script=Latin})[\u0300-\u036f]+/gu, '$1')
    .normalize('NFC')
    .replace(/[ßæœøłđðþı]/g, (letter) => LATIN_LETTERS[letter] ?? letter)
    .replace(/\p{Cf}/gu, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/**
 * Extracts the words of a text: replaces everything but letters, marks and digits by spaces, and removes the
 * dots of initials.
 */
function extractWords(text: string): string {
  const spelled = text.includes('.') ? text.replace(INITIAL_DOT, '') : text;
  return spelled.replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ').trim();
}

const INITIAL_DOT = /(?<=(?:^|[^\p{L}])\p{L})\.(?=\p{L}(?:\.|$|[^\p{L}]))/gu;
