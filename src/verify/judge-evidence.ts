import type { TextBlock } from '../pages/page-text.js';
import { findWrongAdjective } from './country-adjective.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import type { FieldGroup } from './field-families.js';
import { saysField } from './field-labels.js';
import { findCue } from './find-cue.js';
import { PERCENTAGE } from './match-number.js';
import type { Hit, PageIndex } from './page-index.js';
import { type Sentence, splitSentence } from './sentences.js';
import { findWrongField } from './wrong-field.js';
import { findWrongRow, findWrongSubject } from './wrong-subject.js';
import { findWrongYear } from './wrong-year.js';

/** Says why a hit is only weak evidence. Null if row and field are named beside it and no word changes its meaning. */
export function findWeakness(context: EvidenceContext, hit: Hit): string | null {
  if (hit.doubt !== null && !isLabelledPercentage(context, hit)) return hit.doubt;
  if (hit.how === 'partial') return 'only a part of the value is on the page';
  const { block } = hit.segment;
  if (block?.role === 'option') return 'it is a choice of a form';
  if (block !== null && isStruck(block, hit)) return 'it is struck out';
  const sentence = splitSentence(hit.segment.text, hit.start, hit.end);
  return (
    findTurn(context, hit, sentence) ??
    findWrongSubject(context, hit, sentence) ??
    (hit.isAdjective === true
      ? findWrongAdjective(context, hit, sentence)
      : findWrongField(context, hit, sentence))
  );
}

/** "Alcohol: 14.5 %" for a field of no known kind that is named by the label of the value. */
function isLabelledPercentage({ field }: EvidenceContext, { doubt, segment, start }: Hit): boolean {
  const label = /^([^:：\d]{2,40})[:：]\s$/u.exec(segment.text.slice(0, start))?.[1] ?? '';
  return doubt === PERCENTAGE && field.families.size === 0 && field.unit === null && saysField(label, field);
}

const ROLE: ReadonlySet<FieldGroup> = new Set<FieldGroup>(['role']);
const PERSON_NAME =
  /^\p{Lu}\p{Ll}+(?:[- ]\p{Lu}\p{Ll}*\.?| (?:de|van|von|der|den|da|di|la|le))*[- ]\p{Lu}[\p{L}'’]+$/u;

function isStruck({ struck }: TextBlock, { start }: Hit): boolean {
  return struck.some(([from, to]) => from <= start && start < to);
}

/** A word that turns the value around, or another year. */
function findTurn(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, index, subject } = context;
  if (hit.link !== undefined) return null;
  const { block } = hit.segment;
  const headings = block === null ? [] : listHeadings(index, block);
  const wantsTurn =
    /\b(?:former|previous|past|planned|target|goal|forecast|expected|next|guidance|competitor|rival|prior|event|deadline|due|end|list|rrp|msrp|uvp|growth|change|increase|wachstum|croissance|crecimiento|crescita)\b/.test(
      field.words.join(' '),
    );
  const wantsQuarter = /\b(?:quarter|quarterly|q[1-4]|half)\b/.test(field.words.join(' '));
  const about = {
    ...{ language: index.page.language, families: field.families },
    // Most fields with a person's name ask for a role.
    groups: field.groups.size === 0 && PERSON_NAME.test(context.value) ? ROLE : field.groups,
    ...{ wantsTurn, wantsQuarter, subject, wantsBound: field.bound !== null },
  };
  const cue = findCue({ ...about, before: sentence.before, after: sentence.after });
  if (cue !== null) return cue;
  for (const label of listTitles(index, hit)) {
    // "Mål (B × H × D)" are measures, not goals.
    const isMeasures = /\p{L}\s?[×xX*]\s?\p{L}/u.test(label);
    const turned =
      label.length > 60 || isMeasures ? null : findCue({ ...about, before: `${label} `, after: '' }, true);
    if (turned !== null) return turned;
  }
  if (!wantsTurn && context.kind !== 'number' && context.kind !== 'date' && hasEnded(index, hit))
    return 'its row says that this has ended';
  const label = /^([^:：]{2,40})[:：]/u.exec(sentence.before)?.[1] ?? '';
  if (!wantsTurn && !field.groups.has('name') && TURNED_HEADING.test(label))
    return 'its label is about others, the past or plans';
  // In a table that compares products, the column of the row is its own.
  const isOwnColumn = block?.cell != null && findWrongRow(context, block) === null;
  if (!wantsTurn && !isOwnColumn && headings.some((heading) => TURNED_HEADING.test(heading)))
    return 'the heading above it is about others, the past or plans';
  return findWrongYear(context, hit, sentence);
}

