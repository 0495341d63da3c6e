import { findFieldMentions } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { PageIndex } from './page-index.js';
import { mentions, type RowSubject } from './row-subject.js';

/** What names are told apart by. */
export interface Around {
  readonly index: PageIndex;
  readonly subject: RowSubject;
  readonly value: string;
  /** True if the value is a person: then people in the sentence are no other subjects. */
  readonly isPerson: boolean;
}

export interface OtherName {
  readonly start: number;
  readonly name: string;
  /** True if the sentence begins with it. */
  readonly isSubject: boolean;
}

export const CAPITAL = String.raw`\p{Lu}[\p{L}\d&’'-]*`;
const FORM =
  'GmbH|mbH|AG|KG|SE|Inc|Corp|Corporation|Ltd|Limited|LLC|LLP|PLC|plc|SA|S\\.A\\.|SAS|SARL|SpA|S\\.p\\.A\\.|Srl|S\\.r\\.l\\.|BV|B\\.V\\.|NV|N\\.V\\.|AB|ASA|AS|A/S|ApS|Oy|Oyj|Sp\\. z o\\.o\\.|s\\.r\\.o\\.|a\\.s\\.|Kft|Zrt|Ventures|Capital|Partners|Holdings?|Group|Bank|Foundation|University|Institute|Fund|Industries|Technologies|Systems|Solutions|Pharma|Energy|Motors|Airlines|Insurance|Media|Labs|Studios|Consulting|Logistics|Instruments|Analytics|Robotics|Software';
