import { findFieldMentions } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { Hit, PageIndex } from './page-index.js';
import { findMentions, mentions, type RowSubject } from './row-subject.js';
import type { Sentence } from './sentences.js';

const OTHER = 'the sentence is about another company or person';

/**
 * Says why the sentence around a value is about another company: it names one before the value, or goes on about the
 * one of the sentence before. Null if it does not.
 */
export function findOtherSubject(
  index: PageIndex,
  subject: RowSubject,
  hit: Hit,
  sentence: Sentence,
  isPerson: boolean,
  value: string,
): string | null {
  const at = hit.start - sentence.start;
  const own = findMentions(sentence.text, subject);
  // "Ann Lee founded the company in": the nearest one is the company.
  const selves = [...sentence.text.slice(0, at).matchAll(SELF_INSIDE)].map((match) => match.index + 1);
  const ownBefore = [...own.filter(([start]) => start < at).map(([start]) => start), ...selves];
  const nearest = ownBefore.length === 0 ? -1 : Math.max(...ownBefore);
  const isAgentOf = BY.test(sentence.text.slice(Math.max(0, at - 12), at));
  const others = findOtherNames(
    index,
    sentence.text,
    index.page.language,
    isPerson,
    subject,
    value,
    isAgentOf,
  );
  const behind = sentence.text.slice(at + hit.end - hit.start);
  const relative = RELATIVE.exec(sentence.text)?.[1];
  if (relative !== undefined && isOtherRelative(relative, subject, value)) return OTHER;
  // "Hotel Molo (61 rooms)": what is in brackets is said of the name before them.
  const bracketed = BRACKETED.exec(sentence.text.slice(0, at))?.[1];
  if (
    bracketed !== undefined &&
    !isPerson &&
    (index.page.language !== 'de' || bracketed.includes(' ')) &&
    !isOwnOrOrdinary(bracketed, subject, value)
  )
    return OTHER;
  // "Penzion Lavina – rating 9.1" as a line of its own.
  const lined = isPerson ? undefined : LINED.exec(sentence.text.slice(0, at))?.[1];
  if (lined !== undefined && sentence.text.length < 120 && !isOwnOrOrdinary(lined, subject, value))
    return OTHER;
  // "Acme was bought by Copenhagen-based Havre": the place is of what follows it.
  const based =
    /^-(?:based|headquartered|basierte\p{L}*|ansässige\p{L}*)\s(?:\p{Ll}[\p{L}-]*\s){0,3}(\p{Lu}[\p{L}\d&.-]+)/u.exec(
      behind,
    )?.[1];
  if (based !== undefined && !isOwnOrOrdinary(based, subject, value)) return OTHER;
  // "Havre's boss, Mads Thorup" and "Holme Valves, founded in 1921".
  const possessor =
    POSSESSIVE.exec(sentence.text.slice(0, at))?.[1] ?? PARTICIPLE.exec(sentence.text.slice(0, at))?.[1];
  if (possessor !== undefined && !isOwnOrOrdinary(possessor, subject, value)) return OTHER;
  const owner =
    /^[^.;,]{0,25}?\s(?:at|of|for|bei|von|chez|de|en|di|van|hos|у|в)\s(?:the\s)?(\p{Lu}[\p{L}\d&.-]+(?:\s\p{Lu}[\p{L}\d&.-]+){0,3})/u.exec(
      behind,
    )?.[1];
  if (owner !== undefined && ORGANISATION.test(owner) && !mentions(owner, subject)) return OTHER;
  if (others.some(({ start }) => start < at && start > nearest)) return OTHER;
  if (own.length > 0 || others.length > 0) return null;
  if (!isSelfReference(sentence.text) || sentence.previous === '') return null;
  const before = findOtherNames(index, sentence.previous, index.page.language, isPerson, subject, value);
  const ownPrevious = findMentions(sentence.previous, subject);
  return before.length > 0 &&
    (ownPrevious.length === 0 || (before[0]?.start ?? 0) < (ownPrevious[0]?.[0] ?? 0)) &&
    before[0]?.isSubject === true
    ? OTHER
    : null;
}

