import type { EvidenceContext } from './evidence-context.js';
import { judgeLabel } from './field-labels.js';
import { findFieldMentions } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { Hit } from './page-index.js';
import { findMentions, mentions, type RowSubject } from './row-subject.js';
import {
  type Around,
  BY,
  CAPITAL,
  findOtherNames,
  isFirm,
  isNamedOften,
  isOwnOrOrdinary,
  isSelfReference,
  ORGANISATION,
  type OtherName,
} from './sentence-names.js';
import { type Sentence, splitSentence } from './sentences.js';

const OTHER = 'the sentence is about another company or person';

/**
 * Says why the sentence around a value is about another company: it names one before the value, or goes on about the
 * one of the sentence before. Null if it does not.
 */
export function findOtherSubject(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { index, subject, value, field, kind } = context;
  const isPerson = field.groups.has('role') || kind === 'person';
  const at = hit.start - sentence.start;
  const own = findMentions(sentence.text, subject);
  // "Ann Lee founded the company in": the nearest one is the company.
  const selves = [...sentence.text.slice(0, at).matchAll(SELF_INSIDE)].map((match) => match.index + 1);
  const ownBefore = [...own.filter(([start]) => start < at).map(([start]) => start), ...selves];
  const nearest = ownBefore.length === 0 ? -1 : Math.max(...ownBefore);
  const isAgentOf = BY.test(sentence.text.slice(Math.max(0, at - 12), at));
  const around: Around = { index, subject, value, isPerson };
  const others = findOtherNames(sentence.text, around, isAgentOf);
  const behind = sentence.text.slice(at + hit.end - hit.start);
  const relative = RELATIVE.exec(sentence.text)?.[1];
  if (relative !== undefined && isOtherRelative(relative, subject, value)) return OTHER;
  if (isOfBought(sentence.text.slice(0, at))) return OTHER;
  // "Deren Chef": of the one that was named last.
  if (/^(?:Deren|Dessen)\s/u.test(sentence.text) && sentence.previous !== '' && nearest < 0) return OTHER;
  // "Raboteuse RX310: 2,190 €" on the page of the RX410: a name that begins alike is a sibling's.
  const sibling = /^([^:：\n]{3,60}?)\s?(?:[:：]|\s[–—-])\s/u.exec(sentence.text.slice(0, at))?.[1];
  if (sibling !== undefined && isSibling(sibling, subject)) return OTHER;
  // "Hotel Molo (61 rooms)": what is in brackets is said of the name before them.
  const bracketed = BRACKETED.exec(sentence.text.slice(0, at))?.[1];
  if (
    bracketed !== undefined &&
    !isPerson &&
    (kind === 'number' ||
      kind === 'date' ||
      judgeLabel(/^([^:：]{2,40})[:：]/u.exec(sentence.text)?.[1] ?? '', field) !== 'own') &&
    (index.page.language !== 'de' || bracketed.includes(' ')) &&
    !isOwnOrOrdinary(bracketed, around)
  )
    return OTHER;
  // 「みずほ荘」（客室12室
  const quoted = /「([^」]{2,20})」[（(][^（()）]{0,12}$/u.exec(sentence.text.slice(0, at))?.[1];
  if (quoted !== undefined && !isOwnOrOrdinary(quoted, around)) return OTHER;
  // "Penzion Lavina – rating 9.1" as a line of its own.
  const lined = isPerson ? undefined : LINED.exec(sentence.text.slice(0, at))?.[1];
  if (lined !== undefined && sentence.text.length < 120 && !isOwnOrOrdinary(lined, around)) return OTHER;
  // "Acme was bought by Copenhagen-based Havre": the place is of what follows it.
  const based =
    /^-(?:based|headquartered|basierte\p{L}*|ansässige\p{L}*)\s(?:\p{Ll}[\p{L}-]*\s){0,3}(\p{Lu}[\p{L}\d&.-]+)/u.exec(
      behind,
    )?.[1];
  if (based !== undefined && !isOwnOrOrdinary(based, around)) return OTHER;
  // "Havre's boss, Mads Thorup" and "Holme Valves, founded in 1921".
  const possessor =
    POSSESSIVE.exec(sentence.text.slice(0, at))?.[1] ?? PARTICIPLE.exec(sentence.text.slice(0, at))?.[1];
  if (possessor !== undefined && !isOwnOrOrdinary(possessor, around)) return OTHER;
  const [, title = '', owner = ''] = OWNER.exec(behind) ?? [];
  if (owner !== '' && !mentions(owner, subject)) {
    const isTitle = isPerson && findFieldMentions(foldText(title, 'plain').text).length > 0;
    if (ORGANISATION.test(owner) || (isTitle && isNamedOften(owner, around))) return OTHER;
  }
  if (others.some(({ start }) => start < at && start > nearest)) return OTHER;
  if (nearest < 0 && isBelowOther(hit.segment.text.slice(0, sentence.start), around)) return OTHER;
  if (nearest >= 0 || others.length > 0 || !isSelfReference(sentence.text)) return null;
  return findTopic(hit.segment.text, sentence.start, { ...around, isPerson: false }) === 'other'
    ? OTHER
    : null;
}

/** "Acme SK, s.r.o., Priemyselná 7\nID: ": the lines of an address are of the company in the first of them. */
function isBelowOther(above: string, around: Around): boolean {
  const [first = '', ...rest] = above.split('\n');
  if (rest.length === 0 || above.length > 400) return false;
  return findOtherNames(first, around).some(({ name, start }) => start <= 1 && ORGANISATION.test(name));
}

/** Whether the sentences before a position go on about the row, or about somebody else. Null if they name neither. */
export function findTopic(text: string, start: number, around: Around): 'own' | 'other' | null {
  let at = start;
  for (let back = 0; back < 5 && at > 0; back += 1) {
    const sentence = splitSentence(text, at - 1, at - 1);
    const [own] = findMentions(sentence.text, around.subject)[0] ?? [];
    if (own === undefined && RIVAL_LEAD.test(sentence.text)) return 'other';
    // "Chen is CEO": a surname alone is that of a person.
    const isOther = ({ isSubject, name }: OtherName): boolean =>
      isSubject && (name.includes(' ') || isFirm(around.index, name));
    const other = findOtherNames(sentence.text, around).find(isOther)?.start;
    if (own !== undefined || other !== undefined)
      return (other ?? Number.POSITIVE_INFINITY) < (own ?? Number.POSITIVE_INFINITY) ? 'other' : 'own';
    at = sentence.start;
  }
  return null;
}

/** "Its sister company Polderbol has …": the sentence begins with the name of a relative, customer or supplier. */
const RELATIVE =
  /^(?:(?:Its|His|Her|Their|Our|The|A|One|Sein|Ihr|Son|Seine|Das|Die|Der|Unsere?|Ihre?|La|Le|Notre|Sa|Su|El|Nuestr[oa]|Het|De|Onze|Il)\s)?(?:[Ss]ister|[Pp]arent|[Ss]ubsidiary|[Cc]ustomer|[Cc]lient|[Ss]upplier|[Ii]nvestor|[Oo]wner|[Ss]hareholder|[Cc]ompetitor|[Rr]ival|[Ss]chwester\p{L}*|[Tt]ochter\p{L}*|[Mm]utter\p{L}*|Kunde|Lieferant|Eigentümer|[Ff]iliale|[Mm]aison|[Cc]liente|[Ff]ilial|[Mm]atriz|[Pp]roveedor|[Zz]uster\p{L}*|[Dd]ochter\p{L}*|[Mm]oeder\p{L}*|[Kk]lant|[Ss]øster\p{L}*|[Dd]atter\p{L}*|[Ss]yster\p{L}*|[Dd]otter\p{L}*|[Mm]oder\p{L}*|[Cc]onsociata|[Cc]ontrollata|[Bb]rother|[Ss]ister|[Ff]ather|[Mm]other|[Ss]on|[Dd]aughter|[Ww]ife|[Hh]usband|[Uu]ncle|[Cc]ousin|[Bb]ruder|[Vv]ater|[Ss]ohn|[Ff]rau|[Mm]ann|[Ff]rère|[Ss]œur|[Pp]ère|[Mm]ère|[Ff]ils|[Ff]ille|[Hh]ermano|[Pp]adre|[Mm]adre|[Hh]ijo|[Hh]ija|[Ff]ratello|[Ss]orella|[Ff]iglio|[Ff]iglia|[Ii]rmão|[Ff]ilho|[Bb]roer|[Vv]ader|[Zz]oon|[Bb]ror|[Ff]ar|[Ss]øn)(?:,\s(?:the|a|der|die|le|la|el|il|de)(?:\s\p{Ll}+){1,3})?(?:\s(?:company|firm|business|brand|club|school|mère|sœur))?\s(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,3})/u;