const WITH_FORM = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s(?:${CAPITAL}|&|of|und|and|de)){0,4}?),?\s(?:${FORM})(?![\p{L}])`,
  'gu',
);
export const ORGANISATION = new RegExp(String.raw`\s(?:${FORM})(?![\p{L}])`, 'u');
const VERBS =
  'has|had|have|employs|employed|is|was|were|makes|made|operates|said|says|reported|reports|posted|runs|manages|managed|owns|based|headquartered|founded|which|who|sells|sold|opened|raised|announced|generated|counts|serves|led|acquired|bought|moved|will|plans|joined|denied|hat|hatte|beschäftigt|beschäftigte|ist|war|erzielte|erzielt|betreibt|meldete|wurde|mit Sitz|macht|verwaltet|übernahm|avait|compte|comptait|emploie|employait|est|était|réalise|gère|basée|tiene|tenía|emplea|empleaba|es|fue|factura|facturó|gestiona|con sede|ha|aveva|impiega|conta|è|era|fattura|gestisce|tem|tinha|emprega|é|foi|fatura|heeft|had|telt|werd|har|hade|sysselsätter|är|var|havde|beskæftiger|sysselsetter|ma|miał|zatrudnia|jest|był|má|zaměstnává|je|byla|насчитывает|имеет|является|была|был|сообщила';
const SUBJECT = new RegExp(
  String.raw`^(?:["“„«(]\s?)?(?:(?:The|Die|Der|Das|La|Le|El|Il|Lo|O|A|De|Het|Its|Their|His|Her|Seine|Ihre|Sa|Son|Su|Un|Una|Une|Ein|Eine)\s(?:\p{Ll}+\s){0,2})?(${CAPITAL}(?:\s(?:${CAPITAL}|&|of|de|und|and)){0,4})(?:,[^,.]{1,60},)?,?\s(?:${VERBS})(?![\p{L}])`,
  'u',
);
const INNER = new RegExp(
  String.raw`(?<=[\p{Ll}\d,;:)]\s)(${CAPITAL}(?:\s${CAPITAL}){0,3})(?:,[^,.]{1,60},)?\s(?:${VERBS})(?![\p{L}])`,
  'gu',
);

/** Common nouns for a company that stand before its name. */
const DESCRIBING =
  /(?<!\p{L})(?:\p{L}*(?:[Mm]aker|[Mm]anufacturer|[Pp]roducer|[Dd]eveloper|[Ss]tart-?up|[Rr]etailer|[Ii]nsurer|[Bb]rewer|[Oo]perator|[Ss]upplier|[Pp]rovider|[Bb]uilder|[Gg]rower|[Cc]arrier|[Aa]irline|[Rr]oaster|[Bb]aker)|[Rr]ival|[Cc]ompetitor|[Cc]ompany|[Ff]irm|[Gg]roup|[Gg]iant|[Pp]eer|[Cc]hain|[Bb]ank|[Ff]und|[Ss]pecialist|[Bb]roker|[Ll]ender|[Uu]tility)\s(?=\p{Lu})/gu;
/** "In the same town, Malhas Selho laid off". */
const INTRO_LEAD = new RegExp(
  String.raw`^(?:In|At|On|Near|No|Na|Em|En|À|Au|Dans|Nel|Nella|A|Al|In|I|På|Ved|W|We|V|Ve)\s[^,.:;]{3,40},\s(?:(?:a|o|la|el|le|il|the|de|het)\s)?(${CAPITAL}(?:\s${CAPITAL}){0,3})(?=\s\p{Ll})`,
  'u',
);
/** "The seller, Petrolift, is left with". */
const APPOSED_LEAD = new RegExp(
  String.raw`^(?:The|Its|La|Le|L['’]|El|Il|Lo|O|A|De|Het|Su|Son|Sa)\s?(?:\p{Ll}[\p{L}-]*\s){0,3}\p{Ll}[\p{L}-]*,\s(${CAPITAL}(?:\s${CAPITAL}){0,3})(?=,\s)`,
  'u',
);
/** "Ferry operator Sundlink ordered". */
const DESCRIBED_FIRM = new RegExp(
  String.raw`^(?:[\p{L}-]+\s){0,3}?${DESCRIBING.source.replace(String.raw`(?<!\p{L})`, '')}(${CAPITAL}(?:\s${CAPITAL}){0,3})(?=,?\s\p{Ll})`,
  'u',
);
/** "Display start-up Pixarra, a spin-out of …" and "Chipmaker Orvalis named …". */
const DESCRIBED = new RegExp(
  String.raw`^(?:["“„«(]\s?)?(?:(?!(?:[Ii]n|[Aa]t|[Oo]n|[Bb]y|[Ff]rom|[Ww]ith|[Ff]or|[Oo]f|[Tt]o|[Aa]fter|[Ss]ince|[Bb]efore|[Uu]nder|[Aa]s|[Dd]e|[Dd]u|[Dd]i|[Dd]a|[Ee]n|[Pp]ar|[Pp]or|[Aa]u|[Aa]v|[Aa]f|[Vv]an|[Tt]ill?|[Mm]ed|[Hh]os|[Pp]å|[Ii]|[Zz]e?|[Ww]|[Vv]e?|[Nn]ear|[Aa]nd)\s)\p{L}[\p{Ll}-]+\s){1,4}(${CAPITAL}(?:\s${CAPITAL}){0,3})(?=,\s(?:an?|the|which|whose|une?|la|le|una|el|il|een|en|ett|som|der|die)\s|\s(?:${VERBS}|named|appointed|hired|promoted)(?!\p{L}))`,
  'u',
);
/** "Der Südtiroler Betrieb" names nobody. */
const GERMAN_FIRM =
  /^(?:Gruppe|Gesellschaft|Verein|Familie|Konzern|Mittelständler|\p{L}*(?:[Bb]etrieb|[Uu]nternehmen|[Hh]ersteller|[Ff]irma|[Aa]nbieter|[Ss]pezialist|[Zz]ulieferer|[Bb]rauerei|[Bb]ank))$/u;
/** "Die Werft Nordkai baut": a noun and a name. */
const GERMAN_LEAD = new RegExp(
  String.raw`^(?:["“„«(]\s?)?(?:Der|Die|Das)\s(?:\p{Ll}+\s)*\p{Lu}\p{Ll}[\p{Ll}-]+\s(${CAPITAL}(?:\s${CAPITAL}){0,3})(?=,?\s\p{Ll})`,
  'u',
);
const BARE_LEAD = new RegExp(
  String.raw`^(?!(?:The|A|An|This|These|Les?|La|El|Los|Las|Il|Lo|Gli|Os?|As?|De|Het|Den|Det|En|Ett?)\s)${CAPITAL}(?:\s${CAPITAL}){0,3}(?=,?\s(?!(?:and|und|et|y|e|och|og|en|i|of|de)\s)\p{Ll})`,
  'u',
);

/** Beginnings of sentences that end with the name of what the sentence is about. */
const NAMED_LEADS = [DESCRIBED, INTRO_LEAD, APPOSED_LEAD, DESCRIBED_FIRM];

/** "Castle Crumb, a bakery chain with …": what follows is said of Castle Crumb. */
const APPOSITION = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s${CAPITAL}){0,3}),\s(?!the\s(?:company|firm|group|business|start-?up)\s)(?:(?:a|an|the|its|ein|eine|das|une?|la|le|un|una|el|il|een|en|ett|et)\s\p{Ll}|which\s|whose\s|where\s|donde\s|wo\s|où\s|dove\s|onde\s|waar\s|där\s|hvor\s|gdzie\s|kde\s|qui\s|que\s|che\s|som\s|który\s|która\s|где\s|котор)`,
  'gu',
);
const PLACE = /(?:^|\s)(?:in|at|near|à|en|au|a|im|bei|em|ad|i|på|w|we|v|ve|в|из|te)\s$/iu;
export const BY =
  /(?:^|\s)(?:by|with|from|to|for|and|including|such as|like|von|durch|mit|für|und|par|avec|pour|et|por|con|para|da|di|till|av|med)\s(?:the\s)?$/iu;
const TAKES_OVER = new RegExp(
  String.raw`^,?\s(?:which|who|whose|that|a\s|an\s|the\s|${VERBS})(?![\p{L}])`,
  'u',
);

/** Names of other companies in a sentence: with a legal form, or as the subject of a verb. */
export function findOtherNames(text: string, around: Around, isAgentOf = false): OtherName[] {
  const { index, isPerson } = around;
  const { language } = index.page;
  const found: OtherName[] = [];
  const add = (start: number, name: string, isSubject: boolean): void => {
    if (!isOwnOrOrdinary(name, around)) found.push({ start, name, isSubject });
  };
  // A person may be the subject of a sentence about a person, but "X is run by VALUE" says whose chief the value is.
  const addFirm = (start: number, name: string, isSubject: boolean): void => {
    if (!isPerson || isAgentOf || isFirm(index, name)) add(start, name, isSubject);
  };
  for (const match of text.matchAll(WITH_FORM)) {
    // "led by Gannet Capital, said …": the sentence goes on about its own subject.
    const isAgent =
      BY.test(text.slice(Math.max(0, match.index - 12), match.index)) &&
      !TAKES_OVER.test(text.slice(match.index + match[0].length));
    if (!isAgent) add(match.index, match[0], match.index < 6);
  }
  const isIn = (at: number): boolean =>
    PLACE.test(text.slice(Math.max(0, at - 8), at)) ||
    /\p{Lu}\p{L}+ of $/u.test(text.slice(Math.max(0, at - 30), at));
  // German writes all nouns with a capital letter.
  for (const { index: at, 1: name = '' } of text.slice(0, 800).matchAll(APPOSITION))
    if ((language !== 'de' || name.includes(' ')) && !isIn(at)) addFirm(at, name, at < 6);
  const lead = findLead(text, index);
  // "Medical school: …" begins with a label.
  if (lead !== null && !isSelfReference(text) && !/^[^.:：]{2,40}[:：]/u.test(text))
    addFirm(lead.start, lead.name, true);
  if (language !== 'de')
    for (const { index: at, 1: name = '' } of text.slice(0, 600).matchAll(INNER))
      if (!isIn(at)) addFirm(at, name, false);
  return found.sort((a, b) => a.start - b.start);
}

/** The name that begins a sentence and is what it is about. */
function findLead(text: string, index: PageIndex): { start: number; name: string } | null {
  const { language } = index.page;
  const [all = '', name = ''] = SUBJECT.exec(text.slice(0, 300)) ?? [];
  // "Der Verein hat" names nobody: German writes all nouns with a capital letter.
  const isFirmNoun = language === 'de' && GERMAN_FIRM.test(name.split(' ').at(-1) ?? '');
  const isNoun = language === 'de' && !name.includes(' ') && /^["“„«(]?\s?(?:Der|Die|Das)\s/u.test(text);
  if (name !== '' && !isNoun && !isFirmNoun && (language === 'en' || isProperName(index, name)))
    return { start: all.indexOf(name), name };
  if (language === 'de') {
    // "Die Werft Nordkai baut": a noun and a name.
    const [noun = '', last = ''] = GERMAN_LEAD.exec(text.slice(0, 200)) ?? [];
    return last === '' || GERMAN_FIRM.test(last) ? null : { start: noun.length - last.length, name: last };
  }
  for (const pattern of NAMED_LEADS) {
    const [whole = '', found = ''] = pattern.exec(text.slice(0, 200)) ?? [];
    // One capital word in front may be any word that begins a clause.
    const isName = found.includes(' ') || pattern !== INTRO_LEAD || isInsideSentence(index, found);
    if (found !== '' && isName) return { start: whole.length - found.length, name: found };
  }
  const [bare = ''] = BARE_LEAD.exec(text.slice(0, 100)) ?? [];
  return bare !== '' && isInsideSentence(index, bare) ? { start: 0, name: bare } : null;
}

/** What was found out about the names of a page: each is looked for once. */
const known = new WeakMap<PageIndex, Map<string, boolean>>();

function remember(index: PageIndex, key: string, find: () => boolean): boolean {
  const facts = known.get(index) ?? new Map<string, boolean>();
  known.set(index, facts);
  const found = facts.get(key) ?? find();
  facts.set(key, found);
  return found;
}

/** True if the page also has a name right after a word in small letters. */
function isInsideSentence(index: PageIndex, name: string): boolean {
  return remember(index, `inside ${name}`, () => {
    const pattern = new RegExp(String.raw`\p{Ll} ${name.replace(/[^\p{L}\d]/gu, '.')}(?!\p{L})`, 'u');
    return index.page.blocks.some(({ text }) => text.includes(name) && pattern.test(text));
  });
}

/** True for the name of a company: with a legal form, or one word that no first name or surname of the page stands beside. */
export function isFirm(index: PageIndex, name: string): boolean {
  if (ORGANISATION.test(name)) return true;
  const word = name.replace(DESCRIBING, '');
  if (word.includes(' ')) return false;
  const even = word.replace(/[^\p{L}\d]/gu, '.');
  const isPart = new RegExp(
    String.raw`(?:\p{Lu}\p{Ll}+|\p{Lu}\.)\s${even}(?!\p{L})|(?<!\p{L})${even}\s(?!(?:${FORM})(?!\p{L}))\p{Lu}\p{Ll}`,
    'u',
  );
  return remember(
    index,
    `firm ${word}`,
    () =>
      !index.page.blocks.some(
        ({ text }) => text.includes(word) && isPart.test(text.replace(DESCRIBING, 'firm ')),
      ),
  );
}

/** A word that begins a sentence with a capital letter is a name if the page also has it inside a sentence. */
function isProperName(index: PageIndex, name: string): boolean {
  if (name.includes(' ')) return true;
  const pattern = new RegExp(String.raw`[\p{Ll}\d,]\s${name.replace(/[^\p{L}\d]/gu, '.')}(?!\p{L})`, 'u');
  return index.page.blocks.some(
    ({ text, role }) => pattern.test(text) || (role === 'heading' && text.startsWith(name)),
  );
}

/** True for the name of somebody else that the page has several times. */
export function isNamedOften(name: string, around: Around): boolean {
  if (isOwnOrOrdinary(name, around)) return false;
  return around.index.page.blocks.filter(({ text }) => text.includes(name)).length >= 2;
}

export function isOwnOrOrdinary(
  name: string,
  { subject, value }: Pick<Around, 'subject' | 'value'>,
): boolean {
  const words = foldWords(name);
  if (words === '' || mentions(name, subject)) return true;
  // "L'entreprise".
  if (/^\p{Lu}['’]\p{Ll}/u.test(name)) return true;
  // The general partner of a German firm leads nothing else.
  if (/(?:Verwaltungs|Komplementär|Geschäftsführungs|Beteiligungs)\p{L}*-?\s?(?:GmbH|UG)/u.test(name))
    return true;
  if ([...subject.names].some((each) => each.includes(words) && words.length >= 3)) return true;
  if (foldWords(value).includes(words) || words.includes(foldWords(value))) return true;
  const parts = words.split(' ');
  if (parts.every((word) => ORDINARY.has(word) || /^\d+$/.test(word))) return true;
  return findFieldMentions(foldText(name, 'plain').text).length > 0 && !ORGANISATION.test(name);
}

/** Words that begin a sentence or are capitalised without being the name of a company. */
const ORDINARY = new Set(
  `the a an this that these those it its they their we our us you your he she his her there here today now in on at by for from with as after before since when while who which what where if so but and or not all both each more most many some other another such
  admission entry entrance tickets ticket parking membership delivery shipping
  trust charity society association foundation school college university club hospital hotel museum council brewery bank venue
  board supervisory executive management committee council directors
  total last net gross annual operating team company firm group business startup founder founders ceo cfo cto chief executive officer president director chairman chairwoman manager headquarters head office revenue sales turnover profit staff team employees workforce people customers products services history about contact address phone email website
  monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december
  unternehmen firma gesellschaft konzern gruppe umsatz gewinn mitarbeiter mitarbeitende belegschaft hauptsitz sitz zentrale geschaftsfuhrer geschaftsfuhrerin vorstand produkte kunden standort standorte im am der die das es sie wir unser heute seit gegrundet jahr geschaftsjahr
  le la les il elle nous notre entreprise societe groupe siege chiffre effectif el los las empresa compania grupo sede su nuestra lo gli azienda societa gruppo o os as empresa het de bedrijf onderneming
  series round europe european america asia africa germany france spain italy uk usa us eu`.split(/\s+/),
);

/** True for a sentence that begins with a pronoun or "the company". */
export function isSelfReference(text: string): boolean {
  return SELF.test(text.trim());
}

const SELF =
  /^(?:["“„«(]\s?)?(?:(?:in|im|en|nel)\s\d{4},?\s)?(?:it|its|they|their|he|she|his|her|the (?:company|firm|group|business|startup|start-up|manufacturer|maker|fund|bank|organi[sz]ation|team|agency)|today,? (?:it|the company)|there|es|sie|er|ihr|das (?:unternehmen|startup)|die (?:firma|gesellschaft|gruppe|agentur|bank)|der (?:konzern|hersteller|betrieb)|elle|il|ils|elles|l['’](?:entreprise|éditeur|agence)|la (?:société|compagnie|firme|empresa|compañía|società|banca)|le groupe|ella|él|el (?:grupo|fabricante)|essa|esso|l['’]azienda|il gruppo|a empresa|ela|o grupo|het (?:bedrijf|concern)|de (?:onderneming|groep)|zij|företaget|bolaget|koncernen|virksomheden|selskabet|selskapet|bedriften|yhtiö|yritys|firma|spółka|společnost|компания|фирма|компанія|фірма|підприємство|она|он|оно|они|его|её|ее|их|він|вона|воно|вони|його|її|їх|on|ona|ono|jego|jej|jeho|její|jejich|группа|група|同社|当社|该公司|公司)(?![\p{L}])/iu;