/** "Its sister company Polderbol has …": the sentence begins with the name of a relative, customer or supplier. */
const RELATIVE =
  /^(?:(?:Its|Our|The|A|One|Das|Die|Der|Unsere?|Ihre?|La|Le|Notre|Sa|Su|El|Nuestr[oa]|Het|De|Onze|Il)\s)?(?:[Ss]ister|[Pp]arent|[Ss]ubsidiary|[Cc]ustomer|[Cc]lient|[Ss]upplier|[Ii]nvestor|[Oo]wner|[Ss]hareholder|[Cc]ompetitor|[Rr]ival|[Ss]chwester\p{L}*|[Tt]ochter\p{L}*|[Mm]utter\p{L}*|Kunde|Lieferant|Eigentümer|[Ff]iliale|[Mm]aison|[Cc]liente|[Ff]ilial|[Mm]atriz|[Pp]roveedor|[Zz]uster\p{L}*|[Dd]ochter\p{L}*|[Mm]oeder\p{L}*|[Kk]lant|[Ss]øster\p{L}*|[Dd]atter\p{L}*|[Ss]yster\p{L}*|[Dd]otter\p{L}*|[Mm]oder\p{L}*|[Cc]onsociata|[Cc]ontrollata)(?:\s(?:company|firm|business|brand|club|school|mère|sœur))?\s(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,3})/u;

/** "The medical school opened in 1923": something of the row, not the row itself. */
export function isPartOfRow(text: string, subject: RowSubject): boolean {
  if (OPENED_ANOTHER.test(text)) return true;
  const [, adjectives = '', noun] = PART.exec(text) ?? [];
  if (noun === undefined || isSelfReference(text) || FIRM.test(noun)) return false;
  if (adjectives === '' && WHOLE.test(noun)) return false;
  return !mentions(text, subject) && !subject.names.some((name) => name.includes(foldWords(noun)));
}

const OPENED_ANOTHER =
  /(?:opened|added|launched|built)\s(?:a|an|its|another|the)\s(?:\p{L}+\s){0,2}(?:studio|office|plant|factory|branch|store|shop|site|depot|warehouse|wing|subsidiary)(?!\p{L})/u;
const PART =
  /^(?:The|Its|Our|A|Das|Der|Die|Ein|Eine|Unser\p{L}*|La|Le|El|Il|Notre|Nuestr[oa])\s((?:\p{L}+\s){0,3}?)(\p{Ll}[\p{L}-]+|\p{Lu}\p{L}*(?:werk|halle|haus|labor|filiale|niederlassung))\s(?:in\s\p{Lu}\p{L}+\s)?(?:was\s|were\s|wurde\s|a été\s|est\s|fue\s|è stat[oa]\s)?(?:opened|launched|built|added|followed|created|started|set up|begun|established|folgte|eröffnet\p{L}*|gebaut|ouvert\p{L}*|ouvre|abrió|inaugur\p{L}*|apert[oa])/u;
const FIRM =
  /^(?:company|firm|group|business|brand|startup|manufacturer|maker|société|entreprise|empresa|azienda)$/iu;
const WHOLE =
  /^(?:university|college|school|museum|club|hotel|hospital|theatre|label|brewery|bakery|restaurant|shop|charity|society|association|foundation|bank|team|festival|agency|institute|library|orchestra|musée|museo)$/iu;

/** True for a sentence that begins with a pronoun or "the company". */
export function isSelfReference(text: string): boolean {
  return SELF.test(text.trim());
}

