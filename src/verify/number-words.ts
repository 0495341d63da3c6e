interface Scale {
  readonly scale: number;
  readonly end: number;
  readonly currency: string | null;
}

/**
 * The scale word or sign after a number: "million", "Mio.", "k", "bn", "mil millones". Single letters count only
 * next to a currency, or directly after the number with no space. Null if there is none.
 */
export function findScale(text: string, at: number, language: string, hasCurrency: boolean): Scale | null {
  const match = /^(\+?\s?-?)(\p{L}+)/u.exec(text.slice(at, at + 32));
  if (match === null) return null;
  const [all, gap = '', word = ''] = match;
  const end = at + all.length;
  const short = SHORT.get(word);
  if (short !== undefined) {
    const isMoney = hasCurrency || /^\.?\s?[€$£¥]/.test(text.slice(end, end + 4));
    const isCount = gap === '' && /^[kKMB]$/.test(word);
    return isMoney || isCount ? { scale: short, end, currency: null } : null;
  }
  const words = getScaleWords();
  const two = /^\+?\s?-?(\p{L}+\s\p{L}+)/u.exec(text.slice(at, at + 40));
  const joined = words.get(two?.[1]?.toLowerCase().replace(/\s/g, ' ') ?? '');
  if (two !== null && joined !== undefined && joined > 1e6)
    return { scale: joined, end: at + two[0].length, currency: null };
  const lower = word.toLowerCase();
  const scale = words.get(`${language} ${lower}`) ?? words.get(lower);
  if (scale === undefined) return null;
  const dot =
    lower.length <= 4 && text[end] === '.' && !/^\.\s\p{Lu}\p{Ll}/u.test(text.slice(end, end + 5)) ? 1 : 0;
  const dotted =
    text[end] === '.' && /^\.\s?(?:[€$£]|euro|eur|chf|usd|kr)/i.test(text.slice(end, end + 7)) ? 1 : dot;
  return {
    scale,
    end: end + dotted,
    currency: /eur|usd|sek|nok|dkk|kr|gbp|chf/.exec(lower)?.[0].toUpperCase() ?? null,
  };
}

/** The scale that a table or a field states for its numbers, as in "in thousands" or "Mio. EUR". 1 if it states none. */
export function findStatedScale(text: string): number {
  if (text === '') return 1;
  for (const [pattern, scale] of STATED) if (pattern.test(text)) return scale;
  return 1;
}

