/** Any of the marks and entities that never belong to a value. */
const SUSPICIOUS = /[【\ue200-\ue206]|&(?:[a-zA-Z]{2,8}|#\d{1,6}|#[xX][\da-fA-F]{1,5});|oaicite|turn\d/;

/** Fast path: the search for a fixed text is faster than a pattern. */
function isPlain(text: string): boolean {
  return !(
    text.includes('&') ||
    text.includes('turn') ||
    text.includes('oaicite') ||
    BEYOND_LATIN.test(text)
  );
}

const BEYOND_LATIN = /[\u3010\ue200-\ue206]/;

const MARKS: readonly RegExp[] = [
  // `【1†source】`, `【4:0†report.pdf】`, `【12】`
  /\s?【(?:\d{1,4}(?::\d{1,4})?|[^【】†]{0,200}†[^【】]{0,200})】/g,
  // A citation in private-use marks, with what is in it
  /\s?\ue200[^\ue201]{0,200}\ue201/g,
  /[\ue200-\ue206]/g,
  /\s?:contentReference\[oaicite:\d+\]\{index=\d+\}/g,
  // The same citation after the marks were lost
  /\s?(?:(?:file)?cite|navlist)?(?:turn\d+(?:search|view|news|fetch|image|product|file)\d+)+/g,
];

/**
 * Removes citation marks from a text, and decodes HTML entities such as `&amp;`. Markup (`<p>`) is left as it
 * is. Returns the same text if it has none of them.
 */
export function cleanMarks(text: string): string {
  if (isPlain(text) || !SUSPICIOUS.test(text)) return text;
  let cleaned = text;
  for (const mark of MARKS) cleaned = cleaned.replace(mark, '');
  if (!/<\/?[a-z][^<>]*>/i.test(cleaned)) cleaned = decodeEntities(cleaned);
  return cleaned === text ? text : cleaned.trim();
}

/** Entities are often encoded twice: `&amp;amp;`. */
const MAX_ROUNDS = 2;

function decodeEntities(text: string): string {
  let decoded = text;
  for (let round = 0; round < MAX_ROUNDS && decoded.includes('&'); round += 1)
    decoded = decoded.replace(/&(?:#(\d{1,6})|#[xX]([\da-fA-F]{1,5})|([a-zA-Z]{2,8}));/g, decodeEntity);
  return decoded;
}

function decodeEntity(whole: string, decimal?: string, hex?: string, name = ''): string {
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  if (Number.isNaN(code)) return ENTITIES.get(name) ?? whole;
  const isText = code >= 0x20 && code <= 0x10ffff && !(code >= 0x7f && code < 0xa0);
  return isText && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : whole;
}

/** Names for U+00A0 to U+00FF, in order. */
const LATIN =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  );

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ...[
    ['amp', '&'],
    ['lt', '<'],
    ['gt', '>'],
    ['quot', '"'],
    ['apos', "'"],
    ['ndash', '–'],
    ['mdash', '—'],
    ['lsquo', '‘'],
    ['rsquo', '’'],
    ['ldquo', '“'],
    ['rdquo', '”'],
    ['hellip', '…'],
    ['trade', '™'],
    ['euro', '€'],
    ['bull', '•'],
    ['OElig', 'Œ'],
    ['oelig', 'œ'],
    ['Scaron', 'Š'],
    ['scaron', 'š'],
  ].map(([name = '', text = '']): [string, string] => [name, text]),
  ...LATIN.map((name, index): [string, string] => [
    name,
    name === 'nbsp' ? ' ' : String.fromCharCode(0xa0 + index),
  ]),
]);