const SELF =
  /^(?:["“„«(]\s?)?(?:(?:in|im|en|nel)\s\d{4},?\s)?(?:it|its|they|their|he|she|his|her|the (?:company|firm|group|business|startup|start-up|manufacturer|maker|fund|bank|organi[sz]ation|team|agency)|today,? (?:it|the company)|there|es|sie|er|ihr|das (?:unternehmen|startup)|die (?:firma|gesellschaft|gruppe|agentur|bank)|der (?:konzern|hersteller|betrieb)|elle|il|ils|elles|l['’](?:entreprise|éditeur|agence)|la (?:société|compagnie|firme|empresa|compañía|società|banca)|le groupe|ella|él|el (?:grupo|fabricante)|essa|esso|l['’]azienda|il gruppo|a empresa|ela|o grupo|het (?:bedrijf|concern)|de (?:onderneming|groep)|zij|företaget|bolaget|koncernen|virksomheden|selskabet|selskapet|bedriften|yhtiö|yritys|firma|spółka|společnost|компания|фирма|она|он|группа|同社|当社|该公司|公司)(?![\p{L}])/iu;

const LINED = /^(\p{Lu}[\p{L}\d&’'-]+(?:\s\p{Lu}[\p{L}\d&’'-]+){1,3})\s[–—-]\s/u;

/** "Havre's boss, ": whose the value is, up to 30 characters before it. */
const POSSESSIVE =
  /(?<!\p{L})(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,2})['’]s\s(?:\p{Ll}+\s?){1,3},?\s?$/u;
/** "Holme Valves, founded in ". */
const PARTICIPLE =
  /(?<=\p{L}\s)(?<!\s(?:of|in|from|at|near|aus|im|de|à|en|di|da|uit|te|från|i|w|z)\s)(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,3}),\s(?:(?:also|itself|a\s(?:\p{Ll}+\s){1,3})\s?)?(?:founded|established|set up|formed|based|headquartered|employing|led|run|headed|owned|gegründet|ansässig|fondée?|créée?|née?|basée?|installée?|dirigée?|fundad[oa]|con sede|dirigid[oa]|fondat[oa]|nat[oa]|guidat[oa]|opgericht|gevestigd|grundat|stiftet)\s[^,.;]*$/u;

const SELF_INSIDE =
  /\s(?:(?:the|this) (?:company|firm|business)|das unternehmen|die firma|l['’]entreprise|la société|la empresa|l['’]azienda|a empresa|het bedrijf|företaget|virksomheden|selskapet|firmę|spółkę)(?!\p{L})/giu;

/** A relative may begin with the same word: "Veldhoek Techniek" is not "Veldhoek Kassenbouw". */
function isOtherRelative(name: string, subject: RowSubject, value: string): boolean {
  if (subject.names.some((each) => foldWords(name).startsWith(each))) return false;
  return (name.includes(' ') && mentions(name, subject)) || !isOwnOrOrdinary(name, subject, value);
}

interface OtherName {
  readonly start: number;
  /** True if the sentence begins with it. */
  readonly isSubject: boolean;
}

const CAPITAL = String.raw`\p{Lu}[\p{L}\d&’'-]*`;
const BRACKETED = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s${CAPITAL}){1,3})\s\((?:\D{0,12})$`,
  'u',
);

const FORM =
  'GmbH|mbH|AG|KG|SE|Inc|Corp|Corporation|Ltd|Limited|LLC|LLP|PLC|plc|SA|S\\.A\\.|SAS|SARL|SpA|S\\.p\\.A\\.|Srl|S\\.r\\.l\\.|BV|B\\.V\\.|NV|N\\.V\\.|AB|ASA|AS|A/S|ApS|Oy|Oyj|Sp\\. z o\\.o\\.|s\\.r\\.o\\.|a\\.s\\.|Kft|Zrt|Ventures|Capital|Partners|Holdings?|Group|Bank|Foundation|University|Institute|Fund|Industries|Technologies|Systems|Solutions|Pharma|Energy|Motors|Airlines|Insurance|Media|Labs|Studios|Consulting|Logistics|Instruments|Analytics|Robotics|Software';
const WITH_FORM = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s(?:${CAPITAL}|&|of|und|and|de)){0,4}?)\s(?:${FORM})(?![\p{L}])`,
  'gu',
);
const ORGANISATION = new RegExp(String.raw`\s(?:${FORM})(?![\p{L}])`, 'u');
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