const SIGN = String.raw`(?:us\$|[$€£¥]|usd|eur|gbp|chf|sek|nok|dkk|jpy)`;
const IN = String.raw`\b(?:in|figures in|amounts in|expressed in|angaben in|en|em)\s(?:\p{L}+\s|${SIGN}\s?)?`;
const STATED: readonly (readonly [RegExp, number])[] = [
  [
    new RegExp(
      String.raw`${IN}(?:billions?|bn|mrd|milliarden|milliards|miliardi)(?!\p{L})|(?<!\p{L})${SIGN}\s?bn(?!\p{L})|\bmrd\.?\s?(?:€|eur|chf)|miles de millones|млрд|^\D{0,60}[_ ](?:bn|billions?)$`,
      'iu',
    ),
    1e9,
  ],
  [
    new RegExp(
      String.raw`${IN}(?:millions?|mio|mn|mln|millionen|millones|milioni|milhões|miljoner|mln)(?!\p{L})|(?<!\p{L})${SIGN}\s?(?:m|mn|mln|mio|millions?)(?!\p{L})|(?<!\p{L})m(?:io\.?|n|ln|illions?)?\s?(?:€|eur|usd|chf|euros?)(?!\p{L})|\bmillions?\s(?:of\s)?(?:usd|eur|(?:us\s)?dollars?|euros?|pounds|yen)|millions? d['’]euros|milioni di euro|mln\.?\s?(?:zł|pln|руб)|млн|百万円|百萬|百万|백만|(?<!\p{L})mft(?!\p{L})|m\s?ft(?!\p{L})|millió ft|mil\.?\s?(?:kč|czk|eur|€|lei|ron)|milioane|milyon (?:tl|₺)|εκατ\.?|\b(?:msek|mnok|mdkk|meur|musd|mkr)\b|^\(?(?:millions?|mio\.?)\)?$|(?<!\p{L})mill?\.?\s?(?:kr|kroner|nok|sek|dkk)(?!\p{L})|(?<!\p{L})mio\.?\s?(?:kr|dkk|chf)(?!\p{L})|miljoonaa|\((?:millions?|mio\.?)\)|^\D{0,60}[_ ](?:m|mn|mln|mio|millions?)$`,
      'iu',
    ),
    1e6,
  ],
  [
    new RegExp(
      String.raw`${IN}(?:thousands?|tausend|tsd|'?000s?|milliers|miles|migliaia|milhares|tusen)(?!\p{L})|(?<!\p{L})(?:teur|t€|tchf|tusd|tsek|tnok|k€|keur|kusd|ksek|tkr|t\.\s?kr)(?!\p{L})|(?<!\p{L})(?:i|w|v|in)\s(?:hele\s|hela\s)?(?:tusen|tusind|tysiącach|tisících|duizenden)(?!\p{L})|[$€£]\s?['’]?000|['’]000s?\b|\btsd\.?\s?(?:€|eur)|migliaia di euro|tys\.?\s?(?:zł|pln)|тыс|千円|千元|천원|(?<!\p{L})e\s?ft(?!\p{L})|ezer ft|tis\.?\s?(?:kč|czk|eur|€)|mii (?:lei|ron)|тис\.?\s?(?:грн|₴)|bin (?:tl|₺)|χιλ\.?\s?(?:€|ευρώ)|tuhat(?:ta)?\s?(?:euroa|€)|milliers d['’]euros|miles de (?:euros|€)|\(000s?\)|^\(?(?:in|i|en|x)?\s?(?:${SIGN}|kr\.?)?\s?1[.,\s’']?000\s?(?:${SIGN}|euros?|kr)?\.?\)?$|^\(?thousands?\)?$|\(thousands?\)|^\D{0,60}[_ ]thousands?$`,
      'iu',
    ),
    1e3,
  ],
];

const SHORT: ReadonlyMap<string, number> = new Map([
  ...['k', 'K', 'T'].map((word) => [word, 1e3] as const),
  ...['m', 'M', 'mm', 'MM', 'mn', 'Mn'].map((word) => [word, 1e6] as const),
  ...['b', 'B', 'bn', 'Bn', 'BN', 'Md'].map((word) => [word, 1e9] as const),
  ...['cr', 'Cr'].map((word) => [word, 1e7] as const),
]);

let scaleWords: ReadonlyMap<string, number> | null = null;

/** Scale words by word, and by language and word where they differ. */
function getScaleWords(): ReadonlyMap<string, number> {
  scaleWords ??= new Map(
    SCALES.flatMap(([scale, words]) => words.split(', ').map((word) => [word, scale] as const)),
  );
  return scaleWords;
}

