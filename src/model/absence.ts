import { splitColumnName } from './column-kind.js';
import { ARTICLES, foldAccents, isForeignAbsence, listForeignFirstWords } from './foreign-absence.js';

/** Longer text is never a phrase for "nothing found". */
const MAX_LENGTH = 120;

/**
 * Fast path for nearly all values: false if a text is certainly no placeholder, no phrase for "nothing found"
 * and no masked address. Looks only at its first word and for an `@`.
 */
export function mayBeAbsence(text: string): boolean {
  if (text.length < 3) return true;
  if (text.length > MAX_LENGTH) return text.length < MAX_WITH_SPACE;
  const [first, second, third] = [readLetter(text, 0), readLetter(text, 1), readLetter(text, 2)];
  if (first === NO_LETTER || second === NO_LETTER) return !PLAIN_NUMBER.test(text);
  starts ??= listStarts();
  const isKnownStart = starts.letters[(first * LETTERS + second) * LETTERS + third] === 1;
  if (!(isKnownStart || text.charCodeAt(2) > 0x7f) || !startsWithKnownWord(text))
    return text.includes('@') && mayBeMasked(text);
  const afterScheme = text.startsWith('http') ? SCHEME.exec(text)?.[0].length : undefined;
  return afterScheme === undefined || mayBeAbsence(text.slice(afterScheme));
}

/** Number of letters, and one more for all other characters. */
const LETTERS = 27;
const NO_LETTER = 26;

/** The place of a character in the alphabet, ignoring case. */
function readLetter(text: string, at: number): number {
  const place = (text.charCodeAt(at) | 0x20) - 97;
  return place >= 0 && place < NO_LETTER ? place : NO_LETTER;
}