/** "Castle Crumb, a bakery chain with …": what follows is said of Castle Crumb. */
const APPOSITION = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s${CAPITAL}){0,3}),\s(?!the\s(?:company|firm|group|business|start-?up)\s)(?:(?:a|an|the|its|ein|eine|das|une?|la|le|un|una|el|il|een|en|ett|et)\s\p{Ll}|which\s|whose\s|qui\s|que\s|che\s|som\s|który\s|która\s|где\s|котор)`,
  'gu',
);
const PLACE = /(?:^|\s)(?:in|at|near|à|en|au|a|im|bei|em|ad|i|på|w|we|v|ve|в|из|te)\s$/iu;
const BY =
  /(?:^|\s)(?:by|with|from|to|for|and|including|such as|like|von|durch|mit|für|und|par|avec|pour|et|por|con|para|da|di|till|av|med)\s(?:the\s)?$/iu;
const TAKES_OVER = new RegExp(
  String.raw`^,?\s(?:which|who|whose|that|a\s|an\s|the\s|${VERBS})(?![\p{L}])`,
  'u',
);

/** Names of other companies in a sentence: with a legal form, or as the subject of a verb. */
function findOtherNames(
  index: PageIndex,
  text: string,
  language: string,
  isPerson: boolean,
  subject: RowSubject,
  value: string,
  isAgentOf = false,
): OtherName[] {
  const found: OtherName[] = [];
  const add = (start: number, name: string, isSubject: boolean): void => {
    if (!isOwnOrOrdinary(name, subject, value)) found.push({ start, isSubject });
  };
  for (const match of text.matchAll(WITH_FORM)) {
    // "led by Gannet Capital, said …": the sentence goes on about its own subject.
    const isAgent =
      BY.test(text.slice(Math.max(0, match.index - 12), match.index)) &&
      !TAKES_OVER.test(text.slice(match.index + match[0].length));
    if (!isAgent) add(match.index, match[0], match.index < 6);
  }
  // "X is run by VALUE" says whose chief the value is.
  const skips = isPerson && !isAgentOf;
  if (!skips)
    for (const match of text.slice(0, 800).matchAll(APPOSITION))
      if (
        (language !== 'de' || (match[1] ?? '').includes(' ')) &&
        !PLACE.test(text.slice(Math.max(0, match.index - 8), match.index))
      )
        add(match.index, match[1] ?? '', match.index < 6);
  // German writes all nouns with a capital letter, and a person may be the subject of a sentence about a person.
  const first = SUBJECT.exec(text.slice(0, 300));
  if (
    first?.[1] !== undefined &&
    !skips &&
    !isSelfReference(text) &&
    (language === 'en' || isProperName(index, first[1]))
  )
    add(first.index, first[1], true);
  if (language !== 'de' && !skips)
    for (const match of text.slice(0, 600).matchAll(INNER))
      if (!PLACE.test(text.slice(Math.max(0, match.index - 8), match.index)))
        add(match.index, match[1] ?? '', false);
  return found.sort((a, b) => a.start - b.start);
}

/** A word that begins a sentence with a capital letter is a name if the page also has it inside a sentence. */
function isProperName(index: PageIndex, name: string): boolean {
  if (name.includes(' ')) return true;
  const pattern = new RegExp(String.raw`[\p{Ll}\d,]\s${name.replace(/[^\p{L}\d]/gu, '.')}(?!\p{L})`, 'u');
  return index.page.blocks.some(
    ({ text, role }) => pattern.test(text) || (role === 'heading' && text.startsWith(name)),
  );
}

function isOwnOrOrdinary(name: string, subject: RowSubject, value: string): boolean {
  const words = foldWords(name);
  if (words === '' || mentions(name, subject)) return true;
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