/** "Its main competitor has …". */
const RIVAL_LEAD =
  /^(?:\p{L}[\p{L}-]*\s){0,3}(?:rivals?|competitors?|rivale|competidor\p{L}*|wettbewerber\p{L}*|mitbewerber\p{L}*|konkuren\p{L}*|concurren[tz]\p{L}*|конкурент\p{L}*|соперник\p{L}*|kilpailija\p{L}*|versenytárs\p{L}*|raki[pb]\p{L}*)(?!\p{L})/iu;

/** "The medical school opened in 1923": something of the row, not the row itself. */
export function isPartOfRow(text: string, subject: RowSubject): boolean {
  if (OPENED_ANOTHER.test(text)) return true;
  const [, adjectives = '', noun] = PART.exec(text) ?? [];
  if (noun === undefined || isSelfReference(text) || FIRM.test(noun)) return false;
  if (adjectives === '' && WHOLE.test(noun)) return false;
  return !mentions(text, subject) && !subject.names.some((name) => name.includes(foldWords(noun)));
}

const OPENED_ANOTHER =
  /(?:opened|added|launched|built)\s(?:a|an|its|another|the)\s(?:\p{L}+\s){0,2}(?:studio|office|plant|factory|branch|store|shop|site|depot|warehouse|wing|subsidiary)(?!\p{L})|(?:법인|공장|지사)\s?설립|(?:子会社|現地法人|工場|支店|子公司|分公司|工厂)を?(?:設立|成立|设立)/u;
