import { splitColumnName } from './column-kind.js';

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
  const isKnownStart = STARTS[(first * LETTERS + second) * LETTERS + third] === 1;
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
  let end = 0;
  while (end < text.length && readLetter(text, end) !== NO_LETTER) end += 1;
  const word = text.slice(0, end).toLowerCase();
  // An invisible character may be inside a word, and wide letters may follow. A masked number is any row of x.
  return FIRST_WORDS.has(word) || word.startsWith('xx') || text.charCodeAt(end) > 0x7f;
}

/** Quick pre-check with one regex: the address has masked letters, or starts like one of the stand-ins below. */
function mayBeMasked(text: string): boolean {
  return !PLAIN_EMAIL.test(text);
}

const PLAIN_EMAIL =
  /^(?!.*xxx|first|f\.?last|your|email|not_|locked|redacted|masked|hidden)[a-z\d_+-]+(?:\.[a-z\d_+-]+)*@(?!your|my|the|company|domain|organization|employer)[a-z\d.-]+$/i;

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
  // Fast path: nearly no ordinary value starts like one of the phrases.
  if (!(STARTS_WITH_LETTER.test(text) ? PHRASE_START : STARTS_LIKE_PHRASE).test(text))
    return text.includes('@') ? isMaskedEmail(text.trim()) : isMaskedPhone(text);
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

const STARTS_WITH_LETTER = /^[a-z]/i;
/** The same for texts that start with a Latin letter, because Unicode classes are slow. */
const PHRASE_START =
  /^(?:n[/\\.ouiaã]|n ?\b|un[a-z]|to be|t\.?b|c(?:ould|an|urr)|i |we |it |th(?:e|is|at) (?:information|info|data|detail|result|match|record|value|answer|e-?mail|phone|address|website|url|number|name|date|figure)|(?:it|this|that) (?:could|can|is|was)|still |informa|info |data |detail|result|match|record|value |answer |e-?mail\s|phone |address |website |url |number |name |date |figure |k\. ?a|keine|inconnu|introuv|descon|sconos|onbek|brak|xx|https?:)/i;
const STARTS_LIKE_PHRASE =
  /^[\s\p{P}\p{S}\p{Cf}]*(?:$|https?:|n[/\\.ouiã]|n$|un[a-z]|to be|t\.?b|c(?:ould|an|urr)|i |we |it |th(?:e|is|at) |still |informa|info |data |detail|result|match|record|value |answer |e-?mail\s|phone |address |website |url |number |name |date |figure |k\. ?a|keine|inconnu|introuv|descon|sconos|onbek|brak|не|неизв|нет|不|未|な|無|该|該|暂|无)/iu;