/** Scale words in 37 languages, most of them from the Unicode CLDR. After a language, the word only means that there. */
const SCALES: readonly (readonly [number, string])[] = [
  [
    1e3,
    'thousand, tausend, mille, mil, mila, duizend, tusen, tusind, tuhat, tuhatta, tysiąc, tysiące, tysięcy, tys, tisíc, tisíce, tis, ezer, mie, mii, de mii, хил, хиляди, tisuća, tisuće, tisoč, хиљада, хиљаде, хиљ, tuh, tūkstotis, tūkstoši, tūkst, tūkstantis, tūkstančiai, tūkstančių, χιλιάδα, χιλιάδες, χιλ, тысяча, тысячи, тысяч, тыс, тисяча, тисячі, тисяч, тис, bin, ألف, آلاف, אלף, هزار, हज़ार, 천, ribu, nghìn, พัน, miler, milers, thousands, tsd, teur, tchf, tusd, tsek, keur, kusd, ksek, tkr',
  ],
  [1e4, '万, 만, หมื่น'],
  [1e5, 'लाख, แสน, lakh, lakhs, lac'],
  [
    1e6,
    'million, millionen, mio, millions, millón, millones, milione, milioni, mln, milhão, milhões, miljoen, miljon, miljoner, millioner, mill, miljoona, miljoonaa, milj, milion, miliony, milionów, milionů, milión, milióny, miliónov, millió, milioane, de milioane, милион, милиона, млн, milijun, milijuna, milijon, milijona, milijonov, мил, miljonit, miljons, miljoni, milijonas, milijonai, milijonų, εκατομμύριο, εκατομμύρια, εκ, миллион, миллиона, миллионов, мільйон, мільйони, мільйонів, milyon, مليون, ملايين, מיליון, میلیون, juta, triệu, ล้าน, milió, milions, mn, meur, musd, mgbp, mchf, msek, mnok, mdkk, mkr, cs mil, sk mil, ro mil, hr mil',
  ],
  [1e7, 'करोड़, क॰, crore, crores'],
  [1e8, '億, 亿, 억'],
  [
    1e9,
    'billion, milliarde, milliarden, mrd, milliard, milliards, billions, mil millones, miliardo, miliardi, mld, bilhão, bilhões, miljard, miljarder, milliarder, mia, miljardi, miljardia, miliard, miliardy, miliardów, miliarda, miliárd, milliárd, miliarde, de miliarde, милиард, милиарда, млрд, milijarda, milijarde, milijardi, mlr, milijard, милијарда, милијарде, милијарди, miljardit, miljards, mljrd, milijardas, milijardai, milijardų, mlrd, δισεκατομμύριο, δισεκατομμύρια, δισ, миллиард, миллиарда, миллиардов, мільярд, мільярди, мільярдів, milyar, مليار, מיליארד, میلیارد, अरब, अ॰, miliar, พันล้าน, miler de milions, milers de milions, bn, mdkr',
  ],
  [1e10, 'หมื่นล้าน'],
  [1e11, 'खरब, ख॰, แสนล้าน'],
  [
    1e12,
    'trillion, billionen, bio, billón, billones, mille miliardi, mila miliardi, bln, trilhão, trilhões, tri, biljoen, biljon, biljoner, billioner, bill, biljoona, biljoonaa, bilj, bilion, biliony, bilionów, bilionů, bil, bilión, bilióny, biliónov, billió, trilion, trilioane, tril, трилион, трилиона, трлн, bilijun, bilijuna, bilijon, bilijona, bilijonov, билион, билиона, бил, triljon, triljonit, trln, triljons, triljoni, trilj, trilijonas, trilijonai, τρισεκατομμύριο, τρισεκατομμύρια, τρισ, триллион, триллиона, триллионов, трильйон, трильйони, трильйонів, trilyon, ترليون, טריליון, هزارمیلیارد, تریلیون, 兆, 万亿, 조, triliun, nghìn tỷ, ล้านล้าน, bilió, bilions, trillions, de billion, fr billion, fr billions, da billion, nb billion',
  ],
];