/** A row of a table with a date under "End" or "Resigned". */
function hasEnded(index: PageIndex, { segment: { block } }: Hit): boolean {
  if (block?.cell == null) return false;
  return index
    .row(block.cell.table, block.cell.row)
    .some(
      (each) => /\d{4}/.test(each.text) && each !== block && ENDED.test(index.headers(each).column.trim()),
    );
}

const ENDED =
  /^(?:(?:end|ended|end date|to|until|left|resigned(?: on)?|ceased(?: on)?|terminated|ende|bis|ausgeschieden|austritt|fin|date de fin|jusqu['’]au|hasta|cese|fecha de cese|fine|al|cessazione|tot|einde|uitgetreden|slut|till|til|fratrådt|utträde|do|koniec|konec|lõpp|päättyi|término))$/iu;

/** Titles of a value: the headers of its cell, or the term before it. */
function listTitles(index: PageIndex, { segment }: Hit): string[] {
  const { block } = segment;
  if (block === null) return [];
  const { row, column } = index.headers(block);
  const term = block.role === 'detail' ? index.page.blocks[segment.index - 1] : undefined;
  return [row, column, term?.role === 'term' ? term.text : ''].filter((text) => text !== '');
}

/** Headings of what is past, of relatives, and of others. */
const TURNED_HEADING = new RegExp(
  [
    `^(?:former|past|previous|historical|historyczn|historisch|historique|históric|storic|ex-|alumni|resigned|ceased|dissolved|cancelled|deleted|gelöschte|ausgeschiedene|ehemalige|personnes radiées|radiations?|démissionnaires|anciens|ceses|cesados|administradores cesados|cessati|uitgetreden|tidigare|avgångna|fratrådte|wykreśleni|бывшие|history of)`,
    `^(?:related companies|subsidiaries|affiliates|sister companies|group companies|関連会社|子会社|グループ会社|关联公司|子公司|계열사|tochter(?:gesellschaften|unternehmen|firmen)|beteiligungen|filiales|società controllate|dochter(?:bedrijven|ondernemingen)|dotterbolag|datterselskaber|datterselskap)`,
    `^(?:competitors?|rivals?|peers|wettbewerber|konkurrenten|konkurrenter|concurrents|competidores|concorrenti|конкуренты|(?:next|upcoming) opponent|nächster gegner|próximo rival|prochain adversaire|prossimo avversario)`,
    String.raw`^(?:similar|related|comparable|alternatives|compare|you (?:may|might)|people also|customers also|more (?:from|like|in)|see also|hotels near|ähnliche|verwandte|passend dazu|das könnte|auch interessant|mehr zum thema|siehe auch|dans la même gamme|same (?:range|series)|aus derselben|gleiche serie|de la misma gama|della stessa|(?:\p{L}+\s){0,2}(?:similaires|similares|simili|semelhantes|relacionad[oa]s|correlat[ie]|recommandée?s)|vous aimerez|voir aussi|à lire aussi|sur le même|también te|te puede|véase también|potrebbe|vedi anche|também|veja também|vergelijkbare|gerelateerde|ook interessant|zie ook|bekijk ook|liknande|relaterade|se även|lignende|relaterte|relaterede|se også|samankaltais|katso myös|podobne|powiązane|zobacz także|zobacz też|podobné|související|mohlo by|viz též|hasonló|benzer|похожие|см\. также|смотрите также|その他の|関連|類似|相关|类似|관련|비슷한)`,
    `^(?:nearby|in der (?:nähe|umgebung)|nachbar|à proximité|aux alentours|voisin|cerca(?:nos|nas)?|nelle vicinanze|hotely v okolí|v okolí|in de buurt|i närheten|i nærheten|i nærheden|w pobliżu|w okolicy|рядом)`,
    String.raw`^(?:\p{L}+\s){0,2}(?:others?|anderes?|weitere[sr]?|autres?|otr[oa]s?|altr[oaie]|outr[oa]s?|andra|andre|annet|inne|další|ostatní|другие)(?!\p{L})(?!\s(?:\p{L}+\s)?(?:inform|details?|facts|data|daten|angaben|fakten|merkmale|kennzahl|renseign|donn|datos|dati|dados|caract|gegevens|uppgift|oplysning|opplysning|dane|údaje|features|spec|figures|financ|income|contact|kontakt|сведения|данные))`,
    String.raw`(?<!\p{L})(?:competitors|alternatives|predecessors|vorgänger)(?!\p{L})`,
  ].join('|'),
  'iu',
);