const PART =
  /^(?:The|Its|Our|A|Das|Der|Die|Ein|Eine|Unser\p{L}*|La|Le|El|Il|Notre|Nuestr[oa])\s((?:\p{L}+\s){0,3}?)(\p{Ll}[\p{L}-]+|\p{Lu}\p{L}*(?:werk|halle|haus|labor|filiale|niederlassung))\s(?:in\s\p{Lu}\p{L}+\s)?(?:was\s|were\s|wurde\s|a été\s|est\s|fue\s|è stat[oa]\s)?(?:opened|launched|built|added|followed|created|started|set up|begun|established|folgte|eröffnet\p{L}*|gebaut|ouvert\p{L}*|ouvre|abrió|inaugur\p{L}*|apert[oa])/u;
const FIRM =
  /^(?:company|firm|group|business|brand|startup|manufacturer|maker|société|entreprise|empresa|azienda)$/iu;
const WHOLE =
  /^(?:university|college|school|museum|club|hotel|hospital|theatre|label|brewery|bakery|restaurant|shop|charity|society|association|foundation|bank|team|festival|agency|institute|library|orchestra|musée|museo)$/iu;

const LINED = /^(\p{Lu}[\p{L}\d&’'-]+(?:\s\p{Lu}[\p{L}\d&’'-]+){1,3})\s[–—-]\s/u;

/** "Havre's boss, ": whose the value is, up to 30 characters before it. */
const POSSESSIVE =
  /(?<!\p{L})(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,2})['’]s\s(?:\p{Ll}+\s?){1,6},?\s?[$€£]?$/u;
/** ", chief executive of Helix Orchard": a title, and whose it is. */
const OWNER =
  /^,?([^.;,]{0,40}?)\s(?:at|of|for|bei|von|chez|de|en|di|van|hos|у|в)\s(?:the\s)?(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,3}(?:\.\p{Lu}[\p{L}.]*)?)/u;
/** "Holme Valves, founded in ". */
const PARTICIPLE =
  /(?<=\p{L}\s)(?<!\s(?:of|in|from|at|near|aus|im|de|à|en|di|da|uit|te|från|i|w|z)\s)(\p{Lu}[\p{L}\d&-]+(?:\s\p{Lu}[\p{L}\d&-]+){0,3}),\s(?:(?:also|itself|a\s(?:\p{Ll}+\s){1,3})\s?)?(?:founded|established|set up|formed|based|headquartered|employing|led|run|headed|owned|gegründet|ansässig|fondée?|créée?|née?|basée?|installée?|dirigée?|fundad[oa]|con sede|dirigid[oa]|fondat[oa]|nat[oa]|guidat[oa]|opgericht|gevestigd|grundat|stiftet)\s[^,.;]*(?:,\s(?:which|who|that|che|qui|que|die|der|som|która|który)\s[^,.;]*)?$/u;

const SELF_INSIDE =
  /\s(?:(?:the|this) (?:company|firm|business)|das unternehmen|die firma|l['’]entreprise|la société|la empresa|l['’]azienda|a empresa|het bedrijf|företaget|virksomheden|selskapet|firmę|spółkę)(?!\p{L})/giu;

/** A relative may begin with the same word: "Veldhoek Techniek" is not "Veldhoek Kassenbouw". */
function isOtherRelative(name: string, subject: RowSubject, value: string): boolean {
  if (subject.names.some((each) => foldWords(name).startsWith(each))) return false;
  return (name.includes(' ') && mentions(name, subject)) || !isOwnOrOrdinary(name, { subject, value });
}

/** "We bought Fell Dairy, which was founded in": what a relative clause says of what was bought. */
function isOfBought(before: string): boolean {
  const [all = '', main = ''] = BOUGHT_WHICH.exec(before) ?? [];
  return (
    all !== '' && findFieldMentions(foldText(main, 'plain').text).some(({ family }) => family === 'acquired')
  );
}

const BOUGHT_WHICH =
  /^(.{10,160}),\s(?:which|that|who|die|der|das|qui|que|che|som|der|który|która|które|která|který|které|что|котор\p{L}+|як\p{L}{1,3}|που|amely|joka)\s[^,.;]{0,60}$/u;

/** True for a name that shares its first word with a row's name of several words, and goes on otherwise. */
function isSibling(text: string, subject: RowSubject): boolean {
  const words = foldWords(text).split(' ');
  return (
    words.length >= 2 &&
    !mentions(text, subject) &&
    subject.names.some((name) => {
      const own = name.split(' ');
      return (
        own.length >= 2 && own[0] === words[0] && (own[0] ?? '').length >= 3 && !own.includes(words[1] ?? '')
      );
    })
  );
}

const BRACKETED = new RegExp(
  String.raw`(?<![\p{L}\d])(${CAPITAL}(?:\s${CAPITAL}){1,3})\s\((?:\D{0,12})$`,
  'u',
);