interface WordNumber {
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

/** Numbers written as words: "twelve", "two hundred and fifty", "half a million", "zwei Millionen". */
export function readWordNumbers(text: string, language: string): WordNumber[] {
  const found: WordNumber[] = [];
  const words = [...text.matchAll(/\p{L}+/gu)];
  for (let at = 0; at < words.length; ) {
    const run = readHalf(words, at, language) ?? readRun(words, at, language);
    const [first, last] = [words[at], words[(run?.next ?? 0) - 1]];
    if (run !== null && first !== undefined && last !== undefined)
      found.push({ start: first.index, end: last.index + last[0].length, value: run.value });
    at = run?.next ?? at + 1;
  }
  return found;
}

type Words = readonly RegExpExecArray[];

function readWord(words: Words, at: number): string {
  return words[at]?.[0].toLowerCase() ?? '';
}

function findLargeScale(word: string, language: string): number | null {
  const scale = getScaleWords().get(`${language} ${word}`) ?? getScaleWords().get(word);
  return scale !== undefined && scale >= 1e3 ? scale : null;
}

function readHalf(words: Words, at: number, language: string): { value: number; next: number } | null {
  if (!HALVES.has(readWord(words, at))) return null;
  for (const next of [at + 1, at + 2]) {
    const scale = findLargeScale(readWord(words, next), language);
    if (scale !== null) return { value: scale / 2, next: next + 1 };
  }
  return null;
}

const HALVES = new Set('half halbe halben demi medio media mezzo meio halv halvt puoli pół'.split(' '));

function readRun(words: Words, at: number, language: string): { value: number; next: number } | null {
  let [total, part, next, hasNumber] = [0, 0, at, false];
  for (; next < words.length; next += 1) {
    const word = readWord(words, next);
    if (next > at && !areBeside(words, next)) break;
    const value = lookUpWord(word, language);
    const scale = hasNumber ? findLargeScale(word, language) : null;
    if (value !== undefined) {
      if (part % 100 !== 0 && !(part % 10 === 0 && value < 10)) break;
      part += value;
      hasNumber = true;
    } else if (!hasNumber) break;
    else if (HUNDREDS.has(word) && part < 100) part = Math.max(1, part) * 100;
    else if (word === 'dozen' || word === 'dutzend') part *= 12;
    else if (scale !== null) {
      total += Math.max(1, part) * scale;
      part = 0;
    } else if (
      word !== 'and' ||
      part % 100 !== 0 ||
      lookUpWord(readWord(words, next + 1), language) === undefined
    )
      break;
  }
  return hasNumber ? { value: total + part, next } : null;
}

function areBeside(words: Words, next: number): boolean {
  const [before, word] = [words[next - 1], words[next]];
  return before !== undefined && word !== undefined && word.index - before.index - before[0].length === 1;
}

const HUNDREDS = new Set('hundred hundert cent cento cien ciento honderd hundra hundre'.split(' '));

function lookUpWord(word: string, language: string): number | undefined {
  numberWords ??= createNumberWords();
  return (
    numberWords.get(`${language} ${word}`) ??
    (language.length > 0 && language !== 'en' ? undefined : numberWords.get(`en ${word}`))
  );
}

/** The words from 1 to 20, then the tens from 30 to 90. */
const COUNTS: Readonly<Record<string, string>> = {
  en: 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety',
  de: 'ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig',
  fr: 'une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix',
  es: 'uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa',
  it: 'uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti trenta quaranta cinquanta sessanta settanta ottanta novanta',
  pt: 'um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito dezenove vinte trinta quarenta cinquenta sessenta setenta oitenta noventa',
  nl: 'een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig',
  sv: 'en två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo trettio fyrtio femtio sextio sjuttio åttio nittio',
  da: 'en to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tyve tredive fyrre halvtreds tres halvfjerds firs halvfems',
  nb: 'en to tre fire fem seks sju åtte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tjue tretti førti femti seksti sytti åtti nitti',
  pl: 'jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt',
  ru: 'один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто',
};

let numberWords: ReadonlyMap<string, number> | null = null;

function createNumberWords(): ReadonlyMap<string, number> {
  const words = new Map<string, number>();
  for (const [language, text] of Object.entries(COUNTS)) {
    const all = text.split(' ');
    all.forEach((word, index) => {
      words.set(`${language} ${word}`, index < 20 ? index + 1 : (index - 17) * 10);
    });
    if (language !== 'de') continue;
    // "fünfundzwanzig" is one word.
    for (let ten = 20; ten <= 90; ten += 10)
      for (let one = 1; one <= 9; one += 1)
        words.set(`de ${all[one - 1]}und${all[ten === 20 ? 19 : ten / 10 + 17]}`, ten + one);
  }
  return words;
}