function startsWithKnownWord(text: string): boolean {
  starts ??= listStarts();
  const { words } = starts;
  let end = 0;
  while (end < text.length && readLetter(text, end) !== NO_LETTER) end += 1;
  const word = text.slice(0, end).toLowerCase();
  // A masked number is any row of x.
  if (words.has(word) || word.startsWith('xx')) return true;
  // Accents and invisible characters may be inside a word.
  if (text.charCodeAt(end) > 0x7f) {
    const [whole = ''] = /^[^\s'-]+/.exec(text) ?? [];
    return words.has(foldAccents(whole.normalize('NFKC').toLowerCase()).replace(/[^a-z]+/g, ''));
  }
  return ARTICLES.has(word) && end + 1 < text.length && startsWithKnownWord(text.slice(end + 1));
}

/** The same for what follows quotes, brackets and other marks. Texts in another script always count. */
function startsLikePhrase(text: string): boolean {
  const start = text.replace(/^[\s\p{P}\p{S}\p{Cf}]+/u, '');
  return readLetter(start, 0) === NO_LETTER || startsWithKnownWord(start);
}

/** Quick pre-check with one regex: the address has masked letters, or starts like one of the stand-ins below. */
function mayBeMasked(text: string): boolean {
  return !PLAIN_EMAIL.test(text);
}

const PLAIN_EMAIL =
  /^(?!.*xxx|first|f\.?last|name|user|you|some|address|example|test|e-?mail|not_|locked|redacted|masked|hidden)[a-z\d_+-]+(?:\.[a-z\d_+-]+)*@(?!your|my|the|company|domain|organization|employer)[a-z\d.-]+$/i;

/** White space around a phrase does not count. */
const MAX_WITH_SPACE = 4 * MAX_LENGTH;
const SCHEME = /^https?:\/\/(?:www\.)?/;
const PLAIN_NUMBER = /^\+?\d[\d ./:-]+$/;

/**
 * True if a whole text is a phrase for "nothing found", such as `Not publicly available`, or a masked or
 * stand-in address, such as `a***@acme.example`. Placeholders such as `N/A` are in `blank.ts`.
 */
export function isAbsencePhrase(text: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  if (!startsLikePhrase(text)) return text.includes('@') ? isMaskedEmail(text.trim()) : isMaskedPhone(text);
  if (ONLY_MARKS.test(text) || isMaskedEmail(text.trim()) || isMaskedPhone(text)) return true;
  const plain = simplify(text);
  const withoutRemark = plain.replace(/\s*\([^()]*\)$/, '');
  return isPlainPhrase(plain) || (withoutRemark !== plain && isPlainPhrase(withoutRemark));
}

/** True for a code such as `NA` (Namibia, North America) in a field whose name says that it holds codes. */
export function isCodeField(name: string): boolean {
  return splitColumnName(name).some((word) => CODE_WORDS.has(word));
}

const CODE_WORDS = new Set(
  'code codes iso iso2 iso3 ticker tickers symbol abbreviation region continent'.split(' '),
);

/** Removes what surrounds a phrase: brackets, quotes, emphasis, a full stop, a scheme. */
function simplify(text: string): string {
  const folded = text
    .normalize('NFKC')
    .replace(/[‘’]/g, "'")
    .replace(/[\p{Cf}\s]+/gu, ' ')
    .toLowerCase()
    .replace(/^\s*https?:\/\/(?:www\.)?/, '')
    .trim();
  const opened = folded.replace(/^[\s"'“”„«»「『*_`<([{]+/, '');
  const inner = opened.replace(/[\s"'“”«»」』*_`>\])}.!,;:/。、]+$/, '');
  // A remark in brackets at the end stays whole.
  return /\([^()]*$/.test(inner) && opened.includes(')') ? `${inner})` : inner;
}

function isPlainPhrase(text: string): boolean {
  return WORDS.has(text) || PHRASES.some((phrase) => phrase.test(text)) || isForeignAbsence(text);
}

/** Only dots, dashes and question marks, or an address without a host. */
const ONLY_MARKS = /^\s*(?:https?:\/\/(?:www\.?)?)?[\s.…?\p{Pd}\u2212]*$/iu;

const WORDS = new Set([
  ...[
    'n/a',
    'n.a',
    'n. a',
    'n\\a',
    'n/d',
    'n.d',
    'null',
    'undefined',
    'unknown',
    '#n/a',
    'tbd',
    'tba',
    'tbc',
  ],
  ...[
    't.b.d',
    't.b.a',
    'to be determined',
    'to be announced',
    'to be confirmed',
    'unavailable',
    'undisclosed',
  ],
  ...['unspecified', 'not found', '?', '??', '???', '…'],
  ...['withheld', 'does not exist', 'not sure', '~', 'available on request', 'available upon request'],
  ...['not unlocked', 'email not unlocked', 'phone not unlocked'],
]);

const THING =
  'answer|information|info|data|details?|results?|match(?:es)?|records?|value|e-?mail(?: address)?|phone(?: number)?|address|website|url|number|name|date|figure';
const FOUND =
  'found|available|known|specified|provided|disclosed|stated|given|mentioned|reported|published|determined|identified|located|accessible|established|determinable|verifiable|identifiable|discoverable';
const WHERE =
  '(?: (?:publicly|online|anywhere|yet|at this time|to the public|for (?:this|the) (?:company|person|record|row)|(?:in|on|from|by|at|via|through) (?:any |the |its |their |public |publicly |available |online |company |provided |official |search |cited |given )*(?:sources?|web|internet|websites?|site|records?|information|data|results|search(?:es)?|company|documents?|pages?|filings?|registr(?:y|ies))))*';

const PHRASES: readonly RegExp[] = [
  // "Not available", "the information is not publicly disclosed", "not applicable"
  new RegExp(
    `^(?:(?:the |this )?(?:${THING})s? )?(?:(?:is|was|are|were|has|have)(?: been)? )?(?:currently )?not (?:(?:publicly|yet|currently|readily|officially|explicitly|specifically|been) )*(?:${FOUND}|applicable)${WHERE}$`,
  ),
  // "No information found", "no data", "no CEO could be identified"
  new RegExp(
    `^no (?:public(?:ly available)? |relevant |reliable |further |such |matching |verified |official )*(?:${THING})(?: (?:(?:was|were|is|are|could be|can be|has been) )?(?:publicly )?(?:${FOUND}))?${WHERE}$`,
  ),
  new RegExp(
    `^no [\\p{L} -]{1,40} (?:(?:was|were|is|are|has been) )?(?:could be |can be |publicly )?(?:found|disclosed|identified|located|available publicly)${WHERE}$`,
    'u',
  ),
  /^no (?:publicly )?known [\p{L} -]{1,40}$/u,
  // "The data is currently unavailable", "not enough information", "I don't know"
  new RegExp(
    `^(?:the |this )?(?:${THING})s? (?:(?:is|was|are|were) )?(?:(?:currently|still|publicly) )*(?:unavailable|unknown|undisclosed|withheld|missing|unspecified)${WHERE}$`,
  ),
  new RegExp(
    `^(?:insufficient|not enough) (?:(?:public|available|reliable) )*(?:${THING}|evidence)(?: (?:${FOUND})| to [^.]*)?${WHERE}$`,
  ),
  new RegExp(`^(?:(?:i|we) )?(?:don't|do not) (?:know|have (?:this |that |any |enough )*(?:${THING}))$`),
  new RegExp(`^(?:none|nothing) (?:was |were )?(?:publicly )?(?:${FOUND})${WHERE}$`),
  // "Could not be determined", "I was unable to find a CEO for this company"
  new RegExp(
    `^(?:(?:it|this|the|that|${THING}) )*(?:could not|can ?not|can't|couldn't) be (?:verified|confirmed|${FOUND})${WHERE}$`,
  ),
  /^(?:(?:i|we) )?(?:could not|can ?not|can't|couldn't|(?:was |were |am |are )?unable to) (?:find|determine|establish|verify|identify|locate|confirm)\b[^.]*$/,
  /^(?:currently |still )?(?:undisclosed|unknown|undetermined|unavailable|unspecified)(?: (?:publicly|at this time|yet|online))?$/,
];

const THINGS =
  'answer information info data detail result match matches record value email phone address website url number name date figure evidence'.split(
    ' ',
  );

/** How a placeholder, phrase or masked number may start. */
interface Starts {
  /** First words. */
  readonly words: ReadonlySet<string>;
  /** 1 for the first three letters of one of them. */
  readonly letters: Uint8Array;
}

/** Only made when needed, because most commands do not need it. */
let starts: Starts | null = null;

function listStarts(): Starts {
  const words = new Set([
    ...[...WORDS].map((word) => /^[a-z]*/.exec(word)?.[0] ?? ''),
    ...THINGS.flatMap((word) => [word, `${word}s`]),
    ...'na none nil no not nothing the this that it is was are were has have currently still we i do don'.split(
      ' ',
    ),
    ...'could couldn can cannot unable undetermined insufficient emailprotected http https xx xxx e'.split(
      ' ',
    ),
    ...listForeignFirstWords().flatMap((word) => /^[a-z]+/.exec(word)?.[0] ?? []),
  ]);
  const letters = new Uint8Array(LETTERS ** 3);
  for (const word of [...words, ...ARTICLES])
    letters[(readLetter(word, 0) * LETTERS + readLetter(word, 1)) * LETTERS + readLetter(word, 2)] = 1;
  return { words, letters };
}

/** True for an e-mail address that hides or only stands for the real one. */
function isMaskedEmail(text: string): boolean {
  const address = text
    .replace(/^(\*\*|__|[*_`"'])(.*)\1$/, '$2')
    .replace(/^(?:mailto:|e-?mail:)\s*/i, '')
    .toLowerCase();
  if (/^\[?email\s*protected\]?$/.test(address)) return true;
  const at = address.lastIndexOf('@');
  if (at < 0 || /\s/.test(address.replace(/[{[<(][^\])}>]*[\])}>]/g, ''))) return false;
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const isMasked =
    /[*•●…{}]|\.{3}|x{4,}|^x{3}$/.test(local) ||
    PLACEHOLDER.test(local) ||
    /[*•●…{}]|x{4,}|^[[<(]/.test(domain);
  return isMasked || (at > 0 && isStandIn(local, domain));
}

function isStandIn(local: string, domain: string): boolean {
  return (
    STAND_IN_NAMES.has(local) ||
    STAND_IN_DOMAINS.test(domain) ||
    (EXAMPLE_NAMES.test(local) && EXAMPLE_DOMAINS.test(domain))
  );
}

function isMaskedPhone(text: string): boolean {
  return (text.includes('***') || /x{3}/i.test(text)) && MASKED_PHONE.test(text.trim());
}

/** Digits that are hidden by stars or letters: `+1 *** *** 1234`, `(xxx) xxx-xxxx`. */
const MASKED_PHONE = /^(?=.*\d|\(?x{3}[\s).-]+x{3})\+?[\d\s().\-/*•x]*(?:[*•]{3}|x{3})[\d\s().\-/*•x]*$/i;

/** A part of a pattern: `[first].[last]@…`, `<f>@…` */
const PLACEHOLDER =
  /[[<(](?:f|l|fi|li|first|last|given|family|full|name|initial|user|e-?mail|domain|company|your)[^\])>]{0,12}[\])>]/;

const STAND_IN_NAMES = new Set([
  ...['email_not_unlocked', 'not_unlocked', 'email_locked', 'locked', 'redacted', 'masked', 'hidden_email'],
  ...[
    'first.last',
    'first_last',
    'first-last',
    'firstname.lastname',
    'firstname.surname',
    'name.surname',
    'name.lastname',
    'first_name.last_name',
    'f.last',
    'flast',
  ],
  ...[
    'firstname',
    'firstinitiallastname',
    'firstinitial.lastname',
    'firstname_lastname',
    'firstnamelastname',
  ],
  ...['firstlast', 'your.name', 'yourname', 'your.email', 'youremail', 'your-email', 'your_email'],
]);
const EXAMPLE_NAMES = /^(?:e-?mail|name|user|username|you|someone|somebody|address|example|test)$/;
const EXAMPLE_DOMAINS = /^example\.(?:com|org|net)$/;
const STAND_IN_DOMAINS =
  /^(?:(?:your-?|my-?|the-?)?(?:company|domain|companyname|companydomain|organization|employer)\.(?:com|org|net|tld|xyz)|company|domain)$/;