/** Removes what surrounds a phrase: brackets, quotes, emphasis, a full stop, a scheme. */
function simplify(text: string): string {
  const folded = text
    .normalize('NFKC')
    .replace(/[‘’]/g, "'")
    .replace(/[\p{Cf}\s]+/gu, ' ')
    .toLowerCase()
    .replace(/^\s*https?:\/\/(?:www\.)?/, '')
    .trim();
  const opened = folded.replace(/^[\s"'“”«»*_`<([{]+/, '');
  const inner = opened.replace(/[\s"'“”«»*_`>\])}.!,;:/]+$/, '');
  // A remark in brackets at the end stays whole.
  return /\([^()]*$/.test(inner) && opened.includes(')') ? `${inner})` : inner;
}

function isPlainPhrase(text: string): boolean {
  return WORDS.has(text) || PHRASES.some((phrase) => phrase.test(text));
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
  ...['unbekannt', 'nicht gefunden', 'nicht verfügbar', 'nicht bekannt', 'nicht öffentlich', 'keine angabe'],
  ...['keine angaben', 'k.a', 'k. a', 'inconnu', 'inconnue', 'non disponible', 'non trouvé', 'introuvable'],
  ...['non communiqué', 'desconocido', 'desconocida', 'no disponible', 'no encontrado', 'sconosciuto'],
  ...['non disponibile', 'non trovato', 'onbekend', 'niet gevonden', 'niet beschikbaar', 'desconhecido'],
  ...['não disponível', 'não encontrado', 'nieznany', 'brak danych', 'nie znaleziono', 'неизвестно'],
  ...[
    'не найдено',
    'нет данных',
    '不明',
    '未知',
    '不详',
    '未公开',
    '未找到',
    'なし',
    '該当なし',
    '無し',
    '暂无',
    '无',
  ],
]);

const THING =
  'answer|information|info|data|details?|results?|match(?:es)?|records?|value|e-?mail(?: address)?|phone(?: number)?|address|website|url|number|name|date|figure';
const FOUND =
  'found|available|known|specified|provided|disclosed|stated|given|mentioned|reported|published|determined|identified|located|accessible|established';
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
  new RegExp(`^(?:none|nothing) (?:was |were )?(?:publicly )?(?:${FOUND})${WHERE}$`),
  // "Could not be determined", "I was unable to find a CEO for this company"
  new RegExp(
    `^(?:(?:it|this|the|that|${THING}) )*(?:could not|can ?not|can't|couldn't) be (?:verified|confirmed|${FOUND})${WHERE}$`,
  ),
  /^(?:(?:i|we) )?(?:could not|can ?not|can't|couldn't|(?:was |were |am |are )?unable to) (?:find|determine|establish|verify|identify|locate|confirm)\b[^.]*$/,
  /^(?:currently |still )?(?:undisclosed|unknown|undetermined|unavailable|unspecified)(?: (?:publicly|at this time|yet|online))?$/,
];

const THINGS =
  'answer information info data detail result match matches record value email phone address website url number name date figure'.split(
    ' ',
  );

/** The first word of every placeholder, phrase and masked number that begins with two letters. */
const FIRST_WORDS = new Set([
  ...[...WORDS].map((word) => /^[a-z]*/.exec(word)?.[0] ?? ''),
  ...THINGS.flatMap((word) => [word, `${word}s`]),
  ...'na none nil no not nothing the this that it is was are were has have currently still we'.split(' '),
  ...'could couldn can cannot unable undetermined emailprotected http https xx xxx'.split(' '),
]);

const STARTS = new Uint8Array(LETTERS ** 3);
for (const word of FIRST_WORDS)
  STARTS[(readLetter(word, 0) * LETTERS + readLetter(word, 1)) * LETTERS + readLetter(word, 2)] = 1;

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
    /[*•●…{}]|\.{3}|x{4,}|^x{3}$/.test(local) || PLACEHOLDER.test(local) || /[*•●…{}]|x{4,}/.test(domain);
  return isMasked || (at > 0 && isStandIn(local, domain));
}

function isStandIn(local: string, domain: string): boolean {
  return STAND_IN_NAMES.has(local) || STAND_IN_DOMAINS.test(domain);
}

function isMaskedPhone(text: string): boolean {
  return (text.includes('***') || /x{3}/i.test(text)) && MASKED_PHONE.test(text.trim());
}

/** Digits that are hidden by stars or letters: `+1 *** *** 1234`, `(xxx) xxx-xxxx`. */
const MASKED_PHONE = /^(?=.*\d|\(?x{3}[\s).-]+x{3})\+?[\d\s().\-/*•x]*(?:[*•]{3}|x{3})[\d\s().\-/*•x]*$/i;

/** A part of a pattern: `[first].[last]@…`, `<f>@…` */
const PLACEHOLDER = /[[<(](?:f|l|fi|li|first|last|given|family|full|name|initial|user)[^\])>]{0,12}[\])>]/;

const STAND_IN_NAMES = new Set([
  ...['email_not_unlocked', 'not_unlocked', 'email_locked', 'locked', 'redacted', 'masked', 'hidden_email'],
  ...[
    'first.last',
    'first_last',
    'first-last',
    'firstname.lastname',
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
const STAND_IN_DOMAINS =
  /^(?:(?:your-?|my-?|the-?)?(?:company|domain|companyname|companydomain|organization|employer)\.(?:com|org|net|tld|xyz)|company|domain)$/;
